# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Single rows of `lsst.afw` tables, in all layouts that versions of ``lsst.afw.table`` have used.

Versions differ in how they split a point or a box into columns: tables of
version 0 hold a point in one column with two elements, later ones in two
columns.
"""

from __future__ import annotations

__all__ = ("MAX_CORNER", "LegacyRow", "box_end_column", "make_boxes", "to_scalar")

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._geom import XY, Box, Interval
from ...errors import CorruptArchiveError
from ...utils import short_repr
from ._table import LegacyTable

MAX_CORNER = 2**31
"""Largest coordinate of a corner of a box, in pixels: files store 32-bit integers."""


class LegacyRow:
    """One row of a table.

    Parameters
    ----------
    table
        The table.
    number
        Number of the row.
    """

    __slots__ = ("_number", "table")

    def __init__(self, table: LegacyTable, number: int) -> None:
        self.table = table
        self._number = number

    def __contains__(self, name: object) -> bool:
        return name in self.table.numbers

    def value(self, name: str) -> Any:
        """Return the value of a column as it is stored.

        Parameters
        ----------
        name
            Name of the column.

        Raises
        ------
        CorruptArchiveError
            If the table does not have this column.
        """
        return self.table.column(name)[self._number]

    def number(self, name: str, default: float | None = None) -> float:
        """Return a number.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value if the column is missing; `None` requires the column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or holds something else.
        """
        if default is not None and name not in self.table.numbers:
            return default
        value = self.table.cells[name][self._number]
        return float(value) if type(value) in (int, float) else float(to_scalar(value, name))

    def integer(self, name: str, default: int | None = None) -> int:
        """Return an integer.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value if the column is missing; `None` requires the column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or holds something else.
        """
        if default is not None and name not in self.table.numbers:
            return default
        value = self.table.cells[name][self._number]
        return int(value) if type(value) in (int, float) else int(to_scalar(value, name))

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text, without leading and trailing blanks.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value if the column is missing; `None` requires the column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or holds something else.
        """
        if default is not None and name not in self.table.numbers:
            return default
        value = self.table.cells[name][self._number]
        if not isinstance(value, str):
            raise CorruptArchiveError(
                f"column {short_repr(name)} holds a value of type {type(value).__name__}, not text"
            )
        return value.rstrip("\0").strip()

    def array(self, name: str) -> np.ndarray:
        """Return an array with one axis; a single number becomes an array of length 1.

        Parameters
        ----------
        name
            Name of the column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or does not hold numbers.
        """
        value = np.atleast_1d(np.asarray(self.table.column(name)[self._number]))
        if value.dtype.kind not in "biuf":
            raise CorruptArchiveError(
                f"column {short_repr(name)} holds {value.dtype.name} values, not numbers"
            )
        return value.reshape(-1)

    def blob(self, name: str) -> bytes:
        """Return bytes.

        Parameters
        ----------
        name
            Name of the column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or does not hold bytes.
        """
        value = self.array(name)
        if value.dtype != np.uint8:
            raise CorruptArchiveError(f"column {short_repr(name)} holds {value.dtype.name} values, not bytes")
        return value.tobytes()

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a flag.

        Parameters
        ----------
        name
            Name of the flag.
        default
            Value if the table does not have this flag.
        """
        bit, column = self.table.flag_bits.get(name), self.table.flag_column
        if bit is None or column is None:
            return default
        return bool(np.atleast_1d(self.table.cells[column][self._number])[bit])

    def point(self, name: str, default: XY[float] | None = None) -> XY[float]:
        """Return a point, stored in one column or in two.

        Parameters
        ----------
        name
            Name of the point, without ``_x`` and ``_y``.
        default
            Value if the columns are missing; `None` requires the columns.

        Raises
        ------
        CorruptArchiveError
            If the columns are missing, or do not hold a point.
        """
        if f"{name}_x" in self.table.numbers:
            return XY(self.number(f"{name}_x"), self.number(f"{name}_y"))
        if default is not None and name not in self.table.numbers:
            return default
        x, y = self._pair(name)
        return XY(float(x), float(y))

    def corner(self, name: str) -> XY[int]:
        """Return a point with integer coordinates, stored in one column or in two.

        Parameters
        ----------
        name
            Name of the point, without ``_x`` and ``_y``.

        Raises
        ------
        CorruptArchiveError
            If the columns are missing, or do not hold a point.
        """
        if f"{name}_x" in self.table.numbers:
            cells = self.table.cells
            point = XY(cells[f"{name}_x"][self._number], cells[f"{name}_y"][self._number])
            if type(point.x) is type(point.y) is int:
                return point
            return XY(self.integer(f"{name}_x"), self.integer(f"{name}_y"))
        x, y = self._pair(name)
        return XY(int(x), int(y))

    def _pair(self, name: str) -> np.ndarray:
        pair = self.array(name)
        if pair.size != 2:
            raise CorruptArchiveError(f"column {short_repr(name)} holds {pair.size} numbers; a point has two")
        return pair

    def box(self, name: str) -> Box | None:
        """Return a box; `None` if it is empty.

        Parameters
        ----------
        name
            Name of the box, without ``_min``, ``_max`` and ``_extent``.

        Raises
        ------
        CorruptArchiveError
            If the columns are missing, or corners exceed 32 bits.
        """
        end, is_size = box_end_column(self.table, name)
        return make_boxes(name, [self.corner(f"{name}_min")], [self.corner(end)], is_size)[0]


def box_end_column(table: LegacyTable, name: str) -> tuple[str, bool]:
    """Return which columns hold the second corner of a box.

    Parameters
    ----------
    table
        The table.
    name
        Name of the box.

    Returns
    -------
    column
        Name of the second corner, without ``_x`` and ``_y``.
    is_size
        Whether it is the number of pixels and not the last pixel: boxes of
        amplifiers are stored by first pixel and size, others by first and
        last pixel.
    """
    is_size = f"{name}_extent_x" in table.numbers or f"{name}_extent" in table.numbers
    return f"{name}_{'extent' if is_size else 'max'}", is_size


def make_boxes(
    name: str, firsts: Sequence[XY[int]], ends: Sequence[XY[int]], is_size: bool
) -> list[Box | None]:
    """Make boxes from their stored corners.

    Parameters
    ----------
    name
        Name of the boxes, for messages.
    firsts
        First pixels.
    ends, is_size
        Last pixels, or numbers of pixels if ``is_size``.

    Returns
    -------
    boxes
        `None` for empty boxes.

    Raises
    ------
    CorruptArchiveError
        If a corner of a box that is not empty exceeds 32 bits.
    """
    boxes: list[Box | None] = []
    for first, end in zip(firsts, ends, strict=True):
        x, y = (first.x + end.x, first.y + end.y) if is_size else (end.x + 1, end.y + 1)
        if x <= first.x or y <= first.y:
            boxes.append(None)
            continue
        if max(map(abs, (*first, x, y))) > MAX_CORNER:
            raise CorruptArchiveError(
                f"box {short_repr(name)} extends from {short_repr(first)} to {short_repr((x, y))}; corners "
                "are 32-bit integers"
            )
        boxes.append(Box(y=Interval(first.y, y), x=Interval(first.x, x)))
    return boxes


def to_scalar(value: Any, name: str) -> Any:
    """Return the only number of a cell.

    Parameters
    ----------
    value
        The cell: a number, or an array.
    name
        Name of the column, for messages.

    Raises
    ------
    CorruptArchiveError
        If the cell does not hold exactly one number.
    """
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise CorruptArchiveError(
            f"column {short_repr(name)} holds {value!r:.60} where one number is expected"
        )
    return array.reshape(-1)[0]
