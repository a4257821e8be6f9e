# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images plugins``: list installed plugins and their errors."""

from __future__ import annotations

__all__ = ("plugins",)

import json
import warnings

import click
from rich.table import Table
from rich.text import Text

from ..errors import PluginError, PluginWarning
from ..plugins import PluginInfo, registry
from ._console import make_console

DECLARATIONS = ("datasets", "storage_classes", "dataset_types", "containers", "migrations", "legacy_decoders")
"""Methods of the registry that collect declarations of plugins."""


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option("--strict", is_flag=True, help="Exit with an error if a plugin was left out.")
def plugins(as_json: bool, strict: bool) -> None:
    """List plugins, the hooks they implement, and their errors."""
    with warnings.catch_warnings():
        # The table shows these warnings.
        warnings.simplefilter("ignore", PluginWarning)
        infos = registry.plugins()
        faults = _faults()
    if as_json:
        click.echo(json.dumps({"plugins": [_as_dict(info) for info in infos], "faults": faults}, indent=2))
    else:
        _print_table(infos, faults)
    if strict and (faults or any(info.error for info in infos)):
        raise click.ClickException("A plugin was left out.")


def _faults() -> list[str]:
    """Collect all declarations, and return the errors that this raises."""
    faults = []
    for name in DECLARATIONS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PluginWarning)
            try:
                getattr(registry, name)()
            except PluginError as err:
                faults.append(str(err))
        faults += [str(item.message) for item in caught if issubclass(item.category, PluginWarning)]
    return faults


def _as_dict(info: PluginInfo) -> dict[str, object]:
    names = ("name", "package", "version", "hooks", "error")
    return {name: getattr(info, name) for name in names}


def _print_table(infos: tuple[PluginInfo, ...], faults: list[str]) -> None:
    table = Table("plugin", "package", "hooks or failure", box=None, pad_edge=False)
    for info in infos:
        what = ", ".join(info.hooks) if info.error is None else f"LEFT OUT: {info.error}"
        table.add_row(info.name, f"{info.package} {info.version}".strip(), Text(what))
    console = make_console()
    console.print(table)
    for fault in faults:
        console.print(Text(f"FAULT: {fault}"))
