# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Compressed bytes of tiles to integers and back.

A *stack* holds several tiles of one size, one in each row, so that what numpy
does can be done for many short tiles at once.
"""

from __future__ import annotations

__all__ = ("gunzip", "gunzip_stack", "rice_decode", "rice_encode", "unshuffle")

import sys
import zlib
from collections.abc import Sequence
from typing import Any

import imagecodecs
import numpy as np

from ...errors import CorruptArchiveError
from .._bytes._byte_source import Buffer
from ._compiled import tile_loops

_Array = np.ndarray[Any, np.dtype[Any]]

LITTLE = sys.byteorder == "little"

_ANY_HEADER = 32 + zlib.MAX_WBITS
# zlib's own sign for "gzip or zlib, look which".


def gunzip_stack(tiles: Sequence[Buffer], out: _Array | Sequence[_Array]) -> bool:
    """Inflate tiles into the rows of an array.

    Parameters
    ----------
    tiles
        One gzip stream each.
    out
        Where the bytes go (`uint8`, shape ``(len(tiles), nbytes)``, or rows of
        different lengths).

    Returns
    -------
    `bool`
        Whether each tile was a plain gzip stream that fills its row; if not,
        use `gunzip` for each.
    """
    decode: Any = imagecodecs.gzip_decode  # its stubs do not know memoryview
    try:
        for tile, row in zip(tiles, out, strict=True):
            if len(decode(tile, out=row)) != len(row):
                return False
    except (imagecodecs.DeflateError, ValueError):
        return False
    return True


def gunzip(tile: Buffer, limit: int) -> bytes:
    """Inflate one gzip or zlib stream of a length that is not known.

    Parameters
    ----------
    tile
        The stream.
    limit
        Most bytes that can be right.

    Returns
    -------
    `bytes`
        The content.

    Raises
    ------
    CorruptArchiveError
        If the stream is damaged or holds more than ``limit`` bytes.
    """
    inflater = zlib.decompressobj(_ANY_HEADER)
    try:
        found = inflater.decompress(tile, limit + 1)
    except zlib.error as err:
        raise CorruptArchiveError(f"gzip stream of {len(tile)} bytes is damaged: {err}.") from err
    if len(found) > limit:
        raise CorruptArchiveError(f"gzip stream holds more than the {limit} bytes that its tile can have.")
    if not inflater.eof:
        raise CorruptArchiveError(f"gzip stream of {len(tile)} bytes ends early, after {len(found)} bytes.")
    return found


def unshuffle(parts: list[tuple[_Array, _Array]]) -> None:
    """Put bytes that were sorted by significance back into numbers (``GZIP_2``).

    Parameters
    ----------
    parts
        For some tiles each: bytes, most significant first (`uint8`, shape
        ``(n, itemsize, ...)``), and where the native numbers of 2, 4 or 8
        bytes go (shape ``(n, ...)``).  Only the last axis must be contiguous.
    """
    if tile_loops:
        tile_loops.unshuffle(parts)
        return
    for stack, out in parts:
        size = out.dtype.itemsize
        numbers = out.view(f"u{size}")
        numbers[...] = stack[:, -1]
        places = numbers[..., np.newaxis].view(np.uint8)
        for i in range(size - 1):
            # Most bytes of a mask are zero, as they are in the number already.
            if stack[:, i].any():
                places[..., size - 1 - i if LITTLE else i] = stack[:, i]


def rice_decode(tiles: list[Buffer], out: _Array, block: int) -> None:
    """Decode tiles of ``RICE_1`` into the rows of an array.

    Parameters
    ----------
    tiles
        Compressed bytes.
    out
        Where the pixels go (1-, 2- or 4-byte integers, shape
        ``(len(tiles), npix)``); a tile may have more pixels than a row has
        room, which are left out.
    block
        Pixels in a block of the code.

    Raises
    ------
    CorruptArchiveError
        If a tile is damaged.
    """
    if tile_loops:
        good = tile_loops.rice_decode(tiles, out, block)
        if good < len(tiles):
            raise CorruptArchiveError(f"Rice-coded tile of {len(tiles[good])} bytes is damaged.")
        return
    decode: Any = imagecodecs.rcomp_decode  # its stubs do not know memoryview
    try:
        for tile, row in zip(tiles, out, strict=True):
            decode(tile, nblock=block, out=row)
    except (imagecodecs.RcompError, ValueError) as err:
        raise CorruptArchiveError(f"Rice-coded tile is damaged: {err}.") from err


def rice_encode(pixels: _Array, block: int) -> bytes:
    """Compress pixels with ``RICE_1``.

    Parameters
    ----------
    pixels
        Contiguous integers of 1, 2 or 4 bytes.
    block
        Pixels in a block of the code.

    Returns
    -------
    `bytes`
        The code.
    """
    return bytes(imagecodecs.rcomp_encode(pixels, nblock=block))
