# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler ingest-images``."""

from __future__ import annotations

__all__ = ("ingest_images",)

from typing import Any

import click

from lsst.daf.butler import Butler
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
from .._register import register_dataset_types
from ._shared import progress, report_errors, values_option


@click.command("ingest-images", cls=ButlerCommand)
@repo_argument(required=True)
@click.argument("dataset_type")
@locations_argument(help="LOCATIONS are files, and directories to search for files.", required=True)
@run_option(required=True)
@values_option("Value of a dimension; it takes precedence over the content of the files.")
@click.option("--formatter", help="Full name of the formatter.  [default: determined for each file]")
@regex_option(
    default=_ingest.default_file_regex,
    help="Regular expression for the names of files in directories.  [default: all registered extensions]",
)
@transfer_option()
@transfer_dimensions_option(default=False, help="Insert missing dimension records, made from headers.")
@register_dataset_types_option(help="Register the dataset type from its preset if it does not exist.")
@processes_option(default=_ingest.DEFAULT_WORKERS, help="Number of files inspected at the same time.")
@click.option(
    "--dry-run/--no-dry-run", default=False, help="Report what would be ingested without ingesting it."
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

    Data IDs are taken from --data-id, from the data ID that a Butler stored in
    the file, or from the translated header, in this order. Datasets that exist
    in the run are skipped: repeating an interrupted command resumes it.
    """
    butler = Butler.from_config(repo, writeable=True)
    if register_dataset_types and not options["dry_run"]:
        _register(butler, dataset_type)
    files = _ingest.find_files(locations, regex=regex)
    with progress(len(files), "files") as advance:
        report = _ingest.ingest_images(
            butler, files, dataset_type, output_run, workers=processes, advance=advance, **options
        )
    _print_report(report, options["dry_run"])


def _register(butler: Butler, dataset_type: str) -> None:
    register_dataset_types(butler, [dataset_type])


def _print_report(report: _ingest.IngestReport, dry_run: bool) -> None:
    for uri, reason in report.failed.items():
        click.echo(f"{uri}: {reason}", err=True)
    if dry_run:
        for file in report.ingested:
            click.echo(f"{file.uri} -> {dict(file.data_id.required)} {file.formatter or ''}".rstrip())
    done = "would be ingested" if dry_run else "ingested"
    click.echo(
        f"{len(report.ingested)} {done}, {len(report.skipped)} already exist, {len(report.failed)} failed."
    )
    if report.failed:
        raise click.ClickException(f"{len(report.failed)} files were not ingested.")
