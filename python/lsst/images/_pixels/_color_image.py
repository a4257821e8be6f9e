# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Color images with red, green and blue channels, for display."""

from __future__ import annotations

__all__ = ("ColorImage",)

from typing import Any, Self

import numpy as np

from lsst.resources import ResourcePathExpression

from .._aliases import accepts_aliases
from .._geom import Box
from .._transforms import Projection
from ..errors import GeometryError, InvalidArgumentError
from ..io import write
from ..serialization import FitsCompressionOptions, MetadataValue
from ._arguments import Origin, resolve_bbox
from ._array_image import ArrayImage, take_matching
from ._image import Image
from ._masked_image import MaskedImage
from ._units import store

CHANNELS = ("red", "green", "blue")


class ColorImage(ArrayImage):
    """An array of red, green and blue values on a pixel grid.

    Parameters
    ----------
    array
        Array of shape ``(ny, nx, 3)``, which is not copied; the last axis is
        red, green, blue.
    bbox
        Pixels that the array covers, in absolute coordinates.
    start
        Absolute coordinates ``(y, x)`` of the first pixel, zeros by default.
        Ignored when ``bbox`` is given.
    projection
        Projection that maps the pixel grid to the sky.
    metadata
        Arbitrary flexible metadata to associate with the image.

    Raises
    ------
    GeometryError
        If the array or the box has another shape.
    """

    @accepts_aliases(start="yx0", projection="sky_projection")
    def __init__(
        self,
        array: np.ndarray,
        /,
        *,
        bbox: Box | None = None,
        start: Origin | None = None,
        projection: Projection[Any] | None = None,
        metadata: dict[str, MetadataValue] | None = None,
    ) -> None:
        if array.ndim != 3 or array.shape[2] != len(CHANNELS):
            raise GeometryError(f"The array of a color image must have shape (ny, nx, 3); got {array.shape}.")
        bbox = resolve_bbox(array.shape[:2], bbox=bbox, shape=None, start=start)
        super().__init__(array, bbox, projection, metadata)

    @staticmethod
    @accepts_aliases(projection="sky_projection")
    def from_channels(
        r: Image,
        g: Image,
        b: Image,
        *,
        projection: Projection[Any] | None = None,
        metadata: dict[str, MetadataValue] | None = None,
    ) -> ColorImage:
        """Create a color image from three images.

        Parameters
        ----------
        r, g, b
            Red, green and blue channel; the pixels are copied.
        projection
            Projection that maps the pixel grid to the sky; by default, that of
            ``r``.
        metadata
            Arbitrary flexible metadata to associate with the image.

        Returns
        -------
        color_image
            Color image of the three channels.

        Raises
        ------
        GeometryError
            If the channels have different bounding boxes.
        """
        boxes = [channel.bbox for channel in (r, g, b)]
        if boxes.count(boxes[0]) != len(boxes):
            raise GeometryError(
                f"The bboxes of the channels do not agree: {', '.join(map(str, boxes))}; they must be equal."
            )
        return ColorImage(
            np.stack([r.array, g.array, b.array], axis=2),
            bbox=r.bbox,
            projection=r.projection if projection is None else projection,
            metadata=metadata,
        )

    @staticmethod
    def from_images(
        r: Image | MaskedImage,
        g: Image | MaskedImage,
        b: Image | MaskedImage,
        *,
        minimum: float = 0.0,
        stretch: float | None = None,
        softening: float = 8.0,
    ) -> ColorImage:
        """Create a color image for display from images of three filters.

        Parameters
        ----------
        r, g, b
            Images that are shown as red, green and blue, with one bounding
            box and background-subtracted pixels.
        minimum
            Pixel value that is black.
        stretch
            Range of pixel values over which the brightness is linear.  By
            default, 10 times the robust standard deviation of the mean of the
            images.
        softening
            The parameter Q of Lupton et al. (2004).

        Returns
        -------
        color_image
            Color image of 8-bit integers with the projection of ``r``, made by
            `astropy.visualization.make_lupton_rgb`.  Pixels that are not finite
            are black in their channel.

        Raises
        ------
        GeometryError
            If the images have different bounding boxes.
        InvalidArgumentError
            If the stretch or the softening is not positive and finite.
        """
        planes = [image.image if isinstance(image, MaskedImage) else image for image in (r, g, b)]
        channels = ColorImage.from_channels(*planes)
        values = np.nan_to_num(channels.array.astype(np.float64), nan=minimum, posinf=minimum, neginf=minimum)
        if stretch is None:
            stretch = 10.0 * _robust_deviation(values.mean(axis=2)) or 1.0
        for name, value in (("stretch", stretch), ("softening", softening)):
            if not 0.0 < value < np.inf:
                raise InvalidArgumentError(f"Invalid {name}={value!r}; expected a positive finite number.")
        from astropy.visualization import make_lupton_rgb

        with np.errstate(divide="ignore", invalid="ignore"):  # black pixels
            rgb = make_lupton_rgb(*np.moveaxis(values, 2, 0), minimum=minimum, stretch=stretch, Q=softening)
        return ColorImage(rgb, bbox=channels.bbox, projection=channels.projection)

    @property
    def array(self) -> np.ndarray:
        """The values, an array of shape ``(ny, nx, 3)`` (`numpy.ndarray`).

        Assignment writes into the array in place.
        """
        return self._array

    @array.setter
    def array(self, value: Any) -> None:
        self._array[...] = value

    @property
    def red(self) -> Image:
        """The red channel, sharing pixels (`Image`)."""
        return self._channel(0)

    @property
    def green(self) -> Image:
        """The green channel, sharing pixels (`Image`)."""
        return self._channel(1)

    @property
    def blue(self) -> Image:
        """The blue channel, sharing pixels (`Image`)."""
        return self._channel(2)

    def _channel(self, n: int) -> Image:
        return Image(self._array[..., n], bbox=self._bbox, projection=self._projection)

    def _replaced(self, array: np.ndarray, bbox: Box, metadata: dict[str, MetadataValue]) -> Self:
        return type(self)(array, bbox=bbox, projection=self._projection, metadata=metadata)

    def _assign(self, bbox: Box, other: Any) -> None:
        if not isinstance(other, ColorImage):
            raise TypeError(
                f"Only a ColorImage can be assigned to pixels of a ColorImage; got {type(other).__name__}. "
                "Assign other values to the channels or the 'array' of a subimage."
            )
        store(self._array[bbox.slice_within(self._bbox)], take_matching(other, bbox))

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
            Compression options for every channel; `None` writes without
            compression.
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
            compression_options=dict.fromkeys(CHANNELS, compression),
            compression_seed=compression_seed,
        )


def _robust_deviation(values: np.ndarray) -> float:
    """Return the standard deviation of normally distributed values, from the median absolute deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
