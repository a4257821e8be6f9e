# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images cutouts``: write cutouts of images to files."""

from __future__ import annotations

__all__ = ("cutouts",)

from typing import Any

import click

from lsst.resources import ResourcePath

from ..butler.cli._regions import CutoutWriter, parse_regions, region_options
from ..errors import NotAnArchiveError
from ..io import Cutout, open_archive, read_cutouts
from ..legacy import open_legacy
from ._inputs import FILES, files_argument


@click.command("cutouts", help=f"Write cutouts of images to files.\n\n{FILES}")
@files_argument
@click.option("-o", "--output", required=True, help="Directory for the new files.")
@region_options
def cutouts(files: tuple[str, ...], output: str, component: str | None, **options: Any) -> None:
    """Write cutouts of images to files; damaged files do not prevent cutting the others."""
    regions = parse_regions(options["boxes"], options["positions"], options["table"], options["radius"])
    writer = CutoutWriter(output, overwrite=options["overwrite"])
    for file in files:
        stem = ResourcePath(file, forceDirectory=False).basename().split(".fits")[0]
        start = [stem, *([component] if component else [])]
        wanted = [(label, where) for label, where in regions if writer.is_needed([*start, label])]
        for (label, _), cutout in zip(
            wanted, _read(file, [where for _, where in wanted], component), strict=True
        ):
            writer.write(cutout, [*start, label])
    writer.finish()


def _read(file: str, places: list[Any], component: str | None) -> list[Cutout]:
    if not places:
        return []
    try:
        try:
            with open_archive(file) as reader:
                return read_cutouts(reader, places, planes=component, clip=True)
        except NotAnArchiveError:
            with open_legacy(file) as old:
                return read_cutouts(old, places, planes=component, clip=True)
    except Exception as err:  # reported; the other files are still read
        return [Cutout(where, error=err) for where in places]
