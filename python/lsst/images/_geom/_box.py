# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Two-dimensional rectangles of pixels."""

from __future__ import annotations

__all__ = ("Box", "BoxSliceFactory")

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast, overload

import numpy as np
import numpy.typing as npt
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import TypedDict

from .._aliases import accepts_aliases, accepts_legacy_names
from .._content_token import token
from ..errors import BoxIndexError, GeometryError, NoOverlapError
from ..plugins import registry
from ..utils import round_half_down, round_half_up, short_repr
from ._coords import XY, YX
from ._interval import Interval, IntervalSliceFactory, serialized_interval_schema
from ._numbers import parse_counts, parse_pair
from ._positions import parse_positions
from ._set_ops import intersect, register_intersection, to_polygon
from ._values import Value, schema_of_instances


class BoxSliceFactory:
    """Create `Box` instances from slice syntax.

    Parameters
    ----------
    parent
        Box that supplies missing ends, and must contain the result.  Optional;
        see `IntervalSliceFactory`.
    is_local
        Whether slices count from the start of ``parent``.  By default they are
        absolute coordinates.

    Examples
    --------
    >>> Box.factory[2:5, 0:4]
    Box(y=Interval(start=2, stop=5), x=Interval(start=0, stop=4))
    >>> Box.factory[2:5, 0:4].local[1:, :-1]
    Box(y=Interval(start=3, stop=5), x=Interval(start=0, stop=3))
    """

    __slots__ = ("_x", "_y")

    def __init__(self, parent: Box | None = None, is_local: bool = False) -> None:
        self._y = IntervalSliceFactory(None if parent is None else parent.y, is_local)
        self._x = IntervalSliceFactory(None if parent is None else parent.x, is_local)

    def __getitem__(self, key: tuple[slice, slice] | XY[slice] | YX[slice]) -> Box:
        if not isinstance(key, tuple) or len(key) != 2:
            raise TypeError(
                f"Invalid box index {short_repr(key)}; expected two slices [y0:y1, x0:x1], or an XY or YX of "
                "slices."
            )
        y, x = key.yx if isinstance(key, XY) else key
        return Box(self._y[y], self._x[x])


