# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""``lsst-images butler-config``: tell Butlers of everything that is installed."""

from __future__ import annotations

__all__ = ("butler_config",)

import importlib.resources
from pathlib import Path

import click

from ..butler import is_repository, write_config, write_repo_config

SHIPPED = importlib.resources.files("lsst.images") / "config"
"""What ``butler-config`` writes where no plugin is installed."""


@click.command("butler-config")
@click.argument("where", metavar="DIR|REPO", required=False)
@click.option(
    "--shipped", is_flag=True, help="Print the directory with the configuration of this package alone."
)
def butler_config(where: str | None, shipped: bool) -> None:
    """Write storage classes, formatters and recipes of all plugins.

    DIR is a directory, to be named in DAF_BUTLER_CONFIG_PATH; it is made if
    it is not there.

    REPO is the root of a Butler repository: its butler.yaml then includes
    the configuration, and nobody needs the variable.  Storage classes that
    the Butler defines itself stay as they are there; DIR extends them too.

    What would keep a Butler from starting is refused.
    """
    if shipped == (where is not None):
        raise click.UsageError("Name a directory or a repository, or ask for --shipped.")
    if where is None:
        click.echo(SHIPPED)
        return
    if is_repository(where):
        for file in write_repo_config(where):
            click.echo(f"Wrote {file}")
        return
    for path in write_config(where):
        click.echo(f"Wrote {path}")
    click.echo(f"Now: export DAF_BUTLER_CONFIG_PATH={Path(where).absolute()}")
