# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pixel geometry: intervals, boxes, polygons, cells, and their intersections."""

from __future__ import annotations

__all__ = (
    "XY",
    "YX",
    "Bounds",
    "BoundsSerializationModel",
    "Box",
    "BoxSliceFactory",
    "CellGrid",
    "CellGridBounds",
    "CellIJ",
    "IntersectionBounds",
    "IntersectionBoundsSerializationModel",
    "Interval",
    "IntervalSliceFactory",
    "Polygon",
    "Region",
    "RegionSerializationModel",
    "SerializableBounds",
    "SerializableXY",
    "SerializableYX",
    "SerializedBounds",
    "deserialize_bounds",
    "intersect",
    "parse_point",
    "register_bounds_model",
    "register_intersection",
    "serialize_bounds",
)

from ._bounds import Bounds
from ._box import Box, BoxSliceFactory
from ._cell_grid import CellGrid, CellGridBounds, CellIJ
from ._coords import XY, YX, SerializableXY, SerializableYX, parse_point
from ._intersection import IntersectionBounds
from ._interval import Interval, IntervalSliceFactory
from ._polygon import Polygon, Region, RegionSerializationModel
from ._serialize import (
    BoundsSerializationModel,
    IntersectionBoundsSerializationModel,
    SerializableBounds,
    SerializedBounds,
    deserialize_bounds,
    register_bounds_model,
    serialize_bounds,
)
from ._set_ops import intersect, register_intersection
