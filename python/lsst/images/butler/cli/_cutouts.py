# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``butler image-cutouts``."""

from __future__ import annotations

__all__ = ("image_cutouts",)

import re
from collections.abc import Iterator
from typing import Any

import astropy.table
import astropy.units as u
import click
from astropy.coordinates import SkyCoord

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
from lsst.resources import ResourcePath

from ..._geom import Box
from ...errors import GeometryError
from ...io import Cutout, write
from ...serialization import attachments_of
from .._cutouts import DEFAULT_WORKERS, iter_cutouts
from ._shared import progress, report_errors, select

BOX = re.compile(r"\[?(?:y=)?(-?\d+):(-?\d+),\s*(?:x=)?(-?\d+):(-?\d+)\]?")


class BoxType(click.ParamType[Box]):
    """A box in the format of ``str(box)``: ``y=100:200,x=300:450``."""

    name = "box"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Box:
        """Convert text to a box.

        Parameters
        ----------
        value
            Text, or a box.
        param, ctx
            Parameter and context of the value.

        Returns
        -------
        box
            The box, in absolute pixels.
        """
        if isinstance(value, Box):
            return value
        if (match := BOX.fullmatch(value)) is None:
            self.fail(f"{value!r} is not a valid box; expected y=START:STOP,x=START:STOP", param, ctx)
        y0, y1, x0, x1 = map(int, match.groups())
        return Box.factory[y0:y1, x0:x1]


@click.command("image-cutouts", cls=ButlerCommand)
@repo_argument(required=True)
@destination_argument(help="DESTINATION is the directory to write the cutouts to.", required=True)
@dataset_type_option(help="Dataset types to cut from.", required=True)
@collections_option()
@where_option()
@click.option("--bbox", "boxes", type=BoxType(), multiple=True, help="Box, as in y=100:200,x=300:450.")
@click.option(
    "--position", "positions", type=(float, float), multiple=True, metavar="RA DEC", help="ICRS, in degrees."
)
@click.option("--table", "table", help="Table of positions with columns ra and dec, in degrees.")
@click.option(
    "--radius", type=float, default=10.0, show_default=True, help="Radius of cutouts at positions, arcsec."
)
@click.option("--component", help="Component to read instead of the whole image, for instance variance.")
@processes_option(default=DEFAULT_WORKERS, help="Number of files that are read at the same time.")
@options_file_option()
@report_errors
def image_cutouts(repo: str, destination: str, component: str | None, processes: int, **options: Any) -> None:
    """Write cutouts of stored images to files.

    Each box and each position is cut from each selected dataset that overlaps
    it, and clipped to the image. Select datasets with --where, for instance
    "visit_detector_region.region OVERLAPS POINT(53.1, -27.8)".
    """
    # A region that is given twice is written to one file.
    places = list(
        dict(_places(options["boxes"], options["positions"], options["table"], options["radius"])).items()
    )
    if not places:
        raise click.UsageError("No region is given; use --bbox, --position or --table.")
    butler, refs = select(repo, options["dataset_type"], options["collections"], options["where"])
    requests = [(ref, where) for ref in refs for _, where in places]
    target = ResourcePath(destination, forceDirectory=True)
    target.mkdir()
    written = 0
    with progress(len(requests), "cutouts") as advance:
        for number, cutout in iter_cutouts(butler, requests, planes=component, clip=True, workers=processes):
            label, _ = places[number % len(places)]
            ref, _ = requests[number]
            written += _write(cutout, target.join(_file_name(ref, component, label)))
            advance(1)
    click.echo(f"{written} cutouts written, {len(requests) - written} regions are outside of their image.")


def _places(
    boxes: tuple[Box, ...], positions: tuple[tuple[float, float], ...], table: str | None, radius: float
) -> Iterator[tuple[str, Any]]:
    """Yield a label for the file name, and the region, of each cutout."""
    for box in boxes:
        yield f"y{box.y.start}_x{box.x.start}", box
    if table is not None:
        rows = astropy.table.Table.read(table)
        positions += tuple(zip(rows["ra"].tolist(), rows["dec"].tolist(), strict=True))
    for ra, dec in positions:
        yield f"{ra:.5f}{dec:+.5f}", (SkyCoord(ra * u.deg, dec * u.deg), radius * u.arcsec)


def _file_name(ref: DatasetRef, component: str | None, label: str) -> str:
    values = [str(ref.dataId[name]) for name in ref.dataId.required]
    parts = [ref.datasetType.name, *([component] if component else []), *values, str(ref.id)[-8:], label]
    return re.sub(r"[^\w.+-]", "-", "_".join(parts)) + ".fits"


def _write(cutout: Cutout, uri: ResourcePath) -> bool:
    if isinstance(cutout.error, GeometryError):
        return False
    if cutout.error is not None:
        raise cutout.error
    write(cutout.image, uri, butler_info=attachments_of(cutout.image).butler_info)
    return True
