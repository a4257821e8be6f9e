# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of the read parameter ``bbox`` to a box."""

from __future__ import annotations

__all__ = ("parse_bbox",)

from typing import Any

from .._geom import Box, Interval
from ..errors import InvalidParameterError
from ..plugins import ReadContext
from ..utils import short_repr


def parse_bbox(value: Any, context: ReadContext) -> Box | None:
    """Convert a value of the read parameter ``bbox`` to a box.

    Parameters
    ----------
    value
        A `Box`; a pair of slices ``[y, x]`` in absolute pixels; anything with
        the interface of ``lsst.geom.Box2I``; a sky circle ``(center,
        radius)``, of a `~astropy.coordinates.SkyCoord` and an angle; anything
        with a ``bbox`` that is a `Box`, a region or an image for instance.
    context
        Context of the read.

    Returns
    -------
    bbox
        `None` if the value has another type.

    Raises
    ------
    InvalidParameterError
        If the value is incomplete.
    """
    if isinstance(value, Box):
        return value
    if isinstance(box := getattr(value, "bbox", None), Box):
        return box
    if hasattr(value, "getBeginX"):
        return Box(
            y=Interval(value.getBeginY(), value.getEndY()), x=Interval(value.getBeginX(), value.getEndX())
        )
    if isinstance(value, tuple | list) and len(value) == 2:
        first, second = value
        if isinstance(first, slice) and isinstance(second, slice):
            return _from_slices(first, second)
        if hasattr(first, "transform_to"):
            return _from_sky_circle(first, second, context)
    return None


def _from_slices(y: slice, x: slice) -> Box:
    if None in (y.start, y.stop, x.start, x.stop):
        raise InvalidParameterError(
            f"Invalid bbox={short_repr([y, x])}: slices must have a start and a stop, in absolute pixels."
        )
    return Box.factory[y, x]


def _from_sky_circle(center: Any, radius: Any, context: ReadContext) -> Box:
    projection = None if context.projection is None else context.projection()
    if projection is None:
        raise InvalidParameterError(
            f"Invalid bbox={short_repr((center, radius))}: a circle on the sky needs a sky projection, but "
            f"{context.uri} does not have one."
        )
    return Box.from_sky_circle(projection, center, radius)
