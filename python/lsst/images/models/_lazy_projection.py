# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fields for the sky projection of an image, which is read when it is first used.

A projection that cannot be read is an error only when it is used.  Its raw
field is written if the image is written again.
"""

from __future__ import annotations

__all__ = (
    "DeferrableProjection",
    "LazyProjection",
    "deserialize_projection",
    "readable_projection",
    "serialize_projection",
)

import functools
import itertools
import operator
from typing import Annotated, Any, TypeAlias

import pydantic

from .._transforms import Projection
from ..errors import ArchiveReadError
from ..serialization import DetachedArchive, InputArchive, OutputArchive, UnreadableTree
from ..serialization._component import LATE
from ..serialization._polymorphic import raw_subtree
from ._deferrable import Deferrable, deserialize_field
from ._transforms import ProjectionSerializationModel

DETACHED = DetachedArchive()
"""Archive for objects without arrays, so that the file can be closed."""

DeferrableProjection: TypeAlias = Deferrable[ProjectionSerializationModel]
"""Annotation of a deferrable field that holds a projection."""

LazyProjection = Annotated[DeferrableProjection, LATE]
"""The same, for fields that are not validated when another component is read."""

_ADAPTER: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(DeferrableProjection)


def _load(field: Any) -> Projection[Any]:
    """Read the projection of a raw field, or raise the error."""
    projection: Projection[Any] = _ADAPTER.validate_python(field).deserialize(DETACHED)
    return projection


def _loaded_from(projection: Projection[Any]) -> Any:
    """Return the field from which a projection is read, or `None`."""
    load = vars(projection).get("_load")
    return load.args[0] if isinstance(load, functools.partial) and load.func is _load else None


def _raw(field: Any) -> Any:
    """Return a field as it is in the file."""
    if isinstance(field, UnreadableTree):
        return field.root
    if isinstance(field, ProjectionSerializationModel):
        raw = raw_subtree(field)
        return field.model_dump(mode="json") if raw is None else raw
    return field


def deserialize_projection(
    model: ProjectionSerializationModel | UnreadableTree | dict[str, Any] | None, archive: InputArchive
) -> Projection[Any] | None:
    """Read the projection of an image, if it has one.

    Parameters
    ----------
    model
        Tree of the projection, or the raw field.
    archive
        Archive to read from.

    Returns
    -------
    projection
        The projection, or `None`.  It is read when it is first used, and
        raises then if it cannot be read.
    """
    if model is None:
        return None
    if isinstance(model, dict):
        try:
            approximation = model.get("fits_approximation") or {"mappings": ()}
            mappings = [*model["pixel_to_sky"]["mappings"], *approximation["mappings"]]
            if all(map(operator.contains, mappings, itertools.repeat("ast"))):
                return Projection._deferred(functools.partial(_load, model))
        except (KeyError, TypeError):
            pass
        model = _ADAPTER.validate_python(model)
    if isinstance(model, ProjectionSerializationModel) and model.needs_archive:
        model = deserialize_field(model, archive)
    if isinstance(model, Projection):
        return model
    return Projection._deferred(functools.partial(_load, model))


def readable_projection(projection: Projection[Any] | None) -> Projection[Any] | None:
    """Return a projection, or `None` if it cannot be read.

    Parameters
    ----------
    projection
        The projection.

    Returns
    -------
    projection
        The same projection, or `None`.
    """
    try:
        if projection is not None:
            # The text of a mapping is parsed when it is first used.
            _ = projection.pixel_to_sky_transform.ast_mapping.is_frame_set
    except ArchiveReadError:
        return None
    return projection


def serialize_projection(
    projection: Projection[Any] | None, archive: OutputArchive
) -> ProjectionSerializationModel | UnreadableTree | None:
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
        Its tree, a placeholder if it cannot be read, or `None`.
    """
    if projection is None:
        return None
    try:
        tree: ProjectionSerializationModel = archive.serialize_child("sky_projection", projection)
    except ArchiveReadError as err:
        if (field := _loaded_from(projection)) is None:
            raise
        return UnreadableTree.because(_raw(field), err)
    return tree
