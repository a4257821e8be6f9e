# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Helpers for `shapely` geometries: validation, repair and well-known text."""

from __future__ import annotations

__all__ = (
    "Geometry",
    "check_vertices",
    "polygonal",
    "rings",
    "valid",
    "vertex_mapper",
    "well_known_text",
)

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

from ..errors import GeometryError
from ..utils import short_repr
from ._numbers import MAX_COORDINATE

Geometry: TypeAlias = shapely.Polygon | shapely.MultiPolygon
"""The types of geometries that have an area."""


def check_vertices(vertices: npt.NDArray[np.float64]) -> None:
    """Check that vertices lie within the range of pixel coordinates.

    Parameters
    ----------
    vertices
        Positions in pixels, of shape ``(n_vertices, 2)``, with x first.

    Raises
    ------
    GeometryError
        If a coordinate is not finite, or its absolute value exceeds 2**52.
    """
    in_range = (np.abs(vertices) <= MAX_COORDINATE).all(axis=1)
    if not in_range.all():
        x, y = vertices[np.argmin(in_range)].tolist()
        raise GeometryError(
            f"The vertex (x={short_repr(x)}, y={short_repr(y)}) of a region is outside the supported range; "
            "coordinates must be "
            f"finite, and their absolute values must not exceed 2**52 = {MAX_COORDINATE}."
        )


def vertex_mapper(transform: Any) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    """Adapt a transform to the callback interface of `shapely.transform`.

    Parameters
    ----------
    transform
        Object with an ``apply_forward`` method that takes ``x`` and ``y``.

    Returns
    -------
    apply
        Function that maps arrays of shape ``(n_vertices, 2)``, with x first.
    """

    def apply(vertices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        mapped = transform.apply_forward(x=vertices[:, 0], y=vertices[:, 1])
        return np.column_stack((mapped.x, mapped.y))

    return apply


def rings(polygon: shapely.Polygon) -> list[Any]:
    """List the rings of a polygon.

    Parameters
    ----------
    polygon
        A polygon with any number of holes.

    Returns
    -------
    rings
        The vertices ``(x, y)`` of each ring, the exterior ring first; the
        first vertex is repeated at the end.
    """
    if polygon.is_empty:
        return []
    return [
        [(x, y) for x, y in shapely.get_coordinates(ring).tolist()]
        for ring in (polygon.exterior, *polygon.interiors)
    ]


def valid(geometry: Geometry) -> Geometry:
    """Repair self-intersecting outlines, which set operations reject.

    Parameters
    ----------
    geometry
        Valid or invalid geometry.

    Returns
    -------
    geometry
        Valid geometry of the same points.
    """
    return geometry if geometry.is_valid else polygonal(shapely.make_valid(geometry))


def polygonal(geometry: Any) -> Geometry:
    """Drop points and lines from a geometry.

    Parameters
    ----------
    geometry
        Result of a set operation of `shapely`.

    Returns
    -------
    geometry
        The polygons in it.
    """
    if isinstance(geometry, Geometry):
        return geometry
    polygons = list(_polygons_in(geometry))
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _polygons_in(geometry: Any) -> Iterator[shapely.Polygon]:
    if isinstance(geometry, shapely.Polygon):
        if not geometry.is_empty:
            yield geometry
    else:
        for part in getattr(geometry, "geoms", ()):
            yield from _polygons_in(part)


def well_known_text(geometry: Geometry) -> str:
    """Format a geometry as well-known text without loss of precision.

    Parameters
    ----------
    geometry
        Any polygons.

    Returns
    -------
    wkt
        Text in the format of `shapely.to_wkt`, which itself writes at most 16
        significant digits; some doubles require 17.
    """
    is_single = isinstance(geometry, shapely.Polygon)
    name = "POLYGON" if is_single else "MULTIPOLYGON"
    if geometry.is_empty:
        return f"{name} EMPTY"
    texts = [
        "(" + ", ".join(_ring_text(ring) for ring in rings(part)) + ")"
        for part in ([geometry] if is_single else geometry.geoms)
    ]
    return f"{name} {texts[0]}" if is_single else f"{name} ({', '.join(texts)})"


def _ring_text(ring: list[tuple[float, float]]) -> str:
    return "(" + ", ".join(f"{x!r} {y!r}".replace(".0 ", " ").removesuffix(".0") for x, y in ring) + ")"
