# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reports about objects."""

from __future__ import annotations

__all__ = ("Report",)

import dataclasses
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from ._emphasis import EmphasizedText, plain_text, split_emphasis
from ._parts import ReportField, ReportTable, ReportValueGroup
from ._render import html_of, rich_of, text_of


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """A human-readable report about an object.

    Parameters
    ----------
    type_name
        Name of the type of the object.
    title
        Heading; by default, the name of the type.
    summary
        The object in one line.
    fields
        Values with labels (`ReportField`).
    tables
        Tables (`ReportTable`).
    value_groups
        Groups of short values (`ReportValueGroup`).
    children
        Reports about parts, by name.
    inline
        Whether only the summary is shown if the report is part of another one.
    emphasis_markup
        Whether the headline (the title, or the summary if ``inline``) may mark
        ``*emphasis*`` and ``**strong**`` text, which are shown in notebooks
        and terminals, and removed elsewhere.

    Notes
    -----
    ``str(report)`` is the whole report as plain text.
    """

    type_name: str
    title: str | None = None
    summary: str | None = None
    fields: tuple[ReportField, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    value_groups: tuple[ReportValueGroup, ...] = ()
    children: Mapping[str, Report] = dataclasses.field(default_factory=dict)
    inline: bool = False
    emphasis_markup: bool = False

    def __post_init__(self) -> None:
        for name in ("fields", "tables", "value_groups"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "children", MappingProxyType(dict(self.children)))

    @property
    def heading(self) -> str:
        """Heading of the report."""
        return plain_text(self.title or self.type_name, self.emphasis_markup)

    def headline(self, *, inline: bool = False) -> EmphasizedText:
        """Return the title with its emphasis.

        Parameters
        ----------
        inline
            Whether to return the summary in place of the title.
        """
        text = (self.summary or self.to_str()) if inline else (self.title or self.type_name)
        return split_emphasis(text, self.emphasis_markup)

    @property
    def plain_summary(self) -> str | None:
        """The summary without markup."""
        return None if self.summary is None else plain_text(self.summary, self.emphasis_markup)

    def without(self, labels: Collection[str]) -> Report:
        """Return the report without some fields and children.

        Parameters
        ----------
        labels
            Labels of fields, and keys of children, to omit.

        Returns
        -------
        report
            Report with the other fields and children.
        """
        if not labels:
            return self
        return dataclasses.replace(
            self,
            fields=tuple(field for field in self.fields if field.label not in labels),
            children={key: child for key, child in self.children.items() if key not in labels},
        )

    def to_repr(self) -> str:
        """Return the ``repr`` of the object, a constructor call if fields define its arguments."""
        if arguments := [field.to_repr() for field in self.fields if field.role.in_repr]:
            return f"{self.type_name}({', '.join(arguments)})"
        if (summary := self.plain_summary) is None:
            return f"<{self.type_name}>"
        if summary.startswith(self.type_name):
            return f"<{summary}>"
        return f"<{self.type_name}: {summary}>"

    def to_str(self) -> str:
        """Return a one-line summary of the object."""
        if (summary := self.plain_summary) is not None:
            return summary
        values = [field.text for field in self.fields if field.role.in_repr]
        return f"{self.type_name}({', '.join(values[:3])})"

    def __str__(self) -> str:
        return text_of(self)

    def __repr__(self) -> str:
        # Interpreters show the result of describe() by its repr.
        return text_of(self)

    def __rich__(self) -> Any:
        return rich_of(self)

    def _repr_html_(self) -> str:
        return html_of(self)
