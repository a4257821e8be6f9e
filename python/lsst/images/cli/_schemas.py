# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images schemas``: list schemas, and show their documents."""

from __future__ import annotations

__all__ = ("schemas",)

import json

import click
from rich.table import Table

from ..plugins import registry
from ..serialization import ArchiveTree, dump_schema
from ..utils import did_you_mean
from ._console import make_console


@click.command("schemas")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def schemas(name: str | None, as_json: bool) -> None:
    """List schemas, or show the document of one."""
    if name is not None:
        click.echo(json.dumps(dump_schema(find_model(name)), indent=2, sort_keys=True))
        return
    rows = [
        {
            "schema": schema,
            "version": model.SCHEMA_VERSION,
            "min_read_version": model.MIN_READ_VERSION,
            "type": spec.pytype.replace(":", "."),
            "storage_class": None if spec.storage_class is None else spec.storage_class.name,
        }
        for schema, spec in sorted(registry.datasets().items())
        if (model := registry.model_for_schema(schema)) is not None
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("Schema", "Version", "Readers from", "Type", "Storage class")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    make_console().print(table)


def find_model(name: str) -> type[ArchiveTree]:
    """Return the model of a schema.

    Parameters
    ----------
    name
        Name of the schema, or of the type.

    Returns
    -------
    model
        The model.

    Raises
    ------
    click.UsageError
        If the name is unknown.
    """
    datasets = registry.datasets()
    by_type = {spec.pytype.rpartition(":")[2]: schema for schema, spec in datasets.items()}
    model = registry.model_for_schema(by_type.get(name, name))
    if model is None:
        raise click.UsageError(
            f"No schema or type is named {name!r}.{did_you_mean(name, [*datasets, *by_type])} "
            "'lsst-images schemas' lists all."
        )
    return model
