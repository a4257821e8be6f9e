# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Clipping of the region of valid pixels to the box of an image."""

from __future__ import annotations

__all__ = ("clip_bounds",)

from .._geom import Bounds, Box, CellGrid, CellGridBounds, CellIJ
from ..errors import NoOverlapError


def clip_bounds(bounds: Bounds, bbox: Box) -> Bounds:
    """Clip the region of valid pixels to the box of an image.

    Parameters
    ----------
    bounds
        The region.
    bbox
        Pixels of the image.

    Returns
    -------
    bounds
        The same region if it is within the box.  If no pixel is valid, an
        empty region.
    """
    if bbox.contains(bounds.bbox):
        return bounds
    if _is_empty(bounds):
        return _empty_region(bbox)
    try:
        return bounds.intersection(bbox)
    except NoOverlapError:
        return _empty_region(bbox)


def _empty_region(bbox: Box) -> CellGridBounds:
    """Make an empty region that can be serialized: a grid whose only cell is missing."""
    return CellGridBounds(CellGrid(bbox, bbox.shape), bbox, frozenset({CellIJ(0, 0)}))


def _is_empty(bounds: Bounds) -> bool:
    if not isinstance(bounds, CellGridBounds):
        return False
    size = bounds.subgrid_size
    return len(bounds.missing) == size.i * size.j
