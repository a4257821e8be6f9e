# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files that were compressed as a whole, with gzip or Zstandard."""

from __future__ import annotations

__all__ = ("compression_of", "decompress", "is_compressed_name")

import gzip
import tempfile
import zlib
from typing import IO

import imagecodecs

from lsst.resources import ResourcePath

from ..errors import CorruptArchiveError, UnsupportedFormatError

COMPRESSED = (".gz", ".zst")
"""Suffixes of names of compressed files."""

MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def is_compressed_name(uri: ResourcePath) -> bool:
    """Tell whether a name says that a file is compressed as a whole.

    Parameters
    ----------
    uri
        The file.
    """
    return uri.basename().endswith(COMPRESSED)


def compression_of(head: bytes) -> str | None:
    """Name the compression of a file.

    Parameters
    ----------
    head
        Its first bytes.

    Returns
    -------
    name
        ``gzip``, ``zstd`` or `None`.
    """
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


def decompress(uri: ResourcePath) -> IO[bytes]:
    """Unpack a compressed file into an anonymous temporary one.

    Parameters
    ----------
    uri
        The file.

    Returns
    -------
    stream
        What was compressed, or the file as it is if it is not compressed
        whatever its name says.

    Raises
    ------
    CorruptArchiveError
        If the file is truncated or damaged.
    UnsupportedFormatError
        If there is nothing installed that can unpack it.
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
    # Python has it from 3.14 on only; imagecodecs is needed for FITS anyway.
    if not imagecodecs.ZSTD.available:
        raise UnsupportedFormatError(
            f"There is no zstd decompressor for {uri}: this build of the package imagecodecs has none. "
            "Install imagecodecs from PyPI or conda-forge, or decompress the file first."
        )
    try:
        return bytes(imagecodecs.zstd_decode(content))
    except imagecodecs.ZstdError as err:
        raise CorruptArchiveError(f"{uri} is a damaged zstd file: {err}") from err
