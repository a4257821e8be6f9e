# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler describe-image``."""

from __future__ import annotations

__all__ = ("describe_image",)

import click

from lsst.daf.butler import Butler, DatasetRef
from lsst.daf.butler.cli.opt import (
    collections_option,
    dataset_type_option,
    options_file_option,
    repo_argument,
    where_option,
)
from lsst.daf.butler.cli.utils import ButlerCommand

from .._describe import describe_file
from ._shared import report_errors, select


@click.command("describe-image", cls=ButlerCommand)
@repo_argument(required=True)
@dataset_type_option(help="Dataset types to describe.", required=True)
@collections_option()
@where_option()
@options_file_option()
@report_errors
def describe_image(
    repo: str, dataset_type: tuple[str, ...], collections: tuple[str, ...], where: str
) -> None:
    """Describe stored images without reading pixels."""
    butler, refs = select(repo, dataset_type, collections, where)
    for ref in refs:
        click.echo(_describe(butler, ref) + "\n")


def _describe(butler: Butler, ref: DatasetRef) -> str:
    primary, components = butler.getURIs(ref)
    uris = [*components.values()] if primary is None else [primary]
    lines = [f"{ref.datasetType.name} {dict(ref.dataId.required)} in run {ref.run!r}, {ref.id}"]
    return "\n".join(lines + [describe_file(uri) for uri in uris])
