# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler image-cutouts``."""

from __future__ import annotations

__all__ = ("image_cutouts",)

from typing import Any

import click

from lsst.daf.butler import DatasetRef
from lsst.daf.butler.cli.opt import (
    collections_option,
    dataset_type_option,
    destination_argument,
    options_file_option,
    processes_option,
    repo_argument,
    where_option,
)
from lsst.daf.butler.cli.utils import ButlerCommand

from .._cutouts import DEFAULT_WORKERS, iter_cutouts
from ._regions import CutoutWriter, parse_regions, region_options
from ._shared import progress, report_errors, select


@click.command("image-cutouts", cls=ButlerCommand)
@repo_argument(required=True)
@destination_argument(help="DESTINATION is the directory to write the cutouts to.", required=True)
@dataset_type_option(help="Dataset types to cut from.", required=True)
@collections_option()
@where_option()
@region_options
@processes_option(default=DEFAULT_WORKERS, help="Number of files that are read at the same time.")
@options_file_option()
@report_errors
def image_cutouts(repo: str, destination: str, component: str | None, processes: int, **options: Any) -> None:
    """Write cutouts of stored images to files.

    Each box and each position is cut from each selected dataset that overlaps
    it, and clipped to the image. Select datasets with --where, for instance
    "visit_detector_region.region OVERLAPS POINT(53.1, -27.8)". Files that
    exist are skipped; datasets that cannot be read are reported, and the
    others are cut.
    """
    regions = parse_regions(options["boxes"], options["positions"], options["table"], options["radius"])
    butler, refs = select(repo, options["dataset_type"], options["collections"], options["where"])
    writer = CutoutWriter(destination, overwrite=options["overwrite"])
    wanted = [
        (ref, where, parts)
        for ref in refs
        for label, where in regions
        if writer.is_needed(parts := _name_parts(ref, component, label))
    ]
    requests = [(ref, where) for ref, where, _ in wanted]
    with progress(len(requests), "cutouts") as advance:
        for number, cutout in iter_cutouts(butler, requests, planes=component, clip=True, workers=processes):
            writer.write(cutout, wanted[number][2])
            advance(1)
    writer.finish()


def _name_parts(ref: DatasetRef, component: str | None, label: str) -> list[str]:
    values = [str(ref.dataId[name]) for name in ref.dataId.required]
    return [ref.datasetType.name, *([component] if component else []), *values, str(ref.id)[-8:], label]
