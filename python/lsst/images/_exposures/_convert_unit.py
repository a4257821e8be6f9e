# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Converting pixel values with a photometric scaling."""

from __future__ import annotations

__all__ = ("attach_unit", "find_unit_factor")

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._components import UnitFactor
from .._geom import Box
from ..errors import UnitConversionError
from ..fields import Background, BackgroundMap, BaseField


def find_unit_factor(
    unit: u.UnitBase | None,
    target: u.UnitBase | None,
    scaling: BaseField | None,
    *,
    bbox: Box,
    dtype: npt.DTypeLike,
) -> UnitFactor:
    """Find what converts pixel values, by their units or with a scaling.

    Parameters
    ----------
    unit, target
        Unit they have, and unit they are wanted in.
    scaling
        Field to multiply by, or to divide by, as the units tell; `None` if
        there is none.
    bbox
        Pixels to convert.
    dtype
        Type of the pixels.

    Raises
    ------
    astropy.units.UnitConversionError
        If the units do not convert, with or without the scaling.
    """
    if unit is None or target is None:
        raise UnitConversionError(f"There is no conversion from unit {unit} to {target}.")
    if unit.is_equivalent(target):
        return UnitFactor(float(unit.to(target)))
    if scaling is None or scaling.unit is None:
        raise UnitConversionError(
            f"Pixels of unit '{unit}' do not convert to '{target}', and there is no photometric scaling."
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
        f"Pixels of unit '{unit}' do not convert to '{target}', not even multiplied or divided by the "
        f"photometric scaling, which has unit '{scaling.unit}'."
    )


def attach_unit(backgrounds: BackgroundMap, unit: u.UnitBase | None) -> BackgroundMap:
    """Give backgrounds without a unit that of the pixels they were made for.

    Parameters
    ----------
    backgrounds
        The backgrounds.
    unit
        Unit of the pixels, which is about to change.

    Returns
    -------
    backgrounds
        The same map if all have a unit.
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
