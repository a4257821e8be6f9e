# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The two tables at the end of our files: the tree, and where everything is.

They are neighbours, so one read brings both; they are taken apart here and
not by the general table reader, since every read of every file needs them.
"""

from __future__ import annotations

__all__ = ("Tail", "read_tail")

import dataclasses
import re
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from .._bytes._byte_source import MIN_PEEK_SIZE, ByteSource
from .._headers._cards import BLOCK, scan
from .._tiles._grid import TileGrid, normalize_slices

_Part = tuple[tuple[int, ...], tuple[slice, ...] | EllipsisType]

_END = re.compile(rb"END {77}")
_FORM = re.compile(r"1?(?P<letter>[PQ])B\(\d+\)")
_TYPES = {"J": ">i4", "K": ">i8", "I": ">i2", "B": "u1", "E": ">f4", "D": ">f8"}


HEADER_AND_TABLE = 8 * BLOCK
"""Bytes that usually hold a header and the table of its tiles."""

MAX_SMALL_FILE = 24 * BLOCK
"""HDUs that are not longer than this are fetched with the headers of others."""

MAX_EXTRA_BYTES = 48 * BLOCK
"""Most bytes of small HDUs that are fetched so."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tail:
    """What the two tables say.

    Parameters
    ----------
    rows
        Rows of the table ``JSON``, the first of which is the tree.
    addresses
        Byte at which the header of each HDU starts, by ``EXTNAME`` and
        ``EXTVER``.
    index
        Rows of the table ``INDEX``, if it says where tiles are.
    heap
        What its cells of variable length point into.
    """

    rows: list[bytes]
    addresses: dict[tuple[str, int], int]
    index: np.ndarray | None
    heap: bytes

    def ranges_to_fetch(
        self, wanted: Mapping[tuple[str, int], Sequence[_Part]], size: int, most: int
    ) -> list[tuple[int, int]]:
        """Return which bytes bring parts of some arrays, or what leads to them, and all of small other HDUs.

        Parameters
        ----------
        wanted
            Shape and slices of the parts of each HDU.
        size
            Bytes in the file.
        most
            Bytes beyond which headers are enough.

        Returns
        -------
        `list` [ `tuple` [ `int`, `int` ] ]
            Offset and length of each range.

        Notes
        -----
        Where tiles are is taken from the index, so that they come together with
        the headers and tile tables that say it with authority: where the
        two differ, what is missing costs another trip, and nothing else.
        """
        starts = sorted(self.addresses.values())
        length = {a: b - a for a, b in zip(starts, [*starts[1:], size], strict=True)}
        headers, places, spare = [], [], MAX_EXTRA_BYTES
        for key, address in self.addresses.items():
            if key in wanted:
                headers.append((address, min(length[address], HEADER_AND_TABLE)))
                places += self._places(address, length[address], wanted[key]) or headers[-1:]
            elif length[address] <= MAX_SMALL_FILE and length[address] <= spare:
                # A point-spread function, for instance, that will be wanted next.
                spare -= length[address]
                headers.append((address, length[address]))
                places.append(headers[-1])
        return places if sum(extent for _, extent in places) <= most else headers

    def _places(self, address: int, length: int, parts: Sequence[_Part]) -> list[tuple[int, int]]:
        """Return where the bytes of parts of an HDU are, or nothing if the index does not say it."""
        if any(slices is ... for _, slices in parts):
            return [(address, length)]
        if self.index is None:
            return []
        row = self.index[self.index["HDRADDR"].ravel() == address][0]
        sides, extents = self._cell(row["ZTILE"]), self._cell(row["ZBYTES"])
        data = row["DATADDR"].item()
        # Whatever is wrong here the header will tell better.
        wrong = (sides < 1).any() or (extents < 0).any()
        if wrong or not 0 < data - address <= length - extents.sum():
            return []
        places = [(address, min(length, max(data - address, MIN_PEEK_SIZE)))]
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
                places += zip(starts[1 + rows].tolist(), extents[1 + rows].tolist(), strict=True)
                first, last = (int(extents[0]) * int(n) // grid.size for n in (rows[0], rows[-1] + 1))
                places.append((data + first, last - first))
        return places

    def _cell(self, descriptor: np.ndarray) -> np.ndarray:
        """Return the numbers in a cell of variable length."""
        count, first = descriptor.tolist()
        content = self.heap[first : first + 4 * count]
        return np.frombuffer(content[: len(content) // 4 * 4], ">i4").astype(np.int64)


def read_tail(source: ByteSource, primary: Mapping[str, Any]) -> Tail:
    """Read the tree and the index of a file.

    Parameters
    ----------
    source
        The file.
    primary
        Values of the primary header, which says where they are.

    Raises
    ------
    CorruptArchiveError
        If they are not where the primary header says, or damaged.
    """
    try:
        start, size = primary["JSONADDR"], primary["JSONSIZE"]
        index_start, index_size = primary["INDXADDR"], primary["INDXSIZE"]
    except KeyError as err:
        raise CorruptArchiveError(f"{source.name} lacks the card {err} in its primary header.") from None
    try:
        if start + size == index_start:
            both = bytes(source.read(start, size + index_size))
            json, index = both[:size], both[size:]
        else:
            json, index = bytes(source.read(start, size)), bytes(source.read(index_start, index_size))
        return _parse(json, index)
    except (KeyError, ValueError, IndexError, AttributeError) as err:
        raise CorruptArchiveError(
            f"{source.name}: the HDUs JSON and INDEX are not at bytes {start} and {index_start}, where the "
            f"primary header says they are, or they are damaged ({err!r})."
        ) from err


def _parse(json: bytes, index: bytes) -> Tail:
    start = -(-_END.search(json).end() // BLOCK) * BLOCK  # type: ignore[union-attr]  # caught by read_tail
    cards: Any = scan(json[:start])
    letter = _FORM.fullmatch(cards["TFORM1"])["letter"]  # type: ignore[index]  # caught by read_tail
    count = int(cards["NAXIS2"])
    descriptors = np.frombuffer(json, ">i4" if letter == "P" else ">i8", 2 * count, start).reshape(count, 2)
    heap = start + int(cards.get("THEAP", cards["NAXIS1"] * count))
    if count < 1 or (descriptors < 0).any() or int((descriptors.sum(axis=1) + heap).max()) > len(json):
        raise ValueError("a row of JSON lies outside the table")
    rows = []
    for size, first in descriptors.tolist():
        rows.append(json[heap + first : heap + first + size])

    start = -(-_END.search(index).end() // BLOCK) * BLOCK  # type: ignore[union-attr]  # caught by read_tail
    cards = scan(index[:start])
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
        return Tail(rows, addresses, table, index[start + count * table.itemsize :])
    return Tail(rows, addresses, None, b"")
