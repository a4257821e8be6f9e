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
from typing import Any

import numpy as np

from ..errors import CorruptArchiveError
from ._byte_source import Buffer, ByteSource
from ._cards import BLOCK, scan

_END = re.compile(rb"END {77}")
_FORM = re.compile(r"1?(?P<letter>[PQ])B\(\d+\)")
_TYPES = {"J": ">i4", "K": ">i8", "I": ">i2", "B": "u1", "E": ">f4", "D": ">f8"}


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


def read_tail(source: ByteSource, json: tuple[int, int], index: tuple[int, int]) -> Tail:
    """Read the tree and the index of a file.

    Parameters
    ----------
    source
        The file.
    json, index
        Address and size in bytes of the HDUs ``JSON`` and ``INDEX``.

    Raises
    ------
    CorruptArchiveError
        If they are not where the primary header says, or damaged.
    """
    try:
        if json[0] + json[1] == index[0]:
            both = bytes(source.read(json[0], json[1] + index[1]))
            parts = both[: json[1]], both[json[1] :]
        else:
            parts = bytes(source.read(*json)), bytes(source.read(*index))
        return Tail(_json_rows(parts[0]), _index_rows(parts[1]))
    except (KeyError, ValueError, IndexError, AttributeError) as err:
        raise CorruptArchiveError(
            f"{source.name}: the HDUs JSON and INDEX are not at bytes {json[0]} and {index[0]}, where the "
            f"primary header says they are, or they are damaged ({err!r})."
        ) from err


def _split(hdu: bytes) -> tuple[dict[str, Any], Buffer]:
    """Split an HDU into the values of its cards and its data unit."""
    size = -(-_END.search(hdu).end() // BLOCK) * BLOCK  # type: ignore[union-attr]  # caught by read_tail
    return scan(hdu[:size]), hdu[size:]


def _json_rows(hdu: bytes) -> list[bytes]:
    cards, data = _split(hdu)
    letter = _FORM.fullmatch(cards["TFORM1"])["letter"]  # type: ignore[index]  # caught by read_tail
    count = int(cards["NAXIS2"])
    descriptors = np.frombuffer(data, ">i4" if letter == "P" else ">i8", 2 * count).reshape(count, 2)
    heap = int(cards.get("THEAP", cards["NAXIS1"] * count))
    if count < 1 or (descriptors < 0).any() or int((descriptors.sum(axis=1) + heap).max()) > len(data):
        raise ValueError("a row of JSON lies outside the table")
    return [data[heap + start : heap + start + size] for size, start in descriptors.tolist()]


def _index_rows(hdu: bytes) -> dict[tuple[str, int], int]:
    cards, data = _split(hdu)
    fields = []
    for n in range(1, int(cards["TFIELDS"]) + 1):
        form = cards[f"TFORM{n}"]
        letter, repeat = form[-1], form[:-1] or "1"
        fields.append((cards[f"TTYPE{n}"], f"S{repeat}" if letter in "AL" else f"{repeat}{_TYPES[letter]}"))
    rows = np.frombuffer(data, np.dtype(fields), int(cards["NAXIS2"]))
    columns = (rows[name].ravel().tolist() for name in ("EXTNAME", "EXTVER", "HDRADDR"))
    return {
        (name.decode("ascii").strip(), version): address
        for name, version, address in zip(*columns, strict=True)
    }
