# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class and functions of serialization models of images."""

from __future__ import annotations

__all__ = (
    "PixelTree",
    "YX0",
    "make_box",
    "place_box",
    "require_same_box",
)

from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Annotated, Any, TypeAlias

import pydantic

from .._geom import Box, Interval
from .._geom._numbers import MAX_COORDINATE
from ..errors import CorruptArchiveError
from ..serialization import ArchiveTree


class PixelTree(ArchiveTree):
    """Base class of serialization models of images and masks."""

    OLD_MEMBERS = {"start": "yx0", "projection": "sky_projection"}


Coordinate: TypeAlias = Annotated[
    int, pydantic.Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE), pydantic.WithJsonSchema({"type": "integer"})
]

YX0 = Annotated[list[Coordinate], pydantic.Field(min_length=2, max_length=2)]
"""Annotation of a field that holds the coordinates of a first pixel."""


def make_box(shape: Sequence[int], yx0: Sequence[int]) -> Box:
    """Return the box of an array in a tree.

    Parameters
    ----------
    shape
        Shape of the array.
    yx0
        Coordinates ``[y, x]`` of the first pixel.

    Returns
    -------
    bbox
        The box.

    Raises
    ------
    CorruptArchiveError
        If the array does not have two axes, or has no pixels.
    """
    if len(shape) != 2 or 0 in shape:
        raise CorruptArchiveError(
            f"Invalid shape {tuple(shape)!r:.80} of an image array in the file; expected (ny, nx)."
        )
    (ny, nx), (y0, x0) = shape, yx0
    return Box(Interval(y0, y0 + ny), Interval(x0, x0 + nx))


def require_same_box(planes: Mapping[str, Any]) -> None:
    """Check that planes in a tree cover the same pixels.

    Parameters
    ----------
    planes
        Trees with a ``bbox``, by name.

    Raises
    ------
    CorruptArchiveError
        If they do not.
    """
    boxes = {name: plane.bbox for name, plane in planes.items()}
    first, *others = boxes.values()
    if any(box != first for box in others):
        raise CorruptArchiveError(
            "The planes in the file are inconsistent: "
            + ", ".join(f"{name} covers {box}" for name, box in boxes.items())
            + "."
        )


def place_box(
    bbox: Box | None, shape: Sequence[int], yx0: Sequence[int]
) -> tuple[Box, tuple[slice, ...] | EllipsisType]:
    """Find the part of an array that corresponds to a box.

    Parameters
    ----------
    bbox
        Pixels to read, in absolute coordinates; `None` reads all.
    shape
        Shape of the array.
    yx0
        Coordinates ``[y, x]`` of the first pixel.

    Returns
    -------
    bbox
        Box of the part.
    slices
        Slices of the array.

    Raises
    ------
    BoxIndexError
        If the array does not contain the box.
    CorruptArchiveError
        If the array does not have two axes, or has no pixels.
    """
    if bbox is None:
        return make_box(shape, yx0), ...
    y0, x0 = yx0
    y = slice(bbox.y.start - y0, bbox.y.stop - y0)
    x = slice(bbox.x.start - x0, bbox.x.stop - x0)
    if len(shape) != 2 or y.start < 0 or x.start < 0 or y.stop > shape[0] or x.stop > shape[1]:
        return bbox, bbox.slice_within(make_box(shape, yx0))
    return bbox, (y, x)
