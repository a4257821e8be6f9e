# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images with a mask and a variance plane."""

from __future__ import annotations

__all__ = ("MaskedImage",)

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import astropy.units as u
import numpy as np

from lsst.resources import ResourcePathExpression

from .._aliases import accepts_aliases, accepts_legacy_names
from .._geom import Box
from .._transforms import Frame, Projection
from ..errors import GeometryError
from ..io import write
from ..plugins import registry
from ..serialization import NO_ATTACHMENTS, Attachments, FitsCompressionOptions, MetadataValue, attach
from ..serialization._deferred import Deferred, available
from ._arguments import Origin
from ._base import GeneralizedImage
from ._image import PIXEL_FRAME, Image
from ._mask import Mask
from ._mask_schema import MaskPlane, MaskSchema
from ._units import check_variance_unit

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo
    from astropy.nddata import CCDData, NDData, NDDataRef


class MaskedImage(GeneralizedImage):
    """A multi-plane image with data (image), mask, and variance planes.

    Parameters
    ----------
    image
        The main image plane.  If this has a `Projection`, it will be used for
        all planes unless a ``projection`` is passed separately.
    mask
        A bitmask image that annotates the main image plane.  Must have the
        same bounding box as ``image`` if provided.  Any attached projection is
        replaced (possibly by `None`).
    variance
        The per-pixel uncertainty of the main image as an image of variance
        values.  Must have the same bounding box as ``image`` if provided, and
        its units must be the square of ``image.unit`` or `None`.  Values
        default to ``1.0``.  Any attached projection is replaced (possibly by
        `None`).
    mask_schema
        Schema for the mask plane.  Must be provided if and only if ``mask`` is
        not provided.
    projection
        Projection that maps the pixel grid to the sky.
    obs_info
        General information about the associated observation in standardized
        form.  By default, that of ``image``.
    metadata
        Arbitrary flexible metadata to associate with the image.

    Raises
    ------
    TypeError
        If both or neither of ``mask`` and ``mask_schema`` are given, or a plane
        has another type.
    GeometryError
        If the planes have different bounding boxes.
    UnitMismatchError
        If the unit of the variance is not the square of the unit of the image.

    Notes
    -----
    Planes are views: they share pixels and metadata with the arguments.
    """

    @accepts_aliases(projection="sky_projection")
    def __init__(
        self,
        image: Image,
        *,
        mask: Mask | None = None,
        variance: Image | None = None,
        mask_schema: MaskSchema | None = None,
        projection: Projection[Any] | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
    ) -> None:
        super().__init__(metadata)
        if not isinstance(image, Image):
            raise TypeError(
                f"The image plane of a masked image must be an Image; got {type(image).__name__}."
            )
        projection = image.projection if projection is None else projection
        obs_info = image._obs_info if obs_info is None else obs_info
        if mask is None:
            if mask_schema is None:
                raise TypeError("A masked image requires a mask or a mask_schema; got neither.")
            mask = Mask(0, schema=mask_schema, bbox=image.bbox)
        elif mask_schema is not None:
            raise TypeError("A masked image requires either a mask or a mask_schema; got both.")
        if variance is None:
            variance = Image(1.0, bbox=image.bbox, dtype=np.float32)
        _check_plane("mask", mask, Mask, image)
        _check_plane("variance", variance, Image, image)
        unit = check_variance_unit(image.unit, variance.unit)
        self._image = image.view(projection=projection, obs_info=obs_info)
        self._variance = variance.view(unit=unit, projection=projection, obs_info=obs_info)
        self._mask = mask.view(
            projection=projection, obs_info=obs_info if mask._obs_info is None else mask._obs_info
        )

    @property
    def image(self) -> Image:
        """The main image plane (`Image`)."""
        return self._image

    @property
    def mask(self) -> Mask:
        """The mask plane (`Mask`).

        An assigned mask must have the same bounding box; its projection is
        replaced.
        """
        return self._mask

    @mask.setter
    def mask(self, value: Mask) -> None:
        _check_plane("mask", value, Mask, self._image)
        # That of the image plane: the property of a subclass may raise.
        projection = self._image.projection
        obs_info = self._obs_info if value._obs_info is None else value._obs_info
        self._mask = value.view(projection=projection, obs_info=obs_info)

    @property
    def variance(self) -> Image:
        """The variance plane (`Image`)."""
        return self._variance

    @property
    def bbox(self) -> Box:
        """The bounding box shared by all three image planes (`Box`)."""
        return self._image.bbox

    @property
    def unit(self) -> u.UnitBase | None:
        """The units of the image plane
        (`astropy.units.UnitBase` | `None`).
        """
        return self._image.unit

    @property
    def projection(self) -> Projection[Any] | None:
        """The projection that maps the pixel grid to the sky
        (`Projection` | `None`).
        """
        return self._image.projection

    @property
    def obs_info(self) -> ObservationInfo | None:
        """General information about the associated observation in standard
        form (`~astro_metadata_translator.ObservationInfo` | `None`).
        """
        return available(self._obs_info)

    @property
    def _obs_info(self) -> ObservationInfo | Deferred | None:
        return self._image._obs_info

    @property
    def _attachments(self) -> Attachments:
        found: Attachments = self.__dict__.get("_attachments", NO_ATTACHMENTS)
        return found

    @_attachments.setter
    def _attachments(self, value: Attachments) -> None:
        self.__dict__["_attachments"] = value
        if value.butler_info is None:
            return
        # Planes have the same Butler information as if read as components.
        for plane in (self._image, self._mask, self._variance):
            attach(plane, butler_info=value.butler_info)

    def _view(self, bbox: Box) -> Self:
        return type(self)(
            self._image[bbox],
            mask=self._mask[bbox],
            variance=self._variance[bbox],
            metadata=self._metadata,
        )

    def _padded(self, bbox: Box, no_data: str) -> MaskedImage:
        """Return a copy with a larger box; see the same method of the planes."""
        return MaskedImage(
            self._image._padded(bbox, no_data),
            mask=self._mask._padded(bbox, no_data),
            variance=self._variance._padded(bbox, no_data),
            metadata=self._metadata.copy(),
        )

    def _assign(self, bbox: Box, other: Any) -> None:
        if not isinstance(other, MaskedImage):
            raise TypeError(
                f"Only a MaskedImage can be assigned to pixels of a MaskedImage; got {type(other).__name__}. "
                "Assign other values to the planes of a subimage."
            )
        mask = other.mask
        if not other.bbox.contains(bbox) and other.bbox.shape == bbox.shape:
            # Image planes are then matched by position, so match the mask by position too.
            mask = mask.view(start=bbox.start)
        self._image[bbox] = other.image
        self._variance[bbox] = other.variance
        self._mask[bbox] = mask

    def copy(self) -> Self:
        result = type(self)(
            self._image.copy(),
            mask=self._mask.copy(),
            variance=self._variance.copy(),
            metadata=self._metadata.copy(),
        )
        return self._with_attachments_of(result, whole=False)

    def __str__(self) -> str:
        return f"{type(self).__name__}({self._image}, {self._mask.schema})"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._image!r}, mask_schema={self._mask.schema._short_repr()})"

    # Files.

    def write_fits(  # type: ignore[override]  # the options have names here
        self,
        filename: ResourcePathExpression,
        *,
        image_compression: FitsCompressionOptions | None = FitsCompressionOptions.DEFAULT,
        mask_compression: FitsCompressionOptions | None = FitsCompressionOptions.DEFAULT,
        variance_compression: FitsCompressionOptions | None = FitsCompressionOptions.DEFAULT,
        compression_seed: int | None = None,
    ) -> None:
        """Write the image to a FITS file.

        Parameters
        ----------
        filename
            Name of the file to write to.
        image_compression
            Compression options for the `image` plane; `None` writes it without
            compression.
        mask_compression
            Compression options for the `mask` plane.
        variance_compression
            Compression options for the `variance` plane.
        compression_seed
            A FITS tile compression seed to use whenever the configured
            compression seed is `None` or (for backwards compatibility) 0.
            This value is then incremented every time it is used.

        Raises
        ------
        FileExistsError
            If the file exists.
        """
        write(
            self,
            filename,
            format="fits",
            compression_options={
                "image": image_compression,
                "mask": mask_compression,
                "variance": variance_compression,
            },
            compression_seed=compression_seed,
        )

    @classmethod
    def from_hdu_list(cls, hdu_list: Any, *, fits_wcs_frame: Frame | None = PIXEL_FRAME) -> Self:
        """Create a masked image from HDUs without an index, such as those of a cutout service.

        Parameters
        ----------
        hdu_list
            An astropy HDU list: a primary HDU, and one extension each with the
            names ``IMAGE``, ``MASK`` and ``VARIANCE``.
        fits_wcs_frame
            Pixel frame of the projection that is created from the FITS WCS of
            the image; `None` for an image without projection.

        Returns
        -------
        masked_image
            The masked image.

        Raises
        ------
        ValueError
            If there are several mask extensions, or if the header of the mask
            does not define its planes.
        """
        return registry.convert_from_legacy(hdu_list, cls, fits_wcs_frame=fits_wcs_frame)

    # Other packages.

    def to_nddata(self, *, mask_planes: Iterable[str] | None = None, psf: bool = False) -> NDDataRef:
        """Convert to an `astropy.nddata.NDDataRef` that shares the pixels.

        Parameters
        ----------
        mask_planes
            Names of planes that are combined into the boolean mask; by default,
            those that mark bad pixels.
        psf
            Whether to evaluate the PSF at the center of the image.

        Returns
        -------
        nddata
            See `lsst.images.interop.to_nddata`.
        """
        from astropy.nddata import NDDataRef

        return registry.convert_to(self, NDDataRef, mask_planes=mask_planes, psf=psf)

    def to_ccddata(self, *, mask_planes: Iterable[str] | None = None, psf: bool = False) -> CCDData:
        """Convert to an `astropy.nddata.CCDData` that shares the pixels.

        Parameters
        ----------
        mask_planes
            Names of planes that are combined into the boolean mask; by default,
            those that mark bad pixels.
        psf
            Whether to evaluate the PSF at the center of the image.

        Returns
        -------
        ccddata
            See `lsst.images.interop.to_ccddata`.
        """
        from astropy.nddata import CCDData

        return registry.convert_to(self, CCDData, mask_planes=mask_planes, psf=psf)

    @classmethod
    def from_ccddata(cls, ccd: NDData, *, start: Origin | None = None) -> Self:
        """Convert from an `astropy.nddata.CCDData`, or other NDData.

        Parameters
        ----------
        ccd
            A result of `to_ccddata` or `to_nddata`, a slice of it, or an
            object of the same type from another source.
        start
            Absolute coordinates ``(y, x)`` of the first pixel; by default,
            see `lsst.images.interop.from_ccddata`.

        Returns
        -------
        masked_image
            Masked image that shares the pixels, but not the mask.
        """
        return registry.convert_to(ccd, cls, start=start)

    # afw.

    @staticmethod
    @accepts_aliases(projection="sky_projection")
    @accepts_legacy_names
    def from_legacy(
        legacy: Any,
        *,
        unit: u.UnitBase | None = None,
        plane_map: Mapping[str, MaskPlane] | None = None,
        projection: Projection[Any] | None = None,
    ) -> MaskedImage:
        """Convert from an `lsst.afw.image.MaskedImage` instance.

        Parameters
        ----------
        legacy
            An `lsst.afw.image.MaskedImage` instance that will share image and
            variance (but not mask) pixel data with the returned object.
        unit
            Units of the image.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        projection
            Projection that maps the pixel grid to the sky.

        Returns
        -------
        masked_image
            The masked image.
        """
        return registry.convert_from_legacy(
            legacy, MaskedImage, unit=unit, plane_map=plane_map, projection=projection
        )

    def to_legacy(self, *, copy: bool | None = None, plane_map: Mapping[str, MaskPlane] | None = None) -> Any:
        """Convert to an `lsst.afw.image.MaskedImage` instance.

        Parameters
        ----------
        copy
            If `True`, always copy the image and variance pixel data.  If
            `False`, return a view, and raise `TypeError` if the pixel data is
            read-only (this is not supported by afw).  If `None`, only copy if
            the pixel data is read-only.  Mask pixel data is always copied.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.

        Returns
        -------
        legacy
            The afw masked image.
        """
        return registry.convert_to_legacy(self, copy=copy, plane_map=plane_map)

    @overload
    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        component: Literal["image", "variance"],
        fits_wcs_frame: Frame | None = None,
    ) -> Image: ...

    @overload
    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        plane_map: Mapping[str, MaskPlane] | None = None,
        component: Literal["mask"],
        fits_wcs_frame: Frame | None = None,
    ) -> Mask: ...

    @overload
    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        component: None = None,
        fits_wcs_frame: Frame | None = None,
    ) -> Self: ...

    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        component: Literal["image", "mask", "variance"] | None = None,
        fits_wcs_frame: Frame | None = None,
    ) -> Any:
        """Read a FITS file written by `lsst.afw.image.MaskedImage.writeFits`.

        Parameters
        ----------
        uri
            URI or file name.
        preserve_quantization
            If `True`, ensure that writing the masked image back out again will
            exactly preserve quantization-compressed pixel values.  This causes
            the image and variance plane arrays to be marked as read-only and
            stores the original binary table data for those planes in memory.
            If the `MaskedImage` is copied, the precompressed pixel values are
            not transferred to the copy.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.  By default, inferred from the names of the planes.
        component
            A component to read instead of the full image.
        fits_wcs_frame
            If not `None` and the HDU containing the image plane has a FITS
            WCS, attach a `Projection` to the returned masked image by
            converting that WCS.  When ``component`` is one of ``"image"``,
            ``"mask"``, or ``"variance"``, a FITS WCS from the component HDU is
            used instead (all three should have the same WCS).

        Returns
        -------
        masked_image
            The masked image, or the plane for ``component``.
        """
        return registry.read_legacy(
            uri,
            cls,
            component,
            preserve_quantization=preserve_quantization,
            plane_map=plane_map,
            fits_wcs_frame=fits_wcs_frame,
        )


def _check_plane(name: str, plane: Any, pytype: type[GeneralizedImage], image: Image) -> None:
    if not isinstance(plane, pytype):
        raise TypeError(
            f"The {name} of a masked image must be of type {pytype.__name__}; got {type(plane).__name__}."
        )
    if plane.bbox != image.bbox:
        raise GeometryError(
            f"Image and {name} bboxes do not agree: {image.bbox} and {plane.bbox}; "
            "pass the same subimage of both."
        )
