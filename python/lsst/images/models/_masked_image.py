# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of masked images."""

from __future__ import annotations

__all__ = ("MaskedImageSerializationModel",)

from typing import Any, Self, TypeVar

import astropy.units as u
import pydantic

from .._geom import Box
from .._pixels import Image, Mask, MaskedImage
from .._transforms import Projection
from ..errors import CorruptArchiveError, GeometryError, UnitMismatchError
from ..serialization import InputArchive, OutputArchive, component, omit_if_none
from ..serialization._deferred import available
from ..serialization._input_archive import ArrayPart
from ..serialization._metadata_view import writable_metadata
from ._deferrable import deserialize_field
from ._image import ImageSerializationModel
from ._lazy_projection import LazyProjection, deserialize_projection, serialize_projection
from ._mask import MaskSerializationModel
from ._obs_info import ExtraObsInfo, extra_obs_info, serialize_obs_info
from ._pixel_tree import PixelTree, require_same_box

P = TypeVar("P", Image, Mask)


class MaskedImageSerializationModel(PixelTree, schema="masked_image", version="1.0.0"):
    """Serialization model of `~lsst.images.MaskedImage`.

    The projection and the observation information are stored once, in this
    tree, and are shared by the planes that are read.
    """

    image: ImageSerializationModel = pydantic.Field(description="The main data image.")
    mask: MaskSerializationModel = pydantic.Field(
        description="Bitmask that annotates the main image's pixels."
    )
    variance: ImageSerializationModel = pydantic.Field(
        description="Per-pixel variance estimates for the main image."
    )
    sky_projection: LazyProjection = omit_if_none(
        description="Projection that maps the pixel grid to the sky."
    )
    obs_info: ExtraObsInfo = extra_obs_info()

    @classmethod
    def serialize(cls, obj: MaskedImage, archive: OutputArchive) -> Self:
        return cls(**cls.serialize_planes(obj, archive), obs_info=serialize_obs_info(obj._obs_info, archive))

    @classmethod
    def serialize_planes(
        cls, obj: MaskedImage, archive: OutputArchive, *, tile_shape: tuple[int, int] | None = None
    ) -> dict[str, Any]:
        """Write the planes of a masked image or of an object of a subclass.

        Parameters
        ----------
        obj
            The masked image.
        archive
            Archive to write to.
        tile_shape
            Suggested shape ``(y, x)`` of compression tiles.

        Returns
        -------
        members
            Members ``image``, ``mask``, ``variance``, ``sky_projection`` and
            ``metadata`` of the tree.
        """
        members = {
            name: archive.serialize_child(
                name,
                plane,
                save_projection=False,
                # Only that of a mask can differ from that of the image.
                save_obs_info=plane._obs_info is not None
                and plane._obs_info is not obj._obs_info
                and plane._obs_info != obj._obs_info,
                tile_shape=tile_shape,
                options_name=name,
            )
            for name, plane in (("image", obj.image), ("mask", obj.mask), ("variance", obj.variance))
        }
        return {
            **members,
            "sky_projection": serialize_projection(obj.projection, archive),
            "metadata": writable_metadata(obj.metadata),
        }

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> Any:
        return self.deserialize_planes(archive, bbox=bbox)

    def deserialize_planes(self, archive: InputArchive, *, bbox: Box | None = None) -> MaskedImage:
        """Read the planes of a masked image or of an object of a subclass.

        Parameters
        ----------
        archive
            Archive to read from.
        bbox
            Pixels to read instead of all, in absolute coordinates.

        Returns
        -------
        masked_image
            A plain masked image.

        Raises
        ------
        CorruptArchiveError
            If the planes are inconsistent.
        """
        require_same_box({"image": self.image, "mask": self.mask, "variance": self.variance})
        if archive.remote:
            archive.expect(self.pixel_parts(bbox))
        image = self.image.deserialize(archive, bbox=bbox)
        mask = self.mask.deserialize(archive, bbox=bbox)
        variance = self.variance.deserialize(archive, bbox=bbox)
        try:
            return MaskedImage(
                image,
                mask=mask,
                variance=variance,
                projection=deserialize_projection(self.sky_projection, archive),
                obs_info=self.obs_info,
                metadata=dict(self.metadata),
            )
        except (GeometryError, UnitMismatchError) as err:
            raise CorruptArchiveError(f"The planes in the file are inconsistent: {err}") from err

    def pixel_parts(self, bbox: Box | None) -> list[ArrayPart]:
        """Return the arrays that `deserialize_planes` reads.

        Parameters
        ----------
        bbox
            As for `deserialize`.
        """
        planes = (self.image, self.mask, self.variance)
        return [part for plane in planes for part in plane.pixel_parts(bbox)]

    @component("bbox", needs=("image",))
    def _bbox(self, archive: InputArchive) -> Box:
        return self.image.bbox

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the image plane."""
        return self.image.unit

    @component("unit", needs=("image",))
    def _unit(self, archive: InputArchive) -> u.UnitBase | None:
        return self.unit

    @property
    def projection_tree(self) -> Any:
        """The tree of the projection, which old files store with the image plane."""
        return self.image.sky_projection if self.sky_projection is None else self.sky_projection

    def read_projection(self, archive: InputArchive) -> Any:
        """Read the projection.

        Parameters
        ----------
        archive
            Archive to read from.

        Returns
        -------
        projection
            The projection, a placeholder if it cannot be read, or `None`.
        """
        return deserialize_field(self.projection_tree, archive)

    @component("sky_projection", needs=("image", "sky_projection"))
    def _sky_projection(self, archive: InputArchive) -> Projection[Any] | None:
        found: Projection[Any] | None = available(self.read_projection(archive))
        return found

    @component("obs_info", needs=("image", "obs_info"))
    def _obs_info(self, archive: InputArchive) -> Any:
        # Files of the first releases have it in the image plane.
        return available(self.image.obs_info if self.obs_info is None else self.obs_info)

    @component("image", needs=("image", "sky_projection", "obs_info"))
    def _image(self, archive: InputArchive, *, bbox: Box | None = None) -> Image:
        return self._complete(self.image.deserialize(archive, bbox=bbox), archive)

    @component("mask", needs=("image", "mask", "sky_projection", "obs_info"))
    def _mask(self, archive: InputArchive, *, bbox: Box | None = None) -> Mask:
        return self._complete(self.mask.deserialize(archive, bbox=bbox), archive)

    @component("variance", needs=("image", "variance", "sky_projection", "obs_info"))
    def _variance(self, archive: InputArchive, *, bbox: Box | None = None) -> Image:
        variance = self._complete(self.variance.deserialize(archive, bbox=bbox), archive)
        if variance.unit is None and self.image.unit is not None:
            variance = variance.view(unit=self.image.unit**2)
        return variance

    def _complete(self, plane: P, archive: InputArchive) -> P:
        """Add the projection and the observation information to a plane, in place."""
        # The property is evaluated only for files without a common projection.
        plane._projection = deserialize_projection(self.sky_projection or self.projection_tree, archive)
        if plane._obs_info is None:
            plane._obs_info = self.obs_info
        return plane
