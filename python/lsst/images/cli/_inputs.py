# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find the input files of a command."""

from __future__ import annotations

__all__ = ("FILES", "expand_files", "files_argument")

import glob
import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from ..butler import find_files

F = TypeVar("F", bound=Callable[..., Any])

FILES = "FILE is a file of any container or of lsst.afw, a directory of such files, or a glob pattern."
"""Help text of the argument of `files_argument`."""


def expand_files(names: Iterable[str]) -> tuple[str, ...]:
    """Return the files that arguments of a command name.

    Parameters
    ----------
    names
        Paths or URIs of files and directories, and glob patterns.

    Returns
    -------
    files
        The files without duplicates; those of a directory or pattern are
        sorted.

    Raises
    ------
    click.UsageError
        If a pattern matches no file, or a directory has no file with the
        extension of a registered container.
    """
    found: dict[str, None] = {}
    for name in names:
        matches = [name]
        if glob.has_magic(name) and "://" not in name and not os.path.exists(name):
            matches = sorted(glob.glob(name, recursive=True))
        files = [file for match in matches for file in _list_directory(match)]
        if not files:
            raise click.UsageError(f"{name!r} does not match any file of a registered container.")
        found |= dict.fromkeys(files)
    return tuple(found)


def files_argument(function: F) -> F:
    """Add an argument for input files to a command.

    Parameters
    ----------
    function
        The command; it gets the files as ``files``.

    Returns
    -------
    command
        The command with the argument or options.
    """
    argument = click.argument(
        "files",
        metavar="FILE...",
        nargs=-1,
        required=True,
        callback=lambda context, parameter, value: expand_files(value),
    )
    return argument(function)


def _list_directory(name: str) -> list[str]:
    if not (os.path.isdir(name) or ("://" in name and name.endswith("/"))):
        return [name]
    return [uri.ospath if uri.isLocal else str(uri) for uri in find_files([name])]
