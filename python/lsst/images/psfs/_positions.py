# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Positions at which a PSF is asked for, checked against its bounds."""

from __future__ import annotations

__all__ = ("check_position", "check_positions", "require_inside")

from typing import Any

import numpy as np

from .._geom import Bounds
from ..errors import BoundsError
from ..fields._points import Float64Array, as_float64


def check_position(bounds: Bounds, *, x: Any, y: Any) -> tuple[float, float]:
    """Check one position.

    Parameters
    ----------
    bounds
        Where it must lie.
    x, y
        Position in pixels.

    Returns
    -------
    x, y
        Plain floats.

    Raises
    ------
    BoundsError
        If it lies outside or is not finite.
    TypeError
        If it is not one position.
    """
    xs, ys = as_float64(x, "x"), as_float64(y, "y")
    if xs.ndim or ys.ndim:
        raise TypeError(
            f"One position is needed, not arrays of shapes x={xs.shape}, y={ys.shape}; "
            "use compute_kernel_images() for many."
        )
    require_inside(bounds, xs.reshape(1), ys.reshape(1))
    return float(xs), float(ys)


def check_positions(bounds: Bounds, *, x: Any, y: Any) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
    """Check any number of positions.

    Parameters
    ----------
    bounds
        Where they must lie.
    x, y
        Positions in pixels that broadcast against each other.

    Returns
    -------
    x, y
        Arrays of one dimension.
    shape
        Shape that the positions had.

    Raises
    ------
    BoundsError
        If one lies outside or is not finite.
    TypeError
        If one is not a real number.
    """
    xs, ys = np.broadcast_arrays(as_float64(x, "x"), as_float64(y, "y"))
    shape = xs.shape
    xs, ys = xs.reshape(-1), ys.reshape(-1)
    require_inside(bounds, xs, ys)
    return xs, ys, shape


def require_inside(bounds: Bounds, x: Float64Array, y: Float64Array) -> None:
    """Raise if a position lies outside bounds.

    Parameters
    ----------
    bounds
        Where they must lie.
    x, y
        Positions in pixels, arrays of one dimension.

    Raises
    ------
    BoundsError
        If one lies outside or is not finite.
    """
    if not x.size:
        return
    inside = np.asarray(bounds.contains(x=x, y=y)) & np.isfinite(x) & np.isfinite(y)
    if not inside.all():
        first = int(np.argmin(inside))
        raise BoundsError(
            f"The PSF is not defined at (x={x[first]}, y={y[first]}), outside its bounds {bounds}"
            + (
                f", nor at {x.size - int(inside.sum()) - 1} more of {x.size} positions."
                if x.size > 1
                else "."
            )
        )
