# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Normalization of the positions and values of fields."""

from __future__ import annotations

__all__ = ("Float64Array", "as_values", "parse_points")

from typing import Any, TypeAlias

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._geom import parse_positions
from ..utils import short_repr

Float64Array: TypeAlias = npt.NDArray[np.float64]
"""An array of doubles."""


def parse_points(point: Any, *, x: Any, y: Any) -> tuple[Float64Array, Float64Array, bool]:
    """Convert positions in any accepted form to arrays of the same rank.

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
    UnitMismatchError
        If a coordinate has a unit other than pixels.
    GeometryError
        If the shapes do not broadcast.
    """
    x, y = parse_positions(point, x, y, caller="Evaluation")
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    ndim = max(xs.ndim, ys.ndim)
    rank = max(ndim, 1)
    xs = xs.reshape((1,) * (rank - xs.ndim) + xs.shape)
    ys = ys.reshape((1,) * (rank - ys.ndim) + ys.shape)
    return xs, ys, ndim == 0


def as_values(
    data: Any, unit: u.UnitBase | str | None, *, what: str
) -> tuple[Float64Array, u.UnitBase | None]:
    """Convert values to an array of doubles and a unit.

    Parameters
    ----------
    data
        Real numbers, an array or a `~astropy.units.Quantity` of them.  Masked
        elements become NaN.
    unit
        Unit of the values if they are not a quantity; `None` for no unit.
    what
        Name of the values in error messages.

    Returns
    -------
    values
        Array of doubles; not copied if ``data`` is one.
    unit
        Unit of the values, or `None`.

    Raises
    ------
    TypeError
        If the values are a quantity and a unit is given, or if they are not
        real numbers.
    ValueError
        If the unit is a string that astropy cannot parse.
    """
    if isinstance(data, u.Quantity):
        if unit is not None:
            raise TypeError(
                f"The {what} are a quantity in {data.unit} and unit={short_repr(unit)} is given; omit the "
                "unit."
            )
        data, unit = data.value, data.unit
    array = data if isinstance(data, np.ma.MaskedArray) else np.asarray(data)
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"The {what} must be real numbers; got {data!r:.60}.")
    array = array.astype(np.float64, copy=False)
    if isinstance(array, np.ma.MaskedArray):
        array = np.asarray(array.filled(np.nan))
    return array, None if unit is None else u.Unit(unit)
