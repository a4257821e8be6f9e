# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Sky regions of images, for the spatial queries of a Butler."""

from __future__ import annotations

__all__ = ("enclosing_region", "image_region")

from typing import Any

import numpy as np

from lsst.sphgeom import ConvexPolygon, Region, UnitVector3d

from .._geom import Box
from .._transforms import Projection

POINTS_PER_EDGE = 8
"""Number of positions on each edge of an image that are mapped to the sky."""


def image_region(projection: Projection[Any], bbox: Box) -> ConvexPolygon | None:
    """Return the sky region of an image.

    Parameters
    ----------
    projection
        Sky projection of the pixels.
    bbox
        Bounding box of the image.

    Returns
    -------
    region
        Convex hull of positions on the outer edges of the outermost pixels,
        or `None` if the projection does not map them to one hemisphere.
    """
    fraction = np.arange(POINTS_PER_EDGE) / POINTS_PER_EDGE
    y0, y1, x0, x1 = (edge - 0.5 for edge in (bbox.y.start, bbox.y.stop, bbox.x.start, bbox.x.stop))
    steps = np.concatenate([fraction, np.ones_like(fraction), 1 - fraction, np.zeros_like(fraction)])
    sky = projection.pixel_to_sky(
        x=x0 + (x1 - x0) * steps, y=y0 + (y1 - y0) * np.roll(steps, POINTS_PER_EDGE)
    )
    points = sky.icrs.cartesian.xyz.value.T
    if not np.isfinite(points).all():
        return None
    return _hull([UnitVector3d(*map(float, point)) for point in points])


def enclosing_region(*regions: Region) -> ConvexPolygon | None:
    """Return the convex hull of regions.

    Parameters
    ----------
    *regions
        Convex polygons.

    Returns
    -------
    region
        The convex hull, or `None` if a region is not a convex polygon or the
        regions do not fit into one hemisphere.
    """
    vertices = []
    for region in regions:
        if not isinstance(region, ConvexPolygon):
            return None
        vertices += region.getVertices()
    return _hull(vertices)


def _hull(points: list[UnitVector3d]) -> ConvexPolygon | None:
    try:
        return ConvexPolygon.convexHull(points)
    except ValueError:  # fewer than three different points, or more than a hemisphere
        return None
