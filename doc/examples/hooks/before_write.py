# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A notice of every write, which may add metadata to the file."""

from lsst.images.plugins import hookimpl


@hookimpl
def before_write(obj, context):
    """Stamp the file; the object stays as it is."""
    return {"survey": "mine", "container": context.container}
