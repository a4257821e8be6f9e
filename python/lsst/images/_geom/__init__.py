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
    "as_positions",
    "deserialize_bounds",
    "intersect",
    "parse_point",
    "parse_positions",
    "register_intersection",
    "serialize_bounds",
)

from .._aliases import moved_names
from ._bounds import Bounds
from ._box import Box, BoxSliceFactory
from ._cell_grid import CellGrid, CellGridBounds, CellIJ
from ._coords import XY, YX, SerializableXY, SerializableYX
from ._intersection import IntersectionBounds
from ._interval import Interval, IntervalSliceFactory
from ._polygon import Polygon
from ._positions import as_positions, parse_point, parse_positions
from ._region import Region, RegionSerializationModel
from ._serialize import (
    BoundsSerializationModel,
    IntersectionBoundsSerializationModel,
    SerializableBounds,
    SerializedBounds,
    deserialize_bounds,
    serialize_bounds,
)
from ._set_ops import intersect, register_intersection

__getattr__ = moved_names(__name__)
