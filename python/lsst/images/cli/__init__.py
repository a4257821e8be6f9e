# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The command line ``lsst-images``.

Each subcommand has a module of its own, which is imported when the subcommand
is called.  Plugins add subcommands with the hook ``register_commands``.
"""

from __future__ import annotations

__all__ = ("BrokenCommand", "ImagesGroup", "cli", "main")

import click

from ._broken import BrokenCommand
from ._group import ImagesGroup
from ._version import print_versions


@click.command(cls=ImagesGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=print_versions,
    help="Show the versions of the package and of its libraries, and exit.",
)
def cli() -> None:
    """Describe, verify and convert image files; configure Butler repositories."""


def main() -> None:
    """Run the command line."""
    cli(prog_name="lsst-images")
