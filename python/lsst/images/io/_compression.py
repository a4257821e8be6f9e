# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Decompress files that are compressed as a whole with gzip or Zstandard."""

from __future__ import annotations

__all__ = ("COMPRESSED_SUFFIXES", "compression_of", "decompress", "is_compressed_name")

import gzip
import tempfile
import zlib
from typing import IO

import imagecodecs

from lsst.resources import ResourcePath

from ..errors import CorruptArchiveError, UnsupportedFormatError

COMPRESSED_SUFFIXES = (".gz", ".zst")
"""File name suffixes of compressed files."""

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
    content = uri.read()
    name = compression_of(content[:4])
    if name == "gzip":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as err:
            raise CorruptArchiveError(f"{uri} is a damaged gzip file: {err}") from err
    elif name == "zstd":
        content = _decompress_zstd(content, uri)
    result = tempfile.TemporaryFile()
    result.write(content)
    result.seek(0)
    return result


def _decompress_zstd(content: bytes, uri: ResourcePath) -> bytes:
    # The standard library decompresses Zstandard only since Python 3.14;
    # imagecodecs is already a dependency, for FITS.
    if not imagecodecs.ZSTD.available:
        raise UnsupportedFormatError(
            f"Cannot decompress {uri}: this build of the package imagecodecs does not support Zstandard. "
            "Install imagecodecs from PyPI or conda-forge, or decompress the file first."
        )
    try:
        return bytes(imagecodecs.zstd_decode(content))
    except imagecodecs.ZstdError as err:
        raise CorruptArchiveError(f"{uri} is a damaged zstd file: {err}") from err
