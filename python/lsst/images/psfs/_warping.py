# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Evaluation of PSFs through linearized transforms, for warped and coadded PSFs."""

from __future__ import annotations

__all__ = ("PixelMap", "outline_points", "warp_kernels", "warped_half_shape")

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .._geom import Bounds, Box
from ..errors import BoundsError
from ..fields._points import Float64Array
from ._base import PointSpreadFunction
from ._resample import WarpingKernel, normalized, warp_stack

PixelMap: TypeAlias = Callable[..., Any]
"""Function of ``x=`` and ``y=`` that returns an `~lsst.images.XY`."""


def outline_points(bounds: Bounds) -> tuple[Float64Array, Float64Array]:
    """Return representative positions of a region.

    Parameters
    ----------
    bounds
        The region.

    Returns
    -------
    x, y
        Corners and centre of its bounding box.
    """
    box = bounds.bbox
    x = [box.x.min, box.x.max, box.x.min, box.x.max, box.x.center]
    y = [box.y.min, box.y.min, box.y.max, box.y.max, box.y.center]
    return np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)


def linearize(to_source: PixelMap, x: Float64Array, y: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Linearize a mapping at each position.

    Parameters
    ----------
    to_source
        The map.
    x, y
        Positions, shape ``(n,)``.

    Returns
    -------
    value
        Mapped positions, shape ``(n, 2)``, x first.
    jacobian
        Derivatives by central differences over two pixels, shape
        ``(n, 2, 2)``; rows are the result's coordinates.
    """
    step_x = np.array([0.0, 1.0, -1.0, 0.0, 0.0])[:, np.newaxis]
    step_y = np.array([0.0, 0.0, 0.0, 1.0, -1.0])[:, np.newaxis]
    mapped = to_source(x=x + step_x, y=y + step_y)
    points = np.stack([mapped.x, mapped.y], axis=-1)
    columns = [0.5 * (points[1] - points[2]), 0.5 * (points[3] - points[4])]
    return points[0], np.stack(columns, axis=-1)


def warped_half_shape(
    kernel_bbox: Box, to_source: PixelMap, x: Float64Array, y: Float64Array
) -> tuple[int, int]:
    """Return the half size of warped images.

    Parameters
    ----------
    kernel_bbox
        Box of the source images.
    to_source
        Mapping of positions to those of the source.
    x, y
        Positions at which the size is computed.

    Returns
    -------
    half_y, half_x
        Images with ``2 half + 1`` pixels contain the warped box at each of the
        positions.

    Raises
    ------
    BoundsError
        If the mapping is singular or undefined at all positions.
    """
    _, jacobian = linearize(to_source, x, y)
    usable = np.asarray(np.isfinite(jacobian).all(axis=(1, 2)))
    usable[usable] = np.linalg.det(jacobian[usable]) != 0.0
    if not usable.any():
        raise BoundsError(
            "Cannot warp a PSF: the transform is singular or undefined at the corners and the centre of its "
            "bounds."
        )
    inverse = np.abs(np.linalg.inv(jacobian[usable]))
    height, width = kernel_bbox.shape
    # The extent of a parallelogram is the sum of those of its sides.
    extent = (inverse @ np.array([width, height], dtype=np.float64)).max(axis=0)
    # The tolerance of 5e-4 pixels compensates rounding errors of exact half sizes.
    half_x, half_y = np.floor(0.5 * extent + 5e-4).astype(int)
    return int(half_y), int(half_x)


def warp_kernels(
    psf: PointSpreadFunction,
    to_source: PixelMap,
    x: Float64Array,
    y: Float64Array,
    half_shape: tuple[int, int],
    kernel: WarpingKernel,
) -> Float64Array:
    """Evaluate a PSF on a distorted grid.

    Parameters
    ----------
    psf
        The PSF of the source.
    to_source
        Mapping of positions to those of the source.
    x, y
        Positions, shape ``(n,)``.
    half_shape
        ``(hy, hx)``; images have ``2 hy + 1`` rows and ``2 hx + 1`` columns.
    kernel
        Interpolation kernel.

    Returns
    -------
    stack
        Images centred on a pixel, each with the sum 1.

    Notes
    -----
    As in `lsst.meas.algorithms.WarpedPsf`, the star is at the centre of the
    pixel that contains the position, and the transform is linearized at the
    position.
    """
    value, jacobian = linearize(to_source, x, y)
    from_pixel = np.stack([_nearest_pixel(x) - x, _nearest_pixel(y) - y], axis=-1)
    source = value + np.einsum("nij,nj->ni", jacobian, from_pixel)
    # Without checks: the centre of the pixel may be outside the bounds even if the position is inside.
    stars, yx0 = psf._star_stack(source[:, 0], source[:, 1])
    origin = source - np.stack([yx0.x, yx0.y], axis=-1)
    warped = warp_stack(stars, origin, jacobian, half_shape, kernel)
    return normalized(warped)


def _nearest_pixel(positions: Float64Array) -> Float64Array:
    """Round to integers, and halves away from zero as `lsst.meas.algorithms` does."""
    return np.copysign(np.floor(np.abs(positions) + 0.5), positions)
