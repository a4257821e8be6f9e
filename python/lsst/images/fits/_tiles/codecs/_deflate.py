# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fast gzip compression of tiles with incompressible low-order bytes.

The low-order bytes of noisy floating-point pixels cannot be compressed, and
trying takes most of the time of writing.  ``GZIP_2`` stores them after the other
bytes, so that they can be written as stored (uncompressed) deflate blocks.
"""

from __future__ import annotations

__all__ = ("gzip", "gzip_noise", "gzip_planes")

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
from isal import isal_zlib

from .._compiled import tile_loops

_Array = np.ndarray[Any, np.dtype[Any]]

GZIP_LEVEL = 2
"""Compression level of libdeflate.  The result is not larger than with the default of zlib for most images,
in a quarter of the time; higher levels save 0.4 % of size and take 20 % longer."""

LOW_LEVEL = 1
"""Compression level of libdeflate for nearly incompressible bytes: 6 % larger, in 60 % of the time."""

ISAL_LEVEL = 1
"""Compression level of ISA-L, which takes a third of the time of libdeflate."""

MIN_SAMPLED_PIXELS = 8192
"""Minimum number of pixels of a tile for which compressibility is estimated from samples."""

SAMPLE_PIECES, PIECE_SIZE = 16, 128
"""Number of evenly spaced pieces of a sample, and bytes per piece."""

MIN_NOISE_SIZE = SAMPLE_PIECES * PIECE_SIZE
"""Minimum compressed size in bytes of a sample of incompressible bytes."""

MIN_NEAR_NOISE_SIZE = MIN_NOISE_SIZE * 3 // 4
"""Minimum compressed size in bytes of a sample of nearly incompressible bytes."""

MAX_SPARSE_SIZE = MIN_NOISE_SIZE // 16
"""Maximum compressed size in bytes of a sample of nearly constant bytes, as in most masks."""

_GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
# RFC 1952: deflate, no name, no time, unknown operating system.

_MAX_STORED = 0xFFFF


def gzip(data: Any, level: int = GZIP_LEVEL) -> bytes:
    """Compress bytes to a gzip stream.

    Parameters
    ----------
    data
        A contiguous buffer.
    level
        Compression level, 1 to 12.

    Returns
    -------
    `bytes`
        The stream.
    """
    return bytes(imagecodecs.gzip_encode(data, level))


def gzip_planes(planes: _Array) -> bytes:
    """Compress numbers whose bytes are sorted by significance to a gzip stream.

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
    if planes.shape[1] < MIN_SAMPLED_PIXELS:
        return gzip(planes)
    sizes = list(map(_sample, planes))
    if max(sizes) <= MAX_SPARSE_SIZE:
        return isal_zlib.compress(planes, ISAL_LEVEL, 16 + zlib.MAX_WBITS)
    compressible = len(planes)
    while compressible and sizes[compressible - 1] >= MIN_NOISE_SIZE:
        compressible -= 1
    if compressible < len(planes):
        return _join(planes, compressible)
    return gzip(planes, LOW_LEVEL if min(sizes[-2:]) >= MIN_NEAR_NOISE_SIZE else GZIP_LEVEL)


def gzip_noise(planes: _Array) -> bytes:
    """Compress quantized pixels whose bytes are sorted by significance to a gzip stream.

    Parameters
    ----------
    planes
        Bytes of all pixels of a tile, most significant first (`uint8`, shape
        ``(itemsize, npix)``, contiguous).

    Returns
    -------
    `bytes`
        The stream; its content is ``planes.tobytes()``.

    Notes
    -----
    The low-order bytes are noise without repeated strings: the C loop codes each
    plane by itself, with runs and a Huffman code, within 2 % of the entropy (ISA-L: 4 to 8 %).
    """
    if tile_loops is None or not planes.size:
        return isal_zlib.compress(planes, ISAL_LEVEL, 16 + zlib.MAX_WBITS)
    return b"".join((_GZIP_HEADER, tile_loops.deflate(planes), _trailer(planes)))


def _trailer(planes: _Array) -> bytes:
    checksum: Any = imagecodecs.deflate_crc32  # its stubs do not accept arrays
    return struct.pack("<II", checksum(planes), planes.size % 2**32)


def _sample(plane: _Array) -> int:
    # Compressed size of a sample of a plane.
    pieces = plane[: len(plane) // SAMPLE_PIECES * SAMPLE_PIECES].reshape(SAMPLE_PIECES, -1)[:, :PIECE_SIZE]
    return len(isal_zlib.compress(np.ascontiguousarray(pieces), ISAL_LEVEL, -zlib.MAX_WBITS))


def _join(planes: _Array, compressible: int) -> bytes:
    """Compress the first planes, and append the others as stored blocks.

    Notes
    -----
    RFC 1951, sections 3.2.3 and 3.2.4: a deflate stream is a sequence of
    blocks, each compressed or stored.
    """
    parts: list[Any] = [_GZIP_HEADER]
    if compressible:
        deflater = isal_zlib.compressobj(ISAL_LEVEL, isal_zlib.DEFLATED, -zlib.MAX_WBITS)
        parts += [deflater.compress(planes[:compressible]), deflater.flush(isal_zlib.Z_SYNC_FLUSH)]
    noise = planes.data.cast("B")[planes[:compressible].size :]
    for start in range(0, len(noise), _MAX_STORED):
        piece = noise[start : start + _MAX_STORED]
        last = start + len(piece) == len(noise)
        parts += [struct.pack("<BHH", last, len(piece), len(piece) ^ _MAX_STORED), piece]
    parts.append(_trailer(planes))
    return b"".join(parts)
