# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation and normalization of position arguments.

Bounds, transforms, projections, fields, kernels and PSFs all use these
functions, so that they accept and reject the same inputs.
"""

from __future__ import annotations

__all__ = ("as_positions", "parse_point", "parse_positions")

from typing import Any

import numpy as np

from ..errors import GeometryError, UnitMismatchError
from ..utils import short_repr
from ._coords import XY, YX


def parse_point(point: Any, x: Any, y: Any, *, caller: str) -> tuple[Any, Any]:
    """Return the coordinates of a point that is passed as ``point`` or as ``x`` and ``y``.

    Parameters
    ----------
    point
        An `XY` or `YX`, or `None`.
    x, y
        Column and row, or `None`.
    caller
        Name of the method in error messages.

    Returns
    -------
    x, y
        Column and row, unchanged.

    Raises
    ------
    TypeError
        If neither ``point`` nor both of ``x`` and ``y`` are given, both forms
        are mixed, or ``point`` has another type.
    """
    if point is None:
        if x is None or y is None:
            raise TypeError(f"{caller} requires a point: one XY or YX, or both of x= and y=.")
        return x, y
    if x is not None or y is not None:
        raise TypeError(f"{caller} takes either one positional argument or x= and y=, not both.")
    if isinstance(point, (XY, YX)):
        return point.x, point.y
    raise TypeError(
        f"{caller} got invalid point {short_repr(point)}; expected an XY or YX, or both of x= and y=."
    )


def parse_positions(point: Any, x: Any, y: Any, *, caller: str) -> tuple[Any, Any]:
    """Return numbers or arrays for positions that are passed in either form.

    Parameters
    ----------
    point
        An `XY` or `YX`, or `None`.
    x, y
        Column and row, or `None`; see `as_positions`.
    caller
        Name of the method in error messages.

    Returns
    -------
    x, y
        Results of `as_positions`; their shapes broadcast.

    Raises
    ------
    TypeError
        See `parse_point` and `as_positions`.
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
                f"{caller} requires coordinates whose shapes broadcast; "
                f"got shapes x={np.shape(x)} and y={np.shape(y)}."
            ) from err
    return x, y


def as_positions(value: Any, *, caller: str) -> Any:
    """Convert one coordinate of positions to a number or an array.

    Parameters
    ----------
    value
        A real number, or an array or nested list of real numbers.  Quantities
        must be in pixels; masked elements of masked arrays become NaN.
    caller
        Name of the method in error messages.

    Returns
    -------
    value
        A `float` or `int` unchanged, otherwise an array of doubles.

    Raises
    ------
    TypeError
        If ``value`` does not consist of real numbers.
    UnitMismatchError
        If ``value`` has a unit other than pixels.
    """
    if isinstance(value, (float, int)) and not isinstance(value, bool):
        return value
    if hasattr(value, "to_value") and hasattr(value, "unit"):
        value = _without_unit(value, caller)
    try:
        array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
    except ValueError as err:
        raise TypeError(f"{caller} requires real numbers or arrays of them; got {value!r:.60}.") from err
    # An empty list has no element type.
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"{caller} requires real numbers or arrays of them; got {value!r:.60}.")
    array = array.astype(np.float64, copy=False)
    return np.asarray(array.filled(np.nan) if isinstance(array, np.ma.MaskedArray) else array)


def _without_unit(quantity: Any, caller: str) -> Any:
    """Return the values of an `astropy.units.Quantity` in pixels."""
    # Units are given by name because this package does not import astropy.
    for unit in ("pix", ""):
        if quantity.unit.is_equivalent(unit):
            return quantity.to_value(unit)
    raise UnitMismatchError(
        f"{caller} requires positions in pixels; got {quantity!r:.60} in units of {quantity.unit}."
    )
