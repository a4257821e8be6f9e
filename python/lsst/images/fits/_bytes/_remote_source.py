# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Byte ranges of files that are far away, in few requests."""

from __future__ import annotations

__all__ = ("DEFAULT_PAGE_SIZE", "READ_CACHE_MAX_BYTES", "RemoteSource")

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

from lsst.resources import ResourcePath

from ...errors import ArchiveReadError, InvalidParameterError, TransientReadError
from ._byte_source import MIN_PEEK_SIZE, Buffer, ByteSource, coalesce
from ._range_client import RangeClient, Reply, make_client

HEAD = 12 * 2880
"""Bytes of the start of a file that are fetched first: the primary header,
usually, and that of the first extension."""

TAIL = 24 * 2880
"""Bytes of the end that are fetched at the same time: the tree and the index."""

GAP = 16 * 1024
"""Unwanted bytes that cost less than another request."""

DEFAULT_PAGE_SIZE = 8 * 1024 * 1024
"""Longer ranges are fetched in parts of this length, at the same time."""

MAX_ATTEMPTS = 5
"""How often a request is made before its failure is final."""

INITIAL_BACKOFF = 0.1
"""Seconds before the second try; doubled before each further one."""

READ_CACHE_MAX_BYTES = 64 * 1024 * 1024
"""Bytes that are kept of what was fetched ahead; the oldest pixels go first."""

SMALL = 1024 * 1024
"""So few bytes are no pixels to speak of, but headers and tables, which are wanted again."""


