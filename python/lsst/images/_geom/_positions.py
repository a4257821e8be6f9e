# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Positions as callers give them, and as everything that takes them wants them.

Bounds, transforms, projections, fields, kernels and PSFs all parse positions
here, so that the same input means the same, or is refused in the same way, to
all of them.
"""

from __future__ import annotations

__all__ = ("as_positions", "parse_point", "parse_positions")

from typing import Any

import numpy as np

from ..errors import GeometryError, UnitMismatchError
from ._coords import XY, YX


def parse_point(point: Any, x: Any, y: Any, *, caller: str) -> tuple[Any, Any]:
    """Sort out the two ways in which points are passed to a method.

    Parameters
    ----------
    point
        An `XY` or `YX`, or `None`.
    x, y
        Column and row, or `None`.
    caller
        What to call the method in messages.

    Returns
    -------
    x, y
        Column and row, as they were given.

    Raises
    ------
    TypeError
        If nothing, both ways, or half a point was given, or ``point`` is of
        another type.
    """
    if point is None:
        if x is None or y is None:
            raise TypeError(f"{caller} needs a point: one XY or YX, or both of x= and y=.")
        return x, y
    if x is not None or y is not None:
        raise TypeError(f"{caller} takes either one positional argument or x= and y=, not both.")
    if isinstance(point, (XY, YX)):
        return point.x, point.y
    raise TypeError(f"{caller} cannot take {point!r}; give an XY or YX, or both of x= and y=.")


def parse_positions(point: Any, x: Any, y: Any, *, caller: str) -> tuple[Any, Any]:
    """Make numbers or arrays of points passed in either way.

    Parameters
    ----------
    point
        An `XY` or `YX`, or `None`.
    x, y
        Column and row, or `None`; see `as_positions`.
    caller
        What to call the method in messages.

    Returns
    -------
    x, y
        What `as_positions` makes of them; they broadcast.

    Raises
    ------
    TypeError
        As `parse_point` and `as_positions` do.
    UnitMismatchError
        If a coordinate has a unit other than pixels.
    GeometryError
        If the shapes do not broadcast.
    """
    x, y = parse_point(point, x, y, caller=caller)
    x, y = as_positions(x, caller=caller), as_positions(y, caller=caller)
    if np.shape(x) != np.shape(y):
        try:
            np.broadcast_shapes(np.shape(x), np.shape(y))
        except ValueError as err:
            raise GeometryError(
                f"{caller} takes coordinates whose shapes broadcast, not x={np.shape(x)} and y={np.shape(y)}."
            ) from err
    return x, y


def as_positions(value: Any, *, caller: str) -> Any:
    """Make numbers or an array of one coordinate of positions.

    Parameters
    ----------
    value
        A real number, or an array or nested list of them.  Quantities must be
        in pixels; elements that an array masks become NaN.
    caller
        What to call the method in messages.

    Returns
    -------
    value
        A `float` or `int` as it was given, or else an array of doubles.

    Raises
    ------
    TypeError
        If it does not consist of real numbers.
    UnitMismatchError
        If it has another unit.
    """
    if isinstance(value, (float, int)) and not isinstance(value, bool):
        return value
    if hasattr(value, "to_value") and hasattr(value, "unit"):
        value = _without_unit(value, caller)
    try:
        array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
    except ValueError as err:
        raise TypeError(f"{caller} takes real numbers or arrays of them, not {value!r:.60}.") from err
    # An empty list has no type of its own.
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"{caller} takes real numbers or arrays of them, not {value!r:.60}.")
    array = array.astype(np.float64, copy=False)
    return np.asarray(array.filled(np.nan) if isinstance(array, np.ma.MaskedArray) else array)


def _without_unit(quantity: Any, caller: str) -> Any:
    """Return the values of an `astropy.units.Quantity` in pixels."""
    # Astropy understands the names; this floor of the package does not load it.
    for unit in ("pix", ""):
        if quantity.unit.is_equivalent(unit):
            return quantity.to_value(unit)
    raise UnitMismatchError(f"{caller} takes positions in pixels, not in {quantity.unit}: {quantity!r:.60}.")
