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
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from ..errors import CorruptArchiveError
from ._byte_source import ByteSource
from ._cards import BLOCK, scan

_END = re.compile(rb"END {77}")
_FORM = re.compile(r"1?(?P<letter>[PQ])B\(\d+\)")
_TYPES = {"J": ">i4", "K": ">i8", "I": ">i2", "B": "u1", "E": ">f4", "D": ">f8"}


HEADER_AND_TABLE = 8 * BLOCK
"""Bytes that usually hold a header and the table of its tiles."""

MOST_SMALL = 24 * BLOCK
"""HDUs that are not longer than this are fetched with the headers of others."""

MOST_ALONG = 48 * BLOCK
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
    """

    rows: list[bytes]
    addresses: dict[tuple[str, int], int]

    def headers_to_fetch(self, wanted: Set[tuple[str, int]], size: int) -> list[tuple[int, int]]:
        """Return which bytes bring the headers of some HDUs, and all of small other ones.

        Parameters
        ----------
        wanted
            Keys of the HDUs.
        size
            Bytes in the file.

        Returns
        -------
        `list` [ `tuple` [ `int`, `int` ] ]
            Offset and length of each range.
        """
        starts = sorted(self.addresses.values())
        length = {a: b - a for a, b in zip(starts, [*starts[1:], size], strict=True)}
        ranges, spare = [], MOST_ALONG
        for key, address in self.addresses.items():
            if key in wanted:
                ranges.append((address, min(length[address], HEADER_AND_TABLE)))
            elif length[address] <= MOST_SMALL and length[address] <= spare:
                # A point-spread function, for instance, that will be wanted next.
                spare -= length[address]
                ranges.append((address, length[address]))
        return ranges


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
    rows = [json[heap + first : heap + first + size] for size, first in descriptors.tolist()]

    start = -(-_END.search(index).end() // BLOCK) * BLOCK  # type: ignore[union-attr]  # caught by read_tail
    cards = scan(index[:start])
    fields = []
    for n in range(1, int(cards["TFIELDS"]) + 1):
        form = cards[f"TFORM{n}"]
        letter, repeat = form[-1], form[:-1] or "1"
        fields.append((cards[f"TTYPE{n}"], f"S{repeat}" if letter in "AL" else f"{repeat}{_TYPES[letter]}"))
    table = np.frombuffer(index, np.dtype(fields), int(cards["NAXIS2"]), start)
    columns = (table[name].ravel().tolist() for name in ("EXTNAME", "EXTVER", "HDRADDR"))
    addresses = {
        (name.decode("ascii").strip(), version): address
        for name, version, address in zip(*columns, strict=True)
    }
    return Tail(rows, addresses)
