# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Photometric scalings out of archived calibrations."""

from __future__ import annotations

__all__ = ("make_photometric_scaling",)

from typing import Any

import astropy.units as u

from .._geom import Bounds
from ..errors import ArchiveReadError
from ..fields import BaseField, ChebyshevField
from ._convert_fields import make_field
from .afw_archive._photo_calib import LegacyPhotoCalib


def make_photometric_scaling(
    record: Any, bounds: Bounds, instrumental_unit: u.UnitBase = u.electron
) -> BaseField | None:
    """Make a photometric scaling of an archived ``PhotoCalib``.

    Parameters
    ----------
    record
        The record.
    bounds
        Where a scaling is defined that does not say it.
    instrumental_unit
        Unit of the pixels that it applies to.

    Returns
    -------
    scaling
        Factor to nJy, in nJy per instrumental unit; `None` if it is 1
        everywhere, which means that the pixels are calibrated.

    Raises
    ------
    ArchiveReadError
        If the record is of another class, or its field is.
    """
    if not isinstance(record, LegacyPhotoCalib):
        entry = getattr(record, "entry", None)
        kind = type(record).__name__ if entry is None else entry.class_name
        raise ArchiveReadError(f"The photometric calibration is archived as a {kind}, which is not known.")
    unit = u.nJy / instrumental_unit
    if record.is_constant:
        return None if record.mean == 1.0 else ChebyshevField(bounds, [[record.mean]], unit=unit)
    field = make_field(record.field(), bounds, unit=unit)
    return field if record.field_scale == 1.0 else field * record.field_scale
