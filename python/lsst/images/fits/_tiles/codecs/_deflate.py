# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Gzip streams of tiles of which some bytes are nothing but noise.

Of a floating-point sky, the bytes of lower significance cannot be compressed,
and to find that out byte by byte is most of the work of writing it.  ``GZIP_2``
puts them behind the others, so that they can be kept as they are.
"""

from __future__ import annotations

__all__ = ("gzip", "gzip_planes")

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
from isal import isal_zlib

_Array = np.ndarray[Any, np.dtype[Any]]

GZIP_LEVEL = 2
"""Level of libdeflate: not larger than zlib's default on most pixels, in a quarter of the time; higher
levels save 0.4 % and cost a fifth more."""

LOW_LEVEL = 1
"""The same for bytes that are nearly noise: 6 % larger, in 60 % of the time."""

QUICK_LEVEL = 1
"""Level of ISA-L, which takes a third of the time of libdeflate, for what needs no better."""

MIN_PLANE_SIZE = 8192
"""Pixels of a tile below which a look at samples costs too much."""

PIECES, PIECE = 16, 128
"""A sample: so many pieces, evenly spread, of so many bytes."""

NOISE = PIECES * PIECE
"""Bytes to which a sample of noise is compressed at least: it becomes no smaller."""

NEARLY_NOISE = NOISE * 3 // 4
"""The same if it is nearly noise."""

SPARSE = NOISE // 16
"""Bytes to which a sample of almost nothing, like most of a mask, is compressed at most."""

_HEAD = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
# RFC 1952: deflate, no name, no time, any system.

_MAX_STORED = 0xFFFF


def gzip(data: Any, level: int = GZIP_LEVEL) -> bytes:
    """Compress bytes to a gzip stream.

    Parameters
    ----------
    data
        A contiguous buffer.
    level
        Effort, 1 to 12.

    Returns
    -------
    `bytes`
        The stream.
    """
    return bytes(imagecodecs.gzip_encode(data, level))


def gzip_planes(planes: _Array) -> bytes:
    """Compress numbers, sorted by the significance of their bytes, to a gzip stream.

    Parameters
    ----------
    planes
        Bytes of all pixels of a tile, most significant first (`uint8`, shape
        ``(itemsize, npix)``, contiguous).

    Returns
    -------
    `bytes`
        The stream; its content is ``planes.tobytes()``.
    """
    if planes.shape[1] < MIN_PLANE_SIZE:
        return gzip(planes)
    sizes = list(map(_sample, planes))
    if max(sizes) <= SPARSE:
        return isal_zlib.compress(planes, QUICK_LEVEL, 16 + zlib.MAX_WBITS)
    quiet = len(planes)
    while quiet and sizes[quiet - 1] >= NOISE:
        quiet -= 1
    if quiet < len(planes):
        return _join(planes, quiet)
    return gzip(planes, LOW_LEVEL if min(sizes[-2:]) >= NEARLY_NOISE else GZIP_LEVEL)


def _sample(plane: _Array) -> int:
    # Bytes to which a part of a plane is compressed.
    pieces = plane[: len(plane) // PIECES * PIECES].reshape(PIECES, -1)[:, :PIECE]
    return len(isal_zlib.compress(np.ascontiguousarray(pieces), QUICK_LEVEL, -zlib.MAX_WBITS))


def _join(planes: _Array, quiet: int) -> bytes:
    """Compress the first planes, and append the others as they are.

    Notes
    -----
    RFC 1951, sections 3.2.3 and 3.2.4: a deflate stream is a sequence of
    blocks, each compressed or stored.
    """
    parts: list[Any] = [_HEAD]
    if quiet:
        deflater = isal_zlib.compressobj(QUICK_LEVEL, isal_zlib.DEFLATED, -zlib.MAX_WBITS)
        parts += [deflater.compress(planes[:quiet]), deflater.flush(isal_zlib.Z_SYNC_FLUSH)]
    noise = planes.data.cast("B")[planes[:quiet].size :]
    for start in range(0, len(noise), _MAX_STORED):
        piece = noise[start : start + _MAX_STORED]
        last = start + len(piece) == len(noise)
        parts += [struct.pack("<BHH", last, len(piece), len(piece) ^ _MAX_STORED), piece]
    checksum: Any = imagecodecs.deflate_crc32  # its stubs know no arrays
    parts.append(struct.pack("<II", checksum(planes), planes.size % 2**32))
    return b"".join(parts)
