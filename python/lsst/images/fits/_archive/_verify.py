# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Verification of FITS files."""

from __future__ import annotations

__all__ = ("verify",)

import re
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np

from lsst.resources import ResourcePathExpression

from ..._bytes._byte_source import Buffer, ByteSource
from ..._bytes._open_source import open_source
from ...errors import ArchiveReadError
from ...utils import UNEXPECTED, short_repr
from .._hdus._file import FitsFile, Hdu
from .._headers._cards import BLOCK_SIZE, CARD_SIZE, CardValue
from .._headers._checksum import check_hdu, data_sum, source_sum
from .._headers._structure import AXIS_NAMES
from ._index_block import ADDRESS_CARDS, PRIMARY_SUM_CARD, read_index_block
from ._verify_archive import check_archive
from ._verify_report import Finding, VerifyReport

_FORBIDDEN = re.compile(rb"[^ -~]")
"""Bytes that are not allowed in a header (FITS Standard 4.0, section 3.3.1)."""


def verify(
    target: ResourcePathExpression | Buffer | IO[bytes] | ByteSource, *, threads: int | None = None
) -> VerifyReport:
    """Verify a FITS file: its blocks, its checksums and, for archives of this package, index and tree.

    Parameters
    ----------
    target
        Any FITS file, as for `FitsFile.open`.
    threads
        Number of threads that compute checksums; by default the environment
        variable ``LSST_IMAGES_THREADS`` or the number of processors.

    Returns
    -------
    report
        All problems; `VerifyReport.good` without any.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.  Damaged files do not raise an exception.

    Notes
    -----
    For all files: whole blocks, characters and order of mandatory cards,
    padding, data units within the file, descriptors of compressed tiles,
    ``DATASUM`` and ``CHECKSUM`` (FITS Standard 4.0, sections 3.3, 4.4 and 10).
    For archives of this package also: the index agrees with the headers, each
    row of the HDU ``JSON`` is JSON, and each source string of the trees refers to
    an HDU or a column of the declared shape and type.
    """
    with open_source(target) as source:
        findings: list[Finding] = []
        try:
            file = FitsFile(source)
        except ArchiveReadError as err:
            return VerifyReport(source.name, source.size, findings=(Finding("file", "structure", str(err)),))
        if source.size % BLOCK_SIZE:
            findings.append(
                Finding(
                    "file", "structure", f"The size, {source.size} bytes, is not a multiple of {BLOCK_SIZE}."
                )
            )
        # One card may be damaged.
        is_archive = not file.first_values.keys().isdisjoint(ADDRESS_CARDS)
        hdus, summed = [], 0
        for hdu in _walk(file, is_archive, findings):
            hdus.append(hdu)
            summed += not {"DATASUM", "CHECKSUM"}.isdisjoint(hdu.values)
            try:
                findings.extend(_check_hdu(source, hdu, threads))
            except (ArchiveReadError, *UNEXPECTED) as err:
                findings.append(
                    Finding(hdu.label, "structure", f"Not checked completely: {short_repr(err)}.")
                )
        if is_archive and summed:
            if (found := _find_primary_sum(hdus)) is not None:
                summed += 1
                findings.extend(_check_primary(*found))
            findings.extend(_without_sums(hdu for hdu in hdus if found is None or hdu is not found[0]))
        if is_archive:
            findings.extend(check_archive(file, hdus))
        return VerifyReport(source.name, source.size, len(hdus), summed, is_archive, tuple(findings))


def _walk(file: FitsFile, is_archive: bool, findings: list[Finding]) -> Iterator[Hdu]:
    """Iterate over all HDUs; after a damaged one, continue at the next address in the index."""
    known = _indexed_addresses(file) if is_archive else []
    address, size = 0, file.source.size
    index: int | None = 0
    while address < size:
        try:
            hdu = file.hdu_at(address)
            hdu.index = index
        except ArchiveReadError as err:
            findings.append(Finding(f"byte {address}", "structure", str(err)))
            following = [other for other in known if other > address]
            if not following:
                return
            # The number of skipped HDUs is unknown, so the others have no number.
            address, index = following[0], None
            continue
        yield hdu
        address = hdu.stop
        index = None if index is None else index + 1


def _indexed_addresses(file: FitsFile) -> list[int]:
    try:
        return sorted(read_index_block(file.source, file.first_values).addresses.values())
    except ArchiveReadError:
        # Reported when the index is verified.
        return []


