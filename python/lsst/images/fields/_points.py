# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Positions as callers give them, and as evaluation wants them."""

from __future__ import annotations

__all__ = ("Float64Array", "as_float64", "parse_positions")

from typing import Any, TypeAlias

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._geom import parse_point

Float64Array: TypeAlias = npt.NDArray[np.float64]
"""An array of doubles."""


def as_float64(value: Any, name: str) -> Float64Array:
    """Make an array of doubles of a coordinate.

    Parameters
    ----------
    value
        Number, list or array of real numbers; a quantity must convert to
        pixels.
    name
        What to call it in an error message.

    Raises
    ------
    TypeError
        If it does not consist of real numbers.
    """
    if isinstance(value, u.Quantity):
        value = value.to_value(u.dimensionless_unscaled if value.unit.is_equivalent("") else u.pix)
    array = np.asarray(value)
    # An empty list has no type of its own.
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"{name} must be a real number or an array of them, not {value!r}.")
    return array.astype(np.float64, copy=False)


def parse_positions(point: Any, *, x: Any, y: Any) -> tuple[Float64Array, Float64Array, bool]:
    """Make arrays of equal rank of positions in any accepted form.

    Parameters
    ----------
    point
        `~lsst.images.XY` or `~lsst.images.YX` of numbers or arrays, or `None`.
    x, y
        Numbers or arrays, or `None` if ``point`` is given.

    Returns
    -------
    x, y
        Arrays with the same number of dimensions, at least one; they
        broadcast against each other.
    is_scalar
        Whether both were scalars.

    Raises
    ------
    TypeError
        If a coordinate is missing, given twice, or not a real number.
    ValueError
        If the shapes do not broadcast.
    """
    x, y = parse_point(point, x, y, caller="Evaluation")
    xs, ys = as_float64(x, "x"), as_float64(y, "y")
    ndim = max(xs.ndim, ys.ndim)
    np.broadcast_shapes(xs.shape, ys.shape)
    rank = max(ndim, 1)
    xs = xs.reshape((1,) * (rank - xs.ndim) + xs.shape)
    ys = ys.reshape((1,) * (rank - ys.ndim) + ys.shape)
    return xs, ys, ndim == 0
