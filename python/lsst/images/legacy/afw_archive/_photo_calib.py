# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Photometric calibrations: ``PhotoCalib`` and its predecessor ``Calib``."""

from __future__ import annotations

__all__ = (
    "AB_REFERENCE_FLUX",
    "LegacyPhotoCalib",
    "decode_calib",
    "decode_photo_calib",
    "photo_calib_from_cards",
    "photo_calib_from_flux_mag0",
)

import dataclasses
import math
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError, SchemaVersionError
from ...fits import Cards
from ...utils import short_repr
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows

AB_REFERENCE_FLUX = 3630780547701.0
"""Flux of AB magnitude 0 in nJy, with the precision that `lsst.afw` uses."""

MAX_VERSION = 1
"""Latest supported version of the table."""


@dataclasses.dataclass(frozen=True)
class LegacyPhotoCalib:
    """Factors from counts of the image to nJy.

    Parameters
    ----------
    mean, error
        Mean factor, and its uncertainty, nJy per count.
    is_constant
        Whether the mean applies everywhere.
    field
        Reference to the bounded field of the factor, or `None`.
    field_scale
        Factor by which the values of the field are multiplied to get nJy
        per count.
    """

    mean: float
    error: float
    is_constant: bool = True
    field: Any = None
    field_scale: float = 1.0

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the factor in nJy per count.

        Parameters
        ----------
        x, y
            Positions in pixels, of equal shapes.

        Raises
        ------
        ArchiveReadError
            If the field is damaged.
        """
        if self.is_constant:
            return np.full(np.broadcast(x, y).shape, self.mean)
        values: np.ndarray = self.field_scale * self.field.part("evaluate")(x, y)
        return values


def decode_photo_calib(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyPhotoCalib:
    """Decode a ``PhotoCalib`` of any version.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.

    Notes
    -----
    Version 0 does not have a version column, and is in maggies per count.
    """
    row = tables[0].one()
    version = row.integer("version", 0)
    if not 0 <= version <= MAX_VERSION:
        raise SchemaVersionError(
            f"the photometric calibration has version {version}; this release reads up to version "
            f"{MAX_VERSION}"
        )
    scale = 1.0 if version else AB_REFERENCE_FLUX
    field = archive.reference(row.integer("field", 0))
    # Before the flag existed every calibration had a field.
    constant = row.flag("isConstant", not field)
    if not constant and not field:
        raise CorruptArchiveError("the calibration is not constant, but does not have a field")
    return LegacyPhotoCalib(
        mean=scale * row.number("calibrationMean"),
        error=scale * row.number("calibrationErr"),
        is_constant=constant,
        field=field or None,
        field_scale=scale,
    )


def decode_calib(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyPhotoCalib:
    """Decode a ``Calib``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    error = next(
        name for name in ("fluxmag0.err", "fluxmag0_err", "fluxmag0Err", "") if name in row or not name
    )
    found = photo_calib_from_flux_mag0(row.number("fluxmag0"), row.number(error) if error else 0.0)
    if found is None:
        raise CorruptArchiveError(
            f"fluxmag0 = {short_repr(row.number('fluxmag0'))}; expected a positive number"
        )
    return found


def photo_calib_from_flux_mag0(flux: float, error: float) -> LegacyPhotoCalib | None:
    """Create a calibration from the counts of an object of magnitude 0.

    Parameters
    ----------
    flux, error
        The counts, and their uncertainty.

    Returns
    -------
    photo_calib
        `None` if the image was not calibrated: the flux is not a positive
        finite number.
    """
    if not (math.isfinite(flux) and flux > 0.0):
        return None
    mean = AB_REFERENCE_FLUX / flux
    return LegacyPhotoCalib(mean, mean * error / flux)


def photo_calib_from_cards(cards: Cards) -> LegacyPhotoCalib | None:
    """Create a calibration from the primary header of an old exposure.

    Parameters
    ----------
    cards
        The primary header.

    Returns
    -------
    photo_calib
        `None` if the header does not have a calibration.
    """
    flux, error = cards.get("FLUXMAG0"), cards.get("FLUXMAG0ERR", 0.0)
    if not isinstance(flux, int | float) or not isinstance(error, int | float):
        return None
    return photo_calib_from_flux_mag0(float(flux), float(error))
