# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Byte ranges of things that lie near: local files, buffers, binary streams."""

from __future__ import annotations

__all__ = ("Buffer", "ByteSource", "BytesSource", "FileSource", "StreamSource", "coalesce")

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

from ...errors import ArchiveReadError, CorruptArchiveError
from ._scratch import Scratch

Buffer = bytes | bytearray | memoryview
"""What a source hands out: read-only bytes in any of Python's clothes."""

LOCAL_GAP = 64 * 1024
"""Two ranges of a local file are read as one if no more bytes than this lie
between them; copying that much costs about as much as one system call."""

MIN_PEEK_SIZE = 4 * 2880
"""Fewer bytes than this of a far source are often less than a header, and more are fetched."""

FEW_RANGES = 8
"""So few ranges of a local file are read one by one: looking which are close
to each other would cost more."""


def coalesce(ranges: Sequence[tuple[int, int]], gap: int) -> list[tuple[int, int, list[int]]]:
    """Join byte ranges that are close to each other.

    Parameters
    ----------
    ranges
        Pairs of byte offset and length, in any order.
    gap
        Largest number of unwanted bytes between two ranges that are joined.

    Returns
    -------
    `list` [ `tuple` [ `int`, `int`, `list` [ `int` ] ] ]
        Start and stop of each joined range, and the positions in ``ranges``
        that it serves, ordered by start.
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
    """Something of which any range of bytes can be had.

    Parameters
    ----------
    name
        What to call the source in messages: a path or a URI.

    Notes
    -----
    Sources may be read from several threads at once.
    """

    remote = False
    """Whether a call costs a round trip, so that requests must be few."""

    size: int
    """Number of bytes in all."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def read(self, offset: int, size: int) -> Buffer:
        """Return bytes of the source.

        Parameters
        ----------
        offset
            Byte where to begin.
        size
            Number of bytes.

        Returns
        -------
        `bytes`, `bytearray` or `memoryview`
            Exactly ``size`` bytes.

        Raises
        ------
        CorruptArchiveError
            If the source ends too early.
        """

    def read_into(self, offset: int, out: memoryview) -> None:
        """Fill a buffer with bytes of the source.

        Parameters
        ----------
        offset
            Byte where to begin.
        out
            Writable bytes, all of which are filled.
        """
        out[:] = self.read(offset, len(out))

    def borrow(self, offset: int, size: int, scratch: Scratch) -> memoryview:
        """Return bytes in memory that will be used again.

        Parameters
        ----------
        offset
            Byte where to begin.
        size
            Number of bytes.
        scratch
            Where they may be put.

        Returns
        -------
        `memoryview`
            The bytes, valid until the next call with the same ``scratch``.
        """
        return memoryview(self.read(offset, size))

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        """Return several ranges; those that lie close together are fetched together.

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
        for start, stop, members in coalesce(ranges, LOCAL_GAP):
            block = memoryview(self.read(start, stop - start))
            for i in members:
                offset = ranges[i][0] - start
                found[i] = block[offset : offset + ranges[i][1]]
        return found

    def glance(self, offset: int, most: int) -> Buffer:
        """Return some bytes, as many as come at no further cost.

        Parameters
        ----------
        offset
            Byte where to begin.
        most
            Most bytes that are of use.

        Returns
        -------
        `bytes` or `memoryview`
            The bytes: fewer than ``most`` at the end of the source, or where
            a far source has no more of them near.
        """
        return self.read(offset, max(0, min(most, self.size - offset)))

    def prefetch(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Bring ranges near that will be read soon; near sources do nothing.

        Parameters
        ----------
        ranges
            Pairs of byte offset and length.
        """

    def warm_cache(self, offset: int, data: Buffer) -> None:
        """Tell the source bytes that are known from elsewhere; near sources do nothing.

        Parameters
        ----------
        offset
            Byte where to begin.
        data
            The bytes.
        """

    def close(self) -> None:
        """Give back what the source holds.  Closing twice is allowed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ends_early(self, offset: int, size: int, got: int) -> CorruptArchiveError:
        return CorruptArchiveError(
            f"{self.name} is truncated: {size} bytes were expected at byte {offset}, {got} are there. "
            "Copy or download the file again."
        )


class BytesSource(ByteSource):
    """A source over bytes in memory; ranges are views, not copies.

    Parameters
    ----------
    data
        The bytes.
    name
        What to call them in messages.
    """

    def __init__(self, data: Buffer, name: str = "<bytes>") -> None:
        super().__init__(name)
        self._data = memoryview(data).cast("B")
        self.size = len(self._data)

    def read(self, offset: int, size: int) -> Buffer:
        found = self._data[offset : offset + size]
        if len(found) != size:
            raise self._ends_early(offset, size, len(found))
        return found


class FileSource(ByteSource):
    """A source over a local file.

    Parameters
    ----------
    path
        The file.
    name
        What to call it in messages; the path by default.

    Notes
    -----
    Ranges are read with ``pread`` and not from a memory map: one call fetches
    many tiles, threads do not share a position, a file that shrinks meanwhile
    is an error rather than a bus error, and the compressed bytes do not count
    as memory of the process for longer than one batch of tiles.
    """

    def __init__(self, path: str, name: str | None = None) -> None:
        self.name = name if name is not None else path
        # Unbuffered: this object only keeps the descriptor, and closes it if nobody does.
        self._file = open(path, "rb", buffering=0)
        self._fd = self._file.fileno()
        self.size = os.fstat(self._fd).st_size

    def glance(self, offset: int, most: int) -> Buffer:
        if offset < 0:
            return b""
        try:
            return os.pread(self._fd, most, offset)
        except OSError as err:
            raise self._fails(err) from err

    def read(self, offset: int, size: int) -> Buffer:
        # Asking the size first keeps a corrupt length from allocating memory.
        if offset < 0 or offset + size > self.size:
            raise self._ends_early(offset, size, max(0, self.size - offset))
        try:
            found = os.pread(self._fd, size, offset)
        except OSError as err:
            raise self._fails(err) from err
        if len(found) == size:
            return found
        # The kernel hands out at most 2 GiB at once.
        whole = bytearray(size)
        self.read_into(offset, memoryview(whole))
        return whole

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        if len(ranges) > FEW_RANGES:
            return super().read_many(ranges)
        found: list[Buffer] = []
        for offset, size in ranges:
            if offset < 0 or offset + size > self.size:
                raise self._ends_early(offset, size, max(0, self.size - offset))
            try:
                data: Buffer = os.pread(self._fd, size, offset)
            except OSError as err:
                raise self._fails(err) from err
            found.append(data if len(data) == size else self.read(offset, size))
        return found

    def borrow(self, offset: int, size: int, scratch: Scratch) -> memoryview:
        if offset < 0 or offset + size > self.size:
            raise self._ends_early(offset, size, max(0, self.size - offset))
        memory = scratch.memory("file", size)
        try:
            got = os.preadv(self._fd, [memory], offset)
        except OSError as err:
            raise self._fails(err) from err
        if got < size:
            # The kernel hands out at most 2 GiB at once.
            self.read_into(offset + got, memory[got:])
        return memory

    def read_into(self, offset: int, out: memoryview) -> None:
        done = 0
        while done < len(out):
            try:
                got = os.preadv(self._fd, [out[done:]], offset + done)
            except OSError as err:
                raise self._fails(err) from err
            if got == 0:
                raise self._ends_early(offset, len(out), done)
            done += got

    def _fails(self, err: OSError) -> ArchiveReadError:
        state = " because it was closed" if self._fd < 0 else ""
        return ArchiveReadError(f"{self.name} cannot be read{state}: {err}.")

    def close(self) -> None:
        self._fd = -1
        self._file.close()


class StreamSource(ByteSource):
    """A source over a binary stream that can seek.

    Parameters
    ----------
    stream
        The stream.  It is left open; its position is not restored.
    name
        What to call it in messages; the stream's own name by default.
    """

    def __init__(self, stream: IO[bytes], name: str | None = None) -> None:
        super().__init__(name if name is not None else str(getattr(stream, "name", "<stream>")))
        self._stream = stream
        # A stream has one position, which threads would fight over.
        self._lock = threading.Lock()
        self.size = stream.seek(0, os.SEEK_END)

    def read(self, offset: int, size: int) -> Buffer:
        if offset < 0 or offset + size > self.size:
            raise self._ends_early(offset, size, max(0, self.size - offset))
        with self._lock:
            self._stream.seek(offset)
            found = self._stream.read(size)
            # Unbuffered streams may give less than they have.
            while len(found) < size and (more := self._stream.read(size - len(found))):
                found += more
        if len(found) != size:
            raise self._ends_early(offset, size, len(found))
        return found
