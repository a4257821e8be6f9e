# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The command ``lsst-images``: one command, one file.

Commands are imported when they are called.  Plugins add theirs with the hook
``register_commands``.
"""

from __future__ import annotations

__all__ = ("BrokenCommand", "ImagesGroup", "cli", "main")

import click

from ..version import __version__
from ._broken import BrokenCommand
from ._group import ImagesGroup


@click.command(cls=ImagesGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lsst-images")
def cli() -> None:
    """Look at, check and convert images; prepare Butler repositories for them."""


def main() -> None:
    """Run the command line."""
    cli(prog_name="lsst-images")
