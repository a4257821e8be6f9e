# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A rule for files that are not recognized otherwise: JSON after many blank lines."""

from lsst.images.plugins import hookimpl


@hookimpl
def guess_container(uri, head):
    """Return the name of the container if the first bytes are white space only."""
    return "json" if head.isspace() else None
