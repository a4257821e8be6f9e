# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler register-image-dataset-types``."""

from __future__ import annotations

__all__ = ("register_image_dataset_types",)

import click

from lsst.daf.butler import Butler
from lsst.daf.butler.cli.opt import options_file_option, repo_argument
from lsst.daf.butler.cli.utils import ButlerCommand

from ...plugins import registry
from .._register import register_dataset_types
from ._shared import report_errors


@click.command("register-image-dataset-types", cls=ButlerCommand)
@repo_argument(required=True)
@click.argument("presets", nargs=-1)
@click.option("--storage-class", help="Storage class that replaces the preset's.")
@click.option("--list", "list_only", is_flag=True, help="List the presets, and do not register them.")
@options_file_option()
@report_errors
def register_image_dataset_types(
    repo: str, presets: tuple[str, ...], storage_class: str | None, list_only: bool
) -> None:
    """Register dataset types for images.

    PRESETS are names of presets, for instance visit_image or deep_coadd. By
    default the presets of all installed plugins are registered.
    """
    if list_only:
        for name, spec in sorted(registry.dataset_types().items()):
            click.echo(f"{name}: {spec.storage_class}, {', '.join(spec.dimensions)}. {spec.description}")
        return
    butler = Butler.from_config(repo, writeable=True)
    for name, new in register_dataset_types(butler, presets, storage_class=storage_class).items():
        click.echo(f"{name}: {'registered' if new else 'already registered, in identical form'}")
