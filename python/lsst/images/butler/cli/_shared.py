# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the subcommands have in common."""

from __future__ import annotations

__all__ = ("in_words", "progress", "select", "values_option")

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lsst.daf.butler import Butler, ButlerUserError, DatasetRef
from lsst.daf.butler.cli.utils import split_kv

from ...errors import ImagesError

P = ParamSpec("P")
R = TypeVar("R")


def in_words(function: Callable[P, R]) -> Callable[P, R]:
    """Tell errors of a command in words instead of a traceback.

    Parameters
    ----------
    function
        The command.

    Returns
    -------
    command
        Raises `click.ClickException` for errors that a user can mend.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (ImagesError, OSError, ValueError, ButlerUserError) as err:
            notes = "\n".join(["", *getattr(err, "__notes__", ())])
            raise click.ClickException(f"{type(err).__name__}: {err}{notes}") from err

    return wrapper


def select(
    repo: str, dataset_type: Sequence[str], collections: Sequence[str], where: str
) -> tuple[Butler, list[DatasetRef]]:
    """Open a repository and find datasets.

    Parameters
    ----------
    repo
        URI of the repository.
    dataset_type
        Names of dataset types.
    collections
        Names of collections; none stands for all runs.
    where
        Expression on dimensions.

    Returns
    -------
    butler, refs
        The Butler, and the datasets in the order of their data IDs.

    Raises
    ------
    click.ClickException
        If there are none.
    """
    butler = Butler.from_config(repo, writeable=False)
    searched = list(collections) or list(butler.collections.query("*"))
    refs = [
        ref
        for name in dataset_type
        for ref in butler.query_datasets(
            name, searched, where=where, find_first=bool(collections), limit=None, explain=False
        )
    ]
    if not refs:
        raise click.ClickException(
            f"There are no datasets of type {', '.join(dataset_type)} in "
            f"{', '.join(searched) or 'the repository'}" + (f" where {where}." if where else ".")
        )
    return butler, sorted(refs)


@contextlib.contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a bar while something goes on, if there is a terminal.

    Parameters
    ----------
    total
        Number of steps.
    what
        What is counted.

    Yields
    ------
    advance
        To be called with the number of steps done.
    """
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def values_option(help: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the option ``--data-id KEY=VALUE``.

    Parameters
    ----------
    help
        Its help.

    Returns
    -------
    decorator
        Passes a dictionary on; values that look like integers are.
    """
    return click.option("--data-id", metavar="KEY=VALUE", multiple=True, callback=_parse_values, help=help)


def _parse_values(context: click.Context, parameter: click.Option, given: Sequence[str]) -> dict[str, Any]:
    pairs = split_kv(context, parameter, list(given), multiple=True)
    return {
        str(key): int(value) if value.lstrip("-").isdigit() else value for key, value in dict(pairs).items()
    }
