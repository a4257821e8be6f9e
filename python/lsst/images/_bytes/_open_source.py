# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Opening of paths, URIs, bytes and streams as byte sources."""

from __future__ import annotations

__all__ = (
    "HTTP_SCHEMES",
    "ByteSource",
    "BytesSource",
    "FileSource",
    "RemoteSource",
    "StreamSource",
    "open_source",
    "read_bytes",
)

import io
import os
from typing import IO, cast

from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import UnsupportedFormatError
from ..utils import MAX_PATH_LENGTH, short_repr
from ._byte_source import Buffer, ByteSource, BytesSource, FileSource, StreamSource
from ._remote_source import DEFAULT_PAGE_SIZE, RemoteSource

HTTP_SCHEMES = frozenset({"http", "https", "dav", "davs"})
"""Schemes of URIs that files of all containers are read from with `RemoteSource`."""


def open_source(
    target: ResourcePathExpression | Buffer | IO[bytes] | ByteSource, page_size: int = DEFAULT_PAGE_SIZE
) -> ByteSource:
    """Open a file for reading byte ranges.

    Parameters
    ----------
    target
        A path, URI or `lsst.resources.ResourcePath`; bytes; a seekable binary
        stream, which is not closed; or a `ByteSource`, which is returned.
    page_size
        Maximum number of bytes per request for a remote file.

    Returns
    -------
    `ByteSource`
        The source; a context manager.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    UnsupportedFormatError
        If ``target`` is of another type.
    """
    if isinstance(target, ByteSource):
        return target
    if isinstance(target, bytes | bytearray | memoryview):
        return BytesSource(target)
    if isinstance(target, str | os.PathLike | ResourcePath) or hasattr(target, "geturl"):
        # Plain paths are opened directly; creating a ResourcePath takes longer than opening the file.
        if isinstance(target, str) and len(target) > MAX_PATH_LENGTH:
            raise UnsupportedFormatError(
                f"A path of {len(target)} characters is too long: {short_repr(target)}."
            )
        if isinstance(target, str) and "://" not in target and not target.startswith(("file:", "~")):
            return FileSource(target)
        path = ResourcePath(cast(ResourcePath, target))
        return FileSource(path.ospath, str(target)) if path.isLocal else RemoteSource(path, page_size)
    if isinstance(cast(object, target), io.TextIOBase) or getattr(target, "closed", False):
        raise UnsupportedFormatError(
            f"The stream {short_repr(target)} is closed or in text mode; open it with open(path, 'rb')."
        )
    if hasattr(target, "read") and hasattr(target, "seek"):
        return StreamSource(target)
    raise UnsupportedFormatError(
        f"Cannot open {short_repr(target)}: expected a path, a URI, bytes or a seekable binary stream."
    )


def read_bytes(uri: ResourcePath, size: int | None = None) -> bytes:
    """Read a file, or its first bytes.

    Parameters
    ----------
    uri
        The file.
    size
        Maximum number of bytes; the whole file by default.

    Returns
    -------
    `bytes`
        The bytes.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ArchiveReadError
        If it cannot be read, is a directory or not a regular file.

    Notes
    -----
    Requests to HTTP servers are repeated as those for parts of FITS files.
    """
    if uri.isLocal or uri.scheme in HTTP_SCHEMES:
        with open_source(uri) as source:
            return bytes(source.read(0, source.size if size is None else min(size, source.size)))
    content: bytes = uri.read(-1 if size is None else size)
    return content
