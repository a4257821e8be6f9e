# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation of the positions at which a PSF is evaluated."""

from __future__ import annotations

__all__ = ("check_position", "check_positions", "require_inside")

from typing import Any

import numpy as np

from .._geom import Bounds, parse_positions
from ..errors import BoundsError
from ..fields._points import Float64Array


def check_position(bounds: Bounds, *, x: Any, y: Any) -> tuple[float, float]:
    """Validate one position.

    Parameters
    ----------
    bounds
        Bounds that must contain the position.
    x, y
        Position in pixels.

    Returns
    -------
    x, y
        Coordinates as `float`.

    Raises
    ------
    BoundsError
        If the position lies outside the bounds or is not finite.
    TypeError
        If ``x`` or ``y`` is not a scalar.
    UnitMismatchError
        If a coordinate has a unit other than pixels.
    """
    xs, ys, shape = _parse(x, y)
    if shape:
        raise TypeError(
            f"Expected one position; got arrays of shape {shape}. Use compute_kernel_images() for many."
        )
    require_inside(bounds, xs, ys)
    return float(xs[0]), float(ys[0])


def check_positions(bounds: Bounds, *, x: Any, y: Any) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
    """Validate any number of positions.

    Parameters
    ----------
    bounds
        Bounds that must contain the positions.
    x, y
        Positions in pixels that broadcast against each other.

    Returns
    -------
    x, y
        Arrays of one dimension.
    shape
        Broadcast shape of the positions.

    Raises
    ------
    BoundsError
        If a position lies outside the bounds or is not finite.
    TypeError
        If a coordinate is not a real number.
    UnitMismatchError
        If a coordinate has a unit other than pixels.
    GeometryError
        If the shapes do not broadcast.
    """
    xs, ys, shape = _parse(x, y)
    require_inside(bounds, xs, ys)
    return xs, ys, shape


def _parse(x: Any, y: Any) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
    x, y = parse_positions(None, x, y, caller="A PSF")
    xs, ys = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
    return xs.reshape(-1), ys.reshape(-1), xs.shape


def require_inside(bounds: Bounds, x: Float64Array, y: Float64Array) -> None:
    """Raise if a position lies outside bounds.

    Parameters
    ----------
    bounds
        Bounds that must contain the positions.
    x, y
        Positions in pixels, arrays of one dimension.

    Raises
    ------
    BoundsError
        If a position lies outside the bounds or is not finite.
    """
    if not x.size:
        return
    inside = np.asarray(bounds.contains(x=x, y=y)) & np.isfinite(x) & np.isfinite(y)
    if not inside.all():
        first, more = int(np.argmin(inside)), x.size - int(inside.sum()) - 1
        raise BoundsError(
            f"The PSF is not defined at (x={x[first]}, y={y[first]}), outside its bounds {bounds}"
            + (f", nor at {more} more of {x.size} positions." if more else ".")
        )
