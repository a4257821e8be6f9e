# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Output of tables."""

from __future__ import annotations

__all__ = ("make_console",)

from rich.console import Console

DEFAULT_WIDTH = 250
"""Width in characters, if the output is not a terminal."""


def make_console() -> Console:
    """Return a console that writes to the standard output, and does not wrap lines in files and pipes.

    Returns
    -------
    console
        The console.
    """
    console = Console()
    if not console.is_terminal:
        console.width = DEFAULT_WIDTH
    return console
