# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Entries of the index of an archive."""

from __future__ import annotations

__all__ = ("LegacyEntry", "LegacyOpaque", "Reference", "read_index")

import dataclasses
from typing import Any, Protocol

from ...errors import ArchiveReadError
from ...utils import short_repr
from ._rows import LegacyRows
from ._table import LegacyTable


@dataclasses.dataclass(frozen=True)
class LegacyEntry:
    """The entry of an object in the index.

    Parameters
    ----------
    id
        Identifier of the object, starting with 1.
    class_name
        Name of its class in C++ or Python.
    module
        Python module of the class.
    pieces
        For each table of the object: number of the table in the archive,
        starting with 1, first row, and number of rows.
    """

    id: int
    class_name: str
    module: str
    pieces: tuple[tuple[int, int, int], ...]


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyOpaque:
    """An object of a class without a decoder, as the rows that are stored.

    Parameters
    ----------
    entry
        Its entry in the index.
    tables
        Its rows in each of its tables.
    """

    entry: LegacyEntry
    tables: tuple[LegacyRows, ...]


class _Objects(Protocol):
    """A collection of objects by identifier."""

    def get(self, number: int) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Reference:
    """A reference to an object of an archive, which is decoded on first use.

    Parameters
    ----------
    archive
        The archive.
    id
        Identifier of the object; 0 means a missing object.
    """

    archive: _Objects = dataclasses.field(repr=False)
    id: int

    def __bool__(self) -> bool:
        return self.id != 0

    def __call__(self) -> Any:
        """Decode the object; return `None` if the identifier is 0."""
        return self.archive.get(self.id)

    def part(self, name: str) -> Any:
        """Return an attribute of the object.

        Parameters
        ----------
        name
            Name of the attribute or method.

        Raises
        ------
        ArchiveReadError
            If the object is missing, or its class does not have the attribute or
            does not have a decoder.
        """
        found = self()
        if not hasattr(type(found), name) and name not in getattr(found, "__dict__", ()):
            kind = found.entry.class_name if isinstance(found, LegacyOpaque) else type(found).__name__
            raise ArchiveReadError(
                f"Object {self.id} of the archive is a {kind}, which does not have {short_repr(name)}."
            )
        return getattr(found, name)


def read_index(table: LegacyTable) -> list[LegacyEntry]:
    """Group the rows of the index, which may be in any order, by object.

    Parameters
    ----------
    table
        The index.

    Returns
    -------
    entries
        One for each object.

    Raises
    ------
    CorruptArchiveError
        If columns are missing.
    """
    rows = LegacyRows(table, 0, len(table))
    # Version 0 has underscores where later versions have dots.
    dot = "." if "cat.archive" in table.numbers else "_"
    columns: list[list[Any]] = [
        *(
            rows.integers(name)
            for name in ("id", f"cat{dot}persistable", f"cat{dot}archive", "row0", "nrows")
        ),
        *(rows.texts(name) for name in ("name", "module")),
    ]
    groups: dict[int, tuple[str, str, list[tuple[int, int, int]]]] = {}
    # Sorting brings the tables of an object into order; class and module are the same in all its rows.
    for number, _, archive, row0, count, name, module in sorted(zip(*columns, strict=True)):
        pieces = groups.setdefault(number, (name, module, []))[2]
        # A table number below 1 marks an object without a table.
        if archive > 0:
            pieces.append((archive, row0, count))
    return [
        LegacyEntry(number, name, module, tuple(pieces)) for number, (name, module, pieces) in groups.items()
    ]
