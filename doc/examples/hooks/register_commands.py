# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A command for ``lsst-images``."""

import click
from lsst.images.plugins import hookimpl


@click.command("sky-level")
@click.argument("file")
def sky_level(file: str) -> None:
    """Print the median of an image."""
    import numpy as np
    from lsst.images import Image

    click.echo(f"{np.median(Image.read(file).array):.2f}")


@hookimpl
def register_commands(cli):
    """Add the command to the group."""
    cli.add_command(sky_level)
