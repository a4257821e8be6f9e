# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A notice of every read: here a protocol of what a script has used."""

from lsst.images.plugins import hookimpl

used = []


@hookimpl
def after_read(obj, context):
    """Note the file, the component, and what the Butler knows of it."""
    used.append((str(context.uri), context.component, context.butler_info))
