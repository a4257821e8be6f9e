# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of boxes, points and polygons to objects of `lsst.geom` and `lsst.afw`.

The other direction does not need these packages; it is implemented in the types.
"""

from __future__ import annotations

__all__ = ("box_to", "cell_to", "grid_to", "interval_to", "point_to", "polygon_to")

from typing import Any

from .._geom import XY, YX, Box, CellGrid, CellIJ, Interval, Polygon
from ..errors import LegacyConversionError
from ..utils import short_repr
from ._live_modules import stack_module

MAX_COORDINATE = 2**31 - 1
"""Maximum coordinate; `lsst.geom` overflows silently for larger values."""


def _fits(*values: int) -> None:
    if any(abs(value) > MAX_COORDINATE for value in values):
        raise LegacyConversionError(f"Coordinates {values} exceed the 32-bit integers of lsst.geom.")


def interval_to(obj: Interval) -> Any:
    """Convert an interval.

    Parameters
    ----------
    obj
        The interval.
    """
    _fits(obj.min, obj.max)
    return stack_module("geom").IntervalI(min=int(obj.min), max=int(obj.max))


def box_to(obj: Box) -> Any:
    """Convert a box.

    Parameters
    ----------
    obj
        The box.
    """
    return stack_module("geom").Box2I(x=interval_to(obj.x), y=interval_to(obj.y))


def point_to(obj: XY[Any] | YX[Any], *, form: str) -> Any:
    """Convert a pair of numbers.

    Parameters
    ----------
    obj
        The pair.
    form
        ``Point2I``, ``Point2D``, ``Extent2I`` or ``Extent2D``.
    """
    # afw rejects NumPy numbers, or truncates them silently.
    number = int if form.endswith("I") else float
    x, y = number(obj.x), number(obj.y)
    if number is int:
        if (x, y) != (obj.x, obj.y):
            raise LegacyConversionError(
                f"{short_repr(obj)} cannot be converted to a {form}: expected a pair of integers."
            )
        _fits(int(x), int(y))
    return getattr(stack_module("geom"), form)(x, y)


def polygon_to(obj: Polygon) -> Any:
    """Convert a polygon.

    Parameters
    ----------
    obj
        The polygon.
    """
    point = stack_module("geom").Point2D
    vertices = zip(obj.x_vertices.tolist(), obj.y_vertices.tolist(), strict=True)
    return stack_module("afw.geom").Polygon([point(x, y) for x, y in vertices])


def cell_to(obj: CellIJ) -> Any:
    """Convert the index of a cell.

    Parameters
    ----------
    obj
        The index.
    """
    return stack_module("skymap").Index2D(x=int(obj.j), y=int(obj.i))


def grid_to(obj: CellGrid) -> Any:
    """Convert a grid of cells.

    Parameters
    ----------
    obj
        The grid.
    """
    size = point_to(obj.cell_shape, form="Extent2I")
    return stack_module("cell_coadds").UniformGrid.from_bbox_cell_size(box_to(obj.bbox), size)
