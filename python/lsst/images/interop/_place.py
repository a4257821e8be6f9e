# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Where the pixels of an NDData belong, and on the sky."""

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
"""Pixels by which a slice of a WCS may be off a whole number."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where pixels belong.

    Parameters
    ----------
    bbox
        In absolute coordinates.
    projection
        To the sky.
    """

    bbox: Box
    projection: Projection[Any] | None


def find_place(ccd: NDData, kept: Kept | None, start: Sequence[int] | None) -> Place:
    """Find where the pixels of an NDData belong.

    Parameters
    ----------
    ccd
        The NDData.
    kept
        What it was made of.
    start
        Where the caller says that its first pixel is.

    Raises
    ------
    GeometryError
        If the data is not two-dimensional, or of unknown origin or outside
        of what it was made of.
    """
    shape = ccd.data.shape
    if len(shape) != 2:
        raise GeometryError(f"An image is made of two-dimensional data; this has shape {shape}.")
    if kept is None:
        origin = _stated_origin(ccd.meta) if start is None else YX(*start)
        bbox = Box.from_shape(shape, start=origin)
        return Place(bbox, _project(ccd.wcs, bbox))
    source = kept.source
    plane = source.image if isinstance(source, MaskedImage) else source
    same_sky, offset = _match(ccd, kept, plane)
    bbox = Box.from_shape(shape, start=_origin(source.bbox, shape, offset, start))
    if not source.bbox.contains(bbox):
        raise GeometryError(
            f"The pixels {bbox} are not all within {source.bbox}, of which the data was made; "
            f"give the right start=, or delete {META_KEY!r} from meta."
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
        f"The data has shape {shape} but was made of the pixels {whole}, and its WCS does not tell which "
        "of them it has; give start=(y, x)."
    )


def _match(ccd: NDData, kept: Kept, plane: Image) -> tuple[bool, YX[int] | None]:
    """Say whether the WCS is that of the source, and which pixel it begins with."""
    wcs = ccd.wcs
    if wcs is None:
        return not kept.has_wcs, None
    if isinstance(wcs, astropy.wcs.WCS):
        offset, found = None, wcs_identity(wcs)
        if kept.wcs is not None and found is not None and found[0] == kept.wcs[0]:
            offset = _whole(*(before - now for before, now in zip(kept.wcs[1], found[1], strict=True)))
    elif (view := plane.astropy_wcs) is not None:
        offset = _compare(wcs.low_level_wcs, view, ccd.data.shape)
    else:
        offset = None
    return offset is not None, offset


def _compare(wcs: Any, view: ProjectionAstropyView, shape: tuple[int, ...]) -> YX[int] | None:
    """Compare two WCS at opposite corners, in pixels."""
    if tuple(wcs.world_axis_units) != view.world_axis_units or wcs.pixel_n_dim != 2:
        return None
    corners = np.array([0.0, shape[1] - 1.0]), np.array([0.0, shape[0] - 1.0])
    x, y = view.world_to_pixel_values(*wcs.pixel_to_world_values(*corners))
    dx, dy = x - corners[0], y - corners[1]
    if np.ptp(dx) > MAX_DEVIATION or np.ptp(dy) > MAX_DEVIATION:
        return None
    return _whole(float(dx[0]), float(dy[0]))


def _whole(dx: float, dy: float) -> YX[int] | None:
    near = YX(y=round(dy), x=round(dx))
    return near if max(abs(dx - near.x), abs(dy - near.y)) < MAX_DEVIATION else None


def _stated_origin(meta: Any) -> YX[int]:
    return read_yx0(meta) if "LTV1" in meta else YX(0, 0)


def _project(wcs: Any, bbox: Box) -> Projection[Any] | None:
    """Make a projection of a WCS from elsewhere."""
    if wcs is None:
        return None
    try:
        if not isinstance(wcs, astropy.wcs.WCS):
            raise GeometryError(f"{type(wcs.low_level_wcs).__name__} is no FITS WCS")
        return Projection.from_fits_wcs(wcs, PIXEL_FRAME, bbox, x0=bbox.x.start, y0=bbox.y.start)
    except ImagesError as err:
        warnings.warn(f"The WCS is left out: {err}.", LossyConversionWarning, stacklevel=2)
        return None
