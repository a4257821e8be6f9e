# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation of the integers that define intervals, boxes and grids."""

from __future__ import annotations

__all__ = ("MAX_COORDINATE", "as_integer", "parse_counts", "parse_pair")

import numbers
import operator
from typing import Any

import numpy as np

from ..errors import GeometryError
from ..utils import short_repr
from ._coords import XY, YX

MAX_COORDINATE = 2**52
"""Maximum absolute pixel coordinate; beyond it, doubles cannot represent the
half-integer edges of pixels."""


def as_integer(value: Any, what: str) -> int:
    """Convert an integral number of any type to `int`.

    Parameters
    ----------
    value
        Python or numpy integer, or a floating-point number without a fraction.
    what
        Name of the value in error messages.

    Returns
    -------
    integer
        The same value.

    Raises
    ------
    GeometryError
        If the number has a fraction, or is not finite.
    TypeError
        If the value is not a real number.
    """
    try:
        return operator.index(value)
    except TypeError:
        pass
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be an integer; got {short_repr(value)}.")
    as_float = float(value)
    if not as_float.is_integer():
        raise GeometryError(f"{what} must be an integer; got {short_repr(value)}. Round it first.")
    return int(as_float)


def parse_pair(pair: Any, what: str) -> tuple[int, int]:
    """Validate a pair of integers, such as a shape.

    Parameters
    ----------
    pair
        Sequence in ``(y, x)`` order, or an `XY`.
    what
        Name of the pair in error messages.

    Returns
    -------
    y, x
        The integers.

    Raises
    ------
    GeometryError
        If the sequence does not have two members, or one has a fraction.
    TypeError
        If ``pair`` is not a sequence of numbers.
    """
    if isinstance(pair, XY):
        pair = pair.yx
    if len(pair) != 2:
        raise GeometryError(
            f"Invalid sequence for {what}: {short_repr(pair)}; expected two numbers, y and x."
        )
    y, x = pair
    if type(y) is int and type(x) is int:
        return y, x
    return as_integer(y, f"y {what}"), as_integer(x, f"x {what}")


def parse_counts(n: Any) -> tuple[int | None, int | None]:
    """Validate the numbers of positions along two axes.

    Parameters
    ----------
    n
        One number for both axes, or a sequence in ``(x, y)`` order, or a `YX`,
        or `None`.

    Returns
    -------
    n_x, n_y
        The numbers, or `None` for both axes.

    Raises
    ------
    GeometryError
        If ``n`` is anything else.
    """
    if n is None:
        return None, None
    if isinstance(n, YX):
        n = n.xy
    try:
        n_x, n_y = (n, n) if np.ndim(n) == 0 else n
        return as_integer(n_x, "n"), as_integer(n_y, "n")
    except (TypeError, ValueError) as err:
        raise GeometryError(
            f"Invalid value for n: {short_repr(n)}; expected one number, or two for x and y."
        ) from err
