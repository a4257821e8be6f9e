# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What `shapely` leaves to do for regions with polygonal outlines."""

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
from ._numbers import FARTHEST

Geometry: TypeAlias = shapely.Polygon | shapely.MultiPolygon
"""The geometries that have areas."""


def check_vertices(vertices: npt.NDArray[np.float64]) -> None:
    """Check that vertices lie where pixels can be.

    Parameters
    ----------
    vertices
        Positions in pixels, of shape ``(n_vertices, 2)``, with x first.

    Raises
    ------
    GeometryError
        If one of them is not finite, or farther from zero than 2**52.
    """
    near = (np.abs(vertices) <= FARTHEST).all(axis=1)
    if not near.all():
        x, y = vertices[np.argmin(near)].tolist()
        raise GeometryError(
            f"A region has a vertex at (x={x!r}, y={y!r}), which is not finite, or farther than "
            f"2**52 = {FARTHEST} pixels from zero."
        )


def vertex_mapper(transform: Any) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    """Adapt a transform to the arrays that `shapely.transform` passes.

    Parameters
    ----------
    transform
        Anything with an ``apply_forward`` method that takes ``x`` and ``y``.

    Returns
    -------
    apply
        Maps arrays of shape ``(n_vertices, 2)``, with x first.
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
        For each ring, the outline first, its vertices as ``(x, y)``; the first
        vertex is repeated at the end.
    """
    if polygon.is_empty:
        return []
    return [
        [(x, y) for x, y in shapely.get_coordinates(ring).tolist()]
        for ring in (polygon.exterior, *polygon.interiors)
    ]


def valid(geometry: Geometry) -> Geometry:
    """Repair outlines that cross themselves, which set operations refuse.

    Parameters
    ----------
    geometry
        Any outlines.

    Returns
    -------
    geometry
        The same points, in outlines that do not cross.
    """
    return geometry if geometry.is_valid else polygonal(shapely.make_valid(geometry))


def polygonal(geometry: Any) -> Geometry:
    """Drop points and lines from a geometry.

    Parameters
    ----------
    geometry
        What a set operation of `shapely` returned.

    Returns
    -------
    geometry
        All parts that have an area.
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
    """Write well-known text that keeps every digit.

    Parameters
    ----------
    geometry
        Any outlines.

    Returns
    -------
    wkt
        Text in the style of `shapely`, whose own stops at 16 digits, one less
        than some numbers need.
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
