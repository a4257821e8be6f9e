# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images diagram``: draw the tree of a type."""

from __future__ import annotations

__all__ = ("diagram",)

import functools
from collections.abc import Iterator
from typing import Any, get_args

import click

from ..plugins import registry
from ..serialization import ArchiveTree
from ._schemas import find_model


@click.command("diagram")
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    show_default=True,
    help="Indented text, or source of a Mermaid or Graphviz diagram.",
)
@click.option("--depth", type=click.IntRange(min=1), default=3, show_default=True, help="Levels to draw.")
def diagram(name: str, form: str, depth: int) -> None:
    """Draw the tree in which a type is stored.

    NAME is a type such as VisitImage, or its schema.
    """
    model = find_model(name)
    if form == "text":
        click.echo(_label(model))
        for line in _lines(model, depth, ""):
            click.echo(line)
        return
    edges = list(dict.fromkeys(_edges(model, depth)))
    if form == "mermaid":
        click.echo("graph LR")
        for parent, member, child in edges:
            click.echo(f"    {parent} -- {member} --> {child}")
    else:
        click.echo("digraph {\n    rankdir=LR;")
        for parent, member, child in edges:
            click.echo(f'    {parent} -> {child} [label="{member}"];')
        click.echo("}")


def _label(model: type[ArchiveTree]) -> str:
    return f"{model.SCHEMA_NAME} {model.SCHEMA_VERSION}"


def _nested(annotation: Any) -> Iterator[type[ArchiveTree]]:
    """Yield the models that a member may hold."""
    if isinstance(annotation, type) and issubclass(annotation, ArchiveTree):
        if annotation.SCHEMA_NAME:
            yield annotation
            return
        # A base class stands for the models of all subclasses.
        for model in annotation.__subclasses__():
            yield from _nested(model)
        return
    if isinstance(annotation, functools.partial):
        # A validator of members that are read when they are used, or of any subclass of a type.
        base = annotation.keywords.get("pytype")
        yield from _nested(annotation.keywords.get("model"))
        for spec in registry.datasets().values():
            if base is not None and issubclass(registry.load(spec.pytype), base):
                yield registry.load(spec.model)
        return
    for part in (*get_args(annotation), getattr(annotation, "func", None)):
        if part is not None and not isinstance(part, str):
            yield from _nested(part)


def _members(model: type[ArchiveTree]) -> Iterator[tuple[str, list[type[ArchiveTree]], bool]]:
    """Yield name, nested models, and whether the member is required."""
    for name, field in model.model_fields.items():
        if name not in ArchiveTree.model_fields:
            parts = (field.annotation, *field.metadata)
            found = list(dict.fromkeys(model for part in parts for model in _nested(part)))
            yield name, found, field.is_required()


def _lines(model: type[ArchiveTree], depth: int, indent: str) -> Iterator[str]:
    members = list(_members(model))
    for i, (name, nested, required) in enumerate(members):
        is_last = i + 1 == len(members)
        kinds = " | ".join(map(_label, nested))
        optional = "" if required else " (optional)"
        yield f"{indent}{'└── ' if is_last else '├── '}{name}{f': {kinds}' if kinds else ''}{optional}"
        if depth > 1:
            for child in nested:
                yield from _lines(child, depth - 1, indent + ("    " if is_last else "│   "))


def _edges(model: type[ArchiveTree], depth: int) -> Iterator[tuple[str, str, str]]:
    for name, nested, _ in _members(model):
        for child in nested:
            yield model.SCHEMA_NAME, name, child.SCHEMA_NAME
            if depth > 1:
                yield from _edges(child, depth - 1)
