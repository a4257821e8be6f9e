# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find the bounding box and the sky projection of an NDData."""

from __future__ import annotations

__all__ = ("Place", "find_place")

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import astropy.wcs
import numpy as np
from astropy.nddata import NDData

from .._geom import YX, Box
from .._pixels import Image, MaskedImage
from .._pixels._image import PIXEL_FRAME
from .._transforms import Projection, ProjectionAstropyView
from ..errors import GeometryError, ImagesError, LossyConversionWarning
from ..fits import read_yx0
from ._kept import META_KEY, Kept, wcs_identity

MAX_DEVIATION = 1e-3
"""Largest deviation of the offset of a sliced WCS from whole pixels, in pixels."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Position of an array.

    Parameters
    ----------
    bbox
        Bounding box in absolute coordinates.
    projection
        Sky projection.
    """

    bbox: Box
    projection: Projection[Any] | None


def find_place(ccd: NDData, kept: Kept | None, start: Sequence[int] | None) -> Place:
    """Find the bounding box and sky projection of an NDData.

    Parameters
    ----------
    ccd
        The NDData.
    kept
        Image that it was made from, if any.
    start
        Coordinates ``(y, x)`` of the first pixel given by the caller, if any.

    Raises
    ------
    GeometryError
        If the data is not two-dimensional, its origin is unknown, or it is
        outside the image that it was made from.
    """
    shape = ccd.data.shape
    if len(shape) != 2:
        raise GeometryError(f"Only two-dimensional data can be converted to an image; got shape {shape}.")
    if kept is None:
        origin = _header_origin(ccd.meta) if start is None else YX(*start)
        bbox = Box.from_shape(shape, start=origin)
        return Place(bbox, _project(ccd.wcs, bbox))
    source = kept.source
    plane = source.image if isinstance(source, MaskedImage) else source
    same_sky, offset = _match(ccd, kept, plane)
    bbox = Box.from_shape(shape, start=_origin(source.bbox, shape, offset, start))
    if not source.bbox.contains(bbox):
        raise GeometryError(
            f"The pixels {bbox} are not contained in {source.bbox}, the bounding box of the image that the "
            f"data was made from. Give the correct start=, or delete {META_KEY!r} from meta."
        )
    return Place(bbox, plane.projection if same_sky else _project(ccd.wcs, bbox))


def _origin(
    whole: Box, shape: tuple[int, ...], offset: YX[int] | None, start: Sequence[int] | None
) -> YX[int]:
    if start is not None:
        return YX(*start)
    if offset is not None:
        return YX(y=whole.y.start + offset.y, x=whole.x.start + offset.x)
    if shape == whole.shape:
        return whole.start
    raise GeometryError(
        f"The data has shape {shape}, but was made from the pixels {whole}, and the offset cannot be "
        "determined from its WCS; give start=(y, x)."
    )


def _match(ccd: NDData, kept: Kept, plane: Image) -> tuple[bool, YX[int] | None]:
    """Return whether the WCS is that of the source, and the offset of the first pixel."""
    wcs = ccd.wcs
    if wcs is None:
        return not kept.has_wcs, None
    if isinstance(wcs, astropy.wcs.WCS):
        offset, found = None, wcs_identity(wcs)
        if kept.wcs is not None and found is not None and found[0] == kept.wcs[0]:
            offset = _round_offset(*(before - now for before, now in zip(kept.wcs[1], found[1], strict=True)))
    elif (view := plane.astropy_wcs) is not None:
        offset = _compare(wcs.low_level_wcs, view, ccd.data.shape)
    else:
        offset = None
    return offset is not None, offset


def _compare(wcs: Any, view: ProjectionAstropyView, shape: tuple[int, ...]) -> YX[int] | None:
    """Compare two WCS at opposite corners, and return the offset in pixels."""
    if tuple(wcs.world_axis_units) != view.world_axis_units or wcs.pixel_n_dim != 2:
        return None
    corners = np.array([0.0, shape[1] - 1.0]), np.array([0.0, shape[0] - 1.0])
    x, y = view.world_to_pixel_values(*wcs.pixel_to_world_values(*corners))
    dx, dy = x - corners[0], y - corners[1]
    if np.ptp(dx) > MAX_DEVIATION or np.ptp(dy) > MAX_DEVIATION:
        return None
    return _round_offset(float(dx[0]), float(dy[0]))


def _round_offset(dx: float, dy: float) -> YX[int] | None:
    offset = YX(y=round(dy), x=round(dx))
    return offset if max(abs(dx - offset.x), abs(dy - offset.y)) < MAX_DEVIATION else None


def _header_origin(meta: Any) -> YX[int]:
    return read_yx0(meta) if "LTV1" in meta else YX(0, 0)


def _project(wcs: Any, bbox: Box) -> Projection[Any] | None:
    """Convert a WCS of another package to a projection."""
    if wcs is None:
        return None
    try:
        if not isinstance(wcs, astropy.wcs.WCS):
            raise GeometryError(f"{type(wcs.low_level_wcs).__name__} is not a FITS WCS")
        return Projection.from_fits_wcs(wcs, PIXEL_FRAME, bbox, x0=bbox.x.start, y0=bbox.y.start)
    except ImagesError as err:
        warnings.warn(
            f"The WCS cannot be converted and is ignored: {err}.", LossyConversionWarning, stacklevel=2
        )
        return None
