# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Which part of an image is valid."""

from __future__ import annotations

__all__ = ("clip_bounds",)

from .._geom import Bounds, Box, CellGrid, CellGridBounds, CellIJ
from ..errors import NoOverlapError


def clip_bounds(bounds: Bounds, bbox: Box) -> Bounds:
    """Cut the region of valid pixels down to those of an image.

    Parameters
    ----------
    bounds
        The region.
    bbox
        Pixels of the image.

    Returns
    -------
    bounds
        The same region if it lies within the image.  If no pixel is valid,
        a region that contains nothing.
    """
    if bbox.contains(bounds.bbox):
        return bounds
    if _is_empty(bounds):
        return _nothing(bbox)
    try:
        return bounds.intersection(bbox)
    except NoOverlapError:
        return _nothing(bbox)


def _nothing(bbox: Box) -> CellGridBounds:
    """Make a region without pixels, which can be stored like any other.

    It is a grid of one cell, which is missing.
    """
    return CellGridBounds(CellGrid(bbox, bbox.shape), bbox, frozenset({CellIJ(0, 0)}))


def _is_empty(bounds: Bounds) -> bool:
    if not isinstance(bounds, CellGridBounds):
        return False
    size = bounds.subgrid_size
    return len(bounds.missing) == size.i * size.j
