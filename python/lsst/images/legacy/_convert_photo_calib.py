# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Photometric scalings, converted from archived ``PhotoCalib`` objects."""

from __future__ import annotations

__all__ = ("make_photo_calib_field",)

from typing import Any

import astropy.units as u

from .._geom import Bounds
from ..fields import BaseField, ChebyshevField
from ._convert_fields import make_field
from ._decoded import LegacyContext, finish, unknown_class
from .afw_archive._photo_calib import LegacyPhotoCalib


def make_photo_calib_field(
    record: Any, bounds: Bounds, instrumental_unit: u.UnitBase = u.electron, *, is_calibrated: bool = True
) -> BaseField | None:
    """Convert an archived ``PhotoCalib`` to a photometric scaling.

    Parameters
    ----------
    record
        The record.
    bounds
        Where a scaling is defined whose record has no bounding box.
    instrumental_unit
        Unit of the pixels to which it applies.
    is_calibrated
        Whether a constant scaling of 1 means that the pixels are calibrated.

    Returns
    -------
    scaling
        Factor to nJy, in nJy per instrumental unit; `None` if the pixels are
        calibrated.

    Raises
    ------
    ArchiveReadError
        If the class of the record, or of its field, is not supported.
    """
    what = "the photometric calibration"
    finished = finish(
        record,
        BaseField,  # type: ignore[type-abstract]  # only for isinstance
        what,
        LegacyContext(bounds),
    )
    if finished is not None:
        return finished
    if not isinstance(record, LegacyPhotoCalib):
        raise unknown_class(record, BaseField, what)
    unit = u.nJy / instrumental_unit
    if record.is_constant:
        if record.mean == 1.0 and is_calibrated:
            return None
        return ChebyshevField(bounds, [[record.mean]], unit=unit)
    field = make_field(record.field(), bounds, unit=unit)
    return field if record.field_scale == 1.0 else field * record.field_scale
