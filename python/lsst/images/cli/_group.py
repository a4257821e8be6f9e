# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Commands of our own, late, and of plugins, with care."""

from __future__ import annotations

__all__ = ("ImagesGroup",)

import warnings
from typing import Any

import click

from ..errors import ImagesError, PluginWarning
from ..plugins import registry
from ._broken import BrokenCommand

COMMANDS = {
    "butler-config": "lsst.images.cli._butler_config:butler_config",
    "convert": "lsst.images.cli._convert:convert",
    "describe": "lsst.images.cli._describe:describe",
    "plugins": "lsst.images.cli._plugins:plugins",
    "verify": "lsst.images.cli._verify:verify",
}
"""Our own commands and where they are."""


class ImagesGroup(click.Group):
    """Commands of this package and of plugins.

    An error of ours is told in words; a plugin that fails while it adds
    its commands leaves a `BrokenCommand` of its own name.
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
            `None` if there is none of that name.
        """
        if (dotted := COMMANDS.get(cmd_name)) is not None:
            command: click.Command = registry.load(dotted)
            return command
        return _plugin_commands().get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; our own errors need no traceback.

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
            If the command fails with an error of this package or a file that
            is not there.
        """
        try:
            return super().invoke(ctx)
        except (ImagesError, OSError) as err:
            notes = "\n".join(["", *getattr(err, "__notes__", ())])
            raise click.ClickException(f"{type(err).__name__}: {err}{notes}") from err


def _plugin_commands() -> dict[str, click.Command]:
    """Ask every plugin, each with a group of its own, so that none harms another."""
    found: dict[str, click.Command] = {}
    with warnings.catch_warnings():
        # Told by the command "plugins".
        warnings.simplefilter("ignore", PluginWarning)
        implementations = registry.hook.register_commands.get_hookimpls()
    for implementation in implementations:
        name, group = implementation.plugin_name, click.Group()
        try:
            implementation.function(**{argument: group for argument in implementation.argnames})
        except Exception as err:  # a stranger's hook may raise anything
            found.setdefault(name, BrokenCommand(name, name, err))
            continue
        for key, command in group.commands.items():
            if key in COMMANDS or key in found:
                taken = ValueError(f"The name {key!r} of a command is taken already; rename it.")
                found[f"{name}:{key}"] = BrokenCommand(f"{name}:{key}", name, taken)
            else:
                found[key] = command
    return found
