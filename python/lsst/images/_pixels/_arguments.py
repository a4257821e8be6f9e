# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the constructors of image-like types make of their arguments."""

from __future__ import annotations

__all__ = ("Alternative", "Origin", "keep", "resolve_bbox")

from collections.abc import Sequence
from types import EllipsisType
from typing import TypeAlias, TypeVar

from .._geom import XY, Box
from ..errors import GeometryError

T = TypeVar("T")

Origin: TypeAlias = Sequence[int] | XY[int]
"""Coordinates of a first pixel: ``(y, x)``, or an `XY`."""

Alternative: TypeAlias = T | EllipsisType
"""An argument of ``view`` methods, where ``...`` keeps what there is."""


def keep(value: Alternative[T], current: T) -> T:
    """Return a new value, or the current one instead of ``...``.

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
    """Find the pixels that an image covers.

    Parameters
    ----------
    array_shape
        Numbers of rows and columns of the array given; `None` without one.
    bbox, shape, start
        Arguments of the constructor.

    Returns
    -------
    bbox
        The box, of the shape of the array.

    Raises
    ------
    GeometryError
        If shapes disagree.
    TypeError
        If there is neither an array nor a box nor a shape.
    """
    if bbox is not None and not isinstance(bbox, Box):
        raise TypeError(f"The bbox of an image is a Box, not {bbox!r}.")
    wanted = None if shape is None else Box.from_shape(shape).shape
    if array_shape is not None:
        rows, columns = array_shape
        if wanted is not None and wanted != (rows, columns):
            raise GeometryError(
                f"Explicit shape {tuple(wanted)} does not match the array, which has {rows} rows and "
                f"{columns} columns; leave out the shape."
            )
        if bbox is None:
            return Box.from_shape((rows, columns), start)
        if bbox.shape != (rows, columns):
            raise GeometryError(
                f"Explicit bbox shape {tuple(bbox.shape)} does not match the array, which has {rows} rows "
                f"and {columns} columns; give start instead to place all of it."
            )
        return bbox
    if bbox is None:
        if wanted is None:
            raise TypeError("Without an array, an image needs a bbox or a shape.")
        return Box.from_shape(wanted, start)
    if wanted is not None and wanted != bbox.shape:
        raise GeometryError(
            f"Explicit shape {tuple(wanted)} does not match bbox shape {tuple(bbox.shape)}; give one of them."
        )
    return bbox
