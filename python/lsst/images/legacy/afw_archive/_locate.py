# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Where in a file the archive is, and which of its objects are whose."""

from __future__ import annotations

__all__ = ("CLASSIC_KEYS", "find_index", "open_legacy_fits", "read_pointers")

import re
import zlib
from typing import IO

from lsst.resources import ResourcePathExpression

from ...errors import CorruptArchiveError, InvalidComponentError
from ...fits import CARD, Buffer, ByteSource, BytesSource, Cards, FitsFile, Hdu, open_source

INDEX = "ARCHIVE_INDEX"
"""``EXTTYPE`` of the index, in most files its ``EXTNAME`` too."""

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
"""Components that old headers point to with ``<KEY>_ID`` only.

Raw headers have other cards with such names, ``CALIB_ID`` for one.
"""

NEW_PREFIX = "ARCHIVE_ID_"
"""What new headers put before the name of a component."""

_POINTER = re.compile(
    rb"(?:HIERARCH +)?(?:(%s)_ID|%s([ -<>-~]+)) *= *([+-]?\d+) *(?:/|\Z)"
    % ("|".join(CLASSIC_KEYS).encode(), NEW_PREFIX.encode())
)
"""A card with the number of a component."""

FARTHEST = 2
"""Last HDU where the archive of a file without ``AR_HDU`` starts: that of a
single object follows the primary HDU, that of a catalog the catalog."""

MAX_UNPACKED = 4 * 1024**3
"""Bytes that a compressed file may unpack to."""

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
        If the header promises an archive that is not there.
    """
    promised = file.hdu(0).cards.get("AR_HDU")
    if type(promised) is int:
        # Counted from 1, unlike ours.
        number = promised - 1
        try:
            hdu = file.hdu(number)
        except InvalidComponentError as err:
            raise CorruptArchiveError(
                f"{file.name}: AR_HDU = {promised!r}, but the file has no such HDU. It is truncated."
            ) from err
        if not _is_index(hdu):
            raise CorruptArchiveError(
                f"{file.name}: AR_HDU = {promised!r}, but that HDU is {hdu.name!r}, a {hdu.kind}, not an "
                "archive index. HDUs were removed or added."
            )
        return hdu, number
    for number in range(1, FARTHEST + 1):
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
    """Read which objects are the components of an exposure.

    Parameters
    ----------
    cards
        The primary header.

    Returns
    -------
    pointers
        Numbers of objects, by upper-case name of the component; components
        that the exposure does not have are left out.
    """
    raw = cards.raw
    classic: dict[str, int] = {}
    new: dict[str, int] = {}
    for at in range(0, len(raw), CARD):
        if (match := _POINTER.match(raw, at, at + CARD)) is not None:
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
    found = [raw[at : at + CARD].removeprefix(b"HIERARCH ") for at in range(0, len(raw), CARD)]
    return [card.partition(b"=")[0].decode("latin-1").strip() for card in found if card.startswith(start)]


def open_legacy_fits(target: ResourcePathExpression | Buffer | IO[bytes] | ByteSource) -> FitsFile:
    """Open a FITS file that may be compressed as a whole with gzip.

    Parameters
    ----------
    target
        Anything that `~lsst.images.fits.FitsFile.open` takes.

    Raises
    ------
    NotAnArchiveError
        If it is not a FITS file, compressed or not.
    CorruptArchiveError
        If the compressed stream is damaged, or unpacks to more than 4 GiB.
    """
    source = open_source(target)
    try:
        if bytes(source.read(0, min(len(_GZIP), source.size))) != _GZIP:
            return FitsFile.open(source)
        data = _unpack(source)
    except BaseException:
        source.close()
        raise
    source.close()
    return FitsFile.open(BytesSource(data, source.name))


def _unpack(source: ByteSource) -> bytes:
    packed = bytes(source.read(0, source.size))
    data = bytearray()
    try:
        # A file may be several streams one after the other.
        while packed[:2] == _GZIP:
            stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            data += stream.decompress(packed, MAX_UNPACKED - len(data) + 1)
            if len(data) > MAX_UNPACKED:
                raise CorruptArchiveError(
                    f"{source.name} unpacks to more than {MAX_UNPACKED} bytes. Unpack it with gunzip first."
                )
            if not stream.eof:
                raise CorruptArchiveError(f"{source.name} is truncated: its gzip stream has no end.")
            packed = stream.unused_data
    except zlib.error as err:
        raise CorruptArchiveError(f"{source.name} is no valid gzip stream: {err}.") from err
    return bytes(data)
