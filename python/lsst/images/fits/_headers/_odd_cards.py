# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header cards that violate the FITS standard.

Old files have cards with characters that are not printable ASCII, or with
values that do not have a FITS type (standard 4.0, sections 3.2, 4.1.2 and
4.2).  `astropy` raises an error when it formats such a card.
"""

from __future__ import annotations

__all__ = ("OddCard", "header_bytes", "parse_header")

import re
import warnings

import astropy.io.fits
from astropy.io.fits.verify import VerifyError, VerifyWarning

from ...errors import LossyConversionWarning
from ...utils import escape_unprintable
from ._cards import CARD_SIZE, Cards

_PLAIN = re.compile(
    rb"(?:COMMENT |HISTORY | {8})[ -~]*\Z"
    rb"|(?=.{8}= )[A-Z0-9_-]+ *= +"
    rb"(?:'(?:[ -&(-~]|'')*'|[TF]|[+-]?[0-9]+|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[ED][+-]?[0-9]+)?)?"
    rb" *(?:/[ -~]*)?\Z"
)
"""A card that conforms to the standard and does not use a convention for long values or keywords."""

_PRINTABLE = re.compile(rb"[ -~]*\Z")

MAX_REPORTED = 5
"""Maximum number of keywords in a warning."""


class OddCard(astropy.io.fits.Card):  # type: ignore[misc]  # astropy does not have types.
    """A card that violates the FITS standard, with its text escaped.

    Parameters
    ----------
    raw_card
        The 80 bytes of the card, and those of the cards that continue it.
    """

    def __init__(self, raw_card: bytes) -> None:
        keyword, value, comment = next(iter(Cards(raw_card)), ("", None, ""))
        if " " in keyword or len(keyword) > 8:
            keyword = f"HIERARCH {keyword}"
        if isinstance(value, str):
            value = escape_unprintable(value)
        try:
            super().__init__(keyword, value, escape_unprintable(comment))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VerifyWarning)
                str(self)
        except (ValueError, VerifyError):
            # The keyword is invalid; a card with a blank keyword is a comment.
            super().__init__("", escape_unprintable(raw_card.rstrip().decode("latin-1")))
        self._escaped_value = self.value
        self._raw_card = raw_card

    @property
    def raw_card(self) -> bytes | None:
        """The bytes of the card in its file; `None` if its value was changed since."""
        return self._raw_card if self.value == self._escaped_value else None


def parse_header(content: bytes) -> astropy.io.fits.Header:
    """Parse a header; cards that violate the standard become `OddCard` instances.

    Parameters
    ----------
    content
        Cards of 80 bytes, without ``END``.

    Returns
    -------
    header
        The header.
    """
    cards = _split(content)
    odd = [not _PLAIN.match(card) and _is_odd(card) for card in cards]
    if not any(odd):
        return astropy.io.fits.Header.fromstring(content)
    fromstring = astropy.io.fits.Card.fromstring
    return astropy.io.fits.Header(
        [OddCard(card) if is_odd else fromstring(card) for card, is_odd in zip(cards, odd, strict=True)]
    )


def header_bytes(header: astropy.io.fits.Header, *, escape: bool = False) -> bytes:
    """Format a header, without ``END``.

    Parameters
    ----------
    header
        The header.
    escape
        Whether to write cards that violate the FITS standard with escaped
        text, instead of byte for byte.

    Returns
    -------
    content
        Cards of 80 bytes.

    Warns
    -----
    LossyConversionWarning
        If the header has such cards.
    """
    pieces: list[bytes] = []
    odd: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        for card in header.cards:
            piece = _card_bytes(card, odd, escape)
            pieces.append(piece.ljust(-(-len(piece) // CARD_SIZE) * CARD_SIZE))
    if odd:
        how = "written with escaped text" if escape else "written byte for byte"
        warnings.warn(
            f"{len(odd)} header cards violate the FITS standard and are {how}; the first are "
            f"{odd[:MAX_REPORTED]}.",
            LossyConversionWarning,
            stacklevel=3,
        )
    return b"".join(pieces)


def _card_bytes(card: astropy.io.fits.Card, odd: list[str], escape: bool) -> bytes:
    """Format a card, and append its keyword to a list if it violates the standard."""
    if not isinstance(card, OddCard):
        try:
            return str(card).encode("ascii")
        except (ValueError, VerifyError):
            # The caller read the header with astropy, which has no public access to the bytes of a card.
            card = OddCard(str(getattr(card, "_image", None) or "").encode("latin-1", "replace"))
    odd.append(card.keyword)
    raw = None if escape else card.raw_card
    return str(card).encode("ascii") if raw is None else raw


def _split(content: bytes) -> list[bytes]:
    """Split a header into cards, each with the cards that continue it."""
    cards: list[bytes] = []
    for at in range(0, len(content), CARD_SIZE):
        card = content[at : at + CARD_SIZE]
        if card.startswith(b"CONTINUE") and cards:
            cards[-1] += card
        else:
            cards.append(card)
    return cards


def _is_odd(card: bytes) -> bool:
    if _PLAIN.match(card):
        return False
    if not _PRINTABLE.match(card):
        return True
    # A long keyword or value; or an invalid value.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VerifyWarning)
            parsed = astropy.io.fits.Card.fromstring(card)
            # Parse the value, and format the card.
            return parsed.value is not None and not str(parsed).isprintable()
    except (ValueError, VerifyError):
        return True
