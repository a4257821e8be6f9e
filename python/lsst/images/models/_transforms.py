# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models of transforms, sky projections and camera frames."""

from __future__ import annotations

__all__ = (
    "CameraFrameSetSerializationModel",
    "MappingSerializationModel",
    "ProjectionSerializationModel",
    "SkyProjectionSerializationModel",
    "TransformSerializationModel",
)

import functools
import itertools
from typing import Annotated, Any, Self

import pydantic

from .._geom import Bounds, BoundsSerializationModel, serialize_bounds
from .._transforms import AstMapping, CameraFrameSet, Frame, Projection, SerializableFrame, Transform
from ..errors import CorruptArchiveError, GeometryError, UnserializableTypeError
from ..serialization import ArchiveTree, InputArchive, OutputArchive, Pointer, omit_if_none
from ..serialization._fields import Series
from ..utils import short_repr


class MappingSerializationModel(pydantic.BaseModel):
    """One mapping, as AST text."""

    ast: str

    def deserialize(self) -> AstMapping:
        """Return the mapping, which is parsed when it is first used."""
        return AstMapping.deferred(self.ast)


class TransformSerializationModel(ArchiveTree, schema="transform", version="1.0.0"):
    """A chain of mappings and the frames between them.

    Mapping number k maps frame k to frame k + 1.  It is stored in this tree,
    or is a pointer to a frame set that contains both frames.
    """

    frames: Series[SerializableFrame] = pydantic.Field(default_factory=list)
    bounds: Series[BoundsSerializationModel | None] = pydantic.Field(default_factory=list)
    mappings: Series[
        Annotated[MappingSerializationModel | Pointer, pydantic.Field(union_mode="left_to_right")]
    ] = pydantic.Field(default_factory=list)

    @classmethod
    def serialize(
        cls, obj: Transform[Any, Any], archive: OutputArchive, *, use_frame_sets: bool = False
    ) -> Self:
        """Write a transform.

        Parameters
        ----------
        obj
            The transform.
        archive
            Archive to write to.
        use_frame_sets
            Whether mappings that a frame set in the archive contains are
            stored as pointers to it.

        Returns
        -------
        tree
            The tree.

        Raises
        ------
        UnserializableTypeError
            If the type of a frame, or of bounds, cannot be serialized.
        """
        parts = obj.decompose()
        frames: list[Frame] = [obj.in_frame, *(part.out_frame for part in parts)]
        bounds = [obj.in_bounds]
        for part, following in itertools.pairwise(parts):
            bounds.append(following.in_bounds if part.out_bounds is None else part.out_bounds)
        if parts:
            bounds.append(obj.out_bounds)
        try:
            return cls(
                frames=[frame.serialize() for frame in frames],
                bounds=[None if b is None else serialize_bounds(b) for b in bounds],
                mappings=[_serialize_mapping(part, archive, use_frame_sets) for part in parts],
            )
        except pydantic.ValidationError as err:
            raise UnserializableTypeError(
                f"{short_repr(obj)} cannot be serialized: not all of its frames {short_repr(frames)} are of "
                "built-in types."
            ) from err

    def deserialize(self, archive: InputArchive) -> Transform[Any, Any]:
        if not self.frames or not len(self.frames) == len(self.bounds) == len(self.mappings) + 1:
            raise CorruptArchiveError(
                f"Invalid stored transform with {len(self.frames)} frames, {len(self.bounds)} bounds and "
                f"{len(self.mappings)} mappings; expected n + 1 frames and bounds for n mappings."
            )
        bounds = [None if b is None else b.deserialize() for b in self.bounds]
        if not self.mappings:
            return Transform.identity(self.frames[0]).with_bounds(bounds[0], bounds[0])
        links = [self._link(archive, k, bounds[k], bounds[k + 1]) for k in range(len(self.mappings))]
        return functools.reduce(lambda first, second: first.then(second), links)

    def _link(
        self, archive: InputArchive, k: int, in_bounds: Bounds | None, out_bounds: Bounds | None
    ) -> Transform[Any, Any]:
        """Make the transform of mapping number k."""
        in_frame, out_frame = self.frames[k], self.frames[k + 1]
        stored = self.mappings[k]
        if isinstance(stored, MappingSerializationModel):
            return Transform(in_frame, out_frame, stored.deserialize(), in_bounds, out_bounds)
        found: Transform[Any, Any] = archive.get_frame_set(stored)[in_frame, out_frame]
        return found.with_bounds(in_bounds, out_bounds)


def _serialize_mapping(
    part: Transform[Any, Any], archive: OutputArchive, use_frame_sets: bool
) -> MappingSerializationModel | Pointer:
    if use_frame_sets:
        for frame_set, pointer in archive.iter_frame_sets():
            known: Transform[Any, Any] | None = frame_set.get(part.in_frame, part.out_frame)
            # Mappings between equal frames may differ.
            if known is not None and known.ast_mapping == part.ast_mapping:
                return pointer
    return MappingSerializationModel(ast=part.ast_mapping.text)


class ProjectionSerializationModel(ArchiveTree, schema="sky_projection", version="1.0.0"):
    """Serialization model of `~lsst.images.Projection`."""

    # Name in files written before 30.0.8, with the same fields.
    OLD_SCHEMA_NAMES = ("projection",)

    pixel_to_sky: TransformSerializationModel
    fits_approximation: TransformSerializationModel | None = omit_if_none()

    @classmethod
    def serialize(cls, obj: Projection[Any], archive: OutputArchive, *, use_frame_sets: bool = False) -> Self:
        """Write a projection.

        Parameters
        ----------
        obj
            The projection.
        archive
            Archive to write to.
        use_frame_sets
            Whether mappings that a frame set in the archive contains are
            stored as pointers to it.

        Returns
        -------
        tree
            The tree.
        """
        approximation = obj.fits_approximation
        serialize = functools.partial(
            TransformSerializationModel.serialize, archive=archive, use_frame_sets=use_frame_sets
        )
        return cls(
            pixel_to_sky=serialize(obj.pixel_to_sky_transform),
            fits_approximation=None
            if approximation is None
            else serialize(approximation.pixel_to_sky_transform),
        )

    @property
    def needs_archive(self) -> bool:
        """Whether a mapping is stored as a pointer to a frame set."""
        transforms = (self.pixel_to_sky, self.fits_approximation)
        return any(isinstance(m, Pointer) for t in transforms if t is not None for m in t.mappings)

    def deserialize(self, archive: InputArchive) -> Projection[Any]:
        approximation = self.fits_approximation
        try:
            return Projection(
                self.pixel_to_sky.deserialize(archive),
                None if approximation is None else approximation.deserialize(archive),
            )
        except GeometryError as err:
            raise CorruptArchiveError(f"The stored sky projection is invalid: {err}") from err


SkyProjectionSerializationModel = ProjectionSerializationModel


class CameraFrameSetSerializationModel(ArchiveTree, schema="camera_frame_set", version="1.0.0"):
    """Serialization model of `~lsst.images.CameraFrameSet`, with the frame set as AST text."""

    instrument: str
    ast: str

    @classmethod
    def serialize(cls, obj: CameraFrameSet, archive: OutputArchive) -> Self:
        return cls(instrument=obj.instrument, ast=obj.ast_text)

    def deserialize(self, archive: InputArchive) -> CameraFrameSet:
        try:
            return CameraFrameSet(self.instrument, self.ast)
        except GeometryError as err:
            raise CorruptArchiveError(f"The stored camera frames are invalid: {err}") from err
