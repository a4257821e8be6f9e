# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading of binary tables."""

from __future__ import annotations

__all__ = ("ColumnData", "TableData", "read_binary_table")

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..._bytes._byte_source import ByteSource
from ...errors import CorruptArchiveError, InvalidComponentError
from ...limits import check_size
from ...utils import short_repr
from .._headers._cards import CardValue
from .._headers._columns import ELEMENTS, TYPES, Column, parse_columns
from .._headers._structure import Structure

_Array = np.ndarray[Any, np.dtype[Any]]

ColumnData = _Array | list[Any]
"""Values of a column: an array, or a list of arrays for columns of variable length."""

_PLAIN = frozenset("BIJKED")
"""Letters of types whose stored values are Python numbers."""

_OFFSETS = {("B", -128.0): "i1", ("I", 2.0**15): "u2", ("J", 2.0**31): "u4", ("K", 2.0**63): "u8"}
# Type of each letter and TZERO, for the convention for unsigned integers.


class TableData:
    """A table whose columns are decoded on access.

    Parameters
    ----------
    columns
        The columns in order.
    rows
        Bytes of the rows (`uint8`, shape ``(n_rows, row_size)``).
    heap
        Bytes of the heap.
    """

    def __init__(self, columns: Sequence[Column], rows: _Array, heap: memoryview) -> None:
        self.columns = tuple(columns)
        self._rows = rows
        self._heap = heap

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order (`tuple` [ `str`, ... ])."""
        return tuple(column.name for column in self.columns)

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, key: str | int) -> ColumnData:
        """Return the values of a column.

        Parameters
        ----------
        key
            Name, case-insensitive, or zero-based number of the column.

        Returns
        -------
        `numpy.ndarray` or `list`
            Native array of shape ``(n_rows, ...)``: booleans for ``L`` and
            ``X``, strings for ``A``, scaled and unsigned numbers; for columns
            of variable length a list of arrays (of strings for ``PA``).

        Raises
        ------
        InvalidComponentError
            If the table does not have the column.
        """
        column = self._find(key)
        raw = self._rows[:, column.offset : column.offset + column.width]
        if column.descriptor is not None:
            return self._from_heap(column, raw)
        return _decode(column, raw)

    def plain_columns(self) -> dict[int, list[Any]]:
        """Decode all columns with a single number or text per row, in one pass.

        Returns
        -------
        `dict` [ `int`, `list` ]
            Values as `int`, `float` or `str`, by zero-based number of the
            column.  Columns of arrays, flags or variable length, and those
            that are scaled or unsigned, are left out.
        """
        plain = {
            i: column
            for i, column in enumerate(self.columns)
            if column.descriptor is None
            and column.shape is None
            and column.width
            and (column.code == "A" or (column.repeat == 1 and column.code in _PLAIN))
            and (column.scale, column.zero) == (1.0, 0.0)
        }
        if not plain or not len(self._rows):
            return {i: [] for i in plain}
        layout: Any = {
            "names": [str(i) for i in plain],
            "formats": [f"S{c.repeat}" if c.code == "A" else TYPES[c.code] for c in plain.values()],
            "offsets": [column.offset for column in plain.values()],
            "itemsize": self._rows.shape[1],
        }
        rows = np.ascontiguousarray(self._rows).view(np.dtype(layout))[:, 0]
        return {
            i: [text.decode("latin-1").rstrip(" ") for text in values] if column.code == "A" else list(values)
            for (i, column), values in zip(plain.items(), zip(*rows.tolist(), strict=True), strict=True)
        }

    def _find(self, key: str | int) -> Column:
        if isinstance(key, str):
            for column in self.columns:
                if column.name == key:
                    return column
            for column in self.columns:
                if column.name.upper() == key.upper():
                    return column
        elif 0 <= key < len(self.columns):
            return self.columns[key]
        raise InvalidComponentError(
            f"The table has no column {short_repr(key)}; its columns are {short_repr(list(self.names))}."
        )

    def _from_heap(self, column: Column, raw: _Array) -> list[Any]:
        if column.width == 0:
            return [np.empty(0, dtype=_native(column)) for _ in range(len(raw))]
        descriptors = np.ascontiguousarray(raw).view(str(column.descriptor)).astype(np.int64)
        # A float does not overflow; damaged counts may be as large as 2**63.
        total = float(descriptors[:, 0].sum(dtype=np.float64))
        pairs = descriptors.tolist()
        found: list[Any] = []
        native = _native(column)
        is_plain = column.code in _PLAIN and (column.scale, column.zero) == (1.0, 0.0)
        item_size = ELEMENTS[column.code].itemsize
        # Cells may overlap, but not so often that they fill the memory.
        check_size(int(item_size * total), len(self._heap), f"Column {column.name!r}")
        for count, offset in pairs:
            if count == 0:
                offset = 0  # undefined (FITS Standard 4.0, section 7.3.5)
            size = -(-count // 8) if column.code == "X" else count * item_size
            if count < 0 or offset < 0 or offset + size > len(self._heap):
                raise CorruptArchiveError(
                    f"Column {column.name!r} points to {size} bytes at byte {offset} of a heap of "
                    f"{len(self._heap)} bytes."
                )
            if is_plain:
                values = np.frombuffer(self._heap, ELEMENTS[column.code], count, offset)
                found.append(values.astype(native))
                continue
            data = np.frombuffer(self._heap[offset : offset + size], dtype=np.uint8)
            if column.code == "A":
                found.append(data.tobytes().split(b"\0")[0].decode("latin-1").rstrip(" "))
            else:
                found.append(_convert(column, data, (count,)))
        return found


def _native(column: Column) -> np.dtype[Any]:
    if column.code in "LX":
        return np.dtype(bool)
    if (offset := _OFFSETS.get((column.code, column.zero))) and column.scale == 1.0:
        return np.dtype(offset)
    if column.code in "BIJKE" and (column.scale != 1.0 or column.zero != 0.0):
        return np.dtype("f4") if column.code == "E" else np.dtype("f8")
    return ELEMENTS[column.code].newbyteorder("=")


def _decode(column: Column, raw: _Array) -> _Array:
    rows = len(raw)
    if column.code == "A":
        return _decode_text(column, raw)
    # Bits always have their own axis, since a set of flags may have one member.
    shape = column.shape or ((column.repeat,) if column.repeat != 1 or column.code == "X" else ())
    used = math.prod(shape)
    width = -(-used // 8) if column.code == "X" else used * ELEMENTS[column.code].itemsize
    return _convert(column, np.ascontiguousarray(raw[:, :width]), (rows, *shape))


def _decode_text(column: Column, raw: _Array) -> _Array:
    width = column.shape[-1] if column.shape else column.repeat
    shape = (len(raw), *column.shape[:-1]) if column.shape else (len(raw),)
    if width == 0 or not len(raw):
        return np.full(shape, "", dtype=f"U{max(width, 1)}")
    used = np.ascontiguousarray(raw[:, : math.prod(column.shape or (width,))])
    words = used.view(f"S{width}").reshape(shape)
    # Characters outside of ASCII violate the standard, but are accepted.
    text: _Array = np.char.rstrip(np.char.decode(words, "latin-1"), " ")
    return text


def _convert(column: Column, data: _Array, shape: tuple[int, ...]) -> _Array:
    # Convert bytes of a column, or of one row in the heap, to native numbers.
    if column.code == "L":
        flags: _Array = (data == ord("T")).reshape(shape)
        return flags
    if column.code == "X":
        rows = data.reshape(-1, data.shape[-1])
        bits = np.unpackbits(rows, axis=-1).view(bool)
        return bits[:, : math.prod(shape) // max(len(rows), 1)].reshape(shape)
    if not data.size:
        return np.empty(shape, dtype=_native(column))
    stored = data.reshape(-1).view(ELEMENTS[column.code]).reshape(shape)
    native = _native(column)
    if native.kind in "ui" and native != stored.dtype.newbyteorder("="):
        flipped = stored.astype(f"u{native.itemsize}")
        flipped ^= flipped.dtype.type(1 << (8 * native.itemsize - 1))
        return flipped.view(native)
    if column.scale != 1.0 or column.zero != 0.0:
        return (stored * np.float64(column.scale) + column.zero).astype(native)
    result: _Array = stored.astype(native)
    return result


def read_binary_table(
    source: ByteSource, values: Mapping[str, CardValue], structure: Structure, data_address: int
) -> TableData:
    """Read a binary table.

    Parameters
    ----------
    source
        The file.
    values, structure
        Values of the header cards, from `scan`, and mandatory cards.
    data_address
        Byte of the file at which the rows start.

    Returns
    -------
    `TableData`
        Rows and heap, in memory.

    Raises
    ------
    CorruptArchiveError
        If the cards contradict each other.
    """
    row_size, rows = structure.axes
    columns = parse_columns(values, row_size)
    theap = values.get("THEAP", row_size * rows)
    if type(theap) is not int or not row_size * rows <= theap <= max(structure.size, row_size * rows):
        raise CorruptArchiveError(
            f"THEAP = {short_repr(theap)} is invalid for a table of {structure.size} bytes."
        )
    if structure.size < row_size * rows:
        raise CorruptArchiveError(
            f"A table of {rows} rows of {row_size} bytes does not fit in a data unit of {structure.size} "
            "bytes; check BITPIX, GCOUNT and PCOUNT."
        )
    data = memoryview(source.read(data_address, structure.size))
    table = np.frombuffer(data[: row_size * rows], dtype=np.uint8).reshape(rows, row_size)
    return TableData(columns, table, data[theap:])
