# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Rendering of reports as plain text, as rich trees, and as HTML.

Markup in values is escaped.
"""

from __future__ import annotations

__all__ = ("html_of", "rich_of", "text_of")

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ._emphasis import EmphasizedText
from ._parts import ReportField, ReportTable, ReportValueGroup
from ._text import as_text

MAX_WIDTH = 100
"""Maximum width of a line of values, in characters."""


_RICH_STYLES = {"": "", "em": "italic", "strong": "bold"}


class Report(Protocol):
    """The members of a report that rendering uses."""

    @property
    def heading(self) -> str: ...
    @property
    def plain_summary(self) -> str | None: ...
    @property
    def fields(self) -> tuple[ReportField, ...]: ...
    @property
    def tables(self) -> tuple[ReportTable, ...]: ...
    @property
    def value_groups(self) -> tuple[ReportValueGroup, ...]: ...
    @property
    def children(self) -> Mapping[str, Any]: ...
    @property
    def inline(self) -> bool: ...
    def headline(self, *, inline: bool = False) -> EmphasizedText: ...


def text_of(report: Report) -> str:
    """Return a report as plain text.

    Parameters
    ----------
    report
        The report.
    """
    return "\n".join(_lines(report, report.heading))


def _lines(report: Report, heading: str) -> Iterator[str]:
    yield heading
    for line in _body(report):
        yield f"  {line}"
    for key, child in report.children.items():
        if child.inline:
            yield f"  {key}: {child.to_str()}"
            continue
        for line in _lines(child, f"{key} ({child.heading})"):
            yield f"  {line}"


def rich_of(report: Report, key: str = "") -> Any:
    """Return a report as a `rich.tree.Tree`.

    Parameters
    ----------
    report
        The report.
    key
        Name of the report in the one that contains it.
    """
    from rich.text import Text
    from rich.tree import Tree

    inline = report.inline and key != ""
    parts = [(text, _RICH_STYLES[style]) for text, style in report.headline(inline=inline)]
    if inline:
        return Text.assemble(f"{key}: ", *parts)
    tree = Tree(Text.assemble(*([f"{key} (", *parts, ")"] if key else parts), style="bold"))
    for line in _body(report):
        tree.add(Text(line, no_wrap=True))
    for name, child in report.children.items():
        tree.add(rich_of(child, name))
    return tree


def _body(report: Report) -> Iterator[str]:
    """Yield the lines of a report, without those of its children."""
    shown = [field for field in report.fields if field.role.in_display]
    if _needs_summary(report):
        yield from str(report.plain_summary).splitlines()
    for field in shown:
        first, *more = field.text.splitlines() or [""]
        yield f"{field.label}: {first}"
        yield from (f"  {line}" for line in more)
    for group in report.value_groups:
        if group.role.in_display:
            yield from _packed(group)
    for table in report.tables:
        if table.role.in_display:
            yield from _grid(table)


def _needs_summary(report: Report) -> bool:
    """Return whether the report has a summary and nothing else to show."""
    shown = any(field.role.in_display for field in report.fields)
    return report.plain_summary is not None and not (
        shown or report.tables or report.value_groups or report.children
    )


def _packed(group: ReportValueGroup) -> Iterator[str]:
    line = ""
    for label, value in group.values:
        item = f"{label}={as_text(value)}"
        if line and len(line) + 2 + len(item) > MAX_WIDTH:
            yield line
            line = ""
        line = f"{line}  {item}" if line else item
    if line:
        yield line


def _grid(table: ReportTable) -> Iterator[str]:
    yield table.title
    rows: list[Sequence[str]] = [table.columns, *([as_text(value) for value in row] for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(f"{value:{width}}" for value, width in zip(row, widths, strict=True)).rstrip()


def html_of(report: Report) -> str:
    """Return a report as HTML.

    Parameters
    ----------
    report
        The report.
    """
    heading = _html_headline(report)
    return f"<div><details open><summary><b>{heading}</b></summary>{_inside(report)}</details></div>"


def _html_headline(report: Report, *, inline: bool = False) -> str:
    parts = ((html.escape(text), style) for text, style in report.headline(inline=inline))
    return "".join(f"<{style}>{text}</{style}>" if style else text for text, style in parts)


def _inside(report: Report) -> str:
    parts = []
    shown = [field for field in report.fields if field.role.in_display]
    if _needs_summary(report):
        parts.append(f"<p>{html.escape(report.plain_summary or '')}</p>")
    if shown:
        parts.append(_table([(field.label, field.text) for field in shown]))
    for group in report.value_groups:
        if group.role.in_display:
            values = (html.escape(f"{label}={as_text(value)}") for label, value in group.values)
            parts.append(f"<p>{'&ensp; '.join(values)}</p>")
    for table in report.tables:
        if table.role.in_display:
            parts.append(_table(table.rows, table.columns, table.title))
    for key, child in report.children.items():
        if child.inline:
            parts.append(f"<p>{html.escape(key)}: {_html_headline(child, inline=True)}</p>")
        else:
            heading = f"{html.escape(key)} ({_html_headline(child)})"
            parts.append(f"<details><summary>{heading}</summary>{_inside(child)}</details>")
    return f'<div style="margin-left: 1.5em">{"".join(parts)}</div>'


def _table(rows: Sequence[Sequence[Any]], columns: Sequence[str] = (), title: str = "") -> str:
    caption = f"<caption>{html.escape(title)}</caption>" if title else ""
    head = _row(columns, "th") if columns else ""
    return f"<table>{caption}{head}{''.join(_row(row, 'td') for row in rows)}</table>"


def _row(values: Sequence[Any], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(as_text(value))}</{tag}>' for value in values)}</tr>"