class Box(Value):
    """A non-empty, immutable rectangle of pixels.

    Parameters
    ----------
    y
        Rows.
    x
        Columns.

    Raises
    ------
    TypeError
        If ``y`` or ``x`` is not an `Interval`.
    """

    __slots__ = {"x": "The columns (`Interval`).", "y": "The rows (`Interval`)."}

    y: Interval
    x: Interval

    factory: ClassVar[BoxSliceFactory] = BoxSliceFactory()
    """Creates boxes from slices: ``Box.factory[y0:y1, x0:x1]``."""

    def __init__(self, y: Interval, x: Interval) -> None:
        if not isinstance(y, Interval) or not isinstance(x, Interval):
            raise TypeError(
                f"A Box requires two Intervals, y (rows) and x (columns); got {short_repr(y)} and "
                f"{short_repr(x)}."
            )
        _set_y(self, y)
        _set_x(self, x)

    @classmethod
    def from_shape(cls, shape: Sequence[int], start: Sequence[int] | None = None) -> Box:
        """Create a box of a given shape.

        Parameters
        ----------
        shape
            Numbers of rows and columns, in this order unless it is an `XY`.
        start
            First row and column, in this order unless it is an `XY`.  Zeros by
            default.

        Returns
        -------
        box
            Box with ``box.shape == shape`` and ``box.start == start``.

        Raises
        ------
        GeometryError
            If one of the sequences does not have two members.
        BoxIndexError
            If the shape is not positive.
        TypeError
            If one of the arguments is not a sequence.
        """
        height, width = parse_pair(shape, "shape")
        y0, x0 = (0, 0) if start is None else parse_pair(start, "start")
        return cls(Interval(y0, y0 + height), Interval(x0, x0 + width))

    @classmethod
    def from_float_bounds(cls, *, x_min: float, x_max: float, y_min: float, y_max: float) -> Box:
        """Create the box of the pixels within ranges of floating-point positions.

        Parameters
        ----------
        x_min, x_max, y_min, y_max
            Positions in pixels.

        Returns
        -------
        box
            Each end is the pixel nearest to the given position; a position on
            the edge between two pixels is rounded to the inner one.

        Raises
        ------
        GeometryError
            If a position is not finite, or the box would be empty.
        """
        if not all(map(math.isfinite, (x_min, x_max, y_min, y_max))):
            raise GeometryError(
                "The bounds of a box must be finite; "
                f"got x from {short_repr(x_min)} to {short_repr(x_max)}, y from {short_repr(y_min)} to "
                f"{short_repr(y_max)}."
            )
        return cls(
            Interval(round_half_up(y_min), round_half_down(y_max) + 1),
            Interval(round_half_up(x_min), round_half_down(x_max) + 1),
        )

    @classmethod
    @accepts_aliases(projection="sky_projection")
    def from_sky_circle(cls, projection: Any, center: Any, radius: Any) -> Box:
        """Create the bounding box of a circle on the sky.

        Parameters
        ----------
        projection
            Mapping from pixels to the sky: a `Projection`, or another object
            with its ``sky_circle_bounds`` method.
        center
            Centre of the circle: a scalar `astropy.coordinates.SkyCoord` of any
            frame.
        radius
            Angular radius of the circle: a scalar `astropy.coordinates.Angle`.

        Returns
        -------
        box
            Box of all pixels that overlap the circle; see `from_float_bounds`.

        Raises
        ------
        GeometryError
            If ``center`` or ``radius`` is not a scalar.
        """
        if not getattr(center, "isscalar", False):
            raise GeometryError(
                f"The center of a sky circle must be a scalar SkyCoord; got {short_repr(center)}."
            )
        if not getattr(radius, "isscalar", False):
            raise GeometryError(
                f"The radius of a sky circle must be a scalar Angle; got {short_repr(radius)}."
            )
        x_min, x_max, y_min, y_max = projection.sky_circle_bounds(center, radius)
        return cls.from_float_bounds(x_min=x_min, x_max=x_max, y_min=y_min, y_max=y_max)

    @property
    def min(self) -> YX[int]:
        """First row and column, inclusive."""
        return YX(self.y.start, self.x.start)

    @property
    def max(self) -> YX[int]:
        """Last row and column, inclusive."""
        return YX(self.y.stop - 1, self.x.stop - 1)

    @property
    def start(self) -> YX[int]:
        """First row and column, inclusive."""
        return YX(self.y.start, self.x.start)

    @property
    def stop(self) -> YX[int]:
        """One past the last row and column."""
        return YX(self.y.stop, self.x.stop)

    @property
    def shape(self) -> YX[int]:
        """Numbers of rows and columns, the shape of an array of the pixels."""
        return YX(self.y.size, self.x.size)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.y.size * self.x.size

    @property
    def bbox(self) -> Box:
        """The box itself."""
        return self

    @property
    def absolute(self) -> BoxSliceFactory:
        """A factory of boxes within this one, from slices in absolute coordinates."""
        return BoxSliceFactory(self)

    @property
    def local(self) -> BoxSliceFactory:
        """A factory of boxes within this one, from slices relative to its start."""
        return BoxSliceFactory(self, is_local=True)

    def meshgrid(
        self, n: int | Sequence[int] | None = None, *, step: float | None = None
    ) -> XY[npt.NDArray[np.float64]]:
        """Return two-dimensional arrays of evenly spaced positions.

        Parameters
        ----------
        n
            Number of positions along each axis, or along x and y in this order
            unless it is a `YX`.  By default, every pixel.
        step
            Maximum distance between positions along each axis, in pixels;
            alternative to ``n``.

        Returns
        -------
        positions
            Two arrays of shape ``(n_y, n_x)``; see `Interval.linspace`.

        Raises
        ------
        TypeError
            If both ``n`` and ``step`` are given.
        GeometryError
            If ``n`` is neither a number nor a pair of numbers.
        """
        if n is not None and step is not None:
            raise TypeError("Give either n or step to meshgrid, not both.")
        n_x, n_y = parse_counts(n)
        x, y = np.meshgrid(self.x.linspace(n_x, step=step), self.y.linspace(n_y, step=step))
        return XY(x, y)

    def padded(self, padding: int) -> Box:
        """Return a box that is larger by a number of pixels on all sides.

        Parameters
        ----------
        padding
            Number of pixels to add on each side; a negative number shrinks.

        Returns
        -------
        padded
            The larger box.

        Raises
        ------
        BoxIndexError
            If the result would be empty.
        """
        return Box(self.y.padded(padding), self.x.padded(padding))

    dilated_by = padded

    @overload
    def contains(self, other: Box, /) -> bool: ...

    @overload
    def contains(self, other: XY[float] | YX[float], /) -> bool: ...

    @overload
    def contains(self, other: XY[Any] | YX[Any], /) -> bool | npt.NDArray[np.bool_]: ...

    @overload
    def contains(self, /, *, y: float, x: float) -> bool: ...

    @overload
    def contains(self, /, *, y: npt.ArrayLike, x: npt.ArrayLike) -> bool | npt.NDArray[np.bool_]: ...

    def contains(
        self,
        other: Box | XY[Any] | YX[Any] | None = None,
        /,
        *,
        y: npt.ArrayLike | None = None,
        x: npt.ArrayLike | None = None,
    ) -> bool | npt.NDArray[np.bool_]:
        """Test whether a box or positions lie within this box.

        Parameters
        ----------
        other
            Another box, or positions.
        y, x
            Positions in pixels, instead of ``other``: numbers, arrays or
            nested lists, which are broadcast.  A position belongs to the
            nearest pixel; see `Interval.contains`.

        Returns
        -------
        contains
            A `bool` for a box or scalars, otherwise a boolean array.

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
        if isinstance(other, Box):
            if y is not None or x is not None:
                raise TypeError("Box.contains takes either one positional argument or x= and y=, not both.")
            return self.y.contains(other.y) and self.x.contains(other.x)
        x, y = parse_positions(other, x, y, caller="Box.contains")
        inside_y = self.y.contains(y)
        inside_x = self.x.contains(x)
        if isinstance(inside_y, bool) and isinstance(inside_x, bool):
            return inside_y and inside_x
        return cast("npt.NDArray[np.bool_]", inside_y & inside_x)

    @overload
    def intersection(self, other: Box) -> Box: ...

    @overload
    def intersection(self, other: Any) -> Any: ...

    def intersection(self, other: Any) -> Any:
        """Return the intersection with other bounds.

        Parameters
        ----------
        other
            Any `Bounds`.

        Returns
        -------
        intersection
            The simplest `Bounds` that contain the common points: a `Box` if
            ``other`` is a box.

        Raises
        ------
        NoOverlapError
            If the intersection is known to be empty.
        TypeError
            If ``other`` is not a `Bounds`.
        """
        return _intersect_boxes(self, other) if type(other) is Box else intersect(self, other)

    def slice_within(self, other: Box) -> YX[slice]:
        """Return the slices that select this box from an array.

        Parameters
        ----------
        other
            Box of the array's pixels; must contain this one.

        Returns
        -------
        slices
            Slices of rows and columns, relative to ``other.start``.

        Raises
        ------
        BoxIndexError
            If ``other`` does not contain this box.
        """
        y, x, outer_y, outer_x = self.y, self.x, other.y, other.x
        if (
            y.start < outer_y.start
            or y.stop > outer_y.stop
            or x.start < outer_x.start
            or x.stop > outer_x.stop
        ):
            raise BoxIndexError(f"Box {self} does not lie within {other}.")
        return YX(
            slice(y.start - outer_y.start, y.stop - outer_y.start),
            slice(x.start - outer_x.start, x.stop - outer_x.start),
        )

    def boundary(self) -> Iterator[YX[int]]:
        """Iterate over the centres of the corner pixels.

        Yields
        ------
        corner
            Row and column; the order is (first row, first column), (first row,
            last column), (last row, last column), (last row, first column).
        """
        yield YX(self.y.min, self.x.min)
        yield YX(self.y.min, self.x.max)
        yield YX(self.y.max, self.x.max)
        yield YX(self.y.max, self.x.min)

    def to_polygon(self) -> Any:
        """Convert to the `Polygon` of the outer edges of the pixels.

        Returns
        -------
        polygon
            Extends half a pixel beyond the centres of the outermost pixels;
            the same as `Polygon.from_box`.
        """
        return to_polygon(self)

    def transform(self, transform: Any) -> Any:
        """Map the outer edges of the pixels to another frame.

        Parameters
        ----------
        transform
            A `Transform` from pixels; only the corners are mapped.

        Returns
        -------
        polygon
            A `Polygon` of the mapped corners.
        """
        return to_polygon(self).transform(transform)

    def serialize(self) -> Box:
        """Return the box itself, which is serializable as a pydantic field.

        Returns
        -------
        serialized
            The box itself.
        """
        return self

    def deserialize(self) -> Box:
        """Return the box itself; the inverse of `serialize`.

        Returns
        -------
        box
            The box itself.
        """
        return self

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Box:
        """Convert a `lsst.geom.Box2I`.

        Parameters
        ----------
        legacy
            A `lsst.geom.Box2I`, or another object with ``y`` and ``x``
            attributes that `Interval.from_legacy` accepts.

        Returns
        -------
        box
            Box of the same pixels.
        """
        return cls(Interval.from_legacy(legacy.y), Interval.from_legacy(legacy.x))

    def to_legacy(self) -> Any:
        """Convert to a `lsst.geom.Box2I`, which must be installed."""
        return registry.convert_to_legacy(self)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.y == other.y and self.x == other.x

    def __hash__(self) -> int:
        return hash((Box, self.y, self.x))

    def __str__(self) -> str:
        return f"[y={self.y}, x={self.x}]"

    def __repr__(self) -> str:
        return f"Box(y={self.y!r}, x={self.x!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.y, self.x)

    def __dask_tokenize__(self) -> Any:
        return token(self)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        serialized = handler.generate_schema(_SerializedBox)
        return schema_of_instances(cls, serialized, parse=_box_from_serialized, serialize=_serialize_box)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(_serialized_box_schema)


# Boxes are immutable; the constructor assigns the slots with these functions.
_set_y = Box.__dict__["y"].__set__
_set_x = Box.__dict__["x"].__set__


class _SerializedBox(TypedDict):
    y: Interval
    x: Interval


# JSON schema of a box.  It is inlined where it is used, so that it has no
# reference of its own in the published schemas.
_serialized_box_schema = core_schema.typed_dict_schema(
    {
        "y": core_schema.typed_dict_field(serialized_interval_schema, required=True),
        "x": core_schema.typed_dict_field(serialized_interval_schema, required=True),
    },
    cls=_SerializedBox,
)


def _box_from_serialized(data: _SerializedBox) -> Box:
    return Box(data["y"], data["x"])


def _serialize_box(box: Box) -> _SerializedBox:
    return {"y": box.y, "x": box.x}


def _intersect_boxes(a: Box, b: Box) -> Box:
    y0 = a.y.start if a.y.start >= b.y.start else b.y.start
    y1 = a.y.stop if a.y.stop <= b.y.stop else b.y.stop
    x0 = a.x.start if a.x.start >= b.x.start else b.x.start
    x1 = a.x.stop if a.x.stop <= b.x.stop else b.x.stop
    if y1 <= y0 or x1 <= x0:
        raise NoOverlapError(f"Boxes {a} and {b} do not overlap.")
    if y1 - y0 == a.y.size and x1 - x0 == a.x.size:
        return a
    return Box(Interval(y0, y1), Interval(x0, x1))


register_intersection(Box, Box, _intersect_boxes)
