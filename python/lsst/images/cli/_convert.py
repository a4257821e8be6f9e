# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""``lsst-images convert``: files of `lsst.afw` to files of ours."""

from __future__ import annotations

__all__ = ("convert",)

import concurrent.futures
import dataclasses
import functools
import json
import multiprocessing
from collections.abc import Iterable, Iterator
from typing import Any

import click
import rich.console
import rich.progress

from lsst.resources import ResourcePath

from ..legacy._convert_file import CONVERTIBLE, ConversionReport, convert_file

_SUFFIXES = (".gz", ".fz", ".fits", ".fit")
"""Endings that a new name goes without."""


@click.command("convert")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    help="The new file, or, for several files, the folder for the new ones.",
)
@click.option(
    "--type",
    "type_name",
    type=click.Choice(sorted(CONVERTIBLE)),
    help="What the files hold.  [default: what each seems to]",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["fits", "json", "sdf"]),
    default="fits",
    show_default=True,
    help="Format of new files in a folder.",
)
@click.option(
    "--preserve-quantization/--no-preserve-quantization",
    default=True,
    show_default=True,
    help="Copy lossily compressed pixels bit by bit.",
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--overwrite", is_flag=True, help="Convert again what is converted already.")
@click.option(
    "--compare/--no-compare", default=True, show_default=True, help="Read new files and tell differences."
)
@click.option("--report", type=click.Path(dir_okay=False), help="JSON file for the reports of all files.")
def convert(
    files: tuple[str, ...],
    output: str,
    type_name: str | None,
    format_name: str,
    jobs: int,
    report: str | None,
    **options: Any,
) -> None:
    """Convert files that lsst.afw wrote.

    FILE is a path or URI of an image, mask, masked image, exposure or cell
    coadd.  What exists in the folder already is left alone, so that a run
    that was interrupted can be repeated.  A file that cannot be converted
    does not keep the others from it.
    """
    pairs = _name_targets(files, output, format_name)
    work = functools.partial(convert_file, type=type_name, **options)
    reports = list(_show_progress(_run(work, pairs, jobs), len(pairs)))
    reports.sort(key=lambda found: files.index(found.source))
    for found in reports:
        click.echo("\n".join(found.lines()))
    if report is not None:
        text = json.dumps([dataclasses.asdict(found) for found in reports], indent=2)
        ResourcePath(report, forceDirectory=False).write(f"{text}\n".encode())
    if failed := sum(found.error is not None for found in reports):
        raise click.ClickException(f"{failed} of {len(reports)} files could not be converted.")


def _name_targets(files: tuple[str, ...], output: str, format_name: str) -> list[tuple[str, str]]:
    """Decide where each file goes."""
    folder = ResourcePath(output)
    if len(files) == 1 and not (folder.isdir() or output.endswith("/")):
        return [(files[0], output)]
    folder = ResourcePath(output, forceDirectory=True)
    folder.mkdir()
    targets: dict[str, str] = {}
    for file in files:
        name = ResourcePath(file, forceDirectory=False).basename()
        while name.endswith(_SUFFIXES):
            name = name.rpartition(".")[0]
        target = folder.join(f"{name}.{format_name}", forceDirectory=False)
        path = target.ospath if target.isLocal else str(target)
        if path in targets:
            raise click.UsageError(f"Both {targets[path]} and {file} would become {path}.")
        targets[path] = file
    return [(file, path) for path, file in targets.items()]


def _run(work: Any, pairs: list[tuple[str, str]], jobs: int) -> Iterator[ConversionReport]:
    """Convert all files, and yield reports as they come."""
    if jobs == 1 or len(pairs) == 1:
        yield from (work(source, target) for source, target in pairs)
        return
    # A fork could copy locks that some thread holds.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(min(jobs, len(pairs)), mp_context=context) as pool:
        futures = {pool.submit(work, source, target): (source, target) for source, target in pairs}
        for future in concurrent.futures.as_completed(futures):
            try:
                yield future.result()
            except concurrent.futures.process.BrokenProcessPool as err:
                yield ConversionReport(*futures[future], error=f"The process was killed: {err}")


def _show_progress(reports: Iterable[ConversionReport], total: int) -> Iterator[ConversionReport]:
    console = rich.console.Console(stderr=True)
    yield from rich.progress.track(
        reports, "Converting", total=total, console=console, disable=total == 1 or not console.is_terminal
    )
