# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images verify``: find damaged files."""

from __future__ import annotations

__all__ = ("verify",)

import click

from ..butler import verify_file


@click.command("verify")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def verify(files: tuple[str, ...]) -> None:
    """Read whole files and report damage.

    FILE is a path or URI of a file of any container or of lsst.afw.
    """
    damaged = 0
    for file in files:
        problems = verify_file(file)
        damaged += bool(problems)
        click.echo(f"{file}: {'; '.join(problems) or 'good'}")
    if damaged:
        raise click.ClickException(f"{damaged} of {len(files)} files are damaged.")
