# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A name for a box, accepted by all reads: ``bbox="guider"``."""

from lsst.images import Box
from lsst.images.plugins import hookimpl

REGIONS = {"guider": Box.factory[130:150, 230:260]}


@hookimpl
def parse_bbox(value, context):
    """Return the box of a known name; return `None` for all other values."""
    return REGIONS.get(value) if isinstance(value, str) else None
