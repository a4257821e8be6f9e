# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler ingest-images``."""

from __future__ import annotations

__all__ = ("ingest_images",)

from typing import Any

import click

from lsst.daf.butler import Butler, DatasetType
from lsst.daf.butler.cli.opt import (
    locations_argument,
    options_file_option,
    processes_option,
    regex_option,
    register_dataset_types_option,
    repo_argument,
    run_option,
    transfer_dimensions_option,
    transfer_option,
)
from lsst.daf.butler.cli.utils import ButlerCommand

from .. import _ingest
from .._messages import count, group_reasons
from .._register import preset_dataset_type, register_dataset_types
from ._shared import progress, report_errors, values_option

MAX_LISTED = 20
"""Maximum number of files that are listed for one reason."""


@click.command("ingest-images", cls=ButlerCommand)
@repo_argument(required=True)
@click.argument("dataset_type")
@locations_argument(help="LOCATIONS are files, and directories to search for files.", required=True)
@run_option(required=True)
@values_option("Value of a dimension that the files do not have; it must not contradict them.")
@click.option("--formatter", help="Full name of the formatter.  [default: determined for each file]")
@regex_option(
    default=_ingest.default_file_regex,
    help="Regular expression for the names of files in directories.  [default: all registered extensions]",
)
@transfer_option()
@transfer_dimensions_option(
    default=False, help="Insert missing dimension records and regions, from headers and WCS."
)
@register_dataset_types_option(help="Register the dataset type from its preset if it does not exist.")
@processes_option(default=_ingest.DEFAULT_WORKERS, help="Number of files inspected at the same time.")
@click.option(
    "--dry-run/--no-dry-run", default=False, help="Do everything except writing; report the same result."
)
@options_file_option()
@report_errors
def ingest_images(
    repo: str,
    dataset_type: str,
    locations: tuple[str, ...],
    output_run: str,
    register_dataset_types: bool,
    regex: str,
    processes: int,
    **options: Any,
) -> None:
    """Ingest image files of lsst.images or lsst.afw, unchanged.

    DATASET_TYPE is the name of their dataset type.

    Data IDs are taken from the data ID that a Butler stored in the file, from
    the translated header and the object in the file, and from --data-id.
    Datasets that exist in the run are skipped: repeating an interrupted command
    completes it.
    """
    butler = Butler.from_config(repo, writeable=not options["dry_run"])
    found = _register(butler, dataset_type, options["dry_run"]) if register_dataset_types else dataset_type
    files = _ingest.find_files(locations, regex=regex)
    with progress(len(files), "files") as advance:
        report = _ingest.ingest_images(
            butler, files, found, output_run, workers=processes, advance=advance, **options
        )
    _print_report(report, options["dry_run"])


def _register(butler: Butler, name: str, dry_run: bool) -> DatasetType:
    """Register the dataset type of a preset unless in a dry run, and return it."""
    if not dry_run:
        register_dataset_types(butler, [name])
    return preset_dataset_type(butler, name)


def _print_report(report: _ingest.IngestReport, dry_run: bool) -> None:
    for reason, uris in group_reasons(report.failed).items():
        if len(uris) == 1:
            click.echo(f"{uris[0]}: {reason}", err=True)
            continue
        more = [f"and {len(uris) - MAX_LISTED} more"] if len(uris) > MAX_LISTED else []
        lines = [f"{count(len(uris), 'file')}: {reason}", *map(str, uris[:MAX_LISTED]), *more]
        click.echo("\n  ".join(lines), err=True)
    if dry_run:
        for file in report.ingested:
            click.echo(f"{file.uri} -> {dict(file.data_id.required)} {file.formatter or ''}".rstrip())
    done = "would be ingested" if dry_run else "ingested"
    verb = "exists" if len(report.skipped) == 1 else "exist"
    for uri in report.orphans:
        click.echo(f"{uri} is in the directory of the run, but no dataset refers to it.", err=True)
    click.echo(
        f"{len(report.ingested)} {done}, {len(report.skipped)} already {verb}, {len(report.failed)} failed."
    )
    if report.failed:
        raise click.ClickException(f"{count(len(report.failed), 'file')} could not be ingested.")
