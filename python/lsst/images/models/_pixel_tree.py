# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the trees of image-like types have in common."""

from __future__ import annotations

__all__ = (
    "PixelTree",
    "LateProjection",
    "YX0",
    "deserialize_projection",
    "make_box",
    "place_box",
    "serialize_projection",
    "writable_metadata",
)

import functools
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Annotated, Any

import numpy as np
import pydantic

from .._geom import Box, Interval
from .._transforms import Projection
from ..errors import CorruptArchiveError, UnserializableTypeError
from ..serialization import ArchiveTree, DetachedArchive, InputArchive, MetadataValue, OutputArchive
from ..serialization._component import LATE
from ..serialization._tree import tree_error
from ._transforms import ProjectionSerializationModel

DETACHED = DetachedArchive()
"""For what needs no array, so that the archive need not stay in memory."""


class PixelTree(ArchiveTree):
    """A tree of something with pixels."""

    OLD_MEMBERS = {"start": "yx0", "projection": "sky_projection"}


YX0 = Annotated[list[int], pydantic.Field(min_length=2, max_length=2)]
"""Annotation of a field that holds the coordinates of a first pixel."""


LateProjection = Annotated[ProjectionSerializationModel | None, LATE]
"""Annotation of a member that `deserialize_projection` reads."""


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


def place_box(
    bbox: Box | None, shape: Sequence[int], yx0: Sequence[int]
) -> tuple[Box, tuple[slice, ...] | EllipsisType]:
    """Find the part of an array in a tree that a read wants.

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
        Where it is in the array.

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
    model: ProjectionSerializationModel | dict[str, Any] | None, archive: InputArchive
) -> Projection[Any] | None:
    """Read the projection of an image, if it has one.

    Parameters
    ----------
    model
        Tree of the projection, or the same as it is in the file.
    archive
        Archive to read from.

    Returns
    -------
    projection
        The projection, or `None`.  It is made when somebody asks for the sky,
        and a damaged one costs nobody else anything.
    """
    if model is None:
        return None
    if not isinstance(model, ProjectionSerializationModel):
        try:
            parts = [model["pixel_to_sky"], model.get("fits_approximation") or {"mappings": ()}]
            alone = all("ast" in mapping for part in parts for mapping in part["mappings"])
        except (KeyError, TypeError):
            alone = False
        if alone and model.get("schema_version") == ProjectionSerializationModel.SCHEMA_VERSION:
            return Projection._deferred(functools.partial(_read_projection, model))
        model = ProjectionSerializationModel.model_validate(model)
    if model.needs_archive:
        return model.deserialize(archive)
    return Projection._deferred(functools.partial(model.deserialize, DETACHED))


def _read_projection(raw: dict[str, Any]) -> Projection[Any]:
    try:
        return ProjectionSerializationModel.model_validate(raw).deserialize(DETACHED)
    except pydantic.ValidationError as err:
        raise tree_error(err, "sky_projection") from err
