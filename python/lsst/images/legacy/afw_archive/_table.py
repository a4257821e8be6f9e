# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tables of `lsst.afw`: columns by name, and flags, which are bits of one column."""

from __future__ import annotations

__all__ = ("LegacyTable",)

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from ...fits import ColumnData, Hdu, TableData
from ...utils import cached_property, short_repr


class LegacyTable:
    """A table of `lsst.afw`, of which each column is decoded at most once.

    Parameters
    ----------
    hdu
        The binary table.
    """

    def __init__(self, hdu: Hdu) -> None:
        self.cards = hdu.cards
        """The header."""
        self._values = hdu.values
        self._data: TableData = hdu.read_table()
        self.row_count = len(self._data)
        """Number of rows."""
        self._columns: dict[str, ColumnData] = {}
        self.names: tuple[str, ...] = tuple([column.name for column in self._data.columns])
        """Names of the columns in order (`tuple` [ `str`, ... ])."""
        self.numbers: Mapping[str, int] = {name: i for i, name in reversed(list(enumerate(self.names)))}
        """Zero-based numbers of the columns by name; the first one of equal names."""

    def __len__(self) -> int:
        return self.row_count

    @property
    def units(self) -> dict[str, str]:
        """Units of the columns that have one."""
        columns = zip(self.names, self._data.columns, strict=True)
        return {name: column.unit for name, column in columns if column.unit}

    def __contains__(self, name: object) -> bool:
        return name in self.numbers

    def column(self, name: str) -> ColumnData:
        """Return a column as an array, or as a list of arrays of different lengths.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        CorruptArchiveError
            If the table does not have this column.
        """
        if name not in self.numbers:
            raise CorruptArchiveError(
                f"column {short_repr(name)} is missing; the table has {short_repr(list(self.names))}"
            )
        if name not in self._columns:
            self._columns[name] = self._data.column(self.numbers[name])
        return self._columns[name]

    @cached_property
    def cells(self) -> Mapping[str, Sequence[Any]]:
        """Values of each column, by name of the column and number of the row.

        Single numbers and texts are Python values (`int`, `float`, `str`);
        other cells are what `column` returns for them.

        Raises
        ------
        CorruptArchiveError
            If the table does not have a column that is looked up.
        """
        plain = self._data.plain_columns()
        return _Cells(self, {name: plain[i] for name, i in self.numbers.items() if i in plain})

    def code(self, name: str) -> str:
        """Return the letter of ``TFORMn`` for the type of a column.

        Parameters
        ----------
        name
            Its name.
        """
        return self._data.columns[self.numbers[name]].code

    @cached_property
    def flag_bits(self) -> Mapping[str, int]:
        """Position of each flag in the column of flags."""
        bits = {}
        for k in range(1, self.flag_count + 1):
            name = self._values.get(f"TFLAG{k}") or self.cards.get(f"TFLAG{k}")
            if isinstance(name, str):
                bits[name.strip()] = k - 1
        return bits

    @cached_property
    def flag_column(self) -> str | None:
        """Name of the column of flags, or `None` if the table does not have one."""
        number = self._values.get("FLAGCOL")
        if type(number) is int and 1 <= number <= len(self.names):
            return self.names[number - 1]
        return next((name for name in self.names if self.code(name) == "X"), None)

    @cached_property
    def flag_count(self) -> int:
        """Number of bits in the column of flags."""
        if self.flag_column is None or self.code(self.flag_column) != "X":
            return 0
        return self._data.columns[self.numbers[self.flag_column]].repeat


class _Cells(dict[str, Sequence[Any]]):
    """Values of columns, of which those that need more work are decoded on first use."""

    def __init__(self, table: LegacyTable, decoded: Mapping[str, Sequence[Any]]) -> None:
        super().__init__(decoded)
        self._table = table

    def __missing__(self, name: str) -> Sequence[Any]:
        column = self._table.column(name)
        if isinstance(column, np.ndarray) and column.ndim == 1:
            column = column.tolist()
        values = self[name] = list(column)
        return values
