# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Rows of `lsst.afw` tables, under all the names their columns have had.

Versions of ``lsst.afw.table`` differ in how they split a point or a box into
columns: tables of version 0 hold a point in one column with two elements,
later ones in two columns.
"""

from __future__ import annotations

__all__ = ("MAX_CORNER", "LegacyRow", "LegacyRows")

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from ..._geom import XY, Box, Interval
from ...errors import CorruptArchiveError
from ...fits._table import ColumnData
from ._table import LegacyTable

MAX_CORNER = 2**31
"""Corners of boxes are 32-bit numbers; anything beyond is damage."""


class LegacyRows(Sequence["LegacyRow"]):
    """Consecutive rows of a table.

    Parameters
    ----------
    table
        The table.
    start, count
        First row, and number of rows.

    Raises
    ------
    CorruptArchiveError
        If the table does not have these rows.
    """

    def __init__(self, table: LegacyTable, start: int, count: int) -> None:
        if start < 0 or count < 0 or start + count > len(table):
            raise CorruptArchiveError(
                f"rows {start} to {start + count} are asked of a table with {len(table)} rows"
            )
        self.table = table
        """The table that the rows are part of."""
        self._start = start
        self._count = count

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in order (`tuple` [ `str`, ... ])."""
        return self.table.names

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> LegacyRow: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[LegacyRow]: ...

    def __getitem__(self, index: int | slice) -> LegacyRow | Sequence[LegacyRow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(f"There is no row {index} among {self._count}.")
        return LegacyRow(self.table, self._start + index)

    def __iter__(self) -> Iterator[LegacyRow]:
        return (LegacyRow(self.table, i) for i in range(self._start, self._start + self._count))

    def column(self, name: str) -> ColumnData:
        """Return the values of a column in these rows.

        Parameters
        ----------
        name
            Its name.
        """
        return self.table.column(name)[self._start : self._start + self._count]

    def points(self, name: str) -> np.ndarray:
        """Return the points of these rows, shape ``(n, 2)``, ``x`` first.

        Parameters
        ----------
        name
            Name of the points, without ``_x`` and ``_y``.
        """
        if f"{name}_x" in self.table:
            columns = [np.asarray(self.column(f"{name}_{axis}"), dtype=np.float64) for axis in "xy"]
            return np.stack(columns, axis=-1).reshape(len(self), 2)
        return np.asarray(self.column(name), dtype=np.float64).reshape(len(self), 2)

    def one(self) -> LegacyRow:
        """Return the only row there should be.

        Raises
        ------
        CorruptArchiveError
            If there are more rows, or none.
        """
        if self._count != 1:
            raise CorruptArchiveError(f"one row is needed, not {self._count}")
        return self[0]


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
        return name in self.table

    def value(self, name: str) -> Any:
        """Return what a column holds, as it is.

        Parameters
        ----------
        name
            Name of the column.
        """
        return self.table.column(name)[self._number]

    def number(self, name: str, default: float | None = None) -> float:
        """Return a number.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value if there is no such column; `None` insists on the column.
        """
        if default is not None and name not in self.table:
            return default
        return float(_scalar(self.value(name), name))

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value if there is no such column; `None` insists on the column.
        """
        if default is not None and name not in self.table:
            return default
        return int(_scalar(self.value(name), name))

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string, without blanks around it.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value if there is no such column; `None` insists on the column.
        """
        if default is not None and name not in self.table:
            return default
        value = self.value(name)
        if not isinstance(value, str):
            raise CorruptArchiveError(f"column {name!r} holds {type(value).__name__}, not text")
        return value.rstrip("\0").strip()

    def array(self, name: str) -> np.ndarray:
        """Return an array with one axis; a single number is one, too.

        Parameters
        ----------
        name
            Name of the column.
        """
        value = np.atleast_1d(np.asarray(self.value(name)))
        if value.dtype.kind not in "biuf":
            raise CorruptArchiveError(f"column {name!r} holds {value.dtype.name}, not numbers")
        return value.reshape(-1)

    def blob(self, name: str) -> bytes:
        """Return bytes.

        Parameters
        ----------
        name
            Name of the column.
        """
        value = self.array(name)
        if value.dtype != np.uint8:
            raise CorruptArchiveError(f"column {name!r} holds {value.dtype.name}, not bytes")
        return value.tobytes()

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a flag.

        Parameters
        ----------
        name
            Name of the flag.
        default
            Value if there is no such flag.
        """
        bit = self.table.flag_bits.get(name)
        column = self.table.flag_column
        if bit is None or column is None:
            return default
        return bool(np.atleast_1d(self.value(column))[bit])

    def point(self, name: str, default: XY[float] | None = None) -> XY[float]:
        """Return a point, of one column or of two.

        Parameters
        ----------
        name
            Name of the point, without ``_x`` and ``_y``.
        default
            Value if there are no such columns; `None` insists on them.
        """
        if f"{name}_x" in self.table:
            return XY(self.number(f"{name}_x"), self.number(f"{name}_y"))
        if default is not None and name not in self.table:
            return default
        x, y = self._pair(name)
        return XY(float(x), float(y))

    def corner(self, name: str) -> XY[int]:
        """Return a point of whole numbers, of one column or of two.

        Parameters
        ----------
        name
            Name of the point, without ``_x`` and ``_y``.
        """
        if f"{name}_x" in self.table:
            return XY(self.integer(f"{name}_x"), self.integer(f"{name}_y"))
        x, y = self._pair(name)
        return XY(int(x), int(y))

    def _pair(self, name: str) -> np.ndarray:
        pair = self.array(name)
        if pair.size != 2:
            raise CorruptArchiveError(f"column {name!r} holds {pair.size} numbers, not the two of a point")
        return pair

    def box(self, name: str) -> Box | None:
        """Return a box; `None` if it is empty.

        Parameters
        ----------
        name
            Name of the box, without ``_min``, ``_max`` and ``_extent``.

        Notes
        -----
        Boxes are stored by their first and last pixels, those of amplifiers
        by first pixel and number of pixels.
        """
        first = self.corner(f"{name}_min")
        if f"{name}_extent_x" in self.table or f"{name}_extent" in self.table:
            extent = self.corner(f"{name}_extent")
            stop = XY(first.x + extent.x, first.y + extent.y)
        else:
            last = self.corner(f"{name}_max")
            stop = XY(last.x + 1, last.y + 1)
        if stop.x <= first.x or stop.y <= first.y:
            return None
        if max(map(abs, (*first, *stop))) > MAX_CORNER:
            raise CorruptArchiveError(f"box {name!r} reaches from {first!r} to {stop!r}")
        return Box(y=Interval(first.y, stop.y), x=Interval(first.x, stop.x))


def _scalar(value: Any, name: str) -> Any:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise CorruptArchiveError(f"column {name!r} holds {value!r:.60}, not one number")
    return array.reshape(-1)[0]
