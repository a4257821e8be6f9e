# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Units of pixels, and writing values with a unit into arrays."""

from __future__ import annotations

__all__ = ("check_variance_unit", "convert_values", "make_quantity", "split_values", "store")

from typing import Any

import astropy.units as u
import numpy as np

from ..errors import UnitConversionError, UnitMismatchError


def split_values(values: Any, unit: u.UnitBase | None) -> tuple[Any, u.UnitBase | None]:
    """Take the unit off values that carry one.

    Parameters
    ----------
    values
        Array or number, perhaps an `astropy.units.Quantity`.
    unit
        Unit the values are wanted in; `None` for the one they have.

    Returns
    -------
    values, unit
        Values without a unit, sharing memory where nothing was converted.

    Raises
    ------
    astropy.units.UnitConversionError
        If the units do not convert.
    """
    if isinstance(values, u.Quantity):
        unit = values.unit if unit is None else unit
        return (values.value if values.unit == unit else values.to_value(unit)), unit
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(
            "A numpy masked array would lose its mask here; pass its 'data', and make a Mask of it."
        )
    return values, unit


def make_quantity(array: np.ndarray, unit: u.UnitBase | None) -> u.Quantity:
    """Make a quantity that shares memory with an array.

    Parameters
    ----------
    array
        The values.
    unit
        Their unit; `None` makes the quantity dimensionless.
    """
    # Without the dtype, astropy copies integers into floats.
    return u.Quantity(
        array, u.dimensionless_unscaled if unit is None else unit, dtype=array.dtype, copy=False
    )


def convert_values(values: np.ndarray, unit: u.UnitBase | None, target: u.UnitBase | None) -> np.ndarray:
    """Convert values to another unit.

    Parameters
    ----------
    values
        The values.
    unit, target
        Unit they have and unit they are wanted in; `None` is dimensionless.

    Returns
    -------
    converted
        The same array if there is nothing to convert.

    Raises
    ------
    astropy.units.UnitConversionError
        If the units do not convert.
    """
    if unit == target:
        return values
    given = u.dimensionless_unscaled if unit is None else unit
    wanted = u.dimensionless_unscaled if target is None else target
    if given == wanted:
        return values
    try:
        return np.asarray(given.to(wanted, values))
    except u.UnitConversionError as err:
        raise UnitConversionError(
            f"Values of unit {_name(unit)} cannot be written into pixels of unit {_name(target)}; "
            "convert them, or use view(unit=...), first."
        ) from err


def store(target: np.ndarray, values: Any) -> None:
    """Write values into an array in place.

    Parameters
    ----------
    target
        Array to write to.
    values
        Anything that broadcasts to it.  Fractions are rounded to the nearest
        integer when the array holds integers.

    Raises
    ------
    ValueError
        If an array of integers cannot hold the values, or if the array is
        read-only.
    """
    values = np.asarray(values)
    if target.dtype.kind in "iu" and values.dtype != target.dtype:
        limits = np.iinfo(target.dtype)
        fits = (values >= limits.min) & (values <= limits.max)
        if values.dtype.kind == "f":
            values = np.rint(values)
            # The largest 64-bit integers become floats just out of range.
            fits = (values >= limits.min) & (values < limits.max + 1.0)
        if not np.all(fits):
            raise ValueError(
                f"Pixels of type {target.dtype} hold {limits.min} to {limits.max}, and the values go from "
                f"{values.min()} to {values.max()}; convert the image to a wider type first."
            )
    target[...] = values


def check_variance_unit(image: u.UnitBase | None, variance: u.UnitBase | None) -> u.UnitBase | None:
    """Return the unit a variance plane must have.

    Parameters
    ----------
    image
        Unit of the image plane.
    variance
        Unit of the variance plane; `None` if it has none yet.

    Returns
    -------
    unit
        Square of the unit of the image, or `None`.

    Raises
    ------
    UnitMismatchError
        If the variance plane has another unit.
    """
    if image is None:
        if variance is not None:
            raise UnitMismatchError(
                f"Image has no units but variance does ({_name(variance)}); give the image its unit."
            )
        return None
    square = image**2
    if variance is not None and variance != square:
        raise UnitMismatchError(
            f"The unit of the variance is {_name(variance)}, which should be the square of the image unit "
            f"{_name(image)}."
        )
    return square


def _name(unit: u.UnitBase | None) -> str:
    return "none" if unit is None else repr(str(unit))
