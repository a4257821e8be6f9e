# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Sources of byte ranges: local files, memory buffers and binary streams."""

from __future__ import annotations

__all__ = ("Buffer", "ByteSource", "BytesSource", "FileSource", "StreamSource", "check_regular", "coalesce")

import os
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

from ..errors import ArchiveReadError, CorruptArchiveError
from ..utils import short_repr
from ._scratch import Scratch

Buffer = bytes | bytearray | memoryview
"""Types of the results of a `ByteSource`."""

MAX_LOCAL_GAP = 64 * 1024
"""Maximum number of bytes between two ranges of a local file that are read by one
system call; copying as many bytes takes about as long as a system call."""

MIN_PEEK_SIZE = 4 * 2880
"""Minimum number of bytes that `RemoteSource.peek` returns; a header often needs as many."""

MAX_SINGLE_READS = 8
"""Maximum number of ranges of a local file that are read one by one; sorting and
joining as few ranges takes longer than separate reads."""


def coalesce(ranges: Sequence[tuple[int, int]], gap: int) -> list[tuple[int, int, list[int]]]:
    """Join byte ranges with small gaps between them.

    Parameters
    ----------
    ranges
        Pairs of byte offset and length, in any order.
    gap
        Maximum number of bytes between two ranges that are joined.

    Returns
    -------
    `list` [ `tuple` [ `int`, `int`, `list` [ `int` ] ] ]
        Start and stop of each joined range, and the indices in ``ranges`` of
        the ranges in it, ordered by start.
    """
    joined: list[tuple[int, int, list[int]]] = []
    for i in sorted(range(len(ranges)), key=ranges.__getitem__):
        start, size = ranges[i]
        stop = start + size
        if joined and start <= joined[-1][1] + gap:
            first, last, members = joined[-1]
            members.append(i)
            joined[-1] = (first, max(last, stop), members)
        else:
            joined.append((start, stop, [i]))
    return joined


