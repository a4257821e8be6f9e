# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files that nothing else recognizes: here JSON behind a page of blank lines."""

from lsst.images.plugins import hookimpl


@hookimpl
def guess_container(uri, head):
    """Look at the first bytes."""
    return "json" if head.isspace() else None
