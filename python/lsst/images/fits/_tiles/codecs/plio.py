# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Decoder for IRAF pixel lists (``PLIO_1``; FITS Standard 4.0, section 10.4.3)."""

from __future__ import annotations

__all__ = ("PlioCodec",)

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...._bytes._byte_source import Buffer
from ...._bytes._scratch import Scratch
from ....errors import ArchiveWriteError, CorruptArchiveError
from ..._headers._cards import CardValue
from ..._headers._scaling import Scaling
from ._codec import TileCodec

_Array = np.ndarray[Any, np.dtype[Any]]

UNSIGNED_OFFSET = 32768.0
"""``BZERO`` that CFITSIO writes for unsigned 16-bit pixels, although tiles hold the pixels themselves."""

_OLD_HEADER_SIZE = 3
# Words before the first instruction of the old form of a list; the new form gives its number.


class PlioCodec(TileCodec):
    """Decoder for run-length encoded integers that are not negative."""

    algorithm = "PLIO_1"
    writable = False

    @classmethod
    def supports(cls, dtype: np.dtype[Any]) -> bool:
        return dtype.kind in "iu"

    @classmethod
    def adjust_scaling(cls, scaling: Scaling, values: Mapping[str, CardValue]) -> Scaling:
        # CFITSIO, which defines this case, ignores BZERO = 32768.
        if values.get("BZERO") != UNSIGNED_OFFSET:
            return scaling
        if scaling.scale != 1.0:
            return dataclasses.replace(scaling, zero=0.0)
        pixels = scaling.dtype if scaling.flip is not None else scaling.stored
        return Scaling(pixels, pixels)

    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        stage = scratch.array("stage", (len(tiles), math.prod(shape)), np.int64)
        stage[...] = 0
        for tile, row in zip(tiles, stage, strict=True):
            _decode_list(tile, row)
        limits = np.iinfo(self.numbers)
        if stage.size and (stage.min() < limits.min or stage.max() > limits.max):
            raise CorruptArchiveError(
                f"A tile compressed with {self.algorithm} has pixels from {stage.min()} to {stage.max()}, "
                f"but pixels of type {self.numbers} are expected. The file is damaged."
            )
        return stage.reshape(len(tiles), *shape)

    def encode(self, stack: _Array) -> list[bytes]:
        raise ArchiveWriteError(f"Images cannot be written with {self.algorithm}.")


def _decode_list(tile: Buffer, out: _Array) -> None:
    """Decode a list of 16-bit instructions: 4 bits of operation code and 12 bits of data each."""
    words = np.frombuffer(tile, dtype=">i2", count=len(tile) // 2).tolist()
    first, stop = _list_bounds(words)
    pixel, value = 0, 1
    i = first
    while i < stop:
        code, data = words[i] >> 12, words[i] & 0xFFF
        i += 1
        if code in (0, 4, 5):  # zeros; pixels of the current value; zeros and one such pixel
            end = pixel + data
            if code == 4:
                out[pixel:end] = value
            elif code == 5 and pixel < end <= len(out):
                out[end - 1] = value
            pixel = end
        elif code == 1 and i < stop:  # set the value to 27 bits
            value = (words[i] << 12) + data
            i += 1
        elif code in (2, 3, 6, 7):  # add to or subtract from the value; then write one pixel
            value += data if code in (2, 6) else -data
            if code in (6, 7):
                out[pixel : pixel + 1] = value
                pixel += 1
        else:
            raise CorruptArchiveError(f"A pixel list contains the invalid operation code {code}.")
        if pixel > len(out):
            raise CorruptArchiveError(f"A pixel list has more than {len(out)} pixels. The file is damaged.")


def _list_bounds(words: list[int]) -> tuple[int, int]:
    # Indices of the first instruction, and one past the last.
    if len(words) >= _OLD_HEADER_SIZE and words[2] > 0:
        first, stop = _OLD_HEADER_SIZE, words[2]
    elif len(words) > 4 and words[4] >= 0:
        first, stop = words[1], (words[4] << 15) + words[3]
    else:
        raise CorruptArchiveError(f"A pixel list of {len(words)} words has no valid header.")
    if not 0 < first <= stop <= len(words):
        raise CorruptArchiveError(
            f"The header of a pixel list places instructions {first} to {stop} in {len(words)} words."
        )
    return first, stop
