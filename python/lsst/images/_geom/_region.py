# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Regions of pixel positions with polygonal outlines."""

from __future__ import annotations

__all__ = ("Region", "RegionSerializationModel", "set_geometry")

from collections.abc import Callable
from typing import Annotated, Any, Literal, overload

import numpy as np
import numpy.typing as npt
import pydantic
import shapely
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from .._aliases import accepts_aliases
from ..errors import GeometryError, NoOverlapError
from ..utils import short_repr
from ._box import Box
from ._coords import XY, YX
from ._outlines import Geometry, check_vertices, polygonal, rings, valid, vertex_mapper, well_known_text
from ._positions import parse_positions
from ._set_ops import intersect, register_intersection, to_polygon
from ._values import Value, schema_of_instances


class Region(Value):
    """An immutable set of one or more polygons, with or without holes.

    Parameters
    ----------
    geometry
        Polygons in pixel coordinates.

    Raises
    ------
    TypeError
        If the geometry has another type.
    GeometryError
        If a coordinate of a vertex is not finite, or its absolute value
        exceeds 2**52.

    Notes
    -----
    Points on an outline are outside, as in `shapely` and `lsst.afw`.
    """

    __slots__ = ("_geometry",)

    _geometry: Geometry

    def __init__(self, geometry: Geometry) -> None:
        if not isinstance(geometry, Geometry):
            raise TypeError(
                f"A Region requires a shapely Polygon or MultiPolygon; got {short_repr(geometry)}."
            )
        check_vertices(shapely.get_coordinates(geometry))
        set_geometry(self, geometry)

    @staticmethod
    def from_wkt(wkt: str) -> Region:
        """Create a region from well-known text.

        Parameters
        ----------
        wkt
            A ``POLYGON`` or ``MULTIPOLYGON``, in pixel coordinates.

        Returns
        -------
        region
            A `Polygon` for a single polygon without holes.

        Raises
        ------
        GeometryError
            If the text is malformed, or describes something else.
        """
        try:
            geometry = shapely.from_wkt(wkt)
        except shapely.errors.GEOSException as err:
            raise GeometryError(f"Cannot parse well-known text {short_repr(wkt)}: {err}") from err
        if not isinstance(geometry, Geometry):
            raise GeometryError(
                f"Invalid well-known text of a region: {short_repr(wkt)}; expected a POLYGON or MULTIPOLYGON."
            )
        return Region(geometry).try_to_polygon()

    @property
    def area(self) -> float:
        """Area in square pixels, excluding holes."""
        return float(self._geometry.area)

    @property
    def wkt(self) -> str:
        """Well-known text with full precision."""
        return well_known_text(self._geometry)

    @property
    def bbox(self) -> Box:
        """The box of the pixels that overlap the region; see
        `Box.from_float_bounds`.
        """
        if self._geometry.is_empty:
            raise GeometryError("An empty region has no bounding box.")
        x_min, y_min, x_max, y_max = self._geometry.bounds
        return Box.from_float_bounds(x_min=x_min, x_max=x_max, y_min=y_min, y_max=y_max)

    @overload
    def contains(self, other: Region | XY[float] | YX[float], /) -> bool: ...

    @overload
    def contains(self, other: XY[Any] | YX[Any], /) -> bool | npt.NDArray[np.bool_]: ...

    @overload
    def contains(self, /, *, x: float, y: float) -> bool: ...

    @overload
    def contains(self, /, *, x: npt.ArrayLike, y: npt.ArrayLike) -> bool | npt.NDArray[np.bool_]: ...

    def contains(
        self,
        other: Region | XY[Any] | YX[Any] | None = None,
        /,
        *,
        x: npt.ArrayLike | None = None,
        y: npt.ArrayLike | None = None,
    ) -> bool | npt.NDArray[np.bool_]:
        """Test whether a region or positions lie within this region.

        Parameters
        ----------
        other
            Another region, or positions.  A region contains itself.
        x, y
            Positions in pixels, instead of ``other``: numbers, arrays or
            nested lists, which are broadcast.

        Returns
        -------
        contains
            A `bool` for a region or scalars, otherwise a boolean array.
            `False` for NaN.

        Raises
        ------
        TypeError
            If neither ``other`` nor both of ``x`` and ``y`` are given, both
            forms are mixed, or an argument has another type.
        UnitMismatchError
            If a position has a unit other than pixels.
        GeometryError
            If the shapes do not broadcast.
        """
        if isinstance(other, Region):
            if x is not None or y is not None:
                raise TypeError(
                    "Region.contains takes either one positional argument or x= and y=, not both."
                )
            return bool(shapely.covers(valid(self._geometry), valid(other._geometry)))
        x, y = parse_positions(other, x, y, caller="Region.contains")
        if np.ndim(x) or np.ndim(y):
            # Builds an index of the geometry once; faster from a few points on.
            shapely.prepare(self._geometry)
            return np.asarray(shapely.contains_xy(self._geometry, x, y), dtype=np.bool_)
        return bool(shapely.contains_xy(self._geometry, x, y))

    def intersection(self, other: Any) -> Any:
        """Return the intersection with other bounds.

        Parameters
        ----------
        other
            Any `Bounds`.  A `Box` is bounded by the outer edges of its pixels.

        Returns
        -------
        intersection
            The simplest `Bounds` that contain the common points; a `Box` if
            that is exact.

        Raises
        ------
        NoOverlapError
            If the intersection is empty or its area is zero.
        TypeError
            If ``other`` is not a `Bounds`.
        """
        return intersect(self, other)

    @accepts_aliases(region="other")
    @accepts_aliases(region="other")
    def union(self, region: Region) -> Region:
        """Return the union with another region.

        Parameters
        ----------
        region
            Another region.

        Returns
        -------
        union
            A `Polygon` if the result is a single polygon without holes.
        """
        return _operate(shapely.union, self, region)

    @accepts_aliases(region="other")
    @accepts_aliases(region="other")
    def difference(self, region: Region) -> Region:
        """Return the region of the points in this region that are not in another one.

        Parameters
        ----------
        region
            Region to subtract.

        Returns
        -------
        difference
            A `Polygon` if the result is a single polygon without holes.  May
            be empty, with an area of zero.
        """
        return _operate(shapely.difference, self, region)

    def try_to_polygon(self) -> Region:
        """Simplify to a `Polygon` if possible.

        Returns
        -------
        region
            A `Polygon` if this is a single polygon without holes, otherwise
            this object.
        """
        geometry = self._geometry
        if isinstance(geometry, shapely.MultiPolygon):
            if len(geometry.geoms) != 1:
                return self
            geometry = geometry.geoms[0]
        if geometry.is_empty or geometry.interiors:
            return self
        polygon: Region = to_polygon(geometry)
        return polygon

    def try_to_box(self) -> Region | Box:
        """Simplify to a `Box` if possible.

        Returns
        -------
        region_or_box
            A `Box` if this region is exactly a rectangle of whole pixels,
            otherwise this object.
        """
        bounds = self._geometry.bounds
        if self._geometry.is_empty or not all((edge + 0.5).is_integer() for edge in bounds):
            return self
        if not shapely.equals(valid(self._geometry), shapely.box(*bounds)):
            return self
        return self.bbox

    def to_shapely(self) -> Geometry:
        """Return the underlying geometry.

        Returns
        -------
        geometry
            Polygons in pixel coordinates; rings are closed.
        """
        return self._geometry

    def transform(self, transform: Any) -> Region:
        """Map the vertices to another frame.

        Parameters
        ----------
        transform
            A `Transform`, or another object with its ``apply_forward`` method.

        Returns
        -------
        transformed
            Region of the mapped vertices, in the same order, connected by
            straight edges.

        Raises
        ------
        GeometryError
            If a vertex cannot be mapped.
        """
        return Region(shapely.transform(self._geometry, vertex_mapper(transform)))

    def serialize(self) -> RegionSerializationModel:
        """Return a serializable form, for fields of a pydantic model.

        Returns
        -------
        serialized
            Model of the rings.
        """
        if isinstance(self._geometry, shapely.Polygon):
            return RegionSerializationModel(type="Polygon", coordinates=rings(self._geometry))
        return RegionSerializationModel(
            type="MultiPolygon", coordinates=[rings(polygon) for polygon in self._geometry.geoms]
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region):
            return NotImplemented
        a, b = self._geometry, other._geometry
        return a is b or bool(shapely.equals(valid(a), valid(b)))

    def __hash__(self) -> int:
        # Equal regions may have different vertices but have the same bounds.
        return hash((Region, () if self._geometry.is_empty else self._geometry.bounds))

    def __str__(self) -> str:
        return self.wkt

    def __repr__(self) -> str:
        return f"Region.from_wkt({self.wkt!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._geometry,)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        serialized = handler.generate_schema(RegionSerializationModel)
        return schema_of_instances(cls, serialized, parse=cls._from_serialized, serialize=Region.serialize)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(RegionSerializationModel.__pydantic_core_schema__)

    @classmethod
    def _from_serialized(cls, serialized: RegionSerializationModel) -> Region:
        region = serialized.deserialize()
        if not isinstance(region, cls):
            raise GeometryError(f"{region} is not a single polygon without holes.")
        return region


