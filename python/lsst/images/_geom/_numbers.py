# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Checks of the numbers that shapes are made from."""

from __future__ import annotations

__all__ = ("FARTHEST", "as_integer", "parse_counts", "parse_pair")

import numbers
import operator
from typing import Any

import numpy as np

from ..errors import GeometryError
from ._coords import XY, YX

FARTHEST = 2**52
"""Where the edges of pixels, at half-integers, stop being floating-point
numbers; no detector or patch of sky comes near."""


def as_integer(value: Any, what: str) -> int:
    """Turn an integral number of any kind into an `int`.

    Parameters
    ----------
    value
        Python or numpy integer, or a floating-point number without a fraction.
    what
        What to call the value in messages.

    Returns
    -------
    integer
        The same value.

    Raises
    ------
    GeometryError
        If the number has a fraction, or is not finite.
    TypeError
        If the value is no real number.
    """
    try:
        return operator.index(value)
    except TypeError:
        pass
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be an integer; got {value!r}.")
    as_float = float(value)
    if not as_float.is_integer():
        raise GeometryError(f"{what} must be a whole number; got {value!r}. Round it first.")
    return int(as_float)


def parse_pair(pair: Any, what: str) -> tuple[int, int]:
    """Check two integers, such as a shape.

    Parameters
    ----------
    pair
        Sequence in ``(y, x)`` order, or an `XY`.
    what
        What to call the pair in messages.

    Returns
    -------
    y, x
        The integers.

    Raises
    ------
    GeometryError
        If there are not two, or one has a fraction.
    TypeError
        If this is no sequence of numbers.
    """
    if isinstance(pair, XY):
        pair = pair.yx
    if len(pair) != 2:
        raise GeometryError(f"Invalid sequence for {what}: {pair!r}; give two numbers, y and x.")
    y, x = pair
    if type(y) is int and type(x) is int:
        return y, x
    return as_integer(y, f"y {what}"), as_integer(x, f"x {what}")


def parse_counts(n: Any) -> tuple[int | None, int | None]:
    """Check numbers of positions along two axes.

    Parameters
    ----------
    n
        One number for both, or a sequence in ``(x, y)`` order, or a `YX`, or
        `None`.

    Returns
    -------
    n_x, n_y
        The numbers, or twice `None`.

    Raises
    ------
    GeometryError
        If this is anything else.
    """
    if n is None:
        return None, None
    if isinstance(n, YX):
        n = n.xy
    try:
        n_x, n_y = (n, n) if np.ndim(n) == 0 else n
        return as_integer(n_x, "n"), as_integer(n_y, "n")
    except (TypeError, ValueError) as err:
        raise GeometryError(f"Unexpected values for n: {n!r}; give one number, or two for x and y.") from err
