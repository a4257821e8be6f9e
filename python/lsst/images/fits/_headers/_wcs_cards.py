# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""WCS cards: the pixel origin of an array, and removal of WCS cards.

Source: FITS standard 4.0, section 8; the alternate WCS ``A`` that records the
pixel origin of an array is a convention of `lsst.afw`.
"""

from __future__ import annotations

__all__ = ("add_offset_wcs", "offset_cards", "read_offset_wcs", "read_yx0", "strip_wcs_cards")

import math
import warnings
from typing import Any

from ..._geom import YX
from ...errors import CorruptArchiveError, LossyConversionWarning, MissingOriginError
from ...utils import short_repr
from ._keyword_classes import is_wcs_card

ORIGIN_TOLERANCE = 1e-6
"""Maximum fraction of a pixel in the cards of an origin that is rounding error."""

MAX_ERROR_CARD = "WCSMAXER"
RMS_ERROR_CARD = "WCSRMSER"
"""Cards with the errors of an approximate celestial WCS, in arcseconds."""


def offset_cards(*, x: float, y: float, key: str = "A") -> list[tuple[str, Any, str]]:
    """Return cards that record the pixel origin of an array.

    Parameters
    ----------
    x, y
        Absolute coordinates of the first pixel, in pixels.
    key
        Letter of the alternate WCS.
    """
    return [
        (f"CTYPE1{key}", "LINEAR", "Type of projection"),
        (f"CTYPE2{key}", "LINEAR", "Type of projection"),
        (f"CRPIX1{key}", 1.0, "Column Pixel Coordinate of Reference"),
        (f"CRPIX2{key}", 1.0, "Row Pixel Coordinate of Reference"),
        (f"CRVAL1{key}", float(x), "Column pixel of Reference Pixel"),
        (f"CRVAL2{key}", float(y), "Row pixel of Reference Pixel"),
        (f"CUNIT1{key}", "PIXEL", "Column unit"),
        (f"CUNIT2{key}", "PIXEL", "Row unit"),
    ]


def add_offset_wcs(header: Any, *, x: float, y: float, key: str = "A") -> None:
    """Add cards that record the pixel origin of an array.

    Parameters
    ----------
    header
        `astropy.io.fits.Header` to change.
    x, y
        Absolute coordinates of the first pixel, in pixels.
    key
        Letter of the alternate WCS.
    """
    for keyword, value, comment in offset_cards(x=x, y=y, key=key):
        header.set(keyword, value, comment)


def read_offset_wcs(header: Any, *, key: str = "A") -> tuple[int, int] | None:
    """Return the pixel origin of an array, from the cards of `add_offset_wcs`.

    Parameters
    ----------
    header
        `astropy.io.fits.Header` or another mapping of keywords to values.
    key
        Letter of the alternate WCS.

    Returns
    -------
    x, y
        Coordinates of the first pixel; `None` if the header has no such cards.
    """
    # Some writers omit CTYPE2.
    if header.get(f"CTYPE1{key}") != "LINEAR":
        return None
    x, y = (
        _number(header, f"CRVAL{axis}{key}", 0.0) - (_number(header, f"CRPIX{axis}{key}", 1.0) - 1.0)
        for axis in (1, 2)
    )
    return _round_origin(x, "x"), _round_origin(y, "y")


def read_yx0(header: Any) -> YX[int]:
    """Return the pixel origin of an array, from ``LTV1/2`` or the cards of `add_offset_wcs`.

    Parameters
    ----------
    header
        `astropy.io.fits.Header` or another mapping of keywords to values.

    Raises
    ------
    NotAnArchiveError
        If the header has neither; also a `ValueError`.
    """
    if header.get("LTV1") is not None:
        ltv1, ltv2 = _number(header, "LTV1", 0.0), _number(header, "LTV2", 0.0)
        return YX(y=_round_origin(-ltv2, "y"), x=_round_origin(-ltv1, "x"))
    if (xy := read_offset_wcs(header)) is None:
        raise MissingOriginError(
            "The header does not record the pixel origin of the array: it has neither LTV1/LTV2 cards nor "
            "a linear WCS 'A'."
        )
    return YX(y=xy[1], x=xy[0])


def _number(header: Any, keyword: str, default: float) -> float:
    """Return the finite number of a card."""
    value = header.get(keyword, default)
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise CorruptArchiveError(
            f"{keyword} = {short_repr(value)} in a FITS header is invalid; it must be a finite number."
        )
    return number


def _round_origin(value: float, axis: str) -> int:
    """Round the origin of an array to a whole pixel, with a warning if it is not one."""
    origin = round(value)
    if abs(value - origin) > ORIGIN_TOLERANCE:
        warnings.warn(
            f"The header gives the {axis} coordinate of the first pixel as {short_repr(value)}, which is not "
            "a whole "
            f"number; it is rounded to {origin}.",
            LossyConversionWarning,
            stacklevel=3,
        )
    return origin


def strip_wcs_cards(header: Any) -> None:
    """Remove the WCS cards of the primary and all alternate WCSs.

    Parameters
    ----------
    header
        `astropy.io.fits.Header` to change.
    """
    for keyword in {keyword for keyword in header if is_wcs_card(keyword)}:
        header.remove(keyword, ignore_missing=True, remove_all=True)
