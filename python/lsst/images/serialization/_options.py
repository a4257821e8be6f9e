# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How arrays are compressed in files: frozen records, checked when made.

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
from typing import Annotated, ClassVar

import pydantic


class FitsCompressionAlgorithm(enum.StrEnum):
    """How the bytes of a tile are compressed."""

    GZIP_1 = "GZIP_1"
    GZIP_2 = "GZIP_2"
    RICE_1 = "RICE_1"


class FitsDitherAlgorithm(enum.StrEnum):
    """How rounding errors of quantized pixels are spread."""

    NO_DITHER = "NO_DITHER"
    SUBTRACTIVE_DITHER_1 = "SUBTRACTIVE_DITHER_1"
    SUBTRACTIVE_DITHER_2 = "SUBTRACTIVE_DITHER_2"

    def to_astropy_quantize_method(self) -> int:
        """Return the number that astropy and CFITSIO use."""
        return {"NO_DITHER": -1, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}[self.value]


class FitsQuantizationOptions(pydantic.BaseModel, frozen=True, extra="forbid"):
    """How floating-point pixels are turned into integers, which loses bits.

    Parameters
    ----------
    dither
        How rounding errors are spread.
    level
        Positive: the step is the noise of a tile divided by this number, so
        a larger number keeps more.  Negative: the step is its absolute value.
    seed
        1 to 10000: start of the random sequence.  0: taken from the clock,
        or from the writer's ``compression_seed`` when there is one.  -1: from
        a checksum of the first tile.  `None`: from ``compression_seed``.
    """

    dither: FitsDitherAlgorithm
    level: float
    seed: Annotated[int, pydantic.Field(ge=-1, le=10000)] | None = None


class FitsCompressionOptions(pydantic.BaseModel, frozen=True, extra="forbid"):
    """How one array is compressed.

    Parameters
    ----------
    algorithm
        Compression of the bytes of a tile.
    tile_shape
        Shape of a tile, slowest axis first: ``(y, x)`` for an image.  `None`:
        what the type suggests, else the package's default.
    quantization
        `None` keeps every bit.
    """

    algorithm: FitsCompressionAlgorithm = FitsCompressionAlgorithm.GZIP_2
    tile_shape: tuple[Annotated[int, pydantic.Field(gt=0)], ...] | None = None
    quantization: FitsQuantizationOptions | None = None

    DEFAULT: ClassVar[FitsCompressionOptions]
    LOSSY: ClassVar[FitsCompressionOptions]


FitsCompressionOptions.DEFAULT = FitsCompressionOptions()
FitsCompressionOptions.LOSSY = FitsCompressionOptions(
    algorithm=FitsCompressionAlgorithm.RICE_1,
    quantization=FitsQuantizationOptions(dither=FitsDitherAlgorithm.SUBTRACTIVE_DITHER_2, level=16.0),
)
