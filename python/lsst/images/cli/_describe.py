# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images describe``: describe the content of files."""

from __future__ import annotations

__all__ = ("describe",)

import click

from ..butler import describe_file


@click.command("describe")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--read", is_flag=True, help="Read the whole file including pixels, and describe the object.")
def describe(files: tuple[str, ...], read: bool) -> None:
    """Describe the content of files without reading pixels.

    FILE is a path or URI of a file of any container or of lsst.afw.
    """
    for number, file in enumerate(files):
        if number:
            click.echo()
        click.echo(describe_file(file, read=read))
