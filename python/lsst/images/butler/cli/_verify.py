# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler verify-images``."""

from __future__ import annotations

__all__ = ("verify_images",)

import click

from lsst.daf.butler.cli.opt import (
    collections_option,
    dataset_type_option,
    options_file_option,
    repo_argument,
    where_option,
)
from lsst.daf.butler.cli.utils import ButlerCommand

from .._verify import verify_dataset
from ._shared import progress, report_errors, select


@click.command("verify-images", cls=ButlerCommand)
@repo_argument(required=True)
@dataset_type_option(help="Dataset types to verify.", required=True)
@collections_option()
@where_option()
@options_file_option()
@report_errors
def verify_images(repo: str, dataset_type: tuple[str, ...], collections: tuple[str, ...], where: str) -> None:
    """Read whole stored images and report damage."""
    butler, refs = select(repo, dataset_type, collections, where)
    damaged = 0
    with progress(len(refs), "datasets") as advance:
        for ref in refs:
            if problems := verify_dataset(butler, ref):
                damaged += 1
                name = f"{ref.datasetType.name} {dict(ref.dataId.required)} in run {ref.run!r}"
                click.echo(f"{name}: {'; '.join(problems)}", err=True)
            advance(1)
    click.echo(f"{len(refs) - damaged} of {len(refs)} datasets are good.")
    if damaged:
        raise click.ClickException(f"{damaged} datasets are damaged.")
