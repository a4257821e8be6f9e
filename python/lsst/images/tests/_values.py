# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Comparison of numbers, quantities, times and sky positions."""

from __future__ import annotations

__all__ = ("annotate_errors", "assert_close", "assert_equal_allow_nan", "assert_values_equal")

import contextlib
from collections.abc import Iterator
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.time import Time, TimeDelta


@contextlib.contextmanager
def annotate_errors(note: str) -> Iterator[None]:
    """Return a context manager that adds a note to any exception.

    Parameters
    ----------
    note
        The note.
    """
    try:
        yield
    except BaseException as err:
        err.add_note(note)
        raise


def assert_close(a: Any, b: Any, **options: Any) -> None:
    """Assert that arrays or numbers are close.

    Parameters
    ----------
    a, b
        The values.
    **options
        As for `numpy.testing.assert_allclose`.

    Raises
    ------
    AssertionError
        If they are not.
    """
    np.testing.assert_allclose(a, b, **options)


def assert_equal_allow_nan(a: Any, b: Any) -> None:
    """Assert that two numbers are equal, or both NaN.

    Parameters
    ----------
    a, b
        The numbers.

    Raises
    ------
    AssertionError
        If they are not.
    """
    np.testing.assert_equal(a, b)


def assert_values_equal(
    a: Any,
    b: Any,
    *,
    rtol: float = 0.0,
    atol: Any = 0.0,
    equal_nan: bool = True,
    label: str = "",
    wrap_angles: bool = False,
) -> None:
    """Assert that two values are equal, by default exactly.

    Parameters
    ----------
    a, b
        Arrays, numbers, quantities, times, time differences or sky coordinates, of one kind.
    rtol
        Tolerance relative to ``b``.
    atol
        Absolute tolerance: a quantity or time difference if the values have a unit.
    equal_nan
        Whether NaN equals NaN.
    label
        Name of the values, for the message.
    wrap_angles
        Whether angles are compared modulo a full circle.

    Raises
    ------
    AssertionError
        If they differ.
    TypeError
        If they are of different kinds.
    ValueError
        If a tolerance is given that the values do not allow.
    astropy.units.UnitConversionError
        If the unit of the tolerance is not that of the values.
    """
    prefix = f"{label}: " if label else ""
    kinds = _kind(a), _kind(b)
    if kinds[0] != kinds[1]:
        raise TypeError(f"{prefix}cannot compare {kinds[0]} with {kinds[1]}.")
    if kinds[0] == "SkyCoord":
        _compare_sky(a, b, atol, equal_nan, prefix)
    elif kinds[0] in ("Time", "TimeDelta", "Quantity"):
        _compare_quantities(a, b, rtol, atol, equal_nan, prefix, wrap_angles)
    elif np.asarray(a).dtype.kind in "fc" or np.asarray(b).dtype.kind in "fc":
        _report(np.asarray(a), np.asarray(b), rtol, float(atol), equal_nan, prefix)
    else:
        if rtol or atol:
            raise ValueError(f"{prefix}tolerances are for floating-point values only.")
        np.testing.assert_array_equal(a, b, err_msg=f"{prefix}arrays are not equal")


def _kind(value: Any) -> str:
    for kind in (SkyCoord, TimeDelta, Time, u.Quantity):
        if isinstance(value, kind):
            return str(kind.__name__)
    return "float" if np.asarray(value).dtype.kind in "fciub" else "other"


def _compare_quantities(
    a: Any, b: Any, rtol: float, atol: Any, equal_nan: bool, prefix: str, wrap_angles: bool
) -> None:
    if isinstance(a, Time) and not isinstance(a, TimeDelta):
        if rtol:
            raise ValueError(f"{prefix}times have no zero; use atol.")
        a = a - b
        b = 0 * u.s
    a, b, atol = (value.to(u.s) if isinstance(value, TimeDelta) else value for value in (a, b, atol))
    unit = a.unit
    if isinstance(atol, u.Quantity):
        tolerance = atol.to_value(unit)
    elif atol == 0.0 or unit == u.dimensionless_unscaled:
        tolerance = float(atol)
    else:
        raise u.UnitConversionError(f"{prefix}atol={atol} needs a unit that converts to {unit}.")
    x, y = a.to_value(unit), b.to_value(unit)
    if wrap_angles:
        if rtol:
            raise ValueError(f"{prefix}angles that wrap have no zero; use atol.")
        circle = (360 * u.deg).to_value(unit)
        x, y = (x - y + circle / 2) % circle - circle / 2, np.zeros_like(y)
    _report(np.asarray(x), np.asarray(y), rtol, tolerance, equal_nan, prefix)


def _compare_sky(a: SkyCoord, b: SkyCoord, atol: Any, equal_nan: bool, prefix: str) -> None:
    if not isinstance(atol, u.Quantity) and atol != 0.0:
        raise u.UnitConversionError(f"{prefix}atol={atol} needs an angular unit.")
    limit = atol.to_value(u.rad) if isinstance(atol, u.Quantity) else 0.0
    if a.shape != b.shape:
        raise AssertionError(f"{prefix}shape {a.shape} differs from shape {b.shape}.")
    separation = np.asarray(a.separation(b).rad)
    missing = [np.isnan(c.spherical.lon.rad) & np.isnan(c.spherical.lat.rad) for c in (a, b)]
    separation = np.where(missing[0] & missing[1] & equal_nan, 0.0, separation)
    _report(separation, np.zeros_like(separation), 0.0, limit, False, prefix)


def _report(a: np.ndarray, b: np.ndarray, rtol: float, atol: float, equal_nan: bool, prefix: str) -> None:
    if a.shape != b.shape:
        raise AssertionError(f"{prefix}shape {a.shape} differs from shape {b.shape}.")
    close = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if close.all():
        return
    with np.errstate(all="ignore"):
        difference = np.where(close, 0.0, np.abs(a - b))
    if not a.shape:
        raise AssertionError(f"{prefix}values {a} and {b} differ by {difference}.")
    where = np.unravel_index(np.nanargmax(np.where(np.isnan(difference), np.inf, difference)), a.shape)
    index = tuple(map(int, where))
    raise AssertionError(
        f"{prefix}{np.count_nonzero(~close)}/{close.size} values differ; max abs diff {difference[index]} at "
        f"index {index}: {a[index]} and {b[index]}."
    )
