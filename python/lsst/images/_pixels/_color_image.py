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
from ..errors import GeometryError
from ..io import write
from ..serialization import FitsCompressionOptions, MetadataValue
from ._arguments import Origin, resolve_bbox
from ._array_image import ArrayImage, take_matching
from ._image import Image
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
