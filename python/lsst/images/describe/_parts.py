# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a report is made of: values, groups of values, tables."""

from __future__ import annotations

__all__ = ("FieldRole", "ReportField", "ReportTable", "ReportValueGroup")

import dataclasses
import enum
from collections.abc import Iterable
from typing import Any

from ._text import as_text


class FieldRole(enum.Enum):
    """Where a part of a report is shown."""

    ARG = "arg"
    """An argument of the constructor: in the ``repr``, and for people."""
    REPR_ONLY = "repr_only"
    """In the ``repr`` only."""
    DERIVED = "derived"
    """For people only."""

    @property
    def in_repr(self) -> bool:
        """Whether it is part of a ``repr``."""
        return self is not FieldRole.DERIVED

    @property
    def in_display(self) -> bool:
        """Whether people see it."""
        return self is not FieldRole.REPR_ONLY


@dataclasses.dataclass(frozen=True)
class ReportField:
    """One value with a label.

    Parameters
    ----------
    label
        What it is.
    value
        The value; shown with `str`.
    unit
        Its unit, shown behind it.
    repr_value
        Text for a ``repr``; by default, the `repr` of the value.
    role
        Where it is shown.
    positional
        Whether a ``repr`` leaves the label out.
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
        Where they are shown.
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
        What stands above it.
    columns
        Headings.
    rows
        Values, row by row.
    role
        Where it is shown.
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
