# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header cards that describe an array to other software; this package does not read them."""

from __future__ import annotations

__all__ = ("WcsCards", "date_card", "fits_unit", "hint_cards")

import datetime
import warnings
from typing import Any

import astropy.units as u

from ..._geom import Box
from ...errors import LossyConversionWarning
from ...serialization import ArrayHints, format_unit
from ...utils import escape_unprintable
from ._keyword_classes import is_wcs_card
from ._wcs_cards import MAX_ERROR_CARD, RMS_ERROR_CARD, offset_cards

Card = tuple[str, Any, str]

MAX_SILENT_ERROR = 0.01
"""Maximum error of WCS cards in arcseconds without a warning: 5 % of a pixel of LSSTCam."""


def date_card() -> Card:
    """Return the ``DATE`` card: the current time, UTC, to the millisecond."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return "DATE", now.isoformat(timespec="milliseconds"), "UTC date of this write"


def hint_cards(hints: ArrayHints, wcs_cards: WcsCards) -> list[Card]:
    """Return the cards that describe an array.

    Parameters
    ----------
    hints
        Description of the array.
    wcs_cards
        Cache of celestial WCS cards; the planes of an image share them.
    """
    cards: list[Card] = []
    if hints.unit is not None:
        cards.append(("BUNIT", fits_unit(hints.unit), "Unit of the pixels"))
    for bit, (name, description) in enumerate(hints.mask_planes):
        cards.append((f"MSKN{bit:04d}", escape_unprintable(name), "Name of the mask plane"))
        cards.append((f"MSKM{bit:04d}", 1 << bit, "Value of its bit"))
        cards.append((f"MSKD{bit:04d}", escape_unprintable(description), ""))
    if hints.bbox is not None:
        if hints.projection is not None:
            cards.extend(wcs_cards.get(hints.projection, hints.bbox))
        cards.extend(offset_cards(x=hints.bbox.x.start, y=hints.bbox.y.start))
    return cards


class WcsCards:
    """Cache of celestial WCS cards for each sky projection and box."""

    def __init__(self) -> None:
        self._known: list[tuple[Any, Box, list[Card]]] = []

    def get(self, projection: Any, bbox: Box) -> list[Card]:
        """Return the celestial WCS cards of an array.

        Parameters
        ----------
        projection
            Sky projection.
        bbox
            Pixels of the array.
        """
        for known, box, cards in self._known:
            if known is projection and box == bbox:
                return cards
        cards = _celestial_cards(projection, bbox)
        self._known.append((projection, bbox, cards))
        return cards


def _celestial_cards(projection: Any, bbox: Box) -> list[Card]:
    exact = projection.as_fits_wcs(bbox)
    wcs = projection.as_fits_wcs(bbox, allow_approximation=True) if exact is None else exact
    if wcs is None:
        return []
    import astropy.wcs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", astropy.wcs.FITSFixedWarning)
        header = wcs.to_header(relax=True)
    # Cards of the time of the observation are passed through from the old header, if there is one.
    cards = [(card.keyword, card.value, card.comment) for card in header.cards if is_wcs_card(card.keyword)]
    return cards if exact is not None else cards + _accuracy_cards(projection, bbox)


def _accuracy_cards(projection: Any, bbox: Box) -> list[Card]:
    """Return cards with the error of approximate WCS cards."""
    accuracy = projection.fits_wcs_error(bbox)
    if accuracy is None:
        return []
    if accuracy.max > MAX_SILENT_ERROR:
        warnings.warn(
            f"The FITS WCS cards have errors of up to {accuracy.max:.3g} arcsec; the projection in the "
            "tree is exact. Attach a better approximation with Projection.fit_fits_approximation().",
            LossyConversionWarning,
            stacklevel=2,
        )
    return [
        (MAX_ERROR_CARD, accuracy.max, "[arcsec] largest error of the WCS cards"),
        (RMS_ERROR_CARD, accuracy.rms, "[arcsec] rms error of the WCS cards"),
    ]


def fits_unit(unit: u.UnitBase) -> str:
    """Return a unit as FITS text.

    Parameters
    ----------
    unit
        The unit; units that are not in the FITS standard, such as the
        electron, use the text of astropy.
    """
    try:
        return str(unit.to_string("fits"))
    except ValueError:
        return format_unit(unit)
