# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Helper functions without dependencies on the rest of the package."""

from __future__ import annotations

__all__ = ("is_none", "round_half_away_from_zero", "round_half_down", "round_half_up")

import math
from typing import Any


def round_half_up(x: float) -> int:
    """Round to the nearest integer, and half-integers towards positive infinity.

    Parameters
    ----------
    x
        A finite number.

    Returns
    -------
    rounded
        ``floor(x + 0.5)``, without the rounding error of that addition.

    Raises
    ------
    ValueError
        If ``x`` is NaN.
    OverflowError
        If ``x`` is infinite.

    Notes
    -----
    The result is the index of the pixel that contains the position ``x``: pixel
    ``n`` covers ``[n - 0.5, n + 0.5)``.
    """
    below = math.floor(x)
    return below + 1 if x - below >= 0.5 else below


def round_half_down(x: float) -> int:
    """Round to the nearest integer, and half-integers towards negative infinity.

    Parameters
    ----------
    x
        A finite number.

    Returns
    -------
    rounded
        ``ceil(x - 0.5)``, without the rounding error of that subtraction.

    Raises
    ------
    ValueError
        If ``x`` is NaN.
    OverflowError
        If ``x`` is infinite.
    """
    below = math.floor(x)
    return below + 1 if x - below > 0.5 else below


def round_half_away_from_zero(x: float) -> int:
    """Round to the nearest integer, and half-integers away from zero.

    Parameters
    ----------
    x
        A finite number.

    Returns
    -------
    rounded
        The nearest integer.

    Raises
    ------
    ValueError
        If ``x`` is NaN.
    OverflowError
        If ``x`` is infinite.
    """
    return round_half_up(x) if x >= 0 else round_half_down(x)


def is_none(x: Any) -> bool:
    """Return whether a value is `None`.

    Parameters
    ----------
    x
        Any object.

    Returns
    -------
    is_none
        The identity test as a function, for pydantic's ``exclude_if``.
    """
    return x is None
