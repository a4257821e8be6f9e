# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Type of the object in a file of `lsst.afw`."""

from __future__ import annotations

__all__ = ("CONVERTIBLE", "check_is_legacy", "guess_type")

import contextlib

from .._exposures import DifferenceImage, VisitImage
from .._pixels import Image, Mask, MaskedImage
from ..cells import CellCoadd
from ..errors import InvalidComponentError, NotAnArchiveError
from ._file import LegacyFile

CONVERTIBLE: dict[str, type] = {
    "image": Image,
    "mask": Mask,
    "masked_image": MaskedImage,
    "visit_image": VisitImage,
    "difference_image": DifferenceImage,
    "cell_coadd": CellCoadd,
}
"""Types that files can be converted to, by name."""

MARKS = ("AR_HDU", "EXPINFO_V", "LTV1", "CRVAL1A")
"""Keywords of which an afw file has at least one, in the primary HDU or in a plane."""


def check_is_legacy(file: LegacyFile) -> LegacyFile:
    """Check that a FITS file was written by `lsst.afw`.

    Parameters
    ----------
    file
        The open file.

    Returns
    -------
    file
        The argument.

    Raises
    ------
    NotAnArchiveError
        If it has no keywords of afw.
    """
    if _is_cell_coadd(file):
        return file
    hdus = (file.primary, *file.planes.values())
    if not any(mark in hdu.cards for hdu in hdus for mark in MARKS):
        raise NotAnArchiveError(f"{file.name} is a FITS file, but not one of lsst.afw.")
    return file


def guess_type(file: LegacyFile) -> str:
    """Guess the type of the object in a file.

    Parameters
    ----------
    file
        The open file.

    Returns
    -------
    name
        One of `CONVERTIBLE`.
    """
    if _is_cell_coadd(file):
        return "cell_coadd"
    planes, cards = file.planes, file.primary.cards
    if "MASK" in planes and ("AR_HDU" in cards or "EXPINFO_V" in cards):
        names = {card.removeprefix("MP_") for card, _, _ in planes["MASK"].cards if card.startswith("MP_")}
        return "difference_image" if "SAT_TEMPLATE" in names else "visit_image"
    if "IMAGE" not in planes:
        return "mask"
    return "image" if len(planes) == 1 else "masked_image"


def _is_cell_coadd(file: LegacyFile) -> bool:
    with contextlib.suppress(InvalidComponentError):
        return "GRCELL1" in file.fits.hdu(1).cards
    return False
