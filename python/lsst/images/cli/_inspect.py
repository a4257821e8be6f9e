# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images inspect``: show how files are stored."""

from __future__ import annotations

__all__ = ("inspect",)

import json
import math
from collections.abc import Iterator
from typing import Any

import click
from rich.table import Table

from lsst.resources import ResourcePath

from ..errors import ImagesError
from ..io import open_archive
from ._console import make_console
from ._inputs import files_argument


@click.command("inspect")
@files_argument
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option("--tree", is_flag=True, help="Write the whole JSON tree instead of the list of arrays.")
def inspect(files: tuple[str, ...], as_json: bool, tree: bool) -> None:
    """Show how files are stored, without reading pixels.

    FILE is a path or URI. The output has the container, the schema, and the arrays to which the
    tree refers.
    """
    found = []
    for file in files:
        try:
            found.append(_look(file, tree=tree))
        except (ImagesError, OSError) as err:
            found.append({"file": file, "error": f"{type(err).__name__}: {err}"})
    if as_json or tree:
        click.echo(json.dumps(found, indent=2))
    else:
        for facts in found:
            _print(facts)
    if failed := sum("error" in facts for facts in found):
        raise click.ClickException(f"{failed} of {len(found)} files could not be inspected.")


def _look(file: str, *, tree: bool) -> dict[str, Any]:
    with open_archive(file) as reader:
        raw, archive = reader.raw_tree, reader.archive
        facts: dict[str, Any] = {
            "file": file,
            "size": ResourcePath(file, forceDirectory=False).size(),
            "container": archive.CONTAINER,
            "format_version": archive.format_version,
            "schema": archive.schema_url,
        }
        if tree:
            return facts | {"tree": raw}
        return facts | {
            "metadata": len(raw.get("metadata") or ()),
            "butler_info": bool(raw.get("butler_info")),
            "arrays": list(_arrays(raw, "")),
        }


def _arrays(node: Any, path: str) -> Iterator[dict[str, Any]]:
    """Yield the arrays and the columns of tables below a node of the tree."""
    if isinstance(node, dict):
        if "datatype" in node and ("source" in node or "data" in node):
            shape = node.get("shape")
            yield {
                "member": path,
                "source": str(node["source"]) if "source" in node else "inline",
                "shape": _inline_shape(node["data"]) if shape is None else list(shape),
                "datatype": node["datatype"],
            }
            return
        for name, value in node.items():
            yield from _arrays(value, f"{path}/{name}".lstrip("/"))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _arrays(value, f"{path}/{i}")


def _inline_shape(data: Any) -> list[int]:
    shape = []
    while isinstance(data, list):
        shape.append(len(data))
        data = data[0] if data else None
    return shape


def _print(facts: dict[str, Any]) -> None:
    if "error" in facts:
        click.echo(f"{facts['file']}: {facts['error']}", err=True)
        return
    click.echo(f"{facts['file']} ({facts['size']} bytes)")
    click.echo(f"  container {facts['container']}, format version {facts['format_version']}")
    click.echo(f"  schema {facts['schema']}")
    click.echo(f"  {facts['metadata']} metadata values, Butler information: {facts['butler_info']}")
    table = Table("Member", "Source", "Shape", "Type", "Elements")
    for array in facts["arrays"]:
        shape = array["shape"]
        table.add_row(
            array["member"],
            array["source"],
            "x".join(map(str, shape)),
            str(array["datatype"]),
            str(math.prod(shape)),
        )
    make_console().print(table)
