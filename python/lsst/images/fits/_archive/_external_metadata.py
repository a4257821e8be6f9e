# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header cards as read-only metadata."""

from __future__ import annotations

__all__ = ("FitsExternalMetadata",)

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...serialization import ExternalMetadata, ExternalMetadataValue
from ...utils import short_repr

if TYPE_CHECKING:
    import astropy.io.fits

_COMMENTARY = frozenset({"COMMENT", "HISTORY", ""})
"""Keywords of cards without values (FITS standard 4.0, section 4.4.2.4)."""

_HIERARCH = "HIERARCH "


class FitsExternalMetadata(ExternalMetadata):
    """The cards of a FITS header that have keywords and values.

    Keywords are in upper case; those of the ``HIERARCH`` convention do not
    have the prefix ``HIERARCH``, but look-ups accept it.  The value of a card
    without a value is `None`, and that of a card that cannot be parsed is its
    text.

    Parameters
    ----------
    header
        The header, which is read at the first look-up; `None` is an empty one.
    """

    def __init__(self, header: astropy.io.fits.Header | None = None) -> None:
        self._header = header
        self._index: dict[str, tuple[ExternalMetadataValue, ...]] | None = None

    @property
    def _values(self) -> dict[str, tuple[ExternalMetadataValue, ...]]:
        """All values by keyword."""
        if self._index is None:
            from astropy.io.fits.verify import VerifyWarning

            index: dict[str, list[ExternalMetadataValue]] = {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VerifyWarning)
                for card in () if self._header is None else self._header.cards:
                    if card.keyword not in _COMMENTARY:
                        index.setdefault(card.keyword.upper(), []).append(_value(card))
            self._index = {keyword: tuple(values) for keyword, values in index.items()}
        return self._index

    def get_all(self, name: str) -> tuple[ExternalMetadataValue, ...]:
        try:
            return self._values[name.upper().removeprefix(_HIERARCH).strip()]
        except (AttributeError, KeyError):
            raise KeyError(f"The header has no card {short_repr(name)}.") from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.upper().removeprefix(_HIERARCH).strip() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _value(card: astropy.io.fits.Card) -> ExternalMetadataValue:
    """Return the value of a card."""
    import astropy.io.fits
    from astropy.io.fits.verify import VerifyError

    try:
        value = card.value
    except VerifyError:
        return str(card.image[10:]).strip()
    if isinstance(value, astropy.io.fits.card.Undefined):
        return None
    result: ExternalMetadataValue = value
    return result
