# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of detectors."""

from __future__ import annotations

__all__ = ("DetectorSerializationModel",)

from typing import Self

import pydantic

from .._transforms import CameraFrameSet
from ..cameras import Amplifier, Detector, DetectorAttributes
from ..errors import ArchiveReadError
from ..serialization import ArchiveTree, InputArchive, OutputArchive
from ..serialization._fields import Series
from ..serialization._metadata_view import writable_metadata
from ._transforms import CameraFrameSetSerializationModel


class DetectorSerializationModel(ArchiveTree, schema="detector", version="1.1.0"):
    """Serialization model of `~lsst.images.cameras.Detector`."""

    ROOT_NAME = "detector"

    attributes: DetectorAttributes
    amplifiers: Series[Amplifier] = pydantic.Field(default_factory=list)
    frames: CameraFrameSetSerializationModel | None = None
    visit: int | None

    @classmethod
    def serialize(cls, obj: Detector, archive: OutputArchive, *, save_frames: bool = True) -> Self:
        """Write a detector.

        Parameters
        ----------
        obj
            The detector.
        archive
            Archive to write to.
        save_frames
            Whether to write the coordinate systems, too; if not, they must be
            passed to `deserialize`.
        """
        return cls(
            # Later changes of the detector must not change the tree.
            attributes=obj.attributes.model_copy(deep=True),
            amplifiers=[amplifier.model_copy(deep=True) for amplifier in obj.amplifiers],
            frames=archive.serialize_child("frames", obj.frames) if save_frames else None,
            visit=obj.visit,
            metadata=writable_metadata(obj.metadata),
        )

    def deserialize(self, archive: InputArchive, *, frames: CameraFrameSet | None = None) -> Detector:
        """Read the detector.

        Parameters
        ----------
        archive
            Archive to read from.
        frames
            Coordinate systems of the camera; by default, those in the tree.

        Raises
        ------
        ArchiveReadError
            If the tree has no coordinate systems, and none are passed.
        """
        if frames is None:
            if self.frames is None:
                raise ArchiveReadError(
                    f"Detector {self.attributes.name!r} was stored without coordinate systems; "
                    "pass those of the camera as frames=."
                )
            frames = self.frames.deserialize(archive)
        return Detector(
            self.attributes.model_copy(deep=True),
            [amplifier.model_copy(deep=True) for amplifier in self.amplifiers],
            frames,
            self.visit,
            metadata=self.metadata,
        )
