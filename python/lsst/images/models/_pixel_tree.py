# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the trees of image-like types have in common."""

from __future__ import annotations

__all__ = (
    "PixelTree",
    "YX0",
    "deserialize_projection",
    "make_box",
    "serialize_projection",
    "writable_metadata",
)

import functools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pydantic

from .._geom import Box, Interval
from .._transforms import Projection
from ..errors import CorruptArchiveError, UnserializableTypeError
from ..serialization import ArchiveTree, DetachedArchive, InputArchive, MetadataValue, OutputArchive
from ._transforms import ProjectionSerializationModel


DETACHED = DetachedArchive()
"""For what needs no array, so that the archive need not stay in memory."""


class PixelTree(ArchiveTree):
    """A tree of something with pixels."""

    OLD_MEMBERS = {"start": "yx0", "projection": "sky_projection"}


def _check_pair(value: list[int]) -> list[int]:
    if len(value) != 2:
        raise ValueError(f"An origin is [y, x], not {value!r}.")
    return value


YX0 = Annotated[list[int], pydantic.AfterValidator(_check_pair)]
"""Annotation of a field that holds the coordinates of a first pixel."""


def writable_metadata(metadata: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Return metadata in the form that goes into a tree.

    Parameters
    ----------
    metadata
        Metadata of an object.  Numpy scalars become Python's.

    Returns
    -------
    metadata
        A copy.

    Raises
    ------
    UnserializableTypeError
        If a name is no string, or a value is nested or of another type.
    """
    result: dict[str, MetadataValue] = {}
    for key, value in metadata.items():
        plain = value.item() if isinstance(value, np.generic) else value
        if not isinstance(key, str) or not isinstance(plain, int | float | str | bool | None):
            raise UnserializableTypeError(
                f"metadata[{key!r}] = {value!r:.80} cannot be written: names are strings, and values are "
                "int, float, str, bool or None; nested values need a name for each of their parts."
            )
        result[key] = plain
    return result


def make_box(shape: Sequence[int], yx0: Sequence[int]) -> Box:
    """Make the box of an array in a tree.

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
        raise CorruptArchiveError(f"The file has an image array of shape {tuple(shape)}; (ny, nx) is needed.")
    (ny, nx), (y0, x0) = shape, yx0
    return Box(Interval(y0, y0 + ny), Interval(x0, x0 + nx))


def serialize_projection(
    projection: Projection[Any] | None, archive: OutputArchive
) -> ProjectionSerializationModel | None:
    """Write the projection of an image, if it has one.

    Parameters
    ----------
    projection
        The projection.
    archive
        Archive to write to.

    Returns
    -------
    tree
        Its tree, or `None`.
    """
    return None if projection is None else archive.serialize_child("sky_projection", projection)


def deserialize_projection(
    model: ProjectionSerializationModel | None, archive: InputArchive
) -> Projection[Any] | None:
    """Read the projection of an image, if it has one.

    Parameters
    ----------
    model
        Tree of the projection.
    archive
        Archive to read from.

    Returns
    -------
    projection
        The projection, or `None`.  It is made when somebody asks for the sky,
        and a damaged one costs nobody else anything.
    """
    if model is None or model.needs_archive:
        return None if model is None else model.deserialize(archive)
    return Projection._deferred(functools.partial(model.deserialize, DETACHED))
