# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Functions that several subcommands use."""

from __future__ import annotations

__all__ = ("dataset_facts", "progress", "report_errors", "select", "values_option")

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


def dataset_facts(ref: DatasetRef) -> dict[str, Any]:
    """Return what identifies a dataset, for JSON.

    Parameters
    ----------
    ref
        The dataset.
    """
    data_id = dict(ref.dataId.required)
    return {"dataset_type": ref.datasetType.name, "data_id": data_id, "run": ref.run, "id": str(ref.id)}


def report_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command so that it reports expected errors without a traceback.

    Parameters
    ----------
    function
        The command.

    Returns
    -------
    command
        Function that raises `click.ClickException` for errors of this package,
        of the operating system and of the Butler's users.
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
        Names of collections; by default all.
    where
        Query expression.

    Returns
    -------
    butler, refs
        The Butler, and the datasets sorted by data ID.

    Raises
    ------
    click.ClickException
        If no dataset is found.
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
            f"Found no datasets of type {', '.join(dataset_type)} in "
            f"{', '.join(searched) or 'the repository'}" + (f" where {where}." if where else ".")
        )
    return butler, sorted(refs)


@contextlib.contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar if standard error is a terminal.

    Parameters
    ----------
    total
        Number of steps.
    what
        Label of the bar.

    Yields
    ------
    advance
        Function to call with the number of steps done.
    """
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def values_option(help: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Create the option ``--data-id KEY=VALUE``.

    Parameters
    ----------
    help
        Help text of the option.

    Returns
    -------
    decorator
        Decorator of a command, which gets a dictionary; decimal values are
        converted to integers.
    """
    return click.option("--data-id", metavar="KEY=VALUE", multiple=True, callback=_parse_values, help=help)


def _parse_values(context: click.Context, parameter: click.Option, given: Sequence[str]) -> dict[str, Any]:
    pairs = split_kv(context, parameter, list(given), multiple=True)
    return {
        str(key): int(value) if value.lstrip("-").isdigit() else value for key, value in dict(pairs).items()
    }
