# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Metadata that is added to every file."""

from lsst.images.plugins import hookimpl


@hookimpl
def before_write(obj, context):
    """Return metadata for the file; the object is not changed."""
    return {"survey": "mine", "container": context.container}
