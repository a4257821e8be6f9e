# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Single-plane images."""

from __future__ import annotations

__all__ = ("Image",)

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import astropy.units as u
import numpy as np

from lsst.resources import ResourcePathExpression

from .._aliases import accepts_aliases, accepts_legacy_names
from .._geom import Box
from .._transforms import Frame, GeneralFrame, Projection
from ..errors import GeometryError
from ..io import write
from ..plugins import registry
from ..serialization import FitsCompressionOptions, MetadataValue
from ..serialization._deferred import Deferred, available
from ._arguments import Alternative, Origin, keep, resolve_bbox
from ._array_image import ArrayImage, take_matching
from ._units import convert_values, make_quantity, split_values, store

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo
    from astropy.nddata import CCDData, NDData, NDDataRef

NUMBERS = "biufc"
"""Kinds of numpy types that are allowed for pixels."""

PIXEL_FRAME = GeneralFrame(unit=u.pix)
"""Default pixel frame, for files that do not define one."""


class Image(ArrayImage):
    """A two-dimensional array of pixels with a unit, on a pixel grid.

    Parameters
    ----------
    array_or_fill
        Array of shape ``(ny, nx)``, which is not copied, or a fill value for
        all pixels.
    bbox
        Pixels that the array covers, in absolute coordinates.
    start
        Absolute coordinates ``(y, x)`` of the first pixel, zeros by default.
        Ignored when ``bbox`` is given.
    shape
        Numbers of rows and columns.  Required for a fill value without ``bbox``.
    dtype
        Type of the pixels; by default that of the array or fill value.
    unit
        Unit of the pixels; by default that of the array if it is a
        `~astropy.units.Quantity`, otherwise `None`.
    projection
        Projection that maps the pixel grid to the sky.
    obs_info
        General information about the associated observation in standardized
        form.
    metadata
        Arbitrary flexible metadata to associate with the image.

    Raises
    ------
    GeometryError
        If the array is not two-dimensional, or the shapes differ.
    TypeError
        If neither an array nor a box nor a shape is given.

    Examples
    --------
    >>> from lsst.images import Box, Image
    >>> image = Image(0.0, bbox=Box.factory[10:14, 20:23])
    >>> image.absolute[11:13, :].bbox
    Box(y=Interval(start=11, stop=13), x=Interval(start=20, stop=23))
    """

    @accepts_aliases(start="yx0", projection="sky_projection")
    def __init__(
        self,
        array_or_fill: np.ndarray | float | u.Quantity = 0,
        /,
        *,
        bbox: Box | None = None,
        start: Origin | None = None,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        unit: u.UnitBase | None = None,
        projection: Projection[Any] | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
    ) -> None:
        values, self._unit = split_values(array_or_fill, None if unit is None else u.Unit(unit))
        if isinstance(values, np.ndarray) and values.ndim:
            if values.ndim != 2:
                raise GeometryError(f"Image array must be 2-d; got one of shape {values.shape}.")
            bbox = resolve_bbox(values.shape, bbox=bbox, shape=shape, start=start)
            array = values if dtype is None else values.astype(dtype, copy=False)
        else:
            if not np.isscalar(values) and np.ndim(values):
                raise TypeError(f"An image requires a numpy array or a number; got {values!r:.80}.")
            bbox = resolve_bbox(None, bbox=bbox, shape=shape, start=start)
            array = np.full(bbox.shape, values, dtype=dtype)
        if array.dtype.kind not in NUMBERS:
            raise TypeError(f"The pixels of an image must be numbers; got values of type {array.dtype}.")
        super().__init__(array, bbox, projection, metadata)
        self._obs_info = obs_info

    @property
    def array(self) -> np.ndarray:
        """The pixels, an array of shape ``(ny, nx)`` (`numpy.ndarray`).

        Assignment writes into the array in place; a quantity is converted to
        the unit of the image.
        """
        return self._array

    @array.setter
    def array(self, value: Any) -> None:
        if isinstance(value, u.Quantity):
            self.quantity = value
        else:
            self._array[...] = value

    @property
    def quantity(self) -> u.Quantity:
        """The pixels with their unit, sharing memory
        (`astropy.units.Quantity`).

        Assignment converts units and writes into the array in place; values
        are rounded to the nearest integer for integer pixels.
        """
        return make_quantity(self._array, self._unit)

    @quantity.setter
    def quantity(self, value: u.Quantity) -> None:
        value = value if isinstance(value, u.Quantity) else u.Quantity(value)
        store(self._array, convert_values(value.value, value.unit, self._unit))

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the pixels (`astropy.units.UnitBase` | `None`)."""
        return self._unit

    @property
    def obs_info(self) -> ObservationInfo | None:
        """General information about the associated observation in standard
        form (`~astro_metadata_translator.ObservationInfo` | `None`).
        """
        return available(self._obs_info)

    def _replaced(self, array: np.ndarray, bbox: Box, metadata: dict[str, MetadataValue]) -> Self:
        return self._assemble(array, bbox, self._unit, self._projection, self._obs_info, metadata)

    @classmethod
    def _assemble(
        cls,
        array: np.ndarray,
        bbox: Box,
        unit: u.UnitBase | None,
        projection: Projection[Any] | None,
        obs_info: ObservationInfo | Deferred | None,
        metadata: dict[str, MetadataValue],
    ) -> Self:
        """Create an image from consistent attributes, without validation."""
        self = cls.__new__(cls)
        self._array = array
        self._bbox = bbox
        self._unit = unit
        self._projection = projection
        self._obs_info = obs_info
        self._metadata = metadata
        self._fits_wcs = None
        return self

    def _padded(self, bbox: Box, no_data: str) -> Self:
        """Return a copy with a larger box; new pixels are NaN, or 0 for integers."""
        blank: Any = np.nan if self._array.dtype.kind in "fc" else 0
        array = np.full(bbox.shape, blank, dtype=self._array.dtype)
        array[self._bbox.slice_within(bbox)] = self._array
        return self._replaced(array, bbox, self._metadata.copy())

    def _assign(self, bbox: Box, other: Any) -> None:
        if not isinstance(other, Image):
            raise TypeError(
                f"Only an Image can be assigned to pixels of an Image; got {type(other).__name__}. "
                "Assign other values to the 'array' or 'quantity' of a subimage."
            )
        values = convert_values(take_matching(other, bbox), other.unit, self._unit)
        store(self._array[bbox.slice_within(self._bbox)], values)

    @accepts_aliases(start="yx0", projection="sky_projection")
    def view(
        self,
        *,
        unit: Alternative[u.UnitBase | None] = ...,
        projection: Alternative[Projection[Any] | None] = ...,
        start: Alternative[Origin | None] = ...,
        obs_info: Alternative[ObservationInfo | Deferred | None] = ...,
    ) -> Self:
        """Return an image that shares pixels and metadata with this one.

        Parameters
        ----------
        unit, projection, start, obs_info
            New values of the attributes, as in the constructor; by default, the
            current ones.  Pixels are not converted to a new unit.

        Returns
        -------
        view
            New image.
        """
        result = type(self)(
            self._array,
            start=keep(start, self._bbox.start),
            unit=keep(unit, self._unit),
            projection=keep(projection, self._projection),
            obs_info=keep(obs_info, self._obs_info),
            metadata=self._metadata,
        )
        return self._with_attachments_of(result, whole=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Image):
            return NotImplemented
        return (
            self._bbox == other._bbox
            and self._unit == other._unit
            and np.array_equal(self._array, other._array, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares pixels

    # Files.

    def write_fits(  # type: ignore[override]  # the options have names here
        self,
        filename: ResourcePathExpression,
        *,
        compression: FitsCompressionOptions | None = FitsCompressionOptions.DEFAULT,
        compression_seed: int | None = None,
    ) -> None:
        """Write the image to a FITS file.

        Parameters
        ----------
        filename
            Name of the file to write to.
        compression
            Compression options; `None` writes without compression.
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
            compression_options={"image": compression},
            compression_seed=compression_seed,
        )

    @classmethod
    def from_hdu_list(cls, hdu_list: Any, *, fits_wcs_frame: Frame | None = PIXEL_FRAME) -> Self:
        """Create an image from HDUs without an index, such as those of a cutout service.

        Parameters
        ----------
        hdu_list
            An astropy HDU list: a primary HDU and an image; other HDUs are
            ignored.
        fits_wcs_frame
            Pixel frame of the projection that is created from the FITS WCS;
            `None` for an image without projection.

        Returns
        -------
        image
            The image in the HDU list.
        """
        return registry.convert_from_legacy(hdu_list, cls, fits_wcs_frame=fits_wcs_frame)

    # Other packages.

    def to_nddata(self) -> NDDataRef:
        """Convert to an `astropy.nddata.NDDataRef` that shares the pixels.

        Returns
        -------
        nddata
            See `lsst.images.interop.to_nddata`.
        """
        from astropy.nddata import NDDataRef

        return registry.convert_to(self, NDDataRef)

    def to_ccddata(self) -> CCDData:
        """Convert to an `astropy.nddata.CCDData` that shares the pixels.

        Returns
        -------
        ccddata
            See `lsst.images.interop.to_ccddata`.
        """
        from astropy.nddata import CCDData

        return registry.convert_to(self, CCDData)

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
        image
            Image that shares the pixels.
        """
        return registry.convert_to(ccd, cls, start=start)

    # afw.

    @staticmethod
    @accepts_aliases(projection="sky_projection")
    @accepts_legacy_names
    def from_legacy(
        legacy: Any, unit: u.UnitBase | None = None, *, projection: Projection[Any] | None = None
    ) -> Image:
        """Convert from an `lsst.afw.image.Image` instance.

        Parameters
        ----------
        legacy
            An `lsst.afw.image.Image` instance that will share pixel data with
            the returned object.
        unit
            Units of the image.
        projection
            Projection that maps the pixel grid to the sky.

        Returns
        -------
        image
            The image.
        """
        return registry.convert_from_legacy(legacy, Image, unit=unit, projection=projection)

    def to_legacy(self, *, copy: bool | None = None) -> Any:
        """Convert to an `lsst.afw.image.Image` instance.

        Parameters
        ----------
        copy
            If `True`, always copy the pixel data.  If `False`, return a view,
            and raise `TypeError` if the pixel data is read-only (this is not
            supported by afw).  If `None`, only copy if the pixel data is
            read-only.

        Returns
        -------
        legacy
            The afw image.
        """
        return registry.convert_to_legacy(self, copy=copy)

    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        ext: str | int = 1,
        fits_wcs_frame: Frame | None = None,
    ) -> Self:
        """Read a FITS file written by `lsst.afw.image.Image.writeFits`.

        Parameters
        ----------
        uri
            URI or file name.
        preserve_quantization
            If `True`, ensure that writing the image back out again will
            exactly preserve quantization-compressed pixel values.  The array
            is then read-only, and the compressed pixels are kept in memory;
            they are not transferred to copies.
        ext
            Name or index of the FITS HDU to read.
        fits_wcs_frame
            Pixel frame of the projection that is created from the FITS WCS;
            `None` for an image without projection.

        Returns
        -------
        image
            The image.
        """
        return registry.read_legacy(
            uri, cls, preserve_quantization=preserve_quantization, ext=ext, fits_wcs_frame=fits_wcs_frame
        )
