# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the trees of masked images with further parts have in common."""

from __future__ import annotations

__all__ = ("AnnotatedImageTree",)

from typing import Any

import pydantic

from .._components import AnnotatedImage
from .._geom import Box
from .._pixels import Image, MaskedImage
from ..fields import BackgroundMap
from ..serialization import InputArchive, OutputArchive, component
from ..serialization._deferred import available
from ._deferrable import Deferrable, deserialize_branch, serialize_branch
from ._field_maps import BackgroundMapSerializationModel
from ._late_projection import LateProjection, deserialize_projection
from ._masked_image import MaskedImageSerializationModel
from ._obs_info import serialize_obs_info


class AnnotatedImageTree(MaskedImageSerializationModel):
    """The tree of a masked image that has more than planes.

    Every branch but the planes may be damaged: it costs nothing but itself.
    """

    sky_projection: LateProjection = pydantic.Field(
        default=None, description="Projection that maps the pixel grid to the sky."
    )
    backgrounds: Deferrable[BackgroundMapSerializationModel] = pydantic.Field(
        default=None, description="Background models of this image."
    )

    @classmethod
    def serialize_annotated(
        cls,
        obj: AnnotatedImage,
        archive: OutputArchive,
        *,
        background_path: str = "backgrounds",
        tile_shape: tuple[int, int] | None = None,
    ) -> dict[str, Any]:
        """Write planes, projection and backgrounds.

        Parameters
        ----------
        obj
            The image.
        archive
            Archive to write to.
        background_path
            Archive path of arrays of backgrounds.
        tile_shape
            Suggested shape ``(y, x)`` of compression tiles.

        Returns
        -------
        members
            Members of the tree.
        """
        members = cls.serialize_planes(obj.as_masked_image(), archive, tile_shape=tile_shape)
        parts = obj._parts()
        if "projection" in parts:
            members["sky_projection"] = serialize_branch("sky_projection", parts["projection"], archive)
        return {
            **members,
            "obs_info": serialize_obs_info(obj._obs_info, archive),
            "backgrounds": serialize_branch(background_path, parts["backgrounds"], archive),
        }

    def deserialize_annotated(
        self, archive: InputArchive, *, bbox: Box | None = None
    ) -> tuple[Image, dict[str, Any]]:
        """Read planes, projection and backgrounds.

        Parameters
        ----------
        archive
            Archive to read from.
        bbox
            Pixels to read instead of all, in absolute coordinates.

        Returns
        -------
        image
            The image plane.
        keywords
            Keyword arguments of the constructor of the image.
        """
        planes = self.deserialize_planes(archive, bbox=bbox)
        return planes.image, {
            "mask": planes.mask,
            "variance": planes.variance,
            "projection": self.read_projection(archive),
            "obs_info": self.obs_info,
            "backgrounds": deserialize_branch(self.backgrounds, archive),
            "metadata": planes.metadata,
        }

    def deserialize_planes(self, archive: InputArchive, *, bbox: Box | None = None) -> MaskedImage:
        """Read the planes, without the projection.

        Parameters
        ----------
        archive
            Archive to read from.
        bbox
            Pixels to read instead of all, in absolute coordinates.
        """
        bare = self.model_copy(update={"sky_projection": None, "obs_info": None})
        return MaskedImageSerializationModel.deserialize_planes(bare, archive, bbox=bbox)

    @component("masked_image", needs=("image", "mask", "variance", "sky_projection", "obs_info", "metadata"))
    def _masked_image(self, archive: InputArchive, *, bbox: Box | None = None) -> MaskedImage:
        planes = self.deserialize_planes(archive, bbox=bbox)
        return MaskedImage(
            planes.image,
            mask=planes.mask,
            variance=planes.variance,
            projection=deserialize_projection(self.sky_projection, archive),
            obs_info=self.obs_info,
            metadata=planes.metadata,
        )

    @component("backgrounds", needs=("backgrounds",))
    def _backgrounds(self, archive: InputArchive) -> BackgroundMap:
        found: BackgroundMap | None = available(deserialize_branch(self.backgrounds, archive))
        return BackgroundMap() if found is None else found
