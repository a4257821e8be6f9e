# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Compression options of arrays: immutable models, validated on construction.

Source: FITS standard 4.0, sections 10.1 and 10.2 (tiled image compression and
quantization of floating-point data).
"""

from __future__ import annotations

__all__ = (
    "FitsCompressionAlgorithm",
    "FitsCompressionOptions",
    "FitsDitherAlgorithm",
    "FitsQuantizationOptions",
)

import enum
import math
from typing import Annotated, ClassVar

import pydantic

from ..errors import InvalidArgumentError
from ..utils import short_repr

MIN_FRACTION = 1e-6
"""Smallest increase of the noise for which quantization saves anything."""


class FitsCompressionAlgorithm(enum.StrEnum):
    """Compression algorithm of the bytes of a tile.

    ``SMALLEST`` stands for that of ``GZIP_2`` and ``RICE_1`` which makes samples of the image
    smaller; files contain the name of the chosen one.
    """

    GZIP_1 = "GZIP_1"
    GZIP_2 = "GZIP_2"
    RICE_1 = "RICE_1"
    SMALLEST = "SMALLEST"


class FitsDitherAlgorithm(enum.StrEnum):
    """Dithering of the rounding errors of quantized pixels."""

    NO_DITHER = "NO_DITHER"
    SUBTRACTIVE_DITHER_1 = "SUBTRACTIVE_DITHER_1"
    SUBTRACTIVE_DITHER_2 = "SUBTRACTIVE_DITHER_2"

    def to_astropy_quantize_method(self) -> int:
        """Return the number that astropy and CFITSIO use."""
        return {"NO_DITHER": -1, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}[self.value]


class FitsQuantizationOptions(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Lossy quantization of floating-point pixels to integers.

    Parameters
    ----------
    dither
        Dithering of rounding errors.
    level
        Positive: the step is the noise of a tile divided by this number, so a
        larger number is more precise.  Negative: the step is its absolute
        value.
    seed
        1 to 10000: start of the random sequence.  0: from the write option
        ``compression_seed``, or from the clock without that option.  -1: from
        a checksum of the first tile.  `None`: from ``compression_seed``.
    """

    dither: FitsDitherAlgorithm
    level: float
    seed: Annotated[int, pydantic.Field(ge=-1, le=10000)] | None = None


class FitsCompressionOptions(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Compression of one array.

    Parameters
    ----------
    algorithm
        Compression of the bytes of a tile.
    tile_shape
        Shape of a tile, slowest axis first: ``(y, x)`` for an image.  `None`
        means the default of the type or of the package.
    quantization
        `None` means lossless.
    """

    algorithm: FitsCompressionAlgorithm = FitsCompressionAlgorithm.GZIP_2
    tile_shape: tuple[Annotated[int, pydantic.Field(gt=0)], ...] | None = None
    quantization: FitsQuantizationOptions | None = None

    @classmethod
    def for_noise(cls, fraction: float) -> FitsCompressionOptions:
        """Make options for lossy compression that increases the noise by a given fraction.

        Parameters
        ----------
        fraction
            Largest increase of the noise per pixel, relative to that of the image: 0.001 for 0.1 %.

        Returns
        -------
        `FitsCompressionOptions`
            Quantization with ``SUBTRACTIVE_DITHER_2``, and the algorithm ``SMALLEST``.

        Raises
        ------
        InvalidArgumentError
            If the fraction is not in the range 1e-6 to 1.

        Notes
        -----
        The errors of dithered quantization are uniform, of variance step**2 / 12, and independent of
        the pixels (Widrow & Kollar 2008, *Quantization Noise*), so that with ``q`` steps per standard
        deviation the noise increases by the factor ``sqrt(1 + 1 / (12 q**2))``.
        """
        if not MIN_FRACTION <= fraction <= 1:
            raise InvalidArgumentError(
                f"The increase of the noise must be a fraction from {MIN_FRACTION} to 1, such as 0.001 for "
                f"0.1 %; got {short_repr(fraction)}."
            )
        level = 1 / math.sqrt(12 * ((1 + fraction) ** 2 - 1))
        quantization = FitsQuantizationOptions(dither=FitsDitherAlgorithm.SUBTRACTIVE_DITHER_2, level=level)
        return cls(algorithm=FitsCompressionAlgorithm.SMALLEST, quantization=quantization)

    DEFAULT: ClassVar[FitsCompressionOptions]
    LOSSY: ClassVar[FitsCompressionOptions]


FitsCompressionOptions.DEFAULT = FitsCompressionOptions()
FitsCompressionOptions.LOSSY = FitsCompressionOptions(
    algorithm=FitsCompressionAlgorithm.RICE_1,
    quantization=FitsQuantizationOptions(dither=FitsDitherAlgorithm.SUBTRACTIVE_DITHER_2, level=16.0),
)
