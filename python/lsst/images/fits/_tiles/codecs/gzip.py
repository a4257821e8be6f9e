# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Codecs for gzip compression (``GZIP_1`` and ``GZIP_2``; FITS Standard 4.0, section 10.4.2)."""

from __future__ import annotations

__all__ = ("Gzip1Codec", "Gzip2Codec", "gunzip")

import math
import sys
import zlib
from collections.abc import Sequence
from typing import Any

import imagecodecs
import numpy as np

from ...._bytes._byte_source import Buffer
from ...._bytes._scratch import Scratch
from ....errors import CorruptArchiveError
from .._compiled import tile_loops
from ._codec import MAX_GZIP_ITEMSIZE, DecodedBox, TileCodec, big_endian, numbers_from_bytes
from ._deflate import gzip, gzip_noise, gzip_planes

_Array = np.ndarray[Any, np.dtype[Any]]

LITTLE_ENDIAN = sys.byteorder == "little"

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
# The value of wbits with which zlib detects the format from the header.


class Gzip1Codec(TileCodec):
    """Codec for gzip streams of big-endian numbers (``GZIP_1``)."""

    algorithm = "GZIP_1"
    shuffles = False

    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        stage = self._gunzip(tiles, shape, scratch)
        if stage is None:
            return self._decode_one_by_one(tiles, shape)
        return stage.view(big_endian(self.numbers)).reshape(len(tiles), *shape)

    def encode(self, stack: _Array) -> list[bytes]:
        return [gzip(tile) for tile in stack.astype(big_endian(stack.dtype))]

    def _gunzip(self, tiles: Sequence[Buffer], shape: Sequence[int], scratch: Scratch) -> _Array | None:
        # The bytes of each tile; None if a tile does not have the expected length.
        size = math.prod(shape) * self.numbers.itemsize
        stage = scratch.array("stage", (len(tiles), size), np.uint8)
        return stage if _gunzip_rows(tiles, stage) else None

    def _decode_one_by_one(self, tiles: Sequence[Buffer], shape: Sequence[int]) -> _Array:
        limit = MAX_GZIP_ITEMSIZE * math.prod(shape)
        decoded: list[_Array] = []
        for tile in tiles:
            data = gunzip(tile, limit)
            decoded.append(numbers_from_bytes(data, shape, self.numbers, shuffled=self.shuffles))
        return np.stack(decoded)


class Gzip2Codec(Gzip1Codec):
    """Codec for gzip streams of bytes that are sorted by significance (``GZIP_2``)."""

    algorithm = "GZIP_2"
    shuffles = True

    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        if self.numbers.itemsize == 1:
            return super().decode(tiles, shape, needed, scratch)
        stage = self._gunzip(tiles, shape, scratch)
        if stage is None:
            return self._decode_one_by_one(tiles, shape)
        values = scratch.array("values", (len(tiles), *shape), self.numbers)
        _unshuffle([(stage.reshape(len(tiles), self.numbers.itemsize, *shape), values)])
        return values

    def decode_boxes(
        self,
        tiles: Sequence[Buffer],
        shape: Sequence[int],
        boxes: Sequence[DecodedBox],
        scratch: Scratch,
    ) -> None:
        stage = self._gunzip(tiles, shape, scratch) if self.numbers.itemsize > 1 else None
        if stage is None:
            super().decode_boxes(tiles, shape, boxes, scratch)
            return
        # Only the pixels of the boxes are assembled, directly in the target arrays.
        planes = stage.reshape(len(tiles), self.numbers.itemsize, *shape)
        _unshuffle([(planes[(index, slice(None), *box)], target) for index, box, target in boxes])

    def encode(self, stack: _Array) -> list[bytes]:
        if stack.dtype.itemsize == 1:
            return super().encode(stack)
        return list(map(gzip_planes, _shuffle(stack)))

    def encode_quantized(self, stack: _Array) -> list[bytes]:
        return list(map(gzip_noise, _shuffle(stack)))


def _gunzip_rows(tiles: Sequence[Buffer], out: _Array) -> bool:
    """Decompress each tile into a row of an array; return whether each stream filled its row exactly."""
    decode: Any = imagecodecs.gzip_decode  # its stubs do not accept memoryview
    try:
        for tile, row in zip(tiles, out, strict=True):
            if len(decode(tile, out=row)) != len(row):
                return False
    except (imagecodecs.DeflateError, ValueError):
        return False
    return True


def gunzip(tile: Buffer, limit: int) -> bytes:
    """Decompress one gzip or zlib stream of unknown length.

    Parameters
    ----------
    tile
        The stream.
    limit
        Largest allowed length, in bytes.

    Returns
    -------
    `bytes`
        The decompressed bytes.

    Raises
    ------
    CorruptArchiveError
        If the stream is damaged or longer than ``limit``.
    """
    decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        found = decompressor.decompress(tile, limit + 1)
    except zlib.error as err:
        raise CorruptArchiveError(f"A gzip stream of {len(tile)} bytes is damaged: {err}.") from err
    if len(found) > limit:
        raise CorruptArchiveError(
            f"A gzip stream contains more than {limit} bytes, the largest possible size of its tile."
        )
    if not decompressor.eof:
        raise CorruptArchiveError(
            f"A gzip stream of {len(tile)} bytes is truncated; it contains {len(found)} bytes."
        )
    return found


def _shuffle(stack: _Array) -> _Array:
    """Sort the bytes of numbers by significance.

    Parameters
    ----------
    stack
        Native numbers of 2, 4 or 8 bytes, one tile per row (shape ``(n, npix)``).

    Returns
    -------
    `numpy.ndarray`
        Bytes, most significant first (`uint8`, shape ``(n, itemsize, npix)``).
    """
    itemsize = stack.dtype.itemsize
    if tile_loops:
        planes = np.empty((len(stack), itemsize, stack.shape[1]), dtype=np.uint8)
        tile_loops.shuffle(stack, planes)
        return planes
    content = stack.astype(big_endian(stack.dtype)).view(np.uint8)
    return np.ascontiguousarray(content.reshape(len(stack), -1, itemsize).transpose(0, 2, 1))


def _unshuffle(parts: list[tuple[_Array, _Array]]) -> None:
    """Assemble numbers from bytes that are sorted by significance.

    Parameters
    ----------
    parts
        For each group of tiles: bytes, most significant first (`uint8`, shape
        ``(n, itemsize, ...)``), and the output array of native numbers of 2, 4
        or 8 bytes (shape ``(n, ...)``).  The last axes must be contiguous.
    """
    if tile_loops:
        tile_loops.unshuffle(parts)
        return
    for stack, out in parts:
        size = out.dtype.itemsize
        numbers = out.view(f"u{size}")
        numbers[...] = stack[:, -1]
        octets = numbers[..., np.newaxis].view(np.uint8)
        for i in range(size - 1):
            # The higher bytes are already zero, as most bytes of a mask are.
            if stack[:, i].any():
                octets[..., size - 1 - i if LITTLE_ENDIAN else i] = stack[:, i]
