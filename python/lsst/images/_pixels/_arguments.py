# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Handling of the arguments that constructors of image-like types share."""

from __future__ import annotations

__all__ = ("Alternative", "Origin", "keep", "resolve_bbox")

from collections.abc import Sequence
from types import EllipsisType
from typing import TypeAlias, TypeVar

from .._geom import XY, Box
from ..errors import GeometryError
from ..utils import short_repr

T = TypeVar("T")

Origin: TypeAlias = Sequence[int] | XY[int]
"""Coordinates of a first pixel: ``(y, x)``, or an `XY`."""

Alternative: TypeAlias = T | EllipsisType
"""An argument of ``view`` methods; ``...`` keeps the current value."""


def keep(value: Alternative[T], current: T) -> T:
    """Return the new value, or the current one if the new one is ``...``.

    Parameters
    ----------
    value
        The new value, or ``...``.
    current
        The current value.
    """
    return current if isinstance(value, EllipsisType) else value


def resolve_bbox(
    array_shape: Sequence[int] | None, *, bbox: Box | None, shape: Sequence[int] | None, start: Origin | None
) -> Box:
    """Return the bounding box of an image from the arguments of its constructor.

    Parameters
    ----------
    array_shape
        Numbers of rows and columns of the array; `None` without an array.
    bbox, shape, start
        Arguments of the constructor.

    Returns
    -------
    bbox
        The box; it has the shape of the array.

    Raises
    ------
    GeometryError
        If the shapes differ.
    TypeError
        If neither an array nor a box nor a shape is given.
    """
    if bbox is not None and not isinstance(bbox, Box):
        raise TypeError(f"The bbox of an image must be a Box; got {short_repr(bbox)}.")
    wanted = None if shape is None else Box.from_shape(shape).shape
    if array_shape is not None:
        rows, columns = array_shape
        if wanted is not None and wanted != (rows, columns):
            raise GeometryError(
                f"Explicit shape {tuple(wanted)} does not match the array, which has {rows} rows and "
                f"{columns} columns; omit the shape."
            )
        if bbox is None:
            return Box.from_shape((rows, columns), start)
        if bbox.shape != (rows, columns):
            raise GeometryError(
                f"Explicit bbox shape {tuple(bbox.shape)} does not match the array, which has {rows} rows "
                f"and {columns} columns; pass start instead of bbox to use the whole array."
            )
        return bbox
    if bbox is None:
        if wanted is None:
            raise TypeError("An image without an array requires a bbox or a shape; got neither.")
        return Box.from_shape(wanted, start)
    if wanted is not None and wanted != bbox.shape:
        raise GeometryError(
            f"Explicit shape {tuple(wanted)} does not match bbox shape {tuple(bbox.shape)}; "
            "pass only one of them."
        )
    return bbox
