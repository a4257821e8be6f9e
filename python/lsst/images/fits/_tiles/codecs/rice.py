# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Codec for Rice compression (``RICE_1``; FITS Standard 4.0, section 10.4.1)."""

from __future__ import annotations

__all__ = ("RiceCodec",)

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import imagecodecs
import numpy as np

from ...._bytes._byte_source import Buffer
from ...._bytes._scratch import Scratch
from ....errors import CorruptArchiveError
from ....utils import short_repr
from ..._headers._cards import CardValue
from .._compiled import tile_loops
from ._codec import TileCodec

_Array = np.ndarray[Any, np.dtype[Any]]

DEFAULT_BLOCK_SIZE = 32
"""Pixels per Rice block if the header does not specify it, and in files that we write."""

DEFAULT_BYTEPIX = 4
"""Bytes per number if the header does not specify it."""


class RiceCodec(TileCodec):
    """Codec for integers of 1, 2 or 4 bytes.

    Parameters
    ----------
    numbers
        Type of the numbers in a tile.
    block
        Pixels per Rice block.
    """

    algorithm = "RICE_1"
    aliases = ("RICE_ONE",)
    sequential = True

    # Compressed tiles are a third as large as lossless ones: whole images take 11 % less time than with
    # tiles of 160 pixels, boxes 6 %; above 256 pixels boxes take longer.
    tile_side = 192

    def __init__(self, numbers: np.dtype[Any], block: int = DEFAULT_BLOCK_SIZE) -> None:
        super().__init__(numbers)
        self.block = block

    @classmethod
    def supports(cls, dtype: np.dtype[Any]) -> bool:
        return dtype.kind in "iu" and dtype.itemsize <= 4

    @classmethod
    def from_cards(cls, values: Mapping[str, CardValue], numbers: np.dtype[Any]) -> Self:
        found: dict[str, int] = {}
        i = 1
        while (name := values.get(f"ZNAME{i}")) is not None:
            value = values.get(f"ZVAL{i}")
            if isinstance(value, int | float):
                found[str(name).strip().upper()] = int(value)
            i += 1
        bytepix, block = found.get("BYTEPIX", DEFAULT_BYTEPIX), found.get("BLOCKSIZE", DEFAULT_BLOCK_SIZE)
        if bytepix not in (1, 2, 4) or block not in (16, 32):
            raise CorruptArchiveError(
                f"BYTEPIX = {short_repr(bytepix)} or BLOCKSIZE = {short_repr(block)} is invalid for "
                f"{cls.algorithm}; "
                "BYTEPIX must be 1, 2 or 4, and BLOCKSIZE 16 or 32."
            )
        return cls(np.dtype("u1" if bytepix == 1 else f"i{bytepix}"), block)

    def cards(self) -> list[tuple[str, float]]:
        return [("BLOCKSIZE", self.block), ("BYTEPIX", self.numbers.itemsize)]

    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        stage = scratch.array("stage", (len(tiles), math.prod(shape)), self.numbers)
        _decode_rows(tiles, stage[:, :needed], self.block)
        return stage.reshape(len(tiles), *shape)

    def encode(self, stack: _Array) -> list[bytes]:
        # The default output buffer of imagecodecs is too small for short blocks of noise, and is
        # overrun; a header of at most 5 bits per pixel cannot double the size.
        size = 2 * stack[0].nbytes + 64 if len(stack) else 0
        return [bytes(imagecodecs.rcomp_encode(tile, nblock=self.block, out=size)) for tile in stack]


def _decode_rows(tiles: Sequence[Buffer], out: _Array, block: int) -> None:
    """Decode the leading pixels of each tile into a row of an array."""
    if tile_loops:
        good = tile_loops.rice_decode(tiles, out, block)
        if good < len(tiles):
            raise CorruptArchiveError(f"A Rice-compressed tile of {len(tiles[good])} bytes is damaged.")
        return
    decode: Any = imagecodecs.rcomp_decode  # its stubs do not accept memoryview
    try:
        for tile, row in zip(tiles, out, strict=True):
            decode(tile, nblock=block, out=row)
    except (imagecodecs.RcompError, ValueError) as err:
        raise CorruptArchiveError(f"A Rice-compressed tile is damaged: {err}.") from err
