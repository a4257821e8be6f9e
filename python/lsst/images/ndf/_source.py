# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Open local and remote HDF5 files, and convert errors of the HDF5 library."""

from __future__ import annotations

__all__ = ("RemoteFile", "SourceFile", "open_hdf5", "reading")

import contextlib
import io
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from fsspec.caching import BlockCache

from lsst.resources import ResourcePath

from .._bytes._byte_source import ByteSource, FileSource, check_regular
from .._bytes._open_source import HTTP_SCHEMES, open_source
from ..errors import CorruptArchiveError, ImagesError, NotAnArchiveError
from ..utils import UNEXPECTED, short_repr
from ._hds import import_h5py
from ._plugin import HDF5_SIGNATURE

BLOCK_SIZE = 128 * 1024
"""Size of a cached block of a remote file in bytes.  HDF5 reads its internal
structures in hundreds of small pieces that are close to each other."""

DOWNLOAD_SIZE = 32 * 1024 * 1024
"""Number of bytes of a remote file that are copied at a time."""

MAX_BLOCKS = 64
"""Maximum number of cached blocks."""


class RemoteFile(io.RawIOBase):
    """A remote file of which only the required blocks are downloaded.

    Parameters
    ----------
    handle
        Seekable binary stream.  Each read costs a round trip.  `None` in
        subclasses that override ``_fetch``.
    size
        Size of the file in bytes.
    """

    def __init__(self, handle: IO[bytes] | None, size: int) -> None:
        super().__init__()
        self._handle = handle
        self._size = size
        self._position = 0
        self._blocks = BlockCache(BLOCK_SIZE, self._fetch, size, maxblocks=MAX_BLOCKS)

    def _fetch(self, start: int, stop: int) -> bytes:
        assert self._handle is not None, "only subclasses without a handle override this method"
        self._handle.seek(start)
        content = self._handle.read(stop - start)
        # A read may return fewer bytes than requested.
        while len(content) < stop - start and (more := self._handle.read(stop - start - len(content))):
            content += more
        return content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        stop = min(self._position + len(buffer), self._size)
        if stop <= self._position:
            return 0
        # Large reads are pixels, which are read once: do not cache them.
        fetch = self._fetch if stop - self._position >= BLOCK_SIZE else self._blocks._fetch
        found = fetch(self._position, stop)
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)


class SourceFile(RemoteFile):
    """A remote file that is read with the requests of a `ByteSource`.

    Parameters
    ----------
    source
        The source, which is not closed.
    """

    def __init__(self, source: ByteSource) -> None:
        super().__init__(None, source.size)
        self._source = source

    def _fetch(self, start: int, stop: int) -> bytes:
        return bytes(self._source.read(start, min(stop, self._size) - start))


def open_hdf5(target: Any, *, partial: bool) -> tuple[Any, contextlib.ExitStack]:
    """Open an HDF5 file for reading.

    Parameters
    ----------
    target
        URI, path, or seekable binary stream.
    partial
        Whether only parts will be read; otherwise a remote file is downloaded.

    Returns
    -------
    file, resources
        The `h5py.File`, and the resources to close, which include the file.

    Raises
    ------
    NotAnArchiveError
        If the target is not an HDF5 file.
    CorruptArchiveError
        If the file is truncated or damaged.
    """
    h5py = import_h5py()
    with contextlib.ExitStack() as resources:
        if hasattr(target, "seek"):
            name, source = getattr(target, "name", "the stream"), target
        else:
            name = uri = ResourcePath(target, forceDirectory=False)
            source = _find_source(uri, partial, resources)
        head = _read_head(source)
        if head != HDF5_SIGNATURE:
            raise NotAnArchiveError(f"{name} is not an HDF5 file; it begins with {short_repr(head)}.")
        try:
            # Readers do not need locks, which some network file systems do not support.
            options = {} if hasattr(source, "seek") else {"locking": False}
            file = resources.enter_context(h5py.File(source, "r", **options))
        except (OSError, OverflowError) as err:
            # A damaged address may be larger than any file.
            raise CorruptArchiveError(f"{name} is truncated or damaged: {err}") from err
        return file, resources.pop_all()


def _find_source(uri: ResourcePath, partial: bool, resources: contextlib.ExitStack) -> Any:
    """Return a path or a file object that h5py can open."""
    if uri.isLocal:
        check_regular(uri.ospath)
        return uri.ospath
    if uri.scheme in HTTP_SCHEMES:
        source = resources.enter_context(open_source(uri))
        return SourceFile(source) if partial else _download(source, resources)
    if partial:
        handle: Any = resources.enter_context(uri.open("rb"))
        return RemoteFile(handle, uri.size())
    return resources.enter_context(uri.as_local()).ospath


def _download(source: ByteSource, resources: contextlib.ExitStack) -> str:
    """Copy a remote file to a temporary file, and return its path."""
    copy = resources.enter_context(tempfile.NamedTemporaryFile(suffix=".sdf"))
    for start in range(0, source.size, DOWNLOAD_SIZE):
        copy.write(source.read(start, min(DOWNLOAD_SIZE, source.size - start)))
    copy.flush()
    return copy.name


def _read_head(source: Any) -> bytes:
    if isinstance(source, str):
        with FileSource(source) as file:
            return bytes(file.peek(0, len(HDF5_SIGNATURE)))
    source.seek(0)
    head: bytes = source.read(len(HDF5_SIGNATURE))
    return head


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Convert errors of the HDF5 library to `CorruptArchiveError`.

    Parameters
    ----------
    what
        Part of the file that is read, for the error message.

    Raises
    ------
    CorruptArchiveError
        If the library raises an error.
    """
    try:
        yield
    except ImagesError:
        raise
    except (*UNEXPECTED, OSError, RuntimeError) as err:
        raise CorruptArchiveError(f"{what} cannot be read: {err}") from err
