# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images convert``: convert files of `lsst.afw`."""

from __future__ import annotations

__all__ = ("convert", "format_option", "name_targets", "output_option")

import concurrent.futures
import dataclasses
import functools
import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click
import rich.console
import rich.progress

from lsst.resources import ResourcePath

from ..errors import UnsupportedFormatError
from ..io._atomic import atomic_output
from ..io._containers import container_for_format
from ..legacy._convert_file import ConversionReport, convert_file
from ..legacy._guess_type import CONVERTIBLE
from ._inputs import files_argument

_SUFFIXES = (".gz", ".fz", ".zst", ".fits", ".fit", ".json", ".sdf", ".h5")
"""File name suffixes that are replaced by the extension of the new format."""


def _parse_format(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return the file name extension of a format; a plugin may register the format."""
    try:
        return container_for_format(value)[1]
    except UnsupportedFormatError as err:
        raise click.BadParameter(str(err), context, parameter) from err


format_option = click.option(
    "--format",
    "extension",
    default="fits",
    show_default=True,
    callback=_parse_format,
    help="Format of new files in a directory: fits, json, ndf or any registered container, or an extension.",
)
"""Option for the container of new files."""

output_option = click.option(
    "-o",
    "--output",
    required=True,
    help="New file or, for several files, directory for the new files.",
)
"""Option for the new file or directory, see `name_targets`."""


@click.command("convert")
@files_argument
@output_option
@click.option(
    "--type",
    "type_name",
    type=click.Choice(sorted(CONVERTIBLE)),
    help="Type of object in the files.  [default: determined for each file]",
)
@format_option
@click.option(
    "--preserve-quantization/--no-preserve-quantization",
    default=True,
    show_default=True,
    help="Copy lossily compressed pixels without decompressing them.",
)
@click.option(
    "-j",
    "--processes",
    "--jobs",
    "jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes.",
)
@click.option("--overwrite", is_flag=True, help="Replace new files that exist.")
@click.option(
    "--compare/--no-compare", default=True, show_default=True, help="Read new files and report differences."
)
@click.option("--report", type=click.Path(dir_okay=False), help="JSON file to write the reports to.")
def convert(
    files: tuple[str, ...],
    output: str,
    type_name: str | None,
    extension: str,
    jobs: int,
    report: str | None,
    **options: Any,
) -> None:
    """Convert files that lsst.afw wrote.

    FILE is a path or URI of an image, mask, masked image, exposure or cell
    coadd.  New files that exist are skipped, so an interrupted command can be
    repeated.  A file that cannot be converted does not prevent converting the
    others.
    """
    pairs = name_targets(files, output, extension)
    work = functools.partial(convert_file, type=type_name, **options)
    reports = list(_show_progress(_run(work, pairs, jobs), len(pairs)))
    reports.sort(key=lambda found: files.index(found.source))
    for found in reports:
        click.echo("\n".join(found.lines()))
    if report is not None:
        text = json.dumps([dataclasses.asdict(found) for found in reports], indent=2)
        with atomic_output(ResourcePath(report, forceDirectory=False), overwrite=True) as stream:
            stream.write(f"{text}\n".encode())
    if failed := sum(found.error is not None for found in reports):
        raise click.ClickException(f"{failed} of {len(reports)} files could not be converted.")


def name_targets(files: tuple[str, ...], output: str, extension: str) -> list[tuple[str, str]]:
    """Return each file with the location of the new file.

    Parameters
    ----------
    files
        The files.
    output
        The new file or, for several files, the directory of the new files, which is created.
    extension
        File name extension of new files in a directory.

    Returns
    -------
    pairs
        File, and new file.

    Raises
    ------
    click.UsageError
        If two files would become the same.
    """
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
        target = folder.join(f"{name}{extension}", forceDirectory=False)
        path = target.ospath if target.isLocal else str(target)
        if path in targets:
            raise click.UsageError(
                f"Both {targets[path]} and {file} would become {path}. Rename one of them, or convert them "
                "to different directories."
            )
        targets[path] = file
    return [(file, path) for path, file in targets.items()]


def _run(
    work: Callable[[str, str], ConversionReport], pairs: list[tuple[str, str]], jobs: int
) -> Iterator[ConversionReport]:
    """Convert all files, and yield reports in the order of completion."""
    if jobs == 1 or len(pairs) == 1:
        yield from (work(source, target) for source, target in pairs)
        return
    # A forked process could inherit a lock that another thread holds.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(min(jobs, len(pairs)), mp_context=context) as pool:
        futures = {pool.submit(work, source, target): (source, target) for source, target in pairs}
        for future in concurrent.futures.as_completed(futures):
            try:
                yield future.result()
            except concurrent.futures.process.BrokenProcessPool as err:
                yield ConversionReport(*futures[future], error=f"The conversion process was killed: {err}")


def _show_progress(reports: Iterable[ConversionReport], total: int) -> Iterator[ConversionReport]:
    console = rich.console.Console(stderr=True)
    yield from rich.progress.track(
        reports, "Converting", total=total, console=console, disable=total == 1 or not console.is_terminal
    )
