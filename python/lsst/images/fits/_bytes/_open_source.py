# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Anything a user may call a file, as a source of byte ranges."""

from __future__ import annotations

__all__ = ("ByteSource", "BytesSource", "FileSource", "RemoteSource", "StreamSource", "open_source")

import os
from typing import IO, cast

from lsst.resources import ResourcePath, ResourcePathExpression

from ...errors import UnsupportedFormatError
from ._byte_source import Buffer, ByteSource, BytesSource, FileSource, StreamSource
from ._remote_source import DEFAULT_PAGE_SIZE, RemoteSource


def open_source(
    target: ResourcePathExpression | Buffer | IO[bytes] | ByteSource, page_size: int = DEFAULT_PAGE_SIZE
) -> ByteSource:
    """Open something to read byte ranges of.

    Parameters
    ----------
    target
        A path, URI or `lsst.resources.ResourcePath`; bytes; a binary stream
        that can seek, which is left open; or a source, which is returned.
    page_size
        Bytes of a remote file that one request asks for at most.

    Returns
    -------
    `ByteSource`
        The source; a context manager.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnsupportedFormatError
        If ``target`` is nothing of the above.
    """
    if isinstance(target, ByteSource):
        return target
    if isinstance(target, bytes | bytearray | memoryview):
        return BytesSource(target)
    if isinstance(target, str | os.PathLike | ResourcePath) or hasattr(target, "geturl"):
        # A plain path needs no help from lsst.resources, which costs more than opening the file.
        if isinstance(target, str) and "://" not in target and not target.startswith(("file:", "~")):
            return FileSource(target)
        path = ResourcePath(cast(ResourcePath, target))
        return FileSource(path.ospath, str(target)) if path.isLocal else RemoteSource(path, page_size)
    if hasattr(target, "read") and hasattr(target, "seek"):
        return StreamSource(target)
    raise UnsupportedFormatError(
        f"{target!r} is nothing to read from; pass a path, a URI, bytes, or a binary stream that can seek."
    )
