# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The projections of images in files: made when somebody asks for the sky.

A projection that cannot be read costs nothing but itself.  What stands for it
says why when it is used, and goes into the next file as it was.
"""

from __future__ import annotations

__all__ = (
    "DeferrableProjection",
    "LateProjection",
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
from ..serialization._polymorphic import branch_as_read
from ._deferrable import Deferrable, deserialize_branch
from ._transforms import ProjectionSerializationModel

DETACHED = DetachedArchive()
"""For what needs no array, so that the archive need not stay in memory."""

DeferrableProjection: TypeAlias = Deferrable[ProjectionSerializationModel]
"""Annotation of a member that holds a projection, perhaps a damaged one."""

LateProjection = Annotated[DeferrableProjection, LATE]
"""The same, for members that components get as they are in the file."""

_ADAPTER: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(DeferrableProjection)


def _load(branch: Any) -> Projection[Any]:
    """Make a projection of a branch, or raise the reason why not."""
    projection: Projection[Any] = _ADAPTER.validate_python(branch).deserialize(DETACHED)
    return projection


def _loaded_from(projection: Projection[Any]) -> Any:
    """Return the branch that a projection comes from, if it was read."""
    load = vars(projection).get("_load")
    return load.args[0] if isinstance(load, functools.partial) and load.func is _load else None


def _as_read(branch: Any) -> Any:
    """Return a branch as it is in the file."""
    if isinstance(branch, UnreadableTree):
        return branch.root
    if isinstance(branch, ProjectionSerializationModel):
        raw = branch_as_read(branch)
        return branch.model_dump(mode="json") if raw is None else raw
    return branch


def deserialize_projection(
    model: ProjectionSerializationModel | UnreadableTree | dict[str, Any] | None, archive: InputArchive
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
        model = deserialize_branch(model, archive)
    if isinstance(model, Projection):
        return model
    return Projection._deferred(functools.partial(_load, model))


def readable_projection(projection: Projection[Any] | None) -> Projection[Any] | None:
    """Return a projection if it maps anything.

    Parameters
    ----------
    projection
        The projection.

    Returns
    -------
    projection
        `None` if it could not be read.
    """
    try:
        if projection is not None:
            # The text of a mapping is not looked at earlier than this.
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
        Its tree, what was read if that was unreadable, or `None`.
    """
    if projection is None:
        return None
    try:
        tree: ProjectionSerializationModel = archive.serialize_child("sky_projection", projection)
    except ArchiveReadError as err:
        if (branch := _loaded_from(projection)) is None:
            raise
        return UnreadableTree.because(_as_read(branch), err)
    return tree
