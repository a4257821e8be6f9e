# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What may be given as ``bbox``: boxes, slices, afw boxes, places on the sky."""

from __future__ import annotations

__all__ = ("parse_bbox",)

from typing import Any

from .._geom import Box, Interval
from ..errors import InvalidParameterError
from ..plugins import ReadContext


def parse_bbox(value: Any, context: ReadContext) -> Box | None:
    """Make a box of what was given.

    Parameters
    ----------
    value
        A `Box`; a pair of slices ``[y, x]`` in absolute pixels; anything with
        the interface of ``lsst.geom.Box2I``; a sky circle ``(center,
        radius)``, of a `~astropy.coordinates.SkyCoord` and an angle; anything
        with a ``bbox`` that is a `Box`, a region or an image for instance.
    context
        What is known about the read.

    Returns
    -------
    bbox
        `None` if it is none of these.

    Raises
    ------
    InvalidParameterError
        If it is one of these, but incomplete.
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
            f"bbox={[y, x]!r} has open ends; slices of a read are absolute pixels and need start and stop."
        )
    return Box.factory[y, x]


def _from_sky_circle(center: Any, radius: Any, context: ReadContext) -> Box:
    projection = None if context.projection is None else context.projection()
    if projection is None:
        raise InvalidParameterError(
            f"bbox={(center, radius)!r} is a circle on the sky, but {context.uri} has no sky projection."
        )
    return Box.from_sky_circle(projection, center, radius)