def _find_primary_sum(hdus: list[Hdu]) -> tuple[Hdu, CardValue] | None:
    """Return the primary HDU and its checksum in ``INDEX``, unless its header contains a checksum."""
    stated = [hdu.values[PRIMARY_SUM_CARD] for hdu in hdus if PRIMARY_SUM_CARD in hdu.values]
    bare = [hdu for hdu in hdus if hdu.header_address == 0 and "CHECKSUM" not in hdu.values]
    return (bare[0], stated[-1]) if stated and bare else None


def _check_primary(hdu: Hdu, stated: CardValue) -> Iterator[Finding]:
    if stated != (found := data_sum(hdu._raw)):
        message = f"The checksum of the header is {found}; {PRIMARY_SUM_CARD} of INDEX is {stated!r}."
        yield Finding(hdu.label, "checksum", message)


def _without_sums(hdus: Iterable[Hdu]) -> Iterator[Finding]:
    """Find HDUs without checksums in a file where others have them."""
    for hdu in hdus:
        for card in ("CHECKSUM", "DATASUM"):
            value = hdu.values.get(card)
            if not isinstance(value, str) or not value.strip():
                message = f"{card} = {value!r}, but other HDUs have a valid value."
                yield Finding(hdu.label, "checksum", message)


def _check_hdu(source: ByteSource, hdu: Hdu, threads: int | None) -> Iterator[Finding]:
    where = hdu.label
    header = bytes(source.read(hdu.header_address, hdu.data_address - hdu.header_address))
    for problem in _header_problems(header, hdu):
        yield Finding(where, "structure", problem)
    missing = max(0, hdu.stop - source.size)
    if missing:
        yield Finding(
            where, "structure", f"The file is truncated: {missing} bytes of the data unit are missing."
        )
    try:
        data = source_sum(source, hdu.data_address, hdu.data_size - missing, threads=threads)
        for card in check_hdu(header, data):
            found = f"; the checksum of the data is {data}" if card == "DATASUM" else ""
            yield Finding(where, "checksum", f"{card} = {hdu.values.get(card)!r} is wrong{found}.")
        padding = hdu.data_size - missing - hdu.used_size
        rest = bytes(source.read(hdu.data_address + hdu.used_size, max(0, padding)))
        if rest.strip(b" " if hdu.kind == "ascii_table" else b"\0"):
            yield Finding(
                where, "structure", "The padding after the data contains other bytes than fill values."
            )
        if hdu.kind == "compressed_image":
            yield from _check_tiles(source, hdu)
        elif hdu.kind == "table":
            hdu.read_table()
    except ArchiveReadError as err:
        yield Finding(where, "structure", str(err))


def _check_tiles(source: ByteSource, hdu: Hdu) -> Iterator[Finding]:
    image = hdu.compressed
    count = hdu.values["NAXIS2"]
    if not isinstance(count, int) or not count:
        return
    rows = image.read_rows(source, np.arange(count))
    empty = rows.size == 0
    for _, size in rows.fallback.values():
        empty &= size == 0
    if empty.any():
        yield Finding(
            hdu.label, "structure", f"Tile {int(np.flatnonzero(empty)[0])} has no data in any column."
        )


def _header_problems(header: bytes, hdu: Hdu) -> Iterator[str]:
    if (match := _FORBIDDEN.search(header)) is not None:
        yield f"The header contains {match[0]!r} at byte {match.start()}; only printable ASCII is allowed."
    keywords = [header[i : i + 8].decode("latin-1").rstrip() for i in range(0, len(header), CARD_SIZE)]
    axes = hdu.values.get("NAXIS")
    wanted = ["XTENSION" if hdu.header_address else "SIMPLE", "BITPIX", "NAXIS"]
    wanted += AXIS_NAMES[: axes if isinstance(axes, int) else 0]
    if hdu.header_address:
        wanted += ["PCOUNT", "GCOUNT"]
    if hdu.kind in ("table", "compressed_image", "ascii_table"):
        wanted.append("TFIELDS")
    if keywords[: len(wanted)] != wanted:
        yield f"The first cards are {keywords[: len(wanted)]}; they must be {wanted}, in this order."
    end = keywords.index("END")
    if header[(end + 1) * CARD_SIZE :].strip():
        yield "There is text after the END card."
