# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Regions that are a single polygon without holes."""

from __future__ import annotations

__all__ = ("Polygon",)

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from .._aliases import accepts_legacy_names
from ..errors import GeometryError
from ..plugins import registry
from ..utils import short_repr
from ._box import Box
from ._coords import XY
from ._outlines import check_vertices
from ._region import Region, set_geometry
from ._set_ops import register_polygon_maker


class Polygon(Region):
    """An immutable single polygon without holes.

    Parameters
    ----------
    x_vertices, y_vertices
        Positions of the vertices in pixels, each of shape ``(n_vertices,)``.
        The polygon is closed automatically; if the first vertex is repeated at
        the end, the repetition is dropped.

    Raises
    ------
    GeometryError
        If there are fewer than three vertices, a coordinate is not finite or
        its absolute value exceeds 2**52, or the shapes differ.
    """

    __slots__ = ("_x", "_y")

    _x: npt.NDArray[np.float64]
    _y: npt.NDArray[np.float64]

    def __init__(self, *, x_vertices: npt.ArrayLike, y_vertices: npt.ArrayLike) -> None:
        x = np.array(x_vertices, dtype=np.float64)
        y = np.array(y_vertices, dtype=np.float64)
        if x.ndim != 1 or x.shape != y.shape:
            raise GeometryError(
                "x_vertices and y_vertices of a polygon must be one-dimensional and equally long; "
                f"got shapes {x.shape} and {y.shape}."
            )
        while len(x) > 1 and x[0] == x[-1] and y[0] == y[-1]:
            x, y = x[:-1], y[:-1]
        if len(x) < 3:
            raise GeometryError(
                f"A polygon requires at least three vertices; got x={short_repr(x)}, y={short_repr(y)}."
            )
        vertices = np.column_stack((x, y))
        check_vertices(vertices)
        set_geometry(self, shapely.Polygon(vertices))
        x.flags.writeable = False
        y.flags.writeable = False
        _set_x(self, x)
        _set_y(self, y)

    @staticmethod
    def from_box(box: Box) -> Polygon:
        """Create the polygon of the outer edges of the pixels of a box.

        Parameters
        ----------
        box
            A box.

        Returns
        -------
        polygon
            Extends half a pixel beyond the centres of the outermost pixels.
            The vertices are lower left, upper left, upper right, lower right.
        """
        x0, x1 = box.x.start - 0.5, box.x.stop - 0.5
        y0, y1 = box.y.start - 0.5, box.y.stop - 0.5
        return Polygon(x_vertices=[x0, x0, x1, x1], y_vertices=[y0, y1, y1, y0])

    @property
    def x_vertices(self) -> npt.NDArray[np.float64]:
        """Columns of the vertices in pixels, read-only, of shape
        ``(n_vertices,)``.
        """
        return self._x.view()

    @property
    def y_vertices(self) -> npt.NDArray[np.float64]:
        """Rows of the vertices in pixels, read-only, of shape
        ``(n_vertices,)``.
        """
        return self._y.view()

    @property
    def n_vertices(self) -> int:
        """Number of vertices, each counted once."""
        return len(self._x)

    @property
    def centroid(self) -> XY[float]:
        """Centroid in pixels."""
        point = self._geometry.centroid
        return XY(float(point.x), float(point.y))

    def transform(self, transform: Any) -> Polygon:
        mapped = transform.apply_forward(x=self._x, y=self._y)
        return Polygon(x_vertices=mapped.x, y_vertices=mapped.y)

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Polygon:
        """Convert a `lsst.afw.geom.Polygon`.

        Parameters
        ----------
        legacy
            A `lsst.afw.geom.Polygon`, or another object with a
            ``getVertices`` method that returns points.

        Returns
        -------
        polygon
            Polygon with the same vertices, without the repeated last one.
        """
        vertices = legacy.getVertices()
        return cls(x_vertices=[point.x for point in vertices], y_vertices=[point.y for point in vertices])

    def to_legacy(self) -> Any:
        """Convert to a `lsst.afw.geom.Polygon`, which must be installed."""
        return registry.convert_to_legacy(self)

    def try_to_polygon(self) -> Polygon:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _polygon_from_vertices, (type(self), self._x, self._y)

    def __repr__(self) -> str:
        # By default, numpy rounds values and elides elements of long arrays.
        with np.printoptions(floatmode="unique", threshold=sys.maxsize):
            return f"Polygon(x_vertices={self._x!r}, y_vertices={self._y!r})"


# Polygons are immutable; the constructor assigns the slots with these functions.
_set_x: Callable[[Region, npt.NDArray[np.float64]], None] = Polygon.__dict__["_x"].__set__
_set_y: Callable[[Region, npt.NDArray[np.float64]], None] = Polygon.__dict__["_y"].__set__


def _polygon_from_vertices(pytype: type[Polygon], x: Any, y: Any) -> Polygon:
    return pytype(x_vertices=x, y_vertices=y)


def _polygon_from_shapely(geometry: shapely.Polygon) -> Polygon:
    x, y = shapely.get_coordinates(geometry.exterior).T
    return Polygon(x_vertices=x, y_vertices=y)


register_polygon_maker(Box, Polygon.from_box)
register_polygon_maker(shapely.Polygon, _polygon_from_shapely)
