# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Writing of binary tables."""

from __future__ import annotations

__all__ = ("encode_byte_rows", "encode_table")

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..._bytes._byte_source import Buffer
from ...errors import ArchiveWriteError
from ...utils import short_repr
from .._headers._card_writer import CardLike
from .._headers._columns import MAX_HEAP_32BIT
from .._headers._encoded_hdu import EncodedHdu

_Array = np.ndarray[Any, np.dtype[Any]]

_LETTERS: dict[str, tuple[str, int]] = {
    "b1": ("L", 0),
    "u1": ("B", 0),
    "i1": ("B", -(2**7)),
    "i2": ("I", 0),
    "u2": ("I", 2**15),
    "i4": ("J", 0),
    "u4": ("J", 2**31),
    "i8": ("K", 0),
    "u8": ("K", 2**63),
    "f4": ("E", 0),
    "f8": ("D", 0),
    "c8": ("C", 0),
    "c16": ("M", 0),
}
"""``TFORMn`` letter and ``TZEROn`` of each type (FITS Standard 4.0, tables 18 and 19)."""


def encode_table(
    table: _Array,
    *,
    units: Mapping[str, str | None] | None = None,
    comments: Mapping[str, str | None] | None = None,
) -> EncodedHdu:
    """Encode a structured array as a binary table.

    Parameters
    ----------
    table
        One-dimensional structured array; fields may be booleans, numbers or
        fixed-width strings, or arrays of these; or objects, which are
        one-dimensional arrays of any length and one type.
    units
        FITS unit of columns with units (``TUNITn``).
    comments
        Description of columns, written as the comment of ``TTYPEn``.

    Returns
    -------
    `EncodedHdu`
        Cards and data.

    Raises
    ------
    ArchiveWriteError
        If a column has a type that FITS does not support, or text that is not
        ASCII.
    """
    if table.dtype.names is None or table.ndim != 1:
        raise ArchiveWriteError(
            f"A table must be a one-dimensional structured array; got {table.ndim} dimensions of type "
            f"{table.dtype}."
        )
    blocks: list[_Array] = []
    columns: list[CardLike] = []
    heap: list[Buffer] = []
    for i, name in enumerate(table.dtype.names, start=1):
        if table.dtype[name].kind == "O":
            (block, form, lists), zero = _encode_lists(list(table[name]), sum(map(len, heap))), 0
            heap += lists
        else:
            block, form, zero = _encode_column(name, table[name])
        shape = table.dtype[name].shape
        columns += [(f"TTYPE{i}", name, (comments or {}).get(name) or ""), (f"TFORM{i}", form)]
        if zero:
            columns.append((f"TZERO{i}", zero, "offset of unsigned integers"))
        if unit := (units or {}).get(name):
            columns.append((f"TUNIT{i}", unit))
        if shape:
            width = (block.shape[1] // max(1, int(np.prod(shape))),) if form.endswith("A") else ()
            columns.append((f"TDIM{i}", f"({','.join(map(str, width + shape[::-1]))})"))
        blocks.append(block)
    rows = np.concatenate(blocks, axis=1) if blocks else np.empty((len(table), 0), dtype=np.uint8)
    cards = _mandatory(rows.shape[1], len(table), sum(map(len, heap)), len(blocks)) + columns
    return EncodedHdu(cards, [rows.reshape(-1).data, *heap] if rows.size else [])


def _encode_column(name: str, values: _Array) -> tuple[_Array, str, int]:
    # Bytes of each row, TFORM and TZERO.
    rows = len(values)
    if values.dtype.kind in "US":
        return _encode_text(name, values)
    key = values.dtype.newbyteorder("=").str[1:]
    if key not in _LETTERS:
        raise ArchiveWriteError(
            f"Column {short_repr(name)}: FITS tables do not support the type {values.dtype}."
        )
    letter, zero = _LETTERS[key]
    repeat = int(np.prod(values.shape[1:]))
    if letter == "L":
        stored = np.where(values, np.uint8(ord("T")), np.uint8(ord("F")))
    elif zero:
        native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
        unsigned = native.view(f"u{native.dtype.itemsize}")
        sign = unsigned.dtype.type(1 << (8 * native.dtype.itemsize - 1))
        stored = (unsigned ^ sign).astype(f">u{native.dtype.itemsize}")
    else:
        stored = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder(">"))
    return stored.reshape(rows, repeat).view(np.uint8), f"{repeat if repeat != 1 else ''}{letter}", zero


def _encode_text(name: str, values: _Array) -> tuple[_Array, str, int]:
    rows = len(values)
    try:
        text = np.char.encode(values, "ascii") if values.dtype.kind == "U" else np.ascontiguousarray(values)
    except UnicodeEncodeError as err:
        raise ArchiveWriteError(
            f"Column {short_repr(name)} contains text that is not ASCII, which FITS does not support: {err}."
        ) from err
    width = max(1, text.dtype.itemsize)
    text = np.ascontiguousarray(text.astype(f"S{width}"))
    block = text.reshape(-1).view(np.uint8).reshape(rows, -1)
    return block, f"{block.shape[1] if rows else width * int(np.prod(values.shape[1:]))}A", 0


def encode_byte_rows(name: str, rows: Sequence[bytes]) -> EncodedHdu:
    """Encode byte strings of any length as a table of one column.

    Parameters
    ----------
    name
        Name of the column.
    rows
        The byte strings.

    Returns
    -------
    `EncodedHdu`
        Cards and data: a column of format ``PB``, or ``QB`` if the strings
        take 2 GiB or more.
    """
    block, form, heap = _encode_lists([np.frombuffer(row, dtype=np.uint8) for row in rows])
    cards = _mandatory(block.shape[1], len(rows), sum(map(len, heap)), 1)
    cards += [("TTYPE1", name), ("TFORM1", form)]
    return EncodedHdu(cards, [block.tobytes(), *heap])


def _encode_lists(rows: Sequence[_Array], start: int = 0) -> tuple[_Array, str, list[Buffer]]:
    # Descriptors, TFORM, and the content of the heap from byte `start` on.
    dtype = rows[0].dtype if len(rows) else np.dtype(np.uint8)
    counts = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    stops = start + np.cumsum(counts * dtype.itemsize)
    wide = int(stops.max(initial=0)) > MAX_HEAP_32BIT
    pairs = np.stack([counts, stops - counts * dtype.itemsize], axis=1).astype(">i8" if wide else ">i4")
    letter, _ = _LETTERS[dtype.str[1:]]
    swapped = (np.ascontiguousarray(row, dtype=dtype.newbyteorder(">")) for row in rows)
    lists: list[Buffer] = [row.view(np.uint8).data for row in swapped]
    return pairs.view(np.uint8), f"{'Q' if wide else 'P'}{letter}({int(counts.max(initial=0))})", lists


def _mandatory(row_size: int, rows: int, heap: int, fields: int) -> list[CardLike]:
    return [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", row_size, "bytes in a row"),
        ("NAXIS2", rows, "number of rows"),
        ("PCOUNT", heap, "bytes of the heap"),
        ("GCOUNT", 1, "number of groups"),
        ("TFIELDS", fields, "number of columns"),
    ]
