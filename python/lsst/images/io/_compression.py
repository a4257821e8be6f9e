# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Decompress files that are compressed as a whole with gzip or Zstandard."""

from __future__ import annotations

__all__ = ("COMPRESSED_SUFFIXES", "compression_of", "decompress", "is_compressed_name")

import gzip
import io
import tempfile
import zlib
from typing import IO

import imagecodecs

from lsst.resources import ResourcePath

from .._bytes._open_source import read_bytes
from ..errors import ArchiveReadError, CorruptArchiveError, UnsupportedFormatError
from ..limits import check_size

COMPRESSED_SUFFIXES = (".gz", ".zst")
"""File name suffixes of compressed files."""

CHUNK_SIZE = 1 << 20
"""Number of bytes that are decompressed at a time."""

FIRST_CAPACITY = 16
"""Size of the memory, relative to the file, in which decompression is tried first if it is unknown."""

_TOO_SMALL = "too small"
# In the message of the library if the memory does not suffice.

MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""Compression by the first bytes of a file (RFC 1952, RFC 8878)."""


def is_compressed_name(uri: ResourcePath) -> bool:
    """Return whether a file name has the suffix of a compressed file.

    Parameters
    ----------
    uri
        The file.
    """
    return uri.basename().endswith(COMPRESSED_SUFFIXES)


def compression_of(head: bytes) -> str | None:
    """Return the name of the compression of a file.

    Parameters
    ----------
    head
        First bytes of the file, at least four.

    Returns
    -------
    name
        ``gzip``, ``zstd``, or `None` if the file is not compressed.
    """
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


def decompress(uri: ResourcePath) -> IO[bytes]:
    """Decompress a file into an anonymous temporary file.

    Parameters
    ----------
    uri
        The file.

    Returns
    -------
    stream
        The decompressed content.  A file that is not compressed, whatever its
        name, is returned unchanged.

    Raises
    ------
    CorruptArchiveError
        If the file is truncated or damaged.
    UnsupportedFormatError
        If no decompressor for the file is installed.
    """
    content = read_bytes(uri)
    name = compression_of(content[:4])
    result = tempfile.TemporaryFile()
    try:
        if name == "gzip":
            _decompress_gzip(content, uri, result)
        else:
            result.write(_decompress_zstd(content, uri) if name == "zstd" else content)
    except BaseException:
        result.close()
        raise
    result.seek(0)
    return result


def _decompress_gzip(content: bytes, uri: ResourcePath, result: IO[bytes]) -> None:
    size = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            while chunk := stream.read(CHUNK_SIZE):
                size += len(chunk)
                check_size(size, len(content), f"The decompressed content of {uri}")
                result.write(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as err:
        raise CorruptArchiveError(f"{uri} is a damaged gzip file: {err}") from err
    except OSError as err:
        raise ArchiveReadError(f"{uri} cannot be decompressed into a temporary file: {err}.") from err


def _zstd_size(content: bytes) -> int | None:
    """Return the size of the content of a Zstandard frame if its header has it (RFC 8878, 3.1.1.1)."""
    flags = content[4] if len(content) > 4 else 0
    is_single = flags >> 5 & 1
    width = (is_single, 2, 4, 8)[flags >> 6]
    start = 5 + (1 - is_single) + (0, 1, 2, 4)[flags & 3]
    field = content[start : start + width]
    if not width or len(field) < width:
        return None
    return int.from_bytes(field, "little") + (256 if width == 2 else 0)


def _decompress_zstd(content: bytes, uri: ResourcePath) -> bytes:
    what, size = f"The decompressed content of {uri}", _zstd_size(content)
    check_size(size or 0, len(content), what)
    # The standard library decompresses Zstandard only since Python 3.14;
    # imagecodecs is already a dependency, for FITS.
    if not imagecodecs.ZSTD.available:
        raise UnsupportedFormatError(
            f"Cannot decompress {uri}: this build of the package imagecodecs does not support Zstandard. "
            "Install imagecodecs from PyPI or conda-forge, or decompress the file first."
        )
    # A frame without a size is decompressed into larger and larger memory, up to the limit.
    capacity = FIRST_CAPACITY * len(content) if size is None else 0
    while True:
        try:
            return bytes(
                imagecodecs.zstd_decode(content, out=capacity)
                if capacity
                else imagecodecs.zstd_decode(content)
            )
        except imagecodecs.ZstdError as err:
            if not capacity or _TOO_SMALL not in str(err):
                raise CorruptArchiveError(f"{uri} is a damaged zstd file: {err}") from err
        capacity *= 4
        check_size(capacity, len(content), what)
