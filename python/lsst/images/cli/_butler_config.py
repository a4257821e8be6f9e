# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images butler-config``: write Butler configuration."""

from __future__ import annotations

__all__ = ("butler_config",)

import importlib.resources
from pathlib import Path

import click

from ..butler import is_repository, write_config, write_repo_config

SHIPPED = importlib.resources.files("lsst.images") / "config"
"""Directory with the configuration of this package without plugins."""


@click.command("butler-config")
@click.argument("where", metavar="DIR|REPO", required=False)
@click.option("--shipped", is_flag=True, help="Print the directory with the configuration without plugins.")
def butler_config(where: str | None, shipped: bool) -> None:
    """Write storage classes, formatters and write recipes of all plugins.

    DIR is a directory to name in DAF_BUTLER_CONFIG_PATH; it is created if it
    does not exist.

    REPO is the root of a Butler repository: its butler.yaml then includes the
    configuration, and the variable is not needed.  Unlike in DIR, the Butler's
    default storage classes are not extended.

    A configuration with which no Butler could start is an error; nothing is
    written then.
    """
    if shipped == (where is not None):
        raise click.UsageError("Give either a directory or repository, or --shipped.")
    if where is None:
        click.echo(SHIPPED)
        return
    if is_repository(where):
        for file in write_repo_config(where):
            click.echo(f"Wrote {file}")
        return
    for path in write_config(where):
        click.echo(f"Wrote {path}")
    click.echo(f"To use it: export DAF_BUTLER_CONFIG_PATH={Path(where).absolute()}")
