# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Parts of a report: values, groups of values and tables."""

from __future__ import annotations

__all__ = ("FieldRole", "ReportField", "ReportTable", "ReportValueGroup")

import dataclasses
import enum
from collections.abc import Iterable
from typing import Any

from ._text import as_text


class FieldRole(enum.Enum):
    """The places in which a part of a report is shown."""

    ARG = "arg"
    """An argument of the constructor, shown in the ``repr`` and in the report."""
    REPR_ONLY = "repr_only"
    """Shown in the ``repr`` only."""
    DERIVED = "derived"
    """Shown in the report only."""

    @property
    def in_repr(self) -> bool:
        """Whether the part is shown in the ``repr``."""
        return self is not FieldRole.DERIVED

    @property
    def in_display(self) -> bool:
        """Whether the part is shown in the report."""
        return self is not FieldRole.REPR_ONLY


@dataclasses.dataclass(frozen=True)
class ReportField:
    """A value with a label.

    Parameters
    ----------
    label
        Name of the value.
    value
        The value; formatted with `str`.
    unit
        Unit, shown after the value.
    repr_value
        Text for a ``repr``; by default, the `repr` of the value.
    role
        Where the value is shown.
    positional
        Whether to omit the label in a ``repr``.
    """

    label: str
    value: Any
    unit: Any = None
    repr_value: str | None = None
    role: FieldRole = FieldRole.ARG
    positional: bool = False

    @property
    def text(self) -> str:
        """The value with its unit."""
        text = as_text(self.value)
        return text if self.unit is None else f"{text} {self.unit}"

    def to_repr(self) -> str:
        """Return the field as an argument of a constructor."""
        value = as_text(self.value, repr) if self.repr_value is None else self.repr_value
        return value if self.positional else f"{self.label}={value}"


@dataclasses.dataclass(frozen=True)
class ReportValueGroup:
    """Many short values, shown side by side.

    Parameters
    ----------
    values
        Pairs of label and value.
    role
        Where the values are shown.
    """

    values: tuple[tuple[str, Any], ...]
    role: FieldRole = FieldRole.DERIVED

    def __init__(self, values: Iterable[tuple[str, Any]], role: FieldRole = FieldRole.DERIVED) -> None:
        object.__setattr__(self, "values", tuple(values))
        object.__setattr__(self, "role", role)


@dataclasses.dataclass(frozen=True)
class ReportTable:
    """A table.

    Parameters
    ----------
    title
        Title of the table.
    columns
        Headings of the columns.
    rows
        Values, row by row.
    role
        Where the table is shown.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    role: FieldRole = FieldRole.DERIVED

    def __init__(
        self,
        title: str,
        columns: Iterable[str],
        rows: Iterable[Iterable[Any]],
        role: FieldRole = FieldRole.DERIVED,
    ) -> None:
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "columns", tuple(columns))
        object.__setattr__(self, "rows", tuple(map(tuple, rows)))
        object.__setattr__(self, "role", role)
