# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A log of all reads of a process."""

from lsst.images.plugins import hookimpl

used = []


@hookimpl
def after_read(obj, context):
    """Record the file, the component, and the Butler information."""
    used.append((str(context.uri), context.component, context.butler_info))
