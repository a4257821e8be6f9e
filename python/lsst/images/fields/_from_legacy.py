# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of `lsst.afw` objects to the matching type of field."""

from __future__ import annotations

__all__ = ("field_from_legacy", "field_from_legacy_background", "field_from_legacy_photo_calib")

from typing import Any

import astropy.units as u

from .._aliases import accepts_aliases, accepts_legacy_names
from .._geom import Bounds
from ..plugins import registry
from ._base import BaseField


@accepts_legacy_names
def field_from_legacy(legacy: Any, bounds: Bounds | None = None, unit: u.UnitBase | None = None) -> BaseField:
    """Convert from an `lsst.afw.math.BoundedField`.

    Parameters
    ----------
    legacy
        The afw object.
    bounds
        Where the field is defined; by default the box of the afw object.
    unit
        Unit of the values.

    Raises
    ------
    LegacyConversionError
        If none of the field types is equivalent to the afw object.
    """
    return registry.convert_from_legacy(
        legacy,
        BaseField,  # type: ignore[type-abstract]  # only its subclasses are created
        bounds=bounds,
        unit=unit,
    )


@accepts_legacy_names
def field_from_legacy_background(
    legacy: Any, bounds: Bounds | None = None, unit: u.UnitBase | None = None
) -> BaseField:
    """Convert from an `lsst.afw.math` background or list of backgrounds.

    Parameters
    ----------
    legacy
        The afw object.
    bounds
        Where the field is defined; by default the box of the background.
    unit
        Unit of the values.

    Raises
    ------
    LegacyConversionError
        If none of the field types is equivalent to the afw object.
    """
    return field_from_legacy(legacy, bounds=bounds, unit=unit)


@accepts_aliases(legacy="photo_calib")
@accepts_legacy_names
def field_from_legacy_photo_calib(
    legacy: Any, bounds: Bounds, instrumental_unit: u.UnitBase = u.electron
) -> BaseField | None:
    """Convert from an `lsst.afw.image.PhotoCalib`.

    Parameters
    ----------
    legacy
        The afw object.
    bounds
        Where the field is defined.
    instrumental_unit
        Unit of the pixels that the calibration applies to.

    Returns
    -------
    field
        Factor in nJy per instrumental unit, or `None` if it is 1 everywhere.
    """
    answer = registry.hook.convert_from_legacy(
        legacy=legacy,
        pytype=BaseField,
        options={"bounds": bounds, "instrumental_unit": instrumental_unit},
    )
    field: BaseField | None = getattr(answer, "value", answer)
    return field
