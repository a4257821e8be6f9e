# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tables of `lsst.afw`: columns by name, and flags, which are bits of one column."""

from __future__ import annotations

__all__ = ("LegacyTable",)

import functools

from ...errors import CorruptArchiveError
from ...fits import Hdu
from ...fits._table import ColumnData, TableData


class LegacyTable:
    """A table of `lsst.afw`, each column of which is decoded once.

    Parameters
    ----------
    hdu
        The binary table.
    """

    def __init__(self, hdu: Hdu) -> None:
        self.cards = hdu.cards
        """The header."""
        self._data: TableData = hdu.read_table()
        self._columns: dict[str, ColumnData] = {}
        # Names with long comments are continued on a second card.
        self.names = tuple(
            column.name or str(self.cards.get(f"TTYPE{i}", "")).strip()
            for i, column in enumerate(self._data.columns, start=1)
        )
        """Names of the columns in order (`tuple` [ `str`, ... ])."""
        self._numbers = {name: i for i, name in reversed(list(enumerate(self.names)))}

    def __len__(self) -> int:
        return len(self._data)

    @property
    def units(self) -> dict[str, str]:
        """Units of the columns that have one."""
        columns = zip(self.names, self._data.columns, strict=True)
        return {name: column.unit for name, column in columns if column.unit}

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def column(self, name: str) -> ColumnData:
        """Return a column.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        CorruptArchiveError
            If there is no such column.
        """
        if name not in self._numbers:
            raise CorruptArchiveError(f"there is no column {name!r}, only {list(self.names)!r}")
        if name not in self._columns:
            self._columns[name] = self._data.column(self._numbers[name])
        return self._columns[name]

    def code(self, name: str) -> str:
        """Return the letter of the type of a column.

        Parameters
        ----------
        name
            Its name.
        """
        return self._data.columns[self._numbers[name]].code

    @functools.cached_property
    def flag_bits(self) -> dict[str, int]:
        """Position of each flag in the column of flags."""
        bits = {}
        for k in range(1, self.flag_count + 1):
            name = self.cards.get(f"TFLAG{k}")
            if isinstance(name, str):
                bits[name.strip()] = k - 1
        return bits

    @functools.cached_property
    def flag_column(self) -> str | None:
        """Name of the column of flags, if there is one."""
        number = self.cards.get("FLAGCOL")
        if type(number) is int and 1 <= number <= len(self.names):
            return self.names[number - 1]
        return next((name for name in self.names if self.code(name) == "X"), None)

    @functools.cached_property
    def flag_count(self) -> int:
        """Number of bits in the column of flags."""
        if self.flag_column is None or self.code(self.flag_column) != "X":
            return 0
        return self._data.columns[self._numbers[self.flag_column]].repeat
