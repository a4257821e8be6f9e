# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Draw positions, boxes and regions on the axes of a plot."""

from __future__ import annotations

__all__ = ("draw_boxes", "draw_markers", "draw_regions")

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from astropy.coordinates import SkyCoord

from .._geom import Box, Polygon, Region
from .._transforms import Projection
from ..errors import GeometryError, InvalidArgumentError
from ._matplotlib import Artist, Axes, PathPatch, make_path

MARKER_STYLE = {"marker": "o", "s": 60, "facecolors": "none", "edgecolors": "red"}
OUTLINE_STYLE = {"fill": False, "edgecolor": "red", "linewidth": 1.2}


def draw_markers(
    ax: Axes,
    positions: Any = None,
    *,
    x: npt.ArrayLike | None = None,
    y: npt.ArrayLike | None = None,
    projection: Projection[Any] | None = None,
    labels: Iterable[object] | None = None,
    **style: Any,
) -> Artist:
    """Draw markers at sky positions or pixels.

    Parameters
    ----------
    ax
        Axes that the method ``plot`` of an image returned.
    positions
        Sky positions (`~astropy.coordinates.SkyCoord`).
    x, y
        Absolute pixels, for example two columns of a table, instead of sky
        positions.
    projection
        Sky projection of the image; required for sky positions.
    labels
        Text next to each marker.
    **style
        Keyword arguments of `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    artist
        The artist of the markers.  The limits of the axes are not changed.

    Raises
    ------
    InvalidArgumentError
        If neither sky positions nor both pixel coordinates are given, or the
        number of labels differs from the number of positions.
    GeometryError
        If there are sky positions, and no projection.
    """
    columns, rows = (np.atleast_1d(values).astype(float) for values in _pixels(positions, x, y, projection))
    texts = None if labels is None else [str(label) for label in labels]
    if texts is not None and len(texts) != columns.size:
        raise InvalidArgumentError(
            f"Got {len(texts)} labels for {columns.size} markers; expected one for each."
        )
    limits = ax.get_xlim(), ax.get_ylim()
    artist = ax.scatter(columns, rows, **{**MARKER_STYLE, **style})
    for text, column, row in zip(texts or (), columns, rows, strict=False):
        ax.annotate(text, (column, row), xytext=(6, 6), textcoords="offset points", color="red", clip_on=True)
    ax.set_xlim(limits[0])
    ax.set_ylim(limits[1])
    return artist


def _pixels(sky: Any, x: Any, y: Any, projection: Projection[Any] | None) -> tuple[Any, Any]:
    if isinstance(sky, SkyCoord) and x is None and y is None:
        if projection is None:
            raise GeometryError("Markers at sky positions require a sky projection; pass projection=.")
        return projection.sky_to_pixel(sky)
    if sky is None and x is not None and y is not None:
        return x, y
    raise InvalidArgumentError(
        "Invalid positions of markers; expected either a SkyCoord or both x= and y= in absolute pixels."
    )


def draw_boxes(ax: Axes, boxes: Box | Iterable[Box], **style: Any) -> list[Artist]:
    """Draw the outer edges of the pixels of boxes.

    Parameters
    ----------
    ax
        Axes that the method ``plot`` of an image returned.
    boxes
        One box or several, in absolute pixels.
    **style
        Keyword arguments of `matplotlib.patches.PathPatch`.

    Returns
    -------
    artists
        The artist of each box.
    """
    several = [boxes] if isinstance(boxes, Box) else boxes
    return draw_regions(ax, [Polygon.from_box(box) for box in several], **style)


def draw_regions(ax: Axes, regions: Region | Iterable[Region], **style: Any) -> list[Artist]:
    """Draw the outlines of regions, including their holes.

    Parameters
    ----------
    ax
        Axes that the method ``plot`` of an image returned.
    regions
        One region or polygon, or several, in absolute pixels.
    **style
        Keyword arguments of `matplotlib.patches.PathPatch`.

    Returns
    -------
    artists
        The artist of each region.
    """
    several = [regions] if isinstance(regions, Region) else regions
    limits = ax.get_xlim(), ax.get_ylim()
    options = {**OUTLINE_STYLE, **style}
    artists: list[Artist] = [
        ax.add_patch(PathPatch(make_path(_outlines(region)), **options)) for region in several
    ]
    ax.set_xlim(limits[0])
    ax.set_ylim(limits[1])
    return artists


def _outlines(region: Region) -> list[npt.NDArray[np.float64]]:
    """Return the vertices of each ring, with the first repeated at the end."""
    polygons = shapely.get_parts(region.to_shapely())
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    return [shapely.get_coordinates(ring) for ring in rings]
