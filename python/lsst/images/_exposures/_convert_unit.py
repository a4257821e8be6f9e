# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of pixel values between units, with a photometric scaling."""

from __future__ import annotations

__all__ = ("attach_unit", "find_unit_factor", "linear_unit")

from typing import Any

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._components import UnitFactor
from .._geom import Box
from ..errors import InvalidArgumentError, UnitConversionError
from ..fields import Background, BackgroundMap, BaseField
from ..utils import short_repr


def find_unit_factor(
    unit: u.UnitBase | None,
    target: u.UnitBase | None,
    scaling: BaseField | None,
    *,
    bbox: Box,
    dtype: npt.DTypeLike,
) -> UnitFactor:
    """Return the factor that converts pixel values between units.

    Parameters
    ----------
    unit, target
        Unit of the pixel values, and the unit to convert to.
    scaling
        Photometric scaling, which is used if the units do not convert by
        definition: the pixels are multiplied or divided by it, depending on
        the units.  `None` if the image has no scaling.
    bbox
        Pixels to convert.
    dtype
        Type of the pixels.

    Raises
    ------
    astropy.units.UnitConversionError
        If the units do not convert, even with the scaling.
    """
    if unit is None or target is None:
        raise UnitConversionError(
            f"Cannot convert pixels from unit {unit} to {target}: an image needs a unit to be converted; "
            "set it with the argument 'unit' of Image or Image.view."
        )
    if unit.is_equivalent(target):
        return UnitFactor(float(unit.to(target)))
    if scaling is None or scaling.unit is None:
        raise UnitConversionError(
            f"Cannot convert pixels from unit '{unit}' to '{target}': the image does not have a photometric "
            "scaling."
        )
    kind = np.dtype(dtype)
    for combined, divides in ((unit * scaling.unit, False), (unit / scaling.unit, True)):
        if combined.is_equivalent(target):
            values = scaling.render(bbox, dtype=kind if kind.kind == "f" else np.float64).array
            factor = float(combined.to(target))
            if factor != 1.0:
                values = values / factor if divides else values * factor
            return UnitFactor(values, divides)
    raise UnitConversionError(
        f"Cannot convert pixels from unit '{unit}' to '{target}', even when multiplied or divided by the "
        f"photometric scaling, whose unit is '{scaling.unit}'."
    )


def linear_unit(unit: Any) -> u.UnitBase:
    """Return a unit to which pixels can be converted.

    Parameters
    ----------
    unit
        The unit, or its name.

    Raises
    ------
    astropy.units.UnitConversionError
        If it is a magnitude or another logarithmic unit.
    InvalidArgumentError
        If it is not a unit, or the name of one.
    """
    try:
        parsed = u.Unit(unit)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"{short_repr(unit)} is not a unit; expected an astropy unit, such as u.nJy, or its name."
        ) from None
    if not isinstance(parsed, u.UnitBase):
        raise UnitConversionError(
            f"Cannot convert an image to the logarithmic unit '{parsed}', which variances do not "
            f"have. Convert its pixels: image.convert_unit(u.nJy).image.quantity.to({parsed.to_string()!r})."
        )
    return parsed


def attach_unit(backgrounds: BackgroundMap, unit: u.UnitBase | None) -> BackgroundMap:
    """Attach a unit to the backgrounds that do not have one.

    Parameters
    ----------
    backgrounds
        The backgrounds.
    unit
        Unit of the pixels for which the backgrounds were made.

    Returns
    -------
    backgrounds
        The same map if all backgrounds have a unit.
    """
    if unit is None or all(background.field.unit is not None for background in backgrounds.values()):
        return backgrounds
    subtracted = backgrounds.subtracted
    return BackgroundMap(
        [
            background
            if background.field.unit is not None
            else Background(background.name, background.field * unit, background.description)
            for background in backgrounds.values()
        ],
        None if subtracted is None else subtracted.name,
    )
