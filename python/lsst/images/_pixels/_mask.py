# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Masks: images of bit flags."""

from __future__ import annotations

__all__ = ("Mask",)

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lsst.resources import ResourcePathExpression

from .._aliases import accepts_aliases, accepts_legacy_names
from .._geom import Box
from .._transforms import Frame, Projection
from ..errors import BoxIndexError, GeometryError, NoOverlapError
from ..io import write
from ..plugins import registry
from ..serialization import FitsCompressionOptions, MetadataValue
from ..serialization._deferred import Deferred, available
from ..utils import did_you_mean, short_repr
from ._arguments import Alternative, Origin, keep, resolve_bbox
from ._array_image import ArrayImage
from ._bits import merge_planes
from ._mask_schema import MaskPlane, MaskSchema

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo


class Mask(ArrayImage):
    """Bit flags for the pixels of an image.

    Parameters
    ----------
    array_or_fill
        Array of shape ``(ny, nx, schema.mask_size)``, which is copied only if
        its type differs from that of the schema; or a fill value for all
        elements.
    schema
        Planes of the mask, and the type of the array.
    bbox
        Pixels that the array covers, in absolute coordinates.
    start
        Absolute coordinates ``(y, x)`` of the first pixel, zeros by default.
        Ignored when ``bbox`` is given.
    shape
        Numbers of rows and columns.  Required for a fill value without ``bbox``.
    projection
        Projection that maps the pixel grid to the sky.
    obs_info
        General information about the associated observation in standardized
        form.
    metadata
        Arbitrary flexible metadata to associate with the mask.

    Raises
    ------
    GeometryError
        If the array is not three-dimensional, or the shapes differ.
    ValueError
        If the type of the schema cannot represent the values of the array.
    TypeError
        If neither an array nor a box nor a shape is given.
    """

    @accepts_aliases(start="yx0", projection="sky_projection")
    def __init__(
        self,
        array_or_fill: np.ndarray | int = 0,
        /,
        *,
        schema: MaskSchema,
        bbox: Box | None = None,
        start: Origin | None = None,
        shape: Sequence[int] | None = None,
        projection: Projection[Any] | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
    ) -> None:
        if not isinstance(schema, MaskSchema):
            raise TypeError(f"The schema of a mask must be a MaskSchema; got {schema!r:.80}.")
        if isinstance(array_or_fill, np.ndarray) and array_or_fill.ndim:
            if array_or_fill.ndim != 3:
                raise GeometryError(f"Mask array must be 3-d; got one of shape {array_or_fill.shape}.")
            bbox = resolve_bbox(array_or_fill.shape[:2], bbox=bbox, shape=shape, start=start)
            if array_or_fill.shape[2] != schema.mask_size:
                raise GeometryError(
                    f"The length of the last axis of a mask array must be the mask_size of the schema, "
                    f"{schema.mask_size}; got an array of shape {array_or_fill.shape}."
                )
            array = _convert(array_or_fill, schema.dtype)
        else:
            if np.ndim(array_or_fill):
                raise TypeError(f"A mask requires a numpy array or an integer; got {array_or_fill!r:.80}.")
            bbox = resolve_bbox(None, bbox=bbox, shape=shape, start=start)
            array = np.full((*bbox.shape, schema.mask_size), _convert(array_or_fill, schema.dtype))
        super().__init__(array, bbox, projection, metadata)
        self._schema = schema
        self._obs_info = obs_info

    @property
    def array(self) -> np.ndarray:
        """The flags, an array of shape ``(ny, nx, schema.mask_size)``
        (`numpy.ndarray`).

        Assignment writes into the array in place.
        """
        return self._array

    @array.setter
    def array(self, value: Any) -> None:
        self._array[...] = _convert(value, self._schema.dtype)

    @property
    def schema(self) -> MaskSchema:
        """The planes and their bits in the array (`MaskSchema`)."""
        return self._schema

    @property
    def obs_info(self) -> ObservationInfo | None:
        """General information about the associated observation in standard
        form (`~astro_metadata_translator.ObservationInfo` | `None`).
        """
        return available(self._obs_info)

    # Flags.

    @accepts_aliases(name="plane")
    @accepts_aliases(name="plane")
    def get(self, name: str) -> np.ndarray:
        """Return a boolean array of the pixels in which a plane is set.

        Parameters
        ----------
        name
            Name of the plane.

        Returns
        -------
        boolean_mask
            New array of `bool` and shape ``(ny, nx)``.

        Raises
        ------
        KeyError
            If the mask does not have this plane.
        """
        bit = self._schema.bit(name)
        result: np.ndarray = (self._array[..., bit.index] & bit.mask) != 0
        return result

    @accepts_aliases(name="plane")
    @accepts_aliases(name="plane")
    def set(self, name: str, boolean_mask: np.ndarray | EllipsisType = ...) -> None:
        """Set a plane in some or all pixels; other pixels are unchanged.

        Parameters
        ----------
        name
            Name of the plane.
        boolean_mask
            Array of shape ``(ny, nx)`` that is true where to set the plane;
            everywhere by default.

        Raises
        ------
        KeyError
            If the mask does not have this plane.
        BoxIndexError
            If the array has another shape.
        """
        bit = self._schema.bit(name)
        plane = self._array[..., bit.index]
        np.bitwise_or(plane, bit.mask, out=plane, where=self._where(boolean_mask))

    @accepts_aliases(name="plane")
    @accepts_aliases(name="plane")
    def clear(self, name: str | None = None, boolean_mask: np.ndarray | EllipsisType = ...) -> None:
        """Clear one plane or all of them in some pixels.

        Parameters
        ----------
        name
            Name of the plane; by default, all.
        boolean_mask
            Array of shape ``(ny, nx)`` that is true where to clear;
            everywhere by default.

        Raises
        ------
        KeyError
            If the mask does not have this plane.
        BoxIndexError
            If the array has another shape.
        """
        where = self._where(boolean_mask)
        if name is None:
            self._array[... if where is True else where] = 0
            return
        bit = self._schema.bit(name)
        plane = self._array[..., bit.index]
        np.bitwise_and(plane, ~bit.mask, out=plane, where=where)

    def statistics(self) -> dict[str, tuple[int, float]]:
        """Count the pixels in which each plane is set.

        Returns
        -------
        statistics
            Number of pixels and their fraction of all pixels, for each plane by
            name.  The fraction is NaN for a mask without pixels.
        """
        size = self._bbox.shape.y * self._bbox.shape.x
        counts = {name: int(np.count_nonzero(self.get(name))) for name in self._schema.names}
        return {name: (count, count / size if size else np.nan) for name, count in counts.items()}

    def compare(self, other: Mask) -> dict[str, tuple[int, int]]:
        """Count the pixels in which the planes of two masks differ.

        Parameters
        ----------
        other
            A mask of the same box.  Planes are matched by name; a plane that
            only one mask has is clear in the other.

        Returns
        -------
        differences
            For each plane that differs, by name in alphabetical order: the
            number of pixels that are set in this mask and not in the other,
            and the reverse.

        Raises
        ------
        TypeError
            If ``other`` is not a mask.
        GeometryError
            If the bounding boxes differ.

        Notes
        -----
        Masks without differences may be unequal, because ``==`` compares
        schemas, too.
        """
        if not isinstance(other, Mask):
            raise TypeError(f"A mask can be compared only with another Mask; got {type(other).__name__}.")
        if self._bbox != other._bbox:
            raise GeometryError(
                f"Only masks with the same bounding box can be compared; got {self._bbox} and {other._bbox}."
            )
        clear = np.zeros(self._bbox.shape, dtype=bool)
        result: dict[str, tuple[int, int]] = {}
        for name in sorted(self._schema.names | other._schema.names):
            mine = self.get(name) if name in self._schema else clear
            theirs = other.get(name) if name in other._schema else clear
            counts = int(np.count_nonzero(mine & ~theirs)), int(np.count_nonzero(theirs & ~mine))
            if any(counts):
                result[name] = counts
        return result

    def _explain_name(self, name: str) -> str:
        if name in self._schema:
            return (
                f"Invalid index {short_repr(name)} of {type(self).__name__}: masks are indexed by a Box. "
                f"Use get({short_repr(name)}) for the pixels in which the plane is set."
            )
        return f"{super()._explain_name(name)}{did_you_mean(name, self._schema.names)}"

    def _where(self, boolean_mask: Any) -> Any:
        if boolean_mask is ...:
            return True
        where = np.asarray(boolean_mask, dtype=bool)
        if where.shape != self._bbox.shape:
            raise BoxIndexError(
                f"The boolean mask has shape {where.shape}; expected {tuple(self._bbox.shape)}, "
                "the shape of the mask."
            )
        return where

    def update(self, other: Mask) -> None:
        """Set the planes that are set in another mask (logical OR).

        Parameters
        ----------
        other
            The other mask.  Planes are matched by name, pixels by absolute
            coordinates; those that only one of the masks has are ignored.

        Raises
        ------
        TypeError
            If ``other`` is not a mask.
        """
        if not isinstance(other, Mask):
            raise TypeError(f"A mask can be updated only with another Mask; got {type(other).__name__}.")
        try:
            bbox = self._bbox.intersection(other.bbox)
        except NoOverlapError:
            return
        merge_planes(
            other._array[bbox.slice_within(other._bbox)],
            other._schema,
            self._array[bbox.slice_within(self._bbox)],
            self._schema,
            [name for name in other._schema.names if name in self._schema],
        )

    def _replaced(
        self,
        array: np.ndarray,
        bbox: Box,
        metadata: dict[str, MetadataValue],
        schema: MaskSchema | None = None,
    ) -> Self:
        return type(self)(
            array,
            schema=self._schema if schema is None else schema,
            bbox=bbox,
            projection=self._projection,
            obs_info=self._obs_info,
            metadata=metadata,
        )

    def _padded(self, bbox: Box, no_data: str) -> Mask:
        """Return a copy with a larger box; a plane, added if it is missing, is set in new pixels."""
        array = np.zeros((*bbox.shape, self._schema.mask_size), dtype=self._schema.dtype)
        inside = self._bbox.slice_within(bbox)
        array[inside] = self._array
        result: Mask = self._replaced(array, bbox, self._metadata.copy())
        if no_data not in self._schema.names:
            result = result.add_plane(no_data, "There is no data for this pixel.")
        outside = np.ones(bbox.shape, dtype=bool)
        outside[inside] = False
        result.set(no_data, outside)
        return result

    def _assign(self, bbox: Box, other: Any) -> None:
        if not isinstance(other, Mask):
            raise TypeError(
                f"Only a Mask can be assigned to pixels of a Mask; got {type(other).__name__}. "
                "Use set() and clear(), or assign other values to the 'array' of a subimage."
            )
        target = self._view(bbox)
        if np.may_share_memory(target._array, other._array):
            # Otherwise clearing the target would clear the source.
            other = other.copy()
        target.clear()
        target.update(other)

    def add_plane(self, name: str, description: str) -> Mask:
        """Return a mask with an additional plane.

        Parameters
        ----------
        name
            Name of the plane.
        description
            Meaning of the flag.

        Returns
        -------
        mask
            New mask, in which the plane is clear; see `add_planes`.

        Raises
        ------
        ValueError
            If the mask has a plane of this name.
        """
        return self.add_planes([MaskPlane(name, description)])

    def add_planes(self, planes: Iterable[MaskPlane | None], *, drop: Collection[str] = ()) -> Mask:
        """Return a mask with additional planes, or without some planes.

        Parameters
        ----------
        planes
            Planes to append to the existing ones; `None` reserves a bit.
        drop
            Names of planes to remove.

        Returns
        -------
        mask
            New mask with a new array.  Retained planes are set in the same
            pixels; new planes are clear.

        Raises
        ------
        ValueError
            If a plane to add exists, or a plane to drop does not exist.
        """
        drop = {drop} if isinstance(drop, str) else set(drop)
        schema = self._schema._changed(planes, drop)
        array = np.zeros((*self._bbox.shape, schema.mask_size), dtype=schema.dtype)
        retained = [name for name in self._schema.names if name not in drop]
        merge_planes(self._array, self._schema, array, schema, retained)
        result = self._replaced(array, self._bbox, self._metadata.copy(), schema)
        return self._with_attachments_of(result, whole=False)

    @accepts_aliases(start="yx0", projection="sky_projection")
    def view(
        self,
        *,
        schema: Alternative[MaskSchema] = ...,
        projection: Alternative[Projection[Any] | None] = ...,
        start: Alternative[Origin | None] = ...,
        obs_info: Alternative[ObservationInfo | Deferred | None] = ...,
    ) -> Self:
        """Return a mask that shares pixels and metadata with this one.

        Parameters
        ----------
        schema, projection, start, obs_info
            New values of the attributes, as in the constructor; by default, the
            current ones.  The schema may differ only in its descriptions.

        Returns
        -------
        view
            New mask.

        Raises
        ------
        ValueError
            If the schema has other planes, another order or another type.
        """
        schema = keep(schema, self._schema)
        if _layout(schema) != _layout(self._schema):
            raise ValueError(
                f"A view cannot rename or move planes, or change their type: the mask has "
                f"{_layout(self._schema)}, the new schema has {_layout(schema)}."
            )
        result = type(self)(
            self._array,
            schema=schema,
            start=keep(start, self._bbox.start),
            projection=keep(projection, self._projection),
            obs_info=keep(obs_info, self._obs_info),
            metadata=self._metadata,
        )
        return self._with_attachments_of(result, whole=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return (
            self._bbox == other._bbox
            and self._schema == other._schema
            and np.array_equal(self._array, other._array)
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares pixels

    def __str__(self) -> str:
        return f"{type(self).__name__}({self._bbox}, {self._schema})"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(..., bbox={self._bbox!r}, schema={self._schema._short_repr()})"

    # Files.

    def write_fits(  # type: ignore[override]  # the options have names here
        self,
        filename: ResourcePathExpression,
        *,
        compression: FitsCompressionOptions | None = FitsCompressionOptions.DEFAULT,
    ) -> None:
        """Write the mask to a FITS file.

        Parameters
        ----------
        filename
            Name of the file to write to.
        compression
            Compression options; `None` writes without compression.

        Raises
        ------
        FileExistsError
            If the file exists.
        """
        write(self, filename, format="fits", compression_options={"mask": compression})

    # afw.

    @staticmethod
    @accepts_aliases(projection="sky_projection")
    @accepts_legacy_names
    def from_legacy(
        legacy: Any,
        plane_map: Mapping[str, MaskPlane] | None = None,
        *,
        projection: Projection[Any] | None = None,
    ) -> Mask:
        """Convert from an `lsst.afw.image.Mask` instance.

        Parameters
        ----------
        legacy
            An `lsst.afw.image.Mask` instance.  This will not share pixel data
            with the new object.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.  By default, inferred from the names of the planes.
        projection
            Projection that maps the pixel grid to the sky.

        Returns
        -------
        mask
            Mask with all planes of the map, in its order.
        """
        return registry.convert_from_legacy(legacy, Mask, plane_map=plane_map, projection=projection)

    def to_legacy(self, plane_map: Mapping[str, MaskPlane] | None = None) -> Any:
        """Convert to an `lsst.afw.image.Mask` instance.

        Parameters
        ----------
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.  By default, names are unchanged.

        Returns
        -------
        legacy
            The afw mask, with a copy of the pixels.
        """
        return registry.convert_to_legacy(self, plane_map=plane_map)

    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        plane_map: Mapping[str, MaskPlane] | None = None,
        ext: str | int = 1,
        fits_wcs_frame: Frame | None = None,
    ) -> Self:
        """Read a FITS file written by `lsst.afw.image.Mask.writeFits`.

        Parameters
        ----------
        uri
            URI or file name.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.  By default, inferred from the names of the planes.
        ext
            Name or index of the FITS HDU to read.
        fits_wcs_frame
            Pixel frame of the projection that is created from the FITS WCS;
            `None` for a mask without projection.

        Returns
        -------
        mask
            Mask with all planes of the map, in its order.
        """
        return registry.read_legacy(uri, cls, plane_map=plane_map, ext=ext, fits_wcs_frame=fits_wcs_frame)


def _convert(values: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """Convert values to the type of a mask; raise if they do not fit."""
    array = np.asarray(values)
    if array.dtype == dtype:
        return array
    result = array.astype(dtype)
    if not np.can_cast(array.dtype, dtype) and not np.array_equal(result, array):
        raise ValueError(
            f"The mask array of type {array.dtype} has values that {dtype}, the type of the schema, cannot "
            "represent; use a schema with a wider type."
        )
    return result


def _layout(schema: MaskSchema) -> tuple[list[str | None], str]:
    return [None if plane is None else plane.name for plane in schema], schema.dtype.name
