# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A minimal third-party plugin with one dataset type."""

from __future__ import annotations

__all__ = ("FringeFrame", "FringeFrameModel")

from lsst.images import Box, Image
from lsst.images.io import Serializable
from lsst.images.models import ImageSerializationModel
from lsst.images.plugins import DatasetSpec, StorageClassSpec, hookimpl
from lsst.images.serialization import ArchiveTree


class FringeFrame(Serializable):
    def __init__(self, image: Image, amplitude: float) -> None:
        self.image, self.amplitude = image, amplitude


class FringeFrameModel(ArchiveTree, schema="my_survey.fringe_frame", version="1.0.0"):
    image: ImageSerializationModel
    amplitude: float

    @classmethod
    def serialize(cls, obj, archive):
        return cls(image=archive.serialize_child("image", obj.image), amplitude=obj.amplitude)

    def deserialize(self, archive, *, bbox: Box | None = None):
        return FringeFrame(self.image.deserialize(archive, bbox=bbox), self.amplitude)


@hookimpl
def register_datasets():
    spec = StorageClassSpec(
        name="FringeFrame", parameters=frozenset({"bbox"}), components={"image": "ImageV2"}
    )
    return [
        DatasetSpec(
            schema="my_survey.fringe_frame",
            pytype=f"{__name__}:FringeFrame",
            model=f"{__name__}:FringeFrameModel",
            storage_class=spec,
        )
    ]
