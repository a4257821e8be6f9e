# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Passthrough header cards, stored in the FITS extension of an NDF."""

from __future__ import annotations

__all__ = ("CardSource", "HeaderCards")

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Protocol, Self

CARD_SIZE = 80
"""Size of a card in characters; FITS standard 4.0, section 3.3.1."""

_STRUCTURE = re.compile(
    r"(SIMPLE|BITPIX|NAXIS\d*|EXTEND|BSCALE|BZERO|BLANK|BUNIT|CHECKSUM|DATASUM|END"
    r"|WCSAXES|W?C(RVAL|RPIX|TYPE|UNIT|DELT|ROTA)\d+|(CD|PC)\d+_\d+|(PV|PS)\d+_\d+|LONPOLE|LATPOLE|RADESYS|EQUINOX)"
)
"""Cards that describe the structure and WCS of the file that they were read from."""


class CardSource(Protocol):
    """Passthrough metadata, of any container, with cards of a primary header."""

    def primary_cards(self) -> Sequence[str]:
        """Return cards of 80 characters, including continuation cards."""


@dataclasses.dataclass(frozen=True)
class HeaderCards:
    """Uninterpreted cards of a primary header.

    Parameters
    ----------
    cards
        Cards of 80 characters.
    """

    cards: tuple[str, ...]

    @classmethod
    def from_foreign(cls, cards: Iterable[str]) -> Self:
        """Make an instance from the cards of an NDF of other software.

        Parameters
        ----------
        cards
            All cards.  Cards that describe the array or its WCS are ignored,
            because components of the NDF describe them.
        """
        kept = (card for card in cards if not _STRUCTURE.fullmatch(card[:8].rstrip()))
        return cls(tuple(card.ljust(CARD_SIZE)[:CARD_SIZE] for card in kept))

    def primary_cards(self) -> tuple[str, ...]:
        """Return the cards."""
        return self.cards

    def for_subset(self) -> Self:
        """Return this instance, because all cards apply to a subset too."""
        return self
