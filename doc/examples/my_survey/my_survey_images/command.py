# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The command ``lsst-images fringe-amplitude``."""

import click
from lsst.images.io import open_archive


@click.command("fringe-amplitude")
@click.argument("file")
def fringe_amplitude(file: str) -> None:
    """Print the amplitude of a fringe frame, without reading pixels."""
    with open_archive(file) as reader:
        click.echo(f"{reader.get_component('amplitude'):.3f}")
