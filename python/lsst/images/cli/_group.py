# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command group that loads its commands, and those of plugins, when needed."""

from __future__ import annotations

__all__ = ("ImagesGroup",)

import warnings
from typing import Any

import click

from ..errors import ImagesError, PluginWarning
from ..plugins import registry
from ..utils import short_repr
from ._broken import BrokenCommand

COMMANDS = {
    "butler-config": (
        "lsst.images.cli._butler_config:butler_config",
        "Write storage classes, formatters and write recipes of all plugins.",
    ),
    "convert": ("lsst.images.cli._convert:convert", "Convert files that lsst.afw wrote."),
    "cutouts": ("lsst.images.cli._cutouts:cutouts", "Write cutouts of images to files."),
    "describe": (
        "lsst.images.cli._describe:describe",
        "Describe the content of files without reading pixels.",
    ),
    "diagram": ("lsst.images.cli._diagram:diagram", "Draw the tree in which a type is stored."),
    "inspect": ("lsst.images.cli._inspect:inspect", "Show how files are stored, without reading pixels."),
    "plugins": (
        "lsst.images.cli._plugins:plugins",
        "List plugins, the hooks they implement, and their errors.",
    ),
    "reformat": (
        "lsst.images.cli._reformat:reformat",
        "Write files of this package in another container.",
    ),
    "schemas": ("lsst.images.cli._schemas:schemas", "List schemas, or show the document of one."),
    "verify": ("lsst.images.cli._verify:verify", "Read whole files and report damage."),
}
"""Dotted name and first help line of the commands of this package.

The help lines are repeated here because importing all commands takes seconds.
"""

WIDTH = 80
"""Maximum length of the help line of a plugin command, in characters."""


class ImagesGroup(click.Group):
    """Commands of this package and of plugins.

    Errors of this package are reported without a traceback.  For a plugin
    that fails to add its commands there is a `BrokenCommand` of its name.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands.

        Parameters
        ----------
        ctx
            The invocation.

        Returns
        -------
        names
            Names, sorted.
        """
        return sorted({*COMMANDS, *_plugin_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command.

        Parameters
        ----------
        ctx
            The invocation.
        cmd_name
            Its name.

        Returns
        -------
        command
            The command, or `None` if it does not exist.
        """
        if cmd_name in COMMANDS:
            command: click.Command = registry.load(COMMANDS[cmd_name][0])
            return command
        return _plugin_commands().get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing those of this package.

        Parameters
        ----------
        ctx
            The invocation.
        formatter
            The formatter to write to.
        """
        short = {name: text for name, (_, text) in COMMANDS.items()}
        short |= {name: command.get_short_help_str(WIDTH) for name, command in _plugin_commands().items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(short.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and report errors of this package without a traceback.

        Parameters
        ----------
        ctx
            The invocation.

        Returns
        -------
        result
            What the command returns.

        Raises
        ------
        click.ClickException
            If the command fails with an `ImagesError` or `OSError`.
        """
        try:
            return super().invoke(ctx)
        except (ImagesError, OSError) as err:
            notes = "\n".join(["", *getattr(err, "__notes__", ())])
            raise click.ClickException(f"{type(err).__name__}: {err}{notes}") from err


def _plugin_commands() -> dict[str, click.Command]:
    """Collect the commands of all plugins; an error of one plugin does not affect others."""
    found: dict[str, click.Command] = {}
    with warnings.catch_warnings():
        # The command "plugins" shows these warnings.
        warnings.simplefilter("ignore", PluginWarning)
        implementations = registry.command_implementations()
    for implementation in implementations:
        name, group = implementation.plugin_name, click.Group()
        try:
            implementation.function(**{argument: group for argument in implementation.argnames})
        except Exception as err:  # third-party code may raise any exception
            found.setdefault(name, BrokenCommand(name, name, err))
            continue
        for key, command in group.commands.items():
            if key in COMMANDS or key in found:
                taken = ValueError(
                    f"A command {short_repr(key)} exists already; rename the command of the plugin."
                )
                found[f"{name}:{key}"] = BrokenCommand(f"{name}:{key}", name, taken)
            else:
                found[key] = command
    return found
