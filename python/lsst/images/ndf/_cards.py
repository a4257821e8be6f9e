# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Passthrough header cards, stored in the FITS extension of an NDF."""

from __future__ import annotations

__all__ = ("CardSource", "HeaderCards")

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Protocol, Self

from ..fits import CARD_SIZE, FitsOpaqueMetadata, owned_keywords
from ..serialization import NO_EXTERNAL_METADATA, ExternalMetadata


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
        by_keyword = [(card[:8].rstrip(), card.ljust(CARD_SIZE)[:CARD_SIZE]) for card in cards]
        owned = owned_keywords({keyword for keyword, _ in by_keyword}) | {"BUNIT"}
        return cls(tuple(card for keyword, card in by_keyword if keyword not in owned))

    def primary_cards(self) -> tuple[str, ...]:
        """Return the cards."""
        return self.cards

    def external_metadata(self) -> ExternalMetadata:
        """Return the cards as read-only metadata.

        Returns
        -------
        metadata
            The cards that a FITS file of the object would have.
        """
        parsed = FitsOpaqueMetadata.from_passthrough(self)
        return NO_EXTERNAL_METADATA if parsed is None else parsed.external_metadata()

    def for_subset(self) -> Self:
        """Return this instance, because all cards apply to a subset too."""
        return self
