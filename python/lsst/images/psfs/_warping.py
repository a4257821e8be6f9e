# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs through linearized transforms: what warped and coadded PSFs share."""

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
"""Called with ``x=`` and ``y=``, returns an `~lsst.images.XY`."""


def outline_points(bounds: Bounds) -> tuple[Float64Array, Float64Array]:
    """Choose positions that stand for the whole of a region.

    Parameters
    ----------
    bounds
        The region.

    Returns
    -------
    x, y
        Corners and middle of its bounding box.
    """
    box = bounds.bbox
    x = [box.x.min, box.x.max, box.x.min, box.x.max, box.x.center]
    y = [box.y.min, box.y.min, box.y.max, box.y.max, box.y.center]
    return np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)


def linearize(to_source: PixelMap, x: Float64Array, y: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Replace a map by its tangent at each position.

    Parameters
    ----------
    to_source
        The map.
    x, y
        Positions, shape ``(n,)``.

    Returns
    -------
    value
        Where the positions are mapped to, shape ``(n, 2)``, x first.
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
    """Find how large the warped images of a box are.

    Parameters
    ----------
    kernel_bbox
        Box of the source images.
    to_source
        Maps positions to those of the source.
    x, y
        Positions to try.

    Returns
    -------
    half_y, half_x
        Images with ``2 half + 1`` pixels hold the extent of the box at each
        of the positions.

    Raises
    ------
    BoundsError
        If the map is singular or undefined at all of them.
    """
    _, jacobian = linearize(to_source, x, y)
    usable = np.asarray(np.isfinite(jacobian).all(axis=(1, 2)))
    usable[usable] = np.linalg.det(jacobian[usable]) != 0.0
    if not usable.any():
        raise BoundsError(
            "A PSF cannot be warped: the transform is singular or undefined where it is needed."
        )
    inverse = np.abs(np.linalg.inv(jacobian[usable]))
    height, width = kernel_bbox.shape
    # The extent of a parallelogram is the sum of those of its sides.
    extent = (inverse @ np.array([width, height], dtype=np.float64)).max(axis=0)
    # Half a thousandth of a pixel absorbs the rounding of exact half sizes.
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
        Maps positions to those of the source.
    x, y
        Positions, shape ``(n,)``.
    half_shape
        Images have ``2 h + 1`` rows and columns for ``(hy, hx)``.
    kernel
        Interpolation kernel.

    Returns
    -------
    stack
        Images centred on a pixel, each with the sum 1.

    Notes
    -----
    As in `lsst.meas.algorithms.WarpedPsf`, the star sits in the middle of the
    pixel that holds the position, and the transform is linearized at the
    position.
    """
    value, jacobian = linearize(to_source, x, y)
    from_pixel = np.stack([_nearest_pixel(x) - x, _nearest_pixel(y) - y], axis=-1)
    source = value + np.einsum("nij,nj->ni", jacobian, from_pixel)
    # Unchecked: a pixel's middle may lie beyond bounds that hold the position.
    stars, yx0 = psf._star_stack(source[:, 0], source[:, 1])
    origin = source - np.stack([yx0.x, yx0.y], axis=-1)
    warped = warp_stack(stars, origin, jacobian, half_shape, kernel)
    return normalized(warped)


def _nearest_pixel(positions: Float64Array) -> Float64Array:
    """Round to integers, and halves away from zero as `lsst.meas.algorithms` does."""
    return np.copysign(np.floor(np.abs(positions) + 0.5), positions)