class ByteSource(ABC):
    """Base class of random-access byte sources.

    Parameters
    ----------
    name
        Path or URI of the source, for messages.

    Notes
    -----
    All methods are thread-safe.
    """

    remote = False
    """Whether each read takes a network round trip."""

    size: int
    """Size of the source in bytes."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def read(self, offset: int, size: int) -> Buffer:
        """Return bytes of the source.

        Parameters
        ----------
        offset
            First byte.
        size
            Number of bytes.

        Returns
        -------
        `bytes`, `bytearray` or `memoryview`
            Exactly ``size`` bytes.

        Raises
        ------
        CorruptArchiveError
            If the source ends before the last byte of the range.
        """

    def read_into(self, offset: int, out: memoryview) -> None:
        """Fill a buffer with bytes of the source.

        Parameters
        ----------
        offset
            First byte.
        out
            Writable buffer, which is filled completely.
        """
        out[:] = self.read(offset, len(out))

    def read_to_scratch(self, offset: int, size: int, scratch: Scratch) -> memoryview:
        """Return bytes in reusable memory.

        Parameters
        ----------
        offset
            First byte.
        size
            Number of bytes.
        scratch
            Memory that may be used for the result.

        Returns
        -------
        `memoryview`
            The bytes, valid until the next call with the same ``scratch``.
        """
        return memoryview(self.read(offset, size))

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        """Return several ranges; ranges with small gaps between them are read together.

        Parameters
        ----------
        ranges
            Pairs of byte offset and length.

        Returns
        -------
        `list` [ `bytes` or `bytearray` or `memoryview` ]
            The bytes of each range, in the order of ``ranges``.
        """
        if len(ranges) == 1:
            return [self.read(*ranges[0])]
        found: list[Buffer] = [b""] * len(ranges)
        for start, stop, members in coalesce(ranges, MAX_LOCAL_GAP):
            block = memoryview(self.read(start, stop - start))
            for i in members:
                offset = ranges[i][0] - start
                found[i] = block[offset : offset + ranges[i][1]]
        return found

    def peek(self, offset: int, max_size: int) -> Buffer:
        """Return bytes that are available without further requests.

        Parameters
        ----------
        offset
            First byte.
        max_size
            Maximum number of bytes.

        Returns
        -------
        `bytes` or `memoryview`
            The bytes: fewer than ``max_size`` at the end of the source, or if a
            remote source has fewer of them in its cache.
        """
        return self.read(offset, max(0, min(max_size, self.size - offset)))

    def prefetch(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Read ranges into the cache of a remote source; other sources do nothing.

        Parameters
        ----------
        ranges
            Pairs of byte offset and length.
        """

    def warm_cache(self, offset: int, data: Buffer) -> None:
        """Add bytes to the cache of a remote source; other sources do nothing.

        Parameters
        ----------
        offset
            First byte.
        data
            The bytes.
        """

    def close(self) -> None:
        """Close the source.  Closing twice is allowed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _truncated(self, offset: int, size: int, got: int) -> CorruptArchiveError:
        return CorruptArchiveError(
            f"{self.name} is truncated: {size} bytes were expected at byte {offset}, {got} are available. "
            "Copy or download the file again."
        )


class BytesSource(ByteSource):
    """A source that reads from bytes in memory; ranges are views, not copies.

    Parameters
    ----------
    data
        The bytes.
    name
        Name for messages.
    """

    def __init__(self, data: Buffer, name: str = "<bytes>") -> None:
        super().__init__(name)
        self._data = memoryview(data).cast("B")
        self.size = len(self._data)

    def read(self, offset: int, size: int) -> Buffer:
        found = self._data[offset : offset + size]
        if len(found) != size:
            raise self._truncated(offset, size, len(found))
        return found


def check_regular(path: str) -> None:
    """Refuse directories, and pipes and devices, whose opening may wait forever.

    Parameters
    ----------
    path
        Path of a file, which may not exist.

    Raises
    ------
    ArchiveReadError
        If the path is not that of a regular file.
    """
    try:
        mode = os.stat(path).st_mode
    except ValueError as err:
        raise ArchiveReadError(f"The path {short_repr(path)} is invalid: {err}.") from err
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise ArchiveReadError(
            f"{path} is {kind} and cannot be read as a file. Pass the path of a regular file, or the bytes."
        )


class FileSource(ByteSource):
    """A source that reads from a local file.

    Parameters
    ----------
    path
        The file.
    name
        Name for messages; the path by default.

    Notes
    -----
    Ranges are read with ``pread`` in place of a memory map: one call reads many
    tiles, threads do not share a file position, truncation of the file while
    it is read raises an exception in place of a bus error, and compressed bytes
    occupy memory only while a batch of tiles is decoded.
    """

    def __init__(self, path: str, name: str | None = None) -> None:
        self.name = name if name is not None else path
        check_regular(path)
        # Unbuffered: the object only owns the file descriptor, and closes it when it is garbage-collected.
        try:
            self._file = open(path, "rb", buffering=0)
        except (FileNotFoundError, PermissionError):
            raise
        except OSError as err:
            raise ArchiveReadError(f"{short_repr(path)} cannot be opened: {err.strerror}.") from err
        self._fd = self._file.fileno()
        self.size = os.fstat(self._fd).st_size

    def peek(self, offset: int, max_size: int) -> Buffer:
        if offset < 0:
            return b""
        try:
            return os.pread(self._fd, max_size, offset)
        except OSError as err:
            raise self._read_error(err) from err

    def read(self, offset: int, size: int) -> Buffer:
        # The size is checked first, so that a corrupt length does not allocate memory.
        if offset < 0 or offset + size > self.size:
            raise self._truncated(offset, size, max(0, self.size - offset))
        try:
            found = os.pread(self._fd, size, offset)
        except OSError as err:
            raise self._read_error(err) from err
        if len(found) == size:
            return found
        # The kernel returns at most 2 GiB per call.
        whole = bytearray(size)
        self.read_into(offset, memoryview(whole))
        return whole

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        if len(ranges) > MAX_SINGLE_READS:
            return super().read_many(ranges)
        found: list[Buffer] = []
        for offset, size in ranges:
            if offset < 0 or offset + size > self.size:
                raise self._truncated(offset, size, max(0, self.size - offset))
            try:
                data: Buffer = os.pread(self._fd, size, offset)
            except OSError as err:
                raise self._read_error(err) from err
            found.append(data if len(data) == size else self.read(offset, size))
        return found

    def read_to_scratch(self, offset: int, size: int, scratch: Scratch) -> memoryview:
        if offset < 0 or offset + size > self.size:
            raise self._truncated(offset, size, max(0, self.size - offset))
        memory = scratch.memory("file", size)
        try:
            got = os.preadv(self._fd, [memory], offset)
        except OSError as err:
            raise self._read_error(err) from err
        if got < size:
            # The kernel returns at most 2 GiB per call.
            self.read_into(offset + got, memory[got:])
        return memory

    def read_into(self, offset: int, out: memoryview) -> None:
        done = 0
        while done < len(out):
            try:
                got = os.preadv(self._fd, [out[done:]], offset + done)
            except OSError as err:
                raise self._read_error(err) from err
            if got == 0:
                raise self._truncated(offset, len(out), done)
            done += got

    def _read_error(self, err: OSError) -> ArchiveReadError:
        state = " because it is closed" if self._fd < 0 else ""
        return ArchiveReadError(f"{self.name} cannot be read{state}: {err}.")

    def close(self) -> None:
        self._fd = -1
        self._file.close()


class StreamSource(ByteSource):
    """A source that reads from a seekable binary stream.

    Parameters
    ----------
    stream
        The stream, which is not closed; its position changes.
    name
        Name for messages; the ``name`` of the stream by default.
    """

    def __init__(self, stream: IO[bytes], name: str | None = None) -> None:
        super().__init__(name if name is not None else str(getattr(stream, "name", "<stream>")))
        self._stream = stream
        # All threads share the position of the stream.
        self._lock = threading.Lock()
        self.size = stream.seek(0, os.SEEK_END)

    def read(self, offset: int, size: int) -> Buffer:
        if offset < 0 or offset + size > self.size:
            raise self._truncated(offset, size, max(0, self.size - offset))
        with self._lock:
            self._stream.seek(offset)
            found = self._stream.read(size)
            # Unbuffered streams may return fewer bytes than available.
            while len(found) < size and (more := self._stream.read(size - len(found))):
                found += more
        if len(found) != size:
            raise self._truncated(offset, size, len(found))
        return found
