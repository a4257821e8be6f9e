# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Index block of an archive: the HDUs ``JSON`` (trees) and ``INDEX`` (addresses) at the end of the file.

The HDUs are adjacent and read together.  They are parsed here and not by the
general table reader, because each read of a file needs them.
"""

from __future__ import annotations

__all__ = ("PRIMARY_SIZE_CARD", "PRIMARY_SUM_CARD", "IndexBlock", "read_index_block")

import dataclasses
import re
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from ..._bytes._byte_source import MIN_PEEK_SIZE, ByteSource
from ...errors import CorruptArchiveError
from ...utils import UNEXPECTED, short_repr
from .._headers._cards import BLOCK_SIZE, MAX_INT64, read_int, scan
from .._headers._checksum import wrong_sums
from .._tiles._grid import TileGrid, normalize_slices

ADDRESS_CARDS = ("JSONADDR", "JSONSIZE", "INDXADDR", "INDXSIZE")

PRIMARY_SIZE_CARD, PRIMARY_SUM_CARD = "PRIMCARD", "PRIMSUM"
"""Cards of ``INDEX`` with the number of cards of the primary header, and its checksum.

Other readers copy unknown cards of the primary header to files that they
write, where ``CHECKSUM`` would be wrong; they do not copy cards of ``INDEX``.
"""

_Part = tuple[tuple[int, ...], tuple[slice, ...] | EllipsisType]

_END = re.compile(rb"END {77}")
_FORM = re.compile(r"1?(?P<letter>[PQ])B\(\d+\)")
_TYPES = {"J": ">i4", "K": ">i8", "I": ">i2", "B": "u1", "E": ">f4", "D": ">f8"}


HEADER_AND_TABLE_SIZE = 8 * BLOCK_SIZE
"""Bytes that are prefetched for a header and its tile table."""

MAX_SMALL_HDU_SIZE = 24 * BLOCK_SIZE
"""Maximum size in bytes of other HDUs that are prefetched completely."""

MAX_EXTRA_SIZE = 48 * BLOCK_SIZE
"""Maximum total size in bytes of these HDUs."""


@dataclasses.dataclass(frozen=True, slots=True)
class IndexBlock:
    """Content of the index block.

    Parameters
    ----------
    rows
        Rows of the table ``JSON``; the first one is the tree.
    addresses
        Byte of the file at which the header of each HDU starts, by ``EXTNAME``
        and ``EXTVER``.
    index
        Rows of the table ``INDEX``, if it has columns for the tiles.
    heap
        Heap of the table ``INDEX``.
    has_checksums
        Whether ``JSON`` or ``INDEX`` has a ``CHECKSUM``.
    wrong
        Names of those of the two HDUs with a wrong ``CHECKSUM``.
    primary_size, primary_sum
        Number of cards of the primary header, and its checksum; `None` in
        files without these cards.
    """

    rows: list[bytes]
    addresses: dict[tuple[str, int], int]
    index: np.ndarray | None
    heap: bytes
    has_checksums: bool
    wrong: tuple[str, ...]
    primary_size: Any = None
    primary_sum: Any = None

    def ranges_to_fetch(
        self, wanted: Mapping[tuple[str, int], Sequence[_Part]], size: int, max_size: int
    ) -> list[tuple[int, int]]:
        """Return the byte ranges to prefetch: parts of arrays with their headers, and small other HDUs.

        Parameters
        ----------
        wanted
            Shape and slices of the parts of each HDU.
        size
            Size of the file in bytes.
        max_size
            Maximum number of bytes; if the ranges exceed it, only those of the
            headers are returned.

        Returns
        -------
        `list` [ `tuple` [ `int`, `int` ] ]
            Offset and length of each range.

        Notes
        -----
        Tile offsets from INDEX are a prefetch hint; the tile table of the HDU is
        authoritative.  If the two differ, missing bytes take another round trip.
        """
        starts = sorted(self.addresses.values())
        length = {a: b - a for a, b in zip(starts, [*starts[1:], size], strict=True)}
        headers, ranges, spare = [], [], MAX_EXTRA_SIZE
        for key, address in self.addresses.items():
            if key in wanted:
                headers.append((address, min(length[address], HEADER_AND_TABLE_SIZE)))
                ranges += self._tile_ranges(address, length[address], wanted[key]) or headers[-1:]
            elif length[address] <= MAX_SMALL_HDU_SIZE and length[address] <= spare:
                # For example a point-spread function, which is usually read next.
                spare -= length[address]
                headers.append((address, length[address]))
                ranges.append(headers[-1])
        return ranges if sum(extent for _, extent in ranges) <= max_size else headers

    def _tile_ranges(self, address: int, length: int, parts: Sequence[_Part]) -> list[tuple[int, int]]:
        """Return the byte ranges of parts of an HDU; empty if the index does not contain them."""
        if any(slices is ... for _, slices in parts):
            return [(address, length)]
        if self.index is None:
            return []
        row = self.index[self.index["HDRADDR"].ravel() == address][0]
        sides, extents = self._cell(row["ZTILE"]), self._cell(row["ZBYTES"])
        data = row["DATADDR"].item()
        # Errors are reported when the header is read.
        wrong = (sides < 1).any() or (extents < 0).any()
        if wrong or not 0 < data - address <= length - extents.sum():
            return []
        ranges = [(address, min(length, max(data - address, MIN_PEEK_SIZE)))]
        starts = data + np.cumsum(extents) - extents
        for shape, slices in parts:
            if not len(shape) == len(sides) > 0:
                return []
            grid = TileGrid(shape, sides[::-1].tolist())
            if grid.size != len(extents) - 1:
                return []
            start, stop, _ = normalize_slices(slices, shape)
            if all(b > a for a, b in zip(start, stop, strict=True)):
                rows = grid.select(start, stop).rows
                ranges += zip(starts[1 + rows].tolist(), extents[1 + rows].tolist(), strict=True)
                first, last = (int(extents[0]) * int(n) // grid.size for n in (rows[0], rows[-1] + 1))
                ranges.append((data + first, last - first))
        return ranges

    def _cell(self, descriptor: np.ndarray) -> np.ndarray:
        """Return the numbers of a cell of variable length."""
        count, first = descriptor.tolist()
        content = self.heap[first : first + 4 * count]
        return np.frombuffer(content[: len(content) // 4 * 4], ">i4").astype(np.int64)


def read_index_block(source: ByteSource, primary: Mapping[str, Any]) -> IndexBlock:
    """Read the index block of a file.

    Parameters
    ----------
    source
        The file.
    primary
        Values of the primary header, which contains the addresses.

    Raises
    ------
    CorruptArchiveError
        If an HDU is damaged or not at the address in the primary header.
    """
    addresses: tuple[Any, ...] = tuple(map(primary.get, ADDRESS_CARDS))
    if set(map(type, addresses)) != {int} or min(addresses) < 0 or max(addresses) > MAX_INT64:
        # Raises if an address is invalid, and accepts whole numbers of floating-point type.
        addresses = tuple(read_int(primary, keyword) for keyword in ADDRESS_CARDS)
    start, size, index_start, index_size = addresses
    try:
        if start + size == index_start:
            both = bytes(source.read(start, size + index_size))
            json, index = both[:size], both[size:]
        else:
            json, index = bytes(source.read(start, size)), bytes(source.read(index_start, index_size))
        return _parse(json, index)
    except UNEXPECTED as err:
        raise CorruptArchiveError(
            f"{source.name}: the HDUs JSON and INDEX are damaged, or not at bytes {start} and {index_start} "
            f"as stated in the primary header ({short_repr(err)})."
        ) from err


def _parse(json: bytes, index: bytes) -> IndexBlock:
    start = -(-_END.search(json).end() // BLOCK_SIZE) * BLOCK_SIZE  # type: ignore[union-attr]  # caught by read_index_block
    cards: Any = scan(json[:start])
    json_cards = cards
    letter = _FORM.fullmatch(cards["TFORM1"])["letter"]  # type: ignore[index]  # caught by read_index_block
    count = int(cards["NAXIS2"])
    descriptors = np.frombuffer(json, ">u4" if letter == "P" else ">i8", 2 * count, start).reshape(count, 2)
    heap = start + int(cards.get("THEAP", cards["NAXIS1"] * count))
    if count < 1 or (descriptors < 0).any() or int((descriptors.sum(axis=1) + heap).max()) > len(json):
        raise ValueError("a row of JSON is outside the table")
    rows = []
    for size, first in descriptors.tolist():
        rows.append(json[heap + first : heap + first + size])

    start = -(-_END.search(index).end() // BLOCK_SIZE) * BLOCK_SIZE  # type: ignore[union-attr]  # caught by read_index_block
    cards = scan(index[:start])
    has_checksums = "CHECKSUM" in cards or "CHECKSUM" in json_cards
    wrong = wrong_sums((("JSON", json, json_cards), ("INDEX", index, cards))) if has_checksums else ()
    tiles: np.ndarray | None = None
    heap_bytes = b""
    fields = []
    for n in range(1, int(cards["TFIELDS"]) + 1):
        form = cards[f"TFORM{n}"]
        letter, repeat = form[-1], form[:-1] or "1"
        if letter == ")":
            fields.append((cards[f"TTYPE{n}"], "2>i8" if "Q" in form else "2>i4"))
        else:
            fields.append(
                (cards[f"TTYPE{n}"], f"S{repeat}" if letter in "AL" else f"{repeat}{_TYPES[letter]}")
            )
    count = int(cards["NAXIS2"])
    table = np.frombuffer(index, np.dtype(fields), count, start)
    names, versions = table["EXTNAME"].tolist(), table["EXTVER"].ravel().tolist()
    addresses = {}
    for name, version, address in zip(names, versions, table["HDRADDR"].ravel().tolist(), strict=True):
        addresses[name.decode("ascii").strip(), version] = address
    if {"ZTILE": "2>i4", "ZBYTES": "2>i4", "DATADDR": "1>i8"}.items() <= dict(fields).items():
        tiles, heap_bytes = table, index[start + count * table.itemsize :]
    primary = cards.get(PRIMARY_SIZE_CARD), cards.get(PRIMARY_SUM_CARD)
    return IndexBlock(rows, addresses, tiles, heap_bytes, has_checksums, wrong, *primary)
