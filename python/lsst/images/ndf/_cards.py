# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header cards that travel through an NDF in its FITS extension."""

from __future__ import annotations

__all__ = ("CardSource", "HeaderCards")

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Protocol, Self

CARD_SIZE = 80
"""Characters of a card; FITS standard 4.0, section 3.3.1."""

_STRUCTURE = re.compile(
    r"(SIMPLE|BITPIX|NAXIS\d*|EXTEND|BSCALE|BZERO|BLANK|BUNIT|CHECKSUM|DATASUM|END"
    r"|WCSAXES|W?C(RVAL|RPIX|TYPE|UNIT|DELT|ROTA)\d+|(CD|PC)\d+_\d+|(PV|PS)\d+_\d+|LONPOLE|LATPOLE|RADESYS|EQUINOX)"
)
"""Cards about the pixels of the file that they once came from."""


class CardSource(Protocol):
    """PassthroughMetadata of any container that holds cards of a primary header."""

    def primary_cards(self) -> Sequence[str]:
        """Return cards of 80 characters, long ones with their continuations."""


@dataclasses.dataclass(frozen=True)
class HeaderCards:
    """Cards of a primary header that nobody understood.

    Parameters
    ----------
    cards
        Each of 80 characters.
    """

    cards: tuple[str, ...]

    @classmethod
    def from_foreign(cls, cards: Iterable[str]) -> Self:
        """Take the cards of an NDF that others wrote.

        Parameters
        ----------
        cards
            All cards; those that describe the array are left out, since the
            NDF itself describes it better.
        """
        kept = (card for card in cards if not _STRUCTURE.fullmatch(card[:8].rstrip()))
        return cls(tuple(card.ljust(CARD_SIZE)[:CARD_SIZE] for card in kept))

    def primary_cards(self) -> tuple[str, ...]:
        """Return the cards."""
        return self.cards

    def for_subset(self) -> Self:
        """Return what a copy or a subset of the object keeps: all of it."""
        return self
