# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Units of pixels, and assignment of values with units to arrays."""

from __future__ import annotations

__all__ = ("check_variance_unit", "convert_values", "make_quantity", "split_values", "store")

from typing import Any

import astropy.units as u
import numpy as np

from ..errors import UnitConversionError, UnitMismatchError


def split_values(values: Any, unit: u.UnitBase | None) -> tuple[Any, u.UnitBase | None]:
    """Split a quantity into values and a unit.

    Parameters
    ----------
    values
        Array or number, or an `astropy.units.Quantity`.
    unit
        Unit to convert the values to; `None` for no conversion.

    Returns
    -------
    values, unit
        Values without a unit, which share memory if they are not converted.

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
            "An image cannot store a numpy masked array; pass its 'data', and create a Mask from its 'mask'."
        )
    return values, unit


def make_quantity(array: np.ndarray, unit: u.UnitBase | None) -> u.Quantity:
    """Return a quantity that shares memory with an array.

    Parameters
    ----------
    array
        The values.
    unit
        Unit of the values; `None` for a dimensionless quantity.
    """
    # Without the dtype, astropy converts integers to floats.
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
        Current and target unit; `None` is dimensionless.

    Returns
    -------
    converted
        Converted values; the same array if the units are equal.

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
            f"Cannot assign values with unit {_name(unit)} to pixels with unit {_name(target)}; "
            "convert them or use view(unit=...) first."
        ) from err


def store(target: np.ndarray, values: Any) -> None:
    """Assign values to an array in place.

    Parameters
    ----------
    target
        Array to modify.
    values
        Values that broadcast to the array.  They are rounded to the nearest
        integer if the array has an integer type.

    Raises
    ------
    ValueError
        If the integer type of the array cannot represent the values, or if the
        array is read-only.
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
                f"Cannot assign values from {values.min()} to {values.max()} to pixels of type "
                f"{target.dtype}, whose range is {limits.min} to {limits.max}; convert the image to a wider "
                "type first."
            )
    target[...] = values


def check_variance_unit(image: u.UnitBase | None, variance: u.UnitBase | None) -> u.UnitBase | None:
    """Return the unit of a variance plane.

    Parameters
    ----------
    image
        Unit of the image plane.
    variance
        Unit of the variance plane; `None` if it is not set.

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
                f"Image has no units but variance does ({_name(variance)}); set the unit of the image."
            )
        return None
    square = image**2
    if variance is not None and variance != square:
        raise UnitMismatchError(
            f"The unit of the variance is {_name(variance)}; expected the square of the image unit, "
            f"{_name(square)}."
        )
    return square


def _name(unit: u.UnitBase | None) -> str:
    return "none" if unit is None else repr(str(unit))
