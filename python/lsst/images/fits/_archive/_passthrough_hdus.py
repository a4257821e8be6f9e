# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header cards that are passed through from reading to writing.

Headers are stored as bytes and parsed on access, because most objects are not
written again.
"""

from __future__ import annotations

__all__ = (
    "FitsOpaqueMetadata",
    "PrecompressedImage",
    "strip_butler_cards",
    "strip_legacy_exposure_cards",
    "suppress_fits_card_warnings",
)

import contextlib
import dataclasses
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from ...serialization import parse_unit
from .._headers._cards import CARD_SIZE
from .._headers._keyword_classes import archive_keywords, is_archive_card, owned_keywords
from .._headers._odd_cards import header_bytes, parse_header
from .._tiles.codecs import find_codec
from ._external_metadata import FitsExternalMetadata
from ._layout import CONTAINER_CARDS, ExtensionKey

if TYPE_CHECKING:
    import astropy.io.fits
    import astropy.units as u

_MASK_PLANES = re.compile(r"MSK[NMD]\d{4}|MP_.*")
_FRAME_OF_OBSERVATION = frozenset({"RADESYS", "RADECSYS", "EQUINOX", "EPOCH"})
"""WCS cards that describe the positions of the observation too, in a primary header without an array."""

_PRECOMPRESSED = re.compile(
    r"Z(?:IMAGE|CMPTYPE|BITPIX|NAXIS[12]?|TILE[12]|NAME\d+|VAL\d+|MASKCMP|QUANTIZ|DITHER0|BLANK|SCALE|ZERO)"
    r"|BSCALE|BZERO|BLANK"
)
"""Cards that are needed to decode the pixels of a compressed image of two axes, scaling included."""


@contextlib.contextmanager
def suppress_fits_card_warnings() -> Iterator[None]:
    """Return a context in which astropy does not warn about long keywords."""
    from astropy.io.fits.verify import VerifyWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        yield


def strip_butler_cards(header: astropy.io.fits.Header) -> None:
    """Remove every ``LSST BUTLER`` card.

    Parameters
    ----------
    header
        Header to change.
    """
    _remove(header, re.compile(r"LSST BUTLER.*"))


def strip_legacy_exposure_cards(header: astropy.io.fits.Header) -> None:
    """Remove cards that refer to the table archive of an afw exposure.

    Parameters
    ----------
    header
        Header to change.
    """
    references = {card.keyword for card in header["*_ID"].cards if _is_archive_card(card)}
    for keyword in references | archive_keywords(set(header)):
        header.remove(keyword, ignore_missing=True, remove_all=True)


def _remove(header: astropy.io.fits.Header, pattern: re.Pattern[str]) -> None:
    for keyword in {keyword for keyword in header if pattern.fullmatch(keyword)}:
        header.remove(keyword, ignore_missing=True, remove_all=True)


def _is_archive_card(card: astropy.io.fits.Card) -> bool:
    from astropy.io.fits.verify import VerifyError

    try:
        return is_archive_card(card.keyword, card.comment)
    except VerifyError:
        # The card cannot be parsed.
        return is_archive_card(card.keyword)


def _strip_owned_cards(header: astropy.io.fits.Header, *, is_primary: bool) -> None:
    """Remove the cards that describe the HDU which the header comes from."""
    strip_legacy_exposure_cards(header)
    kept = _FRAME_OF_OBSERVATION if is_primary else frozenset()
    for keyword in owned_keywords(set(header)) - kept:
        header.remove(keyword, ignore_missing=True, remove_all=True)


@dataclasses.dataclass(frozen=True)
class RawHeader:
    """A header that is parsed on access.

    Parameters
    ----------
    content
        Bytes of the cards.
    is_primary
        Whether it is a primary header, from which the cards of the container
        and of the Butler are removed.
    has_unit
        Whether the tree contains the unit, so that ``BUNIT`` is removed.
    """

    content: bytes
    is_primary: bool = False
    has_unit: bool = False

    @classmethod
    def from_header(
        cls, header: astropy.io.fits.Header, *, is_primary: bool = False, has_unit: bool = False
    ) -> Self:
        """Make an instance from a parsed header.

        Parameters
        ----------
        header
            The header; it is not changed.
        is_primary, has_unit
            As for the constructor.
        """
        return cls(header_bytes(header), is_primary, has_unit)

    def parse(self) -> astropy.io.fits.Header:
        """Return the cards that this package does not interpret."""
        with suppress_fits_card_warnings():
            header = parse_header(self.content)
            if self.is_primary:
                for keyword in CONTAINER_CARDS:
                    header.remove(keyword, ignore_missing=True)
                strip_butler_cards(header)
            else:
                _remove(header, _MASK_PLANES)
                if self.has_unit:
                    header.remove("BUNIT", ignore_missing=True)
            _strip_owned_cards(header, is_primary=self.is_primary)
        return header


@dataclasses.dataclass(frozen=True)
class PrecompressedImage:
    """A compressed image that is written again without decoding it.

    Parameters
    ----------
    cards
        Compression cards: keyword, value, comment.
    columns
        Cards of the table, such as ``NAXIS1`` and ``TTYPEn``.
    data
        Data unit without padding: table and heap.
    """

    cards: tuple[tuple[str, Any, str], ...]
    columns: tuple[tuple[str, Any, str], ...]
    data: bytes

    @classmethod
    def from_hdu(cls, header: astropy.io.fits.Header, data: bytes) -> PrecompressedImage:
        """Return the table of a compressed image.

        Parameters
        ----------
        header
            Header of the binary table.  The image has two axes; further axes
            have a length of 1.
        data
            Data unit without padding.
        """
        cards, columns = [], []
        for card in header.cards:
            if _PRECOMPRESSED.fullmatch(card.keyword):
                # Aliases of early CFITSIO are replaced, because current readers reject them.
                codec = find_codec(str(card.value)) if card.keyword == "ZCMPTYPE" else None
                # Further axes have a length of 1; they are left out.
                value = 2 if card.keyword == "ZNAXIS" else card.value
                cards.append((card.keyword, codec.algorithm if codec else value, card.comment))
            elif re.fullmatch(r"NAXIS[12]|PCOUNT|TFIELDS|THEAP|T(?:TYPE|FORM|NULL)\d+", card.keyword):
                columns.append((card.keyword, card.value, card.comment))
        return cls(tuple(cards), tuple(columns), data)


class FitsOpaqueMetadata:
    """Headers and compressed images that an object passes from its FITS file to the next one.

    Parameters
    ----------
    headers
        Headers by HDU, without cards that this package writes.
    precompressed
        Compressed images by ``EXTNAME``.
    """

    def __init__(
        self,
        headers: Mapping[ExtensionKey, astropy.io.fits.Header] | None = None,
        precompressed: Mapping[str, PrecompressedImage] | None = None,
    ) -> None:
        self._headers: dict[ExtensionKey, Any] = dict(headers or {})
        self.precompressed: dict[str, PrecompressedImage] = dict(precompressed or {})
        self._external: FitsExternalMetadata | None = None

    @property
    def headers(self) -> Mapping[ExtensionKey, astropy.io.fits.Header]:
        """Headers by HDU; read-only, since copies share them."""
        for key, header in self._headers.items():
            if isinstance(header, RawHeader):
                self._headers[key] = header.parse()
        return self._headers

    def header(self, key: ExtensionKey) -> astropy.io.fits.Header | None:
        """Return the header of one HDU.

        Parameters
        ----------
        key
            The HDU.
        """
        header = self._headers.get(key)
        if isinstance(header, RawHeader):
            header = self._headers[key] = header.parse()
        return header

    def add_raw(self, key: ExtensionKey, header: RawHeader) -> None:
        """Add the header of an HDU, unless there is one already.

        Parameters
        ----------
        key
            The HDU.
        header
            Its header.
        """
        self._headers.setdefault(key, header)

    def add_header(
        self,
        header: astropy.io.fits.Header,
        name: str | None = None,
        ver: int | None = None,
        key: ExtensionKey | None = None,
    ) -> None:
        """Add the header of an HDU, unless there is one already.

        Parameters
        ----------
        header
            Header, from which the cards that describe the structure, scaling,
            WCS and checksum of its HDU are removed.
        name, ver
            The HDU; by default from the header.  ``LSST BUTLER`` cards are
            removed.
        key
            The HDU, instead of ``name`` and ``ver``.
        """
        if key is None:
            name = header.get("EXTNAME", "") if name is None else name
            key = ExtensionKey(str(name).upper(), int(header.get("EXTVER", 1) if ver is None else ver))
            strip_butler_cards(header)
        _strip_owned_cards(header, is_primary=not key.name)
        self._headers.setdefault(key, header)

    def add_cutdown_primary_header(self, header: astropy.io.fits.Header) -> None:
        """Add the primary header of a file that was cut out of an archive.

        Parameters
        ----------
        header
            Header; it is not changed.
        """
        self.add_raw(ExtensionKey(), RawHeader.from_header(header, is_primary=True))

    def extract_legacy_primary_header(self, header: astropy.io.fits.Header) -> dict[str, Any]:
        """Add the primary header of an afw file.

        Parameters
        ----------
        header
            Header; it is not changed.

        Returns
        -------
        metadata
            Metadata that `lsst.images` stored as ``LSST IMAGES KEY n`` and
            ``VALUE n`` when it converted the object to afw.
        """
        header = header.copy(strip=True)
        metadata: dict[str, Any] = {}
        number = 1
        while (key := header.get(f"LSST IMAGES KEY {number}")) is not None:
            metadata[key] = header.get(f"LSST IMAGES VALUE {number}")
            number += 1
        with suppress_fits_card_warnings():
            _remove(header, re.compile(r"LSST IMAGES (?:KEY|VALUE) \d+"))
            _strip_owned_cards(header, is_primary=True)
        self.add_header(header, name="", ver=1)
        return metadata

    def get_instrumental_unit(self) -> u.UnitBase | None:
        """Return the unit of ``LSST ISR UNITS`` in the primary header."""
        header = self.header(ExtensionKey())
        text = None if header is None else header.get("LSST ISR UNITS")
        return None if text is None else parse_unit(text)

    def maybe_use_precompressed(self, name: str) -> PrecompressedImage | None:
        """Return the compressed image of an HDU, or `None`.

        Parameters
        ----------
        name
            ``EXTNAME`` of the HDU.
        """
        return self.precompressed.get(name)

    @classmethod
    def from_passthrough(cls, passthrough: Any) -> FitsOpaqueMetadata | None:
        """Convert passthrough metadata of any container.

        Parameters
        ----------
        passthrough
            Object with ``primary_cards``, or `None`.

        Returns
        -------
        metadata
            The metadata; `None` without FITS cards.
        """
        if passthrough is None or isinstance(passthrough, cls):
            return passthrough
        cards = passthrough.primary_cards() if hasattr(passthrough, "primary_cards") else ()
        if not cards:
            return None
        return cls(
            {ExtensionKey(): RawHeader("".join(cards).encode("latin-1", "replace"), is_primary=True).parse()}
        )

    def primary_cards(self) -> tuple[str, ...]:
        """Return the cards of the primary header, 80 characters each.

        Other containers store these cards.
        """
        header = self.header(ExtensionKey())
        if header is None:
            return ()
        text = header_bytes(header, escape=True).decode("ascii")
        return tuple(text[at : at + CARD_SIZE] for at in range(0, len(text), CARD_SIZE))

    def external_metadata(self) -> FitsExternalMetadata:
        """Return the cards of the primary header as read-only metadata.

        Returns
        -------
        metadata
            The cards that are preserved when the object is written.
        """
        if self._external is None:
            self._external = FitsExternalMetadata(self.header(ExtensionKey()))
        return self._external

    def for_subset(self) -> Self:
        """Return the metadata of a copy or subset: headers without compressed images."""
        result = type(self)()
        # Shared, so that each header is parsed once.
        result._headers = self._headers
        result._external = self._external
        return result

    copy = for_subset

    def subset(self, bbox: Any) -> Self:
        """Return the metadata of a subset.

        Parameters
        ----------
        bbox
            Bounding box of the subset; unused.
        """
        return self.for_subset()
