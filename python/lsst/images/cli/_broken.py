# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Placeholder for a command whose plugin failed."""

from __future__ import annotations

__all__ = ("BrokenCommand",)

import traceback

import click


class BrokenCommand(click.Command):
    """Command that fails, and shows the error of the plugin as its help.

    Parameters
    ----------
    name
        Name of the command.
    plugin
        Name of the plugin that should have added the command.
    error
        Exception that the plugin raised.
    """

    def __init__(self, name: str, plugin: str, error: BaseException) -> None:
        self.report = "".join(traceback.format_exception(error))
        short = f"(broken) Plugin {plugin!r} failed: {error}"
        super().__init__(name, help=f"{short}\n\n\b\n{self.report}", short_help=short)
        # The arguments of the missing command are unknown.
        self.context_settings = {"ignore_unknown_options": True, "allow_extra_args": True}

    def invoke(self, ctx: click.Context) -> None:
        """Print the traceback and fail.

        Parameters
        ----------
        ctx
            Context of the command.
        """
        click.echo(self.report, err=True)
        ctx.exit(1)
