# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How transforms, sky projections and camera frames are stored."""

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


class MappingSerializationModel(pydantic.BaseModel):
    """One mapping, in the native text of AST."""

    ast: str

    def deserialize(self) -> AstMapping:
        """Take the text, which is parsed when somebody maps a point.

        Returns
        -------
        mapping
            Keeps the text as it is; it raises `CorruptArchiveError` when it
            is used if AST does not understand the text.
        """
        return AstMapping.deferred(self.ast)


class TransformSerializationModel(ArchiveTree, schema="transform", version="1.0.0"):
    """A chain of mappings and the frames between them.

    Mapping number k leads from frame k to frame k + 1; it is stored in place,
    or is that between two frames of a frame set, which is pointed at.
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
        """Make the tree of a transform.

        Parameters
        ----------
        obj
            The transform.
        archive
            Archive to write to.
        use_frame_sets
            Whether parts that a frame set in the archive knows are stored as
            pointers to it.

        Returns
        -------
        tree
            The tree.

        Raises
        ------
        UnserializableTypeError
            If a frame or bounds are not of a type that files know.
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
                f"{obj!r} cannot be stored, since its frames {frames!r} are not all of types that files know."
            ) from err

    def deserialize(self, archive: InputArchive) -> Transform[Any, Any]:
        """Make the transform.

        Parameters
        ----------
        archive
            Archive that holds the frame sets that are pointed at.

        Returns
        -------
        transform
            Remembers its parts, if there are several.

        Raises
        ------
        ArchiveReadError
            If the numbers of frames, bounds and mappings contradict each
            other, or a mapping is unreadable.
        """
        if not self.frames or not len(self.frames) == len(self.bounds) == len(self.mappings) + 1:
            raise CorruptArchiveError(
                f"A stored transform has {len(self.frames)} frames, {len(self.bounds)} bounds and "
                f"{len(self.mappings)} mappings; for n mappings, n + 1 of the others are needed."
            )
        bounds = [None if b is None else b.deserialize() for b in self.bounds]
        if not self.mappings:
            return Transform.identity(self.frames[0]).with_bounds(bounds[0], bounds[0])
        links = [self._link(archive, k, bounds[k], bounds[k + 1]) for k in range(len(self.mappings))]
        return functools.reduce(lambda first, second: first.then(second), links)

    def _link(
        self, archive: InputArchive, k: int, in_bounds: Bounds | None, out_bounds: Bounds | None
    ) -> Transform[Any, Any]:
        """Make the part that is the mapping number k."""
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
            # The same frames do not yet make it the same mapping.
            if known is not None and known.ast_mapping == part.ast_mapping:
                return pointer
    return MappingSerializationModel(ast=part.ast_mapping.text)


class ProjectionSerializationModel(ArchiveTree, schema="sky_projection", version="1.0.0"):
    """A mapping from pixels to the sky."""

    # Files from before 30.0.8 have it, with the same members.
    OLD_SCHEMA_NAMES = ("projection",)

    pixel_to_sky: TransformSerializationModel
    fits_approximation: TransformSerializationModel | None = omit_if_none()

    @classmethod
    def serialize(cls, obj: Projection[Any], archive: OutputArchive, *, use_frame_sets: bool = False) -> Self:
        """Make the tree of a projection.

        Parameters
        ----------
        obj
            The projection.
        archive
            Archive to write to.
        use_frame_sets
            Whether parts that a frame set in the archive knows are stored as
            pointers to it.

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
        """Whether a part is stored elsewhere in the file."""
        transforms = (self.pixel_to_sky, self.fits_approximation)
        return any(isinstance(m, Pointer) for t in transforms if t is not None for m in t.mappings)

    def deserialize(self, archive: InputArchive) -> Projection[Any]:
        """Make the projection.

        Parameters
        ----------
        archive
            Archive that holds the frame sets that are pointed at.

        Returns
        -------
        projection
            The projection.

        Raises
        ------
        ArchiveReadError
            If a transform is unreadable, or does not map pixels to the sky.
        """
        approximation = self.fits_approximation
        try:
            return Projection(
                self.pixel_to_sky.deserialize(archive),
                None if approximation is None else approximation.deserialize(archive),
            )
        except GeometryError as err:
            raise CorruptArchiveError(f"A stored sky projection is none: {err}") from err


SkyProjectionSerializationModel = ProjectionSerializationModel


class CameraFrameSetSerializationModel(ArchiveTree, schema="camera_frame_set", version="1.0.0"):
    """The frames of a camera, in the native text of an AST frame set."""

    instrument: str
    ast: str

    @classmethod
    def serialize(cls, obj: CameraFrameSet, archive: OutputArchive) -> Self:
        """Make the tree of a frame set.

        Parameters
        ----------
        obj
            The frame set.
        archive
            Archive to write to; nothing goes there.

        Returns
        -------
        tree
            The tree.
        """
        return cls(instrument=obj.instrument, ast=obj.ast_text)

    def deserialize(self, archive: InputArchive) -> CameraFrameSet:
        """Make the frame set.

        Parameters
        ----------
        archive
            Archive to read from; nothing is needed of it.

        Returns
        -------
        frame_set
            The frame set.

        Raises
        ------
        CorruptArchiveError
            If AST does not understand the text, or it is of no camera.
        """
        try:
            return CameraFrameSet(self.instrument, self.ast)
        except GeometryError as err:
            raise CorruptArchiveError(f"Stored camera frames are unreadable: {err}") from err
