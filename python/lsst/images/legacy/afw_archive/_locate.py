# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Finding the archive of a file, and the components of an exposure in it."""

from __future__ import annotations

__all__ = ("CLASSIC_KEYS", "find_index", "open_legacy_fits", "read_pointers")

import re
import zlib
from typing import IO

from lsst.resources import ResourcePathExpression

from ...errors import CorruptArchiveError, InvalidComponentError
from ...fits import CARD_SIZE, Buffer, ByteSource, BytesSource, Cards, FitsFile, Hdu, open_source
from ...utils import short_repr

INDEX = "ARCHIVE_INDEX"
"""``EXTTYPE`` of the index, and in most files its ``EXTNAME``."""

CLASSIC_KEYS = (
    "SKYWCS",
    "PSF",
    "PHOTOCALIB",
    "DETECTOR",
    "VALID_POLYGON",
    "COADD_INPUTS",
    "AP_CORR_MAP",
    "TRANSMISSION_CURVE",
    "FILTER",
    "SUMMARY_STATS",
    "WCS",
)
"""Components that old headers refer to by ``<KEY>_ID``.

Other keywords that end in ``_ID``, ``CALIB_ID`` for example, come from raw
images and are not references.
"""

NEW_PREFIX = "ARCHIVE_ID_"
"""Prefix of the name of a component in new headers."""

_POINTER = re.compile(
    rb"(?:HIERARCH +)?(?:(%s)_ID|%s([ -<>-~]+)) *= *([+-]?\d+) *(?:/|\Z)"
    % ("|".join(CLASSIC_KEYS).encode(), NEW_PREFIX.encode())
)
"""A card with the number of a component."""

MAX_INDEX_HDU = 2
"""Maximum number of the HDU of the index in a file without ``AR_HDU``: it
follows the primary HDU, or the catalog in HDU 1."""

MAX_UNCOMPRESSED_SIZE = 4 * 1024**3
"""Maximum size of a file after decompression, in bytes."""

_GZIP = b"\x1f\x8b"


def find_index(file: FitsFile) -> tuple[Hdu, int] | None:
    """Find the index of the archive.

    Parameters
    ----------
    file
        The open file.

    Returns
    -------
    index
        The HDU and its number, or `None` if the file has no archive.

    Raises
    ------
    CorruptArchiveError
        If the header refers to an archive that is missing.
    """
    ar_hdu = file.hdu(0).cards.get("AR_HDU")
    if type(ar_hdu) is int:
        # AR_HDU counts from 1, FitsFile.hdu from 0.
        number = ar_hdu - 1
        try:
            hdu = file.hdu(number)
        except InvalidComponentError as err:
            raise CorruptArchiveError(
                f"{file.name}: AR_HDU = {short_repr(ar_hdu)}, but the file does not have this HDU. The file "
                "is "
                "truncated."
            ) from err
        if not _is_index(hdu):
            raise CorruptArchiveError(
                f"{file.name}: AR_HDU = {short_repr(ar_hdu)}, but that HDU is {hdu.name!r}, a {hdu.kind}, "
                "not an "
                "archive index. HDUs were added to or removed from the file."
            )
        return hdu, number
    for number in range(1, MAX_INDEX_HDU + 1):
        try:
            hdu = file.hdu(number)
        except InvalidComponentError:
            return None
        if _is_index(hdu):
            return hdu, number
    return None


def _is_index(hdu: Hdu) -> bool:
    names = {str(hdu.cards.get("EXTTYPE", "")).strip(), hdu.name}
    return INDEX in names and hdu.kind == "table"


def read_pointers(cards: Cards) -> dict[str, int]:
    """Read the identifiers of the components of an exposure.

    Parameters
    ----------
    cards
        The primary header.

    Returns
    -------
    pointers
        Identifiers of objects, by upper-case name of the component;
        components that the exposure does not have are left out.
    """
    raw = cards.raw
    classic: dict[str, int] = {}
    new: dict[str, int] = {}
    for at in range(0, len(raw), CARD_SIZE):
        if (match := _POINTER.match(raw, at, at + CARD_SIZE)) is not None:
            found, name = (classic, match[1]) if match[1] else (new, match[2])
            found.setdefault(name.decode("ascii").strip().upper(), int(match[3]))
    return {key: value for key, value in (classic | new).items() if value != 0}


def find_keywords(cards: Cards, prefix: str) -> list[str]:
    """List the keywords with a prefix, without parsing the other cards.

    Parameters
    ----------
    cards
        The header.
    prefix
        First characters of the keyword, without ``HIERARCH``.
    """
    raw, start = cards.raw, prefix.encode()
    if start not in raw:
        return []
    found = [raw[at : at + CARD_SIZE].removeprefix(b"HIERARCH ") for at in range(0, len(raw), CARD_SIZE)]
    return [card.partition(b"=")[0].decode("latin-1").strip() for card in found if card.startswith(start)]


def open_legacy_fits(target: ResourcePathExpression | Buffer | IO[bytes] | ByteSource) -> FitsFile:
    """Open a FITS file, decompressing it if the whole file is a gzip stream.

    Parameters
    ----------
    target
        Anything that `~lsst.images.fits.FitsFile.open` accepts.

    Raises
    ------
    NotAnArchiveError
        If it is not a FITS file, compressed or not.
    CorruptArchiveError
        If the gzip stream is damaged, or its content is larger than 4 GiB.
    """
    source = open_source(target)
    try:
        if bytes(source.read(0, min(len(_GZIP), source.size))) != _GZIP:
            return FitsFile.open(source)
        data = _decompress(source)
    except BaseException:
        source.close()
        raise
    source.close()
    return FitsFile.open(BytesSource(data, source.name))


def _decompress(source: ByteSource) -> bytes:
    packed = bytes(source.read(0, source.size))
    data = bytearray()
    try:
        # A file may consist of several gzip streams.
        while packed[:2] == _GZIP:
            stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            data += stream.decompress(packed, MAX_UNCOMPRESSED_SIZE - len(data) + 1)
            if len(data) > MAX_UNCOMPRESSED_SIZE:
                raise CorruptArchiveError(
                    f"{source.name} is larger than {MAX_UNCOMPRESSED_SIZE} bytes after decompression. "
                    "Decompress it "
                    "with gunzip first."
                )
            if not stream.eof:
                raise CorruptArchiveError(f"{source.name} is truncated: its gzip stream is incomplete.")
            packed = stream.unused_data
    except zlib.error as err:
        raise CorruptArchiveError(f"{source.name} is not a valid gzip stream: {err}.") from err
    return bytes(data)
