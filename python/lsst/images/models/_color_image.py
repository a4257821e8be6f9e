# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of color images."""

from __future__ import annotations

__all__ = ("ColorImageSerializationModel",)

from typing import Self

import pydantic

from .._geom import Box
from .._pixels import ColorImage, Image
from ..errors import CorruptArchiveError, GeometryError
from ..serialization import InputArchive, OutputArchive, component, omit_if_none
from ..serialization._input_archive import ArrayPart
from ..serialization._metadata_view import writable_metadata
from ._image import ImageSerializationModel
from ._lazy_projection import LazyProjection, deserialize_projection, serialize_projection
from ._pixel_tree import PixelTree, require_same_box


class ColorImageSerializationModel(PixelTree, schema="color_image", version="1.0.0.dev0"):
    """Serialization model of `~lsst.images.ColorImage`."""

    red: ImageSerializationModel = pydantic.Field(description="The red channel.")
    green: ImageSerializationModel = pydantic.Field(description="The green channel.")
    blue: ImageSerializationModel = pydantic.Field(description="The blue channel.")
    sky_projection: LazyProjection = omit_if_none(
        description="Projection that maps the pixel grid to the sky."
    )

    @classmethod
    def serialize(cls, obj: ColorImage, archive: OutputArchive) -> Self:
        channels = {"red": obj.red, "green": obj.green, "blue": obj.blue}
        return cls(
            **{
                name: archive.serialize_child(name, channel, save_projection=False)
                for name, channel in channels.items()
            },
            sky_projection=serialize_projection(obj.projection, archive),
            metadata=writable_metadata(obj.metadata),
        )

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> ColorImage:
        require_same_box({"red": self.red, "green": self.green, "blue": self.blue})
        if archive.remote:
            archive.expect(self.pixel_parts(bbox))
        channels = [channel.deserialize(archive, bbox=bbox) for channel in (self.red, self.green, self.blue)]
        try:
            return ColorImage.from_channels(
                *channels,
                projection=deserialize_projection(self.sky_projection, archive),
                metadata=dict(self.metadata),
            )
        except GeometryError as err:
            raise CorruptArchiveError(f"The channels in the file are inconsistent: {err}") from err

    def pixel_parts(self, bbox: Box | None) -> list[ArrayPart]:
        """Return the arrays that `deserialize` reads.

        Parameters
        ----------
        bbox
            As for `deserialize`.
        """
        return [part for channel in (self.red, self.green, self.blue) for part in channel.pixel_parts(bbox)]

    @component("bbox", needs=("red",))
    def _bbox(self, archive: InputArchive) -> Box:
        return self.red.bbox

    @component("red", needs=("red", "sky_projection"))
    def _red(self, archive: InputArchive, *, bbox: Box | None = None) -> Image:
        return self._complete(self.red, archive, bbox)

    @component("green", needs=("green", "sky_projection"))
    def _green(self, archive: InputArchive, *, bbox: Box | None = None) -> Image:
        return self._complete(self.green, archive, bbox)

    @component("blue", needs=("blue", "sky_projection"))
    def _blue(self, archive: InputArchive, *, bbox: Box | None = None) -> Image:
        return self._complete(self.blue, archive, bbox)

    def _complete(self, channel: ImageSerializationModel, archive: InputArchive, bbox: Box | None) -> Image:
        projection = deserialize_projection(self.sky_projection, archive)
        return channel.deserialize(archive, bbox=bbox).view(projection=projection)
