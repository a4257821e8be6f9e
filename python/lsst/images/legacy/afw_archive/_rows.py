# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Consecutive rows of `lsst.afw` tables, decoded by column."""

from __future__ import annotations

__all__ = ("MAX_CORNER", "LegacyRow", "LegacyRows")

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np

from ..._geom import XY, Box
from ...errors import CorruptArchiveError
from ...fits import ColumnData
from ...utils import short_repr
from ._row import MAX_CORNER, LegacyRow, box_end_column, make_boxes, to_scalar
from ._table import LegacyTable

_T = TypeVar("_T")


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
        if start < 0 or count < 0 or start + count > table.row_count:
            raise CorruptArchiveError(
                f"the index refers to rows {start} to {start + count} of a table with {table.row_count} rows"
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
            raise IndexError(f"Row {index} does not exist; there are {self._count} rows.")
        return LegacyRow(self.table, self._start + index)

    def __iter__(self) -> Iterator[LegacyRow]:
        return iter([LegacyRow(self.table, i) for i in range(self._start, self._start + self._count)])

    def one(self) -> LegacyRow:
        """Return the only row.

        Raises
        ------
        CorruptArchiveError
            If the number of rows is not one.
        """
        if self._count != 1:
            raise CorruptArchiveError(f"the object has {self._count} rows in a table; expected one")
        return LegacyRow(self.table, self._start)

    def column(self, name: str) -> ColumnData:
        """Return the values of a column in these rows, as they are stored.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        CorruptArchiveError
            If the table does not have this column.
        """
        return self.table.column(name)[self._start : self._start + self._count]

    def numbers(self, name: str, default: float | None = None) -> list[float]:
        """Return the numbers of a column.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value of all rows if the column is missing; `None` requires the
            column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or does not hold one number per row.
        """
        return self._convert(float, name, default)

    def integers(self, name: str, default: int | None = None) -> list[int]:
        """Return the integers of a column.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value of all rows if the column is missing; `None` requires the
            column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or does not hold one number per row.
        """
        return self._convert(int, name, default)

    def _convert(self, kind: Callable[[Any], _T], name: str, default: _T | None) -> list[_T]:
        if default is not None and name not in self.table.numbers:
            return [default] * self._count
        values = self.table.cells[name][self._start : self._start + self._count]
        if not set(map(type, values)) <= {int, float}:
            values = [to_scalar(value, name) for value in values]
        return list(map(kind, values))

    def texts(self, name: str, default: str | None = None) -> list[str]:
        """Return the texts of a column, without leading and trailing blanks.

        Parameters
        ----------
        name
            Name of the column.
        default
            Value of all rows if the column is missing; `None` requires the
            column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or does not hold text.
        """
        if default is not None and name not in self.table.numbers:
            return [default] * self._count
        values = self.table.cells[name][self._start : self._start + self._count]
        if not set(map(type, values)) <= {str}:
            raise CorruptArchiveError(f"column {short_repr(name)} holds values that are not text")
        return [value.rstrip("\0").strip() for value in values]

    def arrays(self, name: str) -> list[np.ndarray]:
        """Return the arrays of a column, each with one axis, of type `float`.

        Parameters
        ----------
        name
            Name of the column.

        Raises
        ------
        CorruptArchiveError
            If the column is missing, or does not hold numbers.
        """
        values = [np.atleast_1d(np.asarray(value)).reshape(-1) for value in self.column(name)]
        for value in values:
            if value.dtype.kind not in "biuf":
                raise CorruptArchiveError(
                    f"column {short_repr(name)} holds {value.dtype.name} values, not numbers"
                )
        return [value.astype(np.float64) for value in values]

    def flags(self, name: str, default: bool = False) -> list[bool]:
        """Return the values of a flag.

        Parameters
        ----------
        name
            Name of the flag.
        default
            Value of all rows if the table does not have this flag.
        """
        bit, column = self.table.flag_bits.get(name), self.table.flag_column
        if bit is None or column is None:
            return [default] * self._count
        bits = np.asarray(self.column(column), dtype=bool).reshape(self._count, -1)
        values: list[bool] = bits[:, bit].tolist()
        return values

    def points(self, name: str) -> np.ndarray:
        """Return the points of these rows, shape ``(n, 2)``, ``x`` first.

        Parameters
        ----------
        name
            Name of the points, without ``_x`` and ``_y``.

        Raises
        ------
        CorruptArchiveError
            If the columns are missing, or do not hold points.
        """
        if f"{name}_x" in self.table.numbers:
            return np.array([self.numbers(f"{name}_x"), self.numbers(f"{name}_y")], dtype=np.float64).T
        values = np.asarray(self.column(name), dtype=np.float64)
        if values.size != 2 * self._count:
            raise CorruptArchiveError(
                f"column {short_repr(name)} has shape {values.shape}; expected pairs of numbers"
            )
        return values.reshape(self._count, 2)

    def corners(self, name: str) -> list[XY[int]]:
        """Return the points of these rows, which have integer coordinates.

        Parameters
        ----------
        name
            Name of the points, without ``_x`` and ``_y``.

        Raises
        ------
        CorruptArchiveError
            If the columns are missing, or do not hold points.
        """
        if f"{name}_x" in self.table.numbers:
            return list(map(XY, self.integers(f"{name}_x"), self.integers(f"{name}_y")))
        return [row.corner(name) for row in self]

    def boxes(self, name: str) -> list[Box | None]:
        """Return the boxes of these rows; `None` for empty ones.

        Parameters
        ----------
        name
            Name of the boxes, without ``_min``, ``_max`` and ``_extent``.

        Raises
        ------
        CorruptArchiveError
            If the columns are missing, or corners exceed 32 bits.
        """
        end, is_size = box_end_column(self.table, name)
        return make_boxes(name, self.corners(f"{name}_min"), self.corners(end), is_size)
