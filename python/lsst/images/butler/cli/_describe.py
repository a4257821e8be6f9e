# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler describe-image``."""

from __future__ import annotations

__all__ = ("describe_image",)

import json

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

from .._describe import describe_or_error, facts_as_text
from .._messages import count
from ._shared import dataset_facts, report_errors, select


@click.command("describe-image", cls=ButlerCommand)
@repo_argument(required=True)
@dataset_type_option(help="Dataset types to describe.", required=True)
@collections_option()
@where_option()
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@options_file_option()
@report_errors
def describe_image(
    repo: str, dataset_type: tuple[str, ...], collections: tuple[str, ...], where: str, as_json: bool
) -> None:
    """Describe stored images without reading pixels."""
    butler, refs = select(repo, dataset_type, collections, where)
    described = [(dataset_facts(ref), _describe(butler, ref)) for ref in refs]
    if as_json:
        rows = [{**facts, "files": files} for facts, files in described]
        click.echo(json.dumps(rows, indent=2))
    else:
        for ref, (_, files) in zip(refs, described, strict=True):
            head = f"{ref.datasetType.name} {dict(ref.dataId.required)} in run {ref.run!r}, {ref.id}"
            click.echo("\n".join([head, *map(facts_as_text, files)]) + "\n")
    if failed := sum(any("error" in facts for facts in files) for _, files in described):
        raise click.ClickException(f"{failed} of {count(len(refs), 'dataset')} could not be described.")


def _describe(butler: Butler, ref: DatasetRef) -> list[dict[str, str]]:
    try:
        primary, components = butler.getURIs(ref)
    except FileNotFoundError as err:
        return [{"error": f"FileNotFoundError: {err}"}]
    uris = [*components.values()] if primary is None else [primary]
    return [describe_or_error(uri) for uri in uris]
