# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of masks."""

from __future__ import annotations

__all__ = ("MaskSerializationModel",)

from typing import Any, Self, cast

import numpy as np
import pydantic

from .._geom import Box
from .._pixels import Mask, MaskPlane, MaskSchema
from .._pixels._bits import merge_planes
from ..errors import CorruptArchiveError
from ..serialization import (
    ArrayHints,
    ArrayModel,
    InputArchive,
    IntegerType,
    NumberType,
    OutputArchive,
    component,
    omit_if_none,
)
from ..serialization._fields import Series
from ..serialization._input_archive import ArrayPart
from ..serialization._metadata_view import writable_metadata
from ._corruption import reading
from ._lazy_projection import (
    DeferrableProjection,
    deserialize_projection,
    readable_projection,
    serialize_projection,
)
from ._obs_info import ExtraObsInfo, extra_obs_info, serialize_obs_info
from ._pixel_tree import YX0, PixelTree, make_box

PACKED_TYPE = np.dtype(np.int32)
"""Type of the arrays into which mask planes are packed."""

NATIVE_TYPES = frozenset({"uint8", "int8", "uint16", "int16", "int32", "int64"})
"""Types of masks that some containers store without packing."""


class MaskSerializationModel(PixelTree, schema="mask", version="1.0.0"):
    """Serialization model of `~lsst.images.Mask`.

    Notes
    -----
    Containers whose archive sets ``prefers_native_masks`` store the array in
    memory.  Others store arrays of 32-bit integers with 31 planes each, so
    that the sign bit is not used.  Unused bits are not stored in these;
    ``planes`` and ``dtype`` describe the array in memory.
    """

    ROOT_NAME = "mask"

    data: Series[ArrayModel] = pydantic.Field(description="References to pixel data.")
    yx0: YX0 = pydantic.Field(description="Coordinate of the first pixels in the array, ordered (y, x).")
    planes: Series[MaskPlane | None] = pydantic.Field(description="Definitions of the bitplanes in the mask.")
    dtype: IntegerType = pydantic.Field(description="Data type of the in-memory mask.")
    sky_projection: DeferrableProjection = omit_if_none(
        description="Projection that maps the logical pixel grid onto the sky."
    )
    obs_info: ExtraObsInfo = extra_obs_info()

    @classmethod
    def serialize(
        cls,
        obj: Mask,
        archive: OutputArchive,
        *,
        save_projection: bool = True,
        save_obs_info: bool = True,
        tile_shape: tuple[int, int] | None = None,
        options_name: str | None = None,
    ) -> Self:
        """Write a mask.

        Parameters
        ----------
        obj
            The mask.
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
        store = _add_native if _is_native(obj.schema, archive) else _add_packed
        return cls(
            data=store(obj, archive, tile_shape, options_name),
            yx0=list(obj.bbox.start),
            planes=list(obj.schema),
            dtype=cast(IntegerType, NumberType.from_numpy(obj.schema.dtype)),
            sky_projection=serialize_projection(obj.projection, archive) if save_projection else None,
            obs_info=serialize_obs_info(obj._obs_info, archive) if save_obs_info else None,
            metadata=writable_metadata(obj.metadata),
        )

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> Mask:
        schema = self.mask_schema
        bbox, slices = self._place(bbox)
        if self._stored_native(schema):
            array = archive.get_array(self.data[0], slices=(*slices, slice(None)))
        else:
            array = self._unpack(archive, schema, slices, bbox)
        with reading("mask"):
            return Mask(
                array,
                schema=schema,
                bbox=bbox,
                projection=deserialize_projection(self.sky_projection, archive),
                obs_info=self.obs_info,
                metadata=dict(self.metadata),
            )

    def pixel_parts(self, bbox: Box | None) -> list[ArrayPart]:
        """Return the arrays that `deserialize` reads.

        Parameters
        ----------
        bbox
            As for `deserialize`.
        """
        _, slices = self._place(bbox)
        native = (slice(None),) if self._stored_native(self.mask_schema) else ()
        return [(model, (*slices, *native)) for model in self.data]

    def _place(self, bbox: Box | None) -> tuple[Box, tuple[slice, slice]]:
        if bbox is None:
            return self.bbox, (slice(None), slice(None))
        y, x = bbox.slice_within(self.bbox)
        return bbox, (y, x)

    def _stored_native(self, schema: MaskSchema) -> bool:
        return len(self.data) == 1 and self.data[0].shape == (*self.bbox.shape, schema.mask_size)

    def _unpack(
        self, archive: InputArchive, schema: MaskSchema, slices: tuple[slice, slice], bbox: Box
    ) -> np.ndarray:
        groups = schema.split(PACKED_TYPE)
        if len(groups) != len(self.data):
            raise CorruptArchiveError(
                f"The planes of the mask need {len(groups)} arrays, but the file has {len(self.data)}."
            )
        result = np.zeros((*bbox.shape, schema.mask_size), dtype=schema.dtype)
        for model, group in zip(self.data, groups, strict=True):
            packed = archive.get_array(model, slices=slices)
            if packed.dtype.kind not in "iu" or packed.dtype.itemsize < PACKED_TYPE.itemsize:
                raise CorruptArchiveError(
                    f"The array of packed mask planes must be int32; it is {packed.dtype}."
                )
            merge_planes(packed[..., np.newaxis], group, result, schema, group.names)
        return result

    @property
    def bbox(self) -> Box:
        """Pixels of the mask."""
        if not self.data:
            raise CorruptArchiveError("The mask in the file does not have an array.")
        return make_box(self.data[0].shape[:2], self.yx0)

    @property
    def mask_schema(self) -> MaskSchema:
        """Planes of the mask."""
        try:
            return MaskSchema(self.planes, self.dtype.to_numpy())
        except ValueError as err:
            raise CorruptArchiveError(f"The mask planes in the file are invalid: {err}") from err

    @component("bbox", needs=("data", "yx0"))
    def _bbox(self, archive: InputArchive) -> Box:
        return self.bbox


def _is_native(schema: MaskSchema, archive: OutputArchive) -> bool:
    return archive.prefers_native_masks and schema.dtype.name in NATIVE_TYPES


def _add_native(
    mask: Mask, archive: OutputArchive, tile_shape: tuple[int, int] | None, options_name: str | None
) -> list[Any]:
    shape = None if tile_shape is None else (*tile_shape, mask.schema.mask_size)
    hints = ArrayHints(bbox=mask.bbox, projection=readable_projection(mask.projection))
    return [archive.add_array(mask.array, hints=hints, tile_shape=shape, options_name=options_name)]


def _add_packed(
    mask: Mask, archive: OutputArchive, tile_shape: tuple[int, int] | None, options_name: str | None
) -> list[Any]:
    models = []
    for group in mask.schema.split(PACKED_TYPE):
        packed = np.zeros((*mask.bbox.shape, 1), dtype=PACKED_TYPE)
        merge_planes(mask.array, mask.schema, packed, group, group.names)
        hints = ArrayHints(
            bbox=mask.bbox,
            projection=readable_projection(mask.projection),
            mask_planes=tuple(group.descriptions.items()),
        )
        models.append(
            archive.add_array(packed[..., 0], hints=hints, tile_shape=tile_shape, options_name=options_name)
        )
    return models