class RemoteSource(ByteSource):
    """A source over a file that is read through requests for byte ranges.

    Parameters
    ----------
    path
        Where the file is.
    page_size
        Bytes that one request asks for at most.

    Raises
    ------
    InvalidParameterError
        If ``page_size`` is not positive.

    Notes
    -----
    The first request brings the start and the end of the file at once, and the
    size with them.  Each reply is compared with what was asked for, and with the
    version of the file that earlier replies came from.
    """

    remote = True

    def __init__(self, path: ResourcePath, page_size: int = DEFAULT_PAGE_SIZE) -> None:
        super().__init__(str(path))
        if page_size < 1:
            raise InvalidParameterError(f"page_size={page_size!r} must be a positive number of bytes.")
        self._page_size = page_size
        self._client: RangeClient | None = make_client(path)
        self._kept: list[tuple[int, Buffer]] = []
        self._keeping = threading.Lock()
        self._version: str | None = None
        self._run(self._first_requests())

    def read(self, offset: int, size: int) -> Buffer:
        return self.read_many([(offset, size)])[0]

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        # What lies near of a range need not be fetched again.
        found = [self._near(offset, size) for offset, size in ranges]
        missing = [i for i, data in enumerate(found) if len(data) < ranges[i][1]]
        wanted = [(ranges[i][0] + len(found[i]), ranges[i][1] - len(found[i])) for i in missing]
        for i, data in zip(missing, self._fetch_many(wanted), strict=True):
            found[i] = b"".join((found[i], data)) if found[i] else data
        return found

    def glance(self, offset: int, most: int) -> Buffer:
        found = self._near(offset, most)
        if len(found) < min(MIN_PEEK_SIZE, most, self.size - offset):
            # Kept, because what follows a header is usually wanted next.
            self.prefetch([(offset, most)])
            found = self._near(offset, most)
        return found

    def prefetch(self, ranges: Sequence[tuple[int, int]]) -> None:
        missing = []
        for offset, most in ranges:
            size = min(most, self.size - offset)
            near = len(self._near(offset, size)) if size > 0 else size
            if near < size:
                missing.append((offset + near, size - near))
        joined = [(start, stop - start) for start, stop, _ in coalesce(missing, GAP)]
        for (offset, _), data in zip(joined, self._fetch_many(joined), strict=True):
            self.warm_cache(offset, data)

    def warm_cache(self, offset: int, data: Buffer) -> None:
        with self._keeping:
            self._kept.append((offset, data))
            while len(self._kept) > 1 and sum(len(kept) for _, kept in self._kept) > READ_CACHE_MAX_BYTES:
                old = self._kept[:-1]
                del self._kept[next((i for i, (_, kept) in enumerate(old) if len(kept) > SMALL), 0)]

    def close(self) -> None:
        self._client = None
        self._kept.clear()

    def _near(self, offset: int, size: int) -> Buffer:
        """Return the first bytes of a range, as many as are kept without a gap."""
        parts: list[Buffer] = []
        stop = offset + size
        while offset < stop:
            pieces = [memoryview(d)[offset - s : stop - s] for s, d in self._kept if s <= offset < s + len(d)]
            if not pieces:
                break
            parts.append(max(pieces, key=len))
            offset += len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _first_requests(self) -> None:
        client = self._open_client()
        if not client.suffixes:
            self.size = await client.size()
            self._keep(await self._try(0, min(HEAD, self.size)))
            return
        head, tail = await asyncio.gather(self._try(0, HEAD), self._try(-TAIL, None), return_exceptions=True)
        if isinstance(head, BaseException):
            raise head
        self.size = head.total if head.total is not None else await client.size()
        self._keep(head)
        # Some servers do not know how to give the end; then it is read when it is needed.
        if isinstance(tail, Reply):
            self._keep(tail)
        elif not isinstance(tail, ArchiveReadError):
            raise tail

    def _keep(self, reply: Reply) -> None:
        self._check_version(reply)
        self.warm_cache(reply.start, reply.data)

    def _check_version(self, reply: Reply) -> None:
        for what, old, new in (("ETag", self._version, reply.version), ("size", self.size, reply.total)):
            if old is not None and new not in (None, old):
                raise ArchiveReadError(
                    f"{self.name} was replaced while it was being read (its {what} changed from {old!r} "
                    f"to {new!r}). Open it again."
                )
        self._version = reply.version if self._version is None else self._version

    def _fetch_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        # Near ranges in one request, long ones in several, all at the same time.
        if not ranges:
            return []
        for offset, size in ranges:
            if offset < 0 or offset + size > self.size:
                raise self._ends_early(offset, size, max(0, self.size - offset))
        joined = coalesce(ranges, GAP)
        page = self._page_size
        parts = [(a, min(a + page, stop)) for start, stop, _ in joined for a in range(start, stop, page)]
        replies: dict[int, bytes] = self._run(self._gather(parts))
        found: list[Buffer] = [b""] * len(ranges)
        for start, stop, members in joined:
            pieces = [replies[a] for a in range(start, stop, page)]
            block = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
            for i in members:
                first = ranges[i][0] - start
                found[i] = block[first : first + ranges[i][1]]
        return found

    async def _gather(self, parts: Sequence[tuple[int, int]]) -> dict[int, bytes]:
        tasks = [asyncio.ensure_future(self._try(start, stop)) for start, stop in parts]
        try:
            replies = await asyncio.gather(*tasks)
        finally:
            # Where one has failed for good, nobody wants the others.
            for task in tasks:
                task.cancel()
        for reply in replies:
            self._check_version(reply)
        return {start: reply.data for (start, _), reply in zip(parts, replies, strict=True)}

    async def _try(self, start: int, stop: int | None) -> Reply:
        client = self._open_client()
        pause = INITIAL_BACKOFF
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return self._check(await client.fetch(start, stop), start, stop)
            except TransientReadError as err:
                if attempt == MAX_ATTEMPTS:
                    raise ArchiveReadError(
                        f"Cannot read bytes {start} to {stop} of {self.name} after {MAX_ATTEMPTS} attempts: "
                        f"{err}."
                    ) from err
                await asyncio.sleep(pause)
                pause *= 2
        raise AssertionError("the loop above returns or raises")

    def _check(self, reply: Reply, start: int, stop: int | None) -> Reply:
        if stop is None and reply.total is None:
            raise ArchiveReadError(f"{self.name}: the server does not say where the end is that it sent.")
        if reply.total is not None:
            start = max(0, start + reply.total) if start < 0 else start
            stop = reply.total if stop is None else min(stop, reply.total)
        assert stop is not None, "told by the server"
        first = start - reply.start
        data = reply.data if first == 0 else reply.data[first:] if first > 0 else b""
        # The whole file instead of a part of it will do as well.
        if len(data) > stop - start and reply.total == reply.start + len(reply.data):
            data = data[: stop - start]
        if len(data) != stop - start:
            raise TransientReadError(
                f"bytes {reply.start} to {reply.start + len(reply.data)} came instead of {start} to {stop}"
            )
        return Reply(start, data, reply.total, reply.version)

    def _open_client(self) -> RangeClient:
        if self._client is None:
            raise ArchiveReadError(f"{self.name} cannot be read because it was closed.")
        return self._client

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._open_client().run(work)
        finally:
            work.close()
