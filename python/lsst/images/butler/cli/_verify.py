# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler verify-images``."""

from __future__ import annotations

__all__ = ("verify_images",)

import json

import click

from lsst.daf.butler.cli.opt import (
    collections_option,
    dataset_type_option,
    options_file_option,
    repo_argument,
    where_option,
)
from lsst.daf.butler.cli.utils import ButlerCommand

from .._messages import count
from .._verify import verify_dataset
from ._shared import dataset_facts, progress, report_errors, select


@click.command("verify-images", cls=ButlerCommand)
@repo_argument(required=True)
@dataset_type_option(help="Dataset types to verify.", required=True)
@collections_option()
@where_option()
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@options_file_option()
@report_errors
def verify_images(
    repo: str, dataset_type: tuple[str, ...], collections: tuple[str, ...], where: str, as_json: bool
) -> None:
    """Read whole stored images and report damage."""
    butler, refs = select(repo, dataset_type, collections, where)
    rows = []
    with progress(len(refs), "datasets") as advance:
        for ref in refs:
            problems = verify_dataset(butler, ref)
            rows.append({**dataset_facts(ref), "problems": problems})
            if problems and not as_json:
                name = f"{ref.datasetType.name} {dict(ref.dataId.required)} in run {ref.run!r}"
                click.echo(f"{name}: {'; '.join(problems)}", err=True)
            advance(1)
    damaged = sum(bool(row["problems"]) for row in rows)
    good = len(refs) - damaged
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        verb = "is" if good == 1 else "are"
        click.echo(f"{good} of {count(len(refs), 'dataset')} {verb} good.")
    if damaged:
        raise click.ClickException(f"{count(damaged, 'dataset')} {'is' if damaged == 1 else 'are'} damaged.")