set_geometry: Callable[[Region, Geometry], None] = Region.__dict__["_geometry"].__set__
"""Assigns the slot of a new region; regions are immutable otherwise."""

Point = tuple[float, float]


class RegionSerializationModel(pydantic.BaseModel):
    """The stored form of a `Region`, a subset of GeoJSON.

    Notes
    -----
    See RFC 7946, sections 3.1.6 and 3.1.7: rings are closed; the first ring of
    a polygon is its exterior, the others are its holes.
    """

    model_config = pydantic.ConfigDict(
        json_schema_extra={"description": "Outlines of a region of pixels, a subset of GeoJSON (RFC 7946)."}
    )

    type: Annotated[Literal["Polygon", "MultiPolygon"], pydantic.Field(description="Kind of geometry.")]
    coordinates: Annotated[
        list[list[Point | list[Point]]],
        pydantic.Field(description="Closed rings of vertices (x, y) of a polygon, or lists of them."),
    ]

    def deserialize(self) -> Region:
        """Create the region.

        Returns
        -------
        region
            A `Polygon` for a single polygon without holes.

        Raises
        ------
        GeometryError
            If a ring has fewer than three vertices, or the absolute value of a
            coordinate exceeds 2**52.
        """
        coordinates: Any = self.coordinates
        parts = [coordinates] if self.type == "Polygon" else coordinates
        try:
            made = [shapely.Polygon(part[0], part[1:]) if part else shapely.Polygon() for part in parts]
            geometry = made[0] if self.type == "Polygon" else shapely.MultiPolygon(made)
        except (ValueError, TypeError, shapely.errors.GEOSException) as err:
            raise GeometryError(f"Invalid coordinates of a stored {self.type}: {err}") from err
        return _region_from_shapely(geometry)


def _region_from_shapely(geometry: Geometry) -> Region:
    return Region(geometry).try_to_polygon()


def _operate(operation: Callable[..., Any], a: Region, b: Region) -> Region:
    if not isinstance(b, Region):
        raise TypeError(f"Invalid operand {short_repr(b)} of a set operation; expected a Region.")
    return _region_from_shapely(polygonal(operation(valid(a._geometry), valid(b._geometry))))


def _intersect_regions(a: Region, b: Region) -> Region:
    # If one operand covers the other, return the covered one with its vertices unchanged.
    result = a if b.contains(a) else b if a.contains(b) else _operate(shapely.intersection, a, b)
    if result.area <= 0.0:
        raise NoOverlapError(
            f"Regions with bounds {a._geometry.bounds} and {b._geometry.bounds} do not overlap."
        )
    return result


def _intersect_box_and_region(box: Box, region: Region) -> Region | Box:
    return _intersect_regions(region, to_polygon(box)).try_to_box()


register_intersection(Region, Region, _intersect_regions)
register_intersection(Box, Region, _intersect_box_and_region)
