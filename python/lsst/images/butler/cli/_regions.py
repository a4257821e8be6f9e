# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Options and results that the commands for cutouts share."""

from __future__ import annotations

__all__ = ("BoxType", "CutoutWriter", "parse_regions", "region_options")

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import astropy.table
import astropy.units as u
import click
from astropy.coordinates import SkyCoord

from lsst.resources import ResourcePath

from ..._geom import Box
from ...errors import GeometryError
from ...io import Cutout, write
from ...serialization import attachments_of
from .._messages import count

F = TypeVar("F", bound=Callable[..., Any])

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


def region_options(function: F) -> F:
    """Add the options for the regions and the files of cutouts to a command.

    Parameters
    ----------
    function
        The command.

    Returns
    -------
    command
        The command with the argument or options.
    """
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace existing files instead of skipping them."),
        click.option(
            "--component", help="Component to read instead of the whole image, for instance variance."
        ),
        click.option(
            "--radius",
            type=float,
            default=10.0,
            show_default=True,
            help="Radius of cutouts at positions, arcsec.",
        ),
        click.option("--table", "table", help="Table of positions with columns ra and dec, in degrees."),
        click.option(
            "--position",
            "positions",
            type=(float, float),
            multiple=True,
            metavar="RA DEC",
            help="ICRS, in degrees.",
        ),
        click.option(
            "--bbox", "boxes", type=BoxType(), multiple=True, help="Box, as in y=100:200,x=300:450."
        ),
    ):
        function = option(function)
    return function


def parse_regions(
    boxes: Sequence[Box], positions: Sequence[tuple[float, float]], table: str | None, radius: float
) -> list[tuple[str, Any]]:
    """Return a label for file names, and the region, of each cutout.

    Parameters
    ----------
    boxes, positions, table, radius
        Values of the options.

    Returns
    -------
    regions
        Pairs of label and region; a region that is given twice occurs once.

    Raises
    ------
    click.UsageError
        If no region is given.
    """
    regions = list(dict(_iter_regions(boxes, positions, table, radius)).items())
    if not regions:
        raise click.UsageError("No region is given; use --bbox, --position or --table.")
    return regions


def _iter_regions(
    boxes: Sequence[Box], positions: Sequence[tuple[float, float]], table: str | None, radius: float
) -> Iterator[tuple[str, Any]]:
    for box in boxes:
        yield f"y{box.y.start}.{box.y.stop}_x{box.x.start}.{box.x.stop}", box
    positions = list(positions)
    if table is not None:
        rows = astropy.table.Table.read(table)
        positions += zip(rows["ra"].tolist(), rows["dec"].tolist(), strict=True)
    for ra, dec in positions:
        yield f"{ra:.5f}{dec:+.5f}_r{radius:g}", (SkyCoord(ra * u.deg, dec * u.deg), radius * u.arcsec)


class CutoutWriter:
    """Write cutouts to files, and count the results.

    Parameters
    ----------
    directory
        Directory for the files; it is created.
    overwrite
        Whether to replace existing files.
    """

    def __init__(self, directory: str, *, overwrite: bool) -> None:
        self._directory = ResourcePath(directory, forceDirectory=True)
        self._directory.mkdir()
        self._overwrite = overwrite
        self.written = self.outside = self.existing = self.failed = 0

    def is_needed(self, parts: Sequence[str]) -> bool:
        """Return whether to write a file, and count it otherwise.

        Parameters
        ----------
        parts
            Parts of the name of the file.
        """
        needed = self._overwrite or not self._file(parts).exists()
        self.existing += not needed
        return needed

    def write(self, cutout: Cutout, parts: Sequence[str]) -> None:
        """Write a cutout; print the error of one that could not be read.

        Parameters
        ----------
        cutout
            The cutout.
        parts
            Parts of the name of the file.
        """
        if isinstance(cutout.error, GeometryError):
            self.outside += 1
        elif cutout.error is not None:
            self.failed += 1
            click.echo(f"{' '.join(parts)}: {type(cutout.error).__name__}: {cutout.error}", err=True)
        else:
            info = attachments_of(cutout.image).butler_info
            write(cutout.image, self._file(parts), butler_info=info, overwrite=self._overwrite)
            self.written += 1

    def finish(self) -> None:
        """Print the counts.

        Raises
        ------
        click.ClickException
            If a cutout could not be read.
        """
        counts = [
            f"{count(self.written, 'cutout')} written",
            f"{count(self.existing, 'file')} already {'exists' if self.existing == 1 else 'exist'}",
            f"{count(self.outside, 'region')} {'is' if self.outside == 1 else 'are'} outside of the image",
        ]
        click.echo(", ".join(counts) + ".")
        if self.failed:
            raise click.ClickException(f"{count(self.failed, 'cutout')} could not be read.")

    def _file(self, parts: Sequence[str]) -> ResourcePath:
        name = re.sub(r"[^\w.+-]", "-", "_".join(parts)) + ".fits"
        return self._directory.join(name, forceDirectory=False)
