# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of images."""

from __future__ import annotations

__all__ = ("ImageSerializationModel",)

from typing import Self

import astropy.units as u
import pydantic

from .._geom import Box
from .._pixels import Image
from ..serialization import (
    AnyArrayModel,
    ArrayHints,
    InputArchive,
    OutputArchive,
    component,
    omit_if_none,
    split_quantity,
)
from ..serialization._input_archive import ArrayPart
from ..serialization._metadata_view import writable_metadata
from ._lazy_projection import (
    DeferrableProjection,
    deserialize_projection,
    readable_projection,
    serialize_projection,
)
from ._obs_info import ExtraObsInfo, extra_obs_info, serialize_obs_info
from ._pixel_tree import YX0, PixelTree, make_box, place_box


class ImageSerializationModel(PixelTree, schema="image", version="1.0.0"):
    """Serialization model of `~lsst.images.Image`."""

    ROOT_NAME = "image"

    data: AnyArrayModel = pydantic.Field(description="Reference to pixel data.")
    yx0: YX0 = pydantic.Field(description="Coordinate of the first pixels in the array, ordered (y, x).")
    sky_projection: DeferrableProjection = omit_if_none(
        description="Projection that maps the logical pixel grid onto the sky."
    )
    obs_info: ExtraObsInfo = extra_obs_info()

    @classmethod
    def serialize(
        cls,
        obj: Image,
        archive: OutputArchive,
        *,
        save_projection: bool = True,
        save_obs_info: bool = True,
        tile_shape: tuple[int, int] | None = None,
        options_name: str | None = None,
    ) -> Self:
        """Write an image.

        Parameters
        ----------
        obj
            The image.
        archive
            Archive to write to.
        save_projection, save_obs_info
            Whether the tree contains these; that of the parent may instead.
        tile_shape
            Suggested shape ``(y, x)`` of compression tiles.
        options_name
            Name under which compression options are looked up; by default,
            the path in the archive.

        Returns
        -------
        tree
            The tree.
        """
        hints = ArrayHints(bbox=obj.bbox, unit=obj.unit, projection=readable_projection(obj.projection))
        return cls(
            data=archive.add_array(obj.array, hints=hints, tile_shape=tile_shape, options_name=options_name),
            yx0=list(obj.bbox.start),
            sky_projection=serialize_projection(obj.projection, archive) if save_projection else None,
            obs_info=serialize_obs_info(obj._obs_info, archive) if save_obs_info else None,
            metadata=writable_metadata(obj.metadata),
        )

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> Image:
        data = getattr(self.data, "value", self.data)
        bbox, slices = place_box(bbox, data.shape, self.yx0)
        return Image._assemble(
            archive.get_array(data, slices=slices),
            bbox,
            getattr(self.data, "unit", None),
            None if self.sky_projection is None else deserialize_projection(self.sky_projection, archive),
            self.obs_info,
            dict(self.metadata),
        )

    def pixel_parts(self, bbox: Box | None) -> list[ArrayPart]:
        """Return the arrays that `deserialize` reads.

        Parameters
        ----------
        bbox
            As for `deserialize`.
        """
        data, _ = split_quantity(self.data)
        return [(data, place_box(bbox, data.shape, self.yx0)[1])]

    @property
    def bbox(self) -> Box:
        """Pixels of the image."""
        return make_box(self.data.shape, self.yx0)

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the pixels."""
        return split_quantity(self.data)[1]

    @component("bbox", needs=("data", "yx0"))
    def _bbox(self, archive: InputArchive) -> Box:
        return self.bbox

    @component("unit", needs=("data",))
    def _unit(self, archive: InputArchive) -> u.UnitBase | None:
        return self.unit
