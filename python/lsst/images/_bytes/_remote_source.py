# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Byte ranges of remote files, with few requests."""

from __future__ import annotations

__all__ = ("DEFAULT_PAGE_SIZE", "READ_CACHE_MAX_BYTES", "RemoteSource", "read_deadline")

import asyncio
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from lsst.resources import ResourcePath

from ..errors import ArchiveReadError, InvalidParameterError, TransientReadError
from ..limits import limit_from_environment
from ..utils import short_repr
from ._byte_source import MIN_PEEK_SIZE, Buffer, ByteSource, coalesce
from ._range_client import RangeClient, Reply, make_client

PREFIX_SIZE = 12 * 2880
"""Bytes at the start of a file that are fetched first; they usually include the
primary header and that of the first extension."""

SUFFIX_SIZE = 24 * 2880
"""Bytes at the end of a file that are fetched at the same time; they usually
include the index block."""

MAX_GAP = 16 * 1024
"""Maximum number of bytes between two ranges that are fetched by one request."""

DEFAULT_PAGE_SIZE = 8 * 1024 * 1024
"""Maximum number of bytes per request; longer ranges are fetched by concurrent requests."""

MAX_ATTEMPTS = 5
"""Maximum number of attempts per request."""

INITIAL_BACKOFF = 0.1
"""Seconds before the second attempt; doubled before each further one."""

DEADLINE_VARIABLE = "LSST_IMAGES_READ_DEADLINE"
"""Environment variable with another value of `DEFAULT_DEADLINE`."""

DEFAULT_DEADLINE = 300.0
"""Seconds after which a request fails, including all attempts; a page of 8 MiB then arrives at 28 kB/s."""

READ_CACHE_MAX_BYTES = 64 * 1024 * 1024
"""Maximum size of the cache in bytes; the oldest pixels are removed first."""

MAX_METADATA_SIZE = 1024 * 1024
"""Maximum size in bytes of cached ranges that are treated as headers and tables, and removed last."""


def read_deadline() -> float:
    """Return the seconds after which a request fails.

    Returns
    -------
    `float`
        Value of the environment variable, or `DEFAULT_DEADLINE`.

    Raises
    ------
    InvalidParameterError
        If the value is not a positive number.
    """
    return limit_from_environment(DEADLINE_VARIABLE, DEFAULT_DEADLINE, "number of seconds")


class RemoteSource(ByteSource):
    """A source that reads a remote file by HTTP range requests or their equivalent.

    Parameters
    ----------
    path
        URI of the file.
    page_size
        Maximum number of bytes per request.

    Raises
    ------
    InvalidParameterError
        If ``page_size`` is not positive.

    Notes
    -----
    The start and the end of the file are requested concurrently when it is
    opened; the reply includes the size.  Each reply is compared with the
    requested range, and with the version (ETag) of earlier replies.
    """

    remote = True

    def __init__(self, path: ResourcePath, page_size: int = DEFAULT_PAGE_SIZE) -> None:
        super().__init__(str(path))
        if page_size < 1:
            raise InvalidParameterError(
                f"page_size={short_repr(page_size)} must be a positive number of bytes."
            )
        self._page_size = page_size
        self._client: RangeClient | None = make_client(path)
        self._cache: list[tuple[int, Buffer]] = []
        self._cache_lock = threading.Lock()
        self._version: str | None = None
        self._run(self._first_requests())

    def read(self, offset: int, size: int) -> Buffer:
        return self.read_many([(offset, size)])[0]

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        # Leading bytes of a range that are cached are not fetched again.
        found = [self._cached(offset, size) for offset, size in ranges]
        missing = [i for i, data in enumerate(found) if len(data) < ranges[i][1]]
        wanted = [(ranges[i][0] + len(found[i]), ranges[i][1] - len(found[i])) for i in missing]
        for i, data in zip(missing, self._fetch_many(wanted), strict=True):
            found[i] = b"".join((found[i], data)) if found[i] else data
        return found

    def peek(self, offset: int, max_size: int) -> Buffer:
        found = self._cached(offset, max_size)
        if len(found) < min(MIN_PEEK_SIZE, max_size, self.size - offset):
            # Cached, because the bytes after a header are usually read next.
            self.prefetch([(offset, max_size)])
            found = self._cached(offset, max_size)
        return found

    def prefetch(self, ranges: Sequence[tuple[int, int]]) -> None:
        missing = []
        for offset, max_size in ranges:
            size = min(max_size, self.size - offset)
            cached = len(self._cached(offset, size)) if size > 0 else size
            if cached < size:
                missing.append((offset + cached, size - cached))
        joined = [(start, stop - start) for start, stop, _ in coalesce(missing, MAX_GAP)]
        for (offset, _), data in zip(joined, self._fetch_many(joined), strict=True):
            self.warm_cache(offset, data)

    def warm_cache(self, offset: int, data: Buffer) -> None:
        with self._cache_lock:
            self._cache.append((offset, data))
            while len(self._cache) > 1 and sum(len(kept) for _, kept in self._cache) > READ_CACHE_MAX_BYTES:
                old = self._cache[:-1]
                del self._cache[
                    next((i for i, (_, kept) in enumerate(old) if len(kept) > MAX_METADATA_SIZE), 0)
                ]

    def close(self) -> None:
        self._client = None
        self._cache.clear()

    def _cached(self, offset: int, size: int) -> Buffer:
        """Return the leading bytes of a range that are cached without a gap."""
        parts: list[Buffer] = []
        stop = offset + size
        while offset < stop:
            pieces = [
                memoryview(d)[offset - s : stop - s] for s, d in self._cache if s <= offset < s + len(d)
            ]
            if not pieces:
                break
            parts.append(max(pieces, key=len))
            offset += len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _first_requests(self) -> None:
        client = self._open_client()
        if not client.suffixes:
            self.size = await client.size()
            self._store(await self._try(0, min(PREFIX_SIZE, self.size)))
            return
        prefix, suffix = await asyncio.gather(
            self._try(0, PREFIX_SIZE), self._try(-SUFFIX_SIZE, None), return_exceptions=True
        )
        if isinstance(prefix, BaseException):
            raise prefix
        self.size = prefix.total if prefix.total is not None else await client.size()
        self._store(prefix)
        # Some servers do not support suffix ranges; then the end is read when it is needed.
        if isinstance(suffix, Reply):
            self._store(suffix)
        elif not isinstance(suffix, ArchiveReadError):
            raise suffix

    def _store(self, reply: Reply) -> None:
        self._check_version(reply)
        self.warm_cache(reply.start, reply.data)

    def _check_version(self, reply: Reply) -> None:
        for what, old, new in (("ETag", self._version, reply.version), ("size", self.size, reply.total)):
            if old is not None and new not in (None, old):
                raise ArchiveReadError(
                    f"{self.name} was replaced while it was being read: its {what} changed from "
                    f"{short_repr(old)} "
                    f"to {short_repr(new)}. Open it again."
                )
        self._version = reply.version if self._version is None else self._version

    def _fetch_many(self, ranges: Sequence[tuple[int, int]]) -> list[Buffer]:
        # Adjacent ranges share a request, long ones are divided; all requests are concurrent.
        if not ranges:
            return []
        for offset, size in ranges:
            if offset < 0 or offset + size > self.size:
                raise self._truncated(offset, size, max(0, self.size - offset))
        joined = coalesce(ranges, MAX_GAP)
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
            # If one request has failed, the results of the others are not needed.
            for task in tasks:
                task.cancel()
        for reply in replies:
            self._check_version(reply)
        return {start: reply.data for (start, _), reply in zip(parts, replies, strict=True)}

    async def _try(self, start: int, stop: int | None) -> Reply:
        deadline = read_deadline()
        try:
            async with asyncio.timeout(deadline):
                return await self._attempt(start, stop, deadline)
        except TimeoutError as err:
            raise ArchiveReadError(
                f"Cannot read bytes {start} to {stop} of {self.name} within {deadline:g} seconds. Try again "
                f"later, or set the environment variable {DEADLINE_VARIABLE} to more seconds."
            ) from err

    async def _attempt(self, start: int, stop: int | None, deadline: float) -> Reply:
        client = self._open_client()
        pause = INITIAL_BACKOFF
        end = time.monotonic() + deadline
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return self._check(await client.fetch(start, stop), start, stop)
            except TransientReadError as err:
                wait = max(pause, err.retry_after)
                late = wait > end - time.monotonic()
                if attempt == MAX_ATTEMPTS or late:
                    reason = f" (the next one is allowed in {wait:g} seconds)" if late else ""
                    raise ArchiveReadError(
                        f"Cannot read bytes {start} to {stop} of {self.name} after {attempt} "
                        f"attempts{reason}: {err}."
                    ) from err
                await asyncio.sleep(wait)
                pause *= 2
        raise AssertionError("the loop above returns or raises")

    def _check(self, reply: Reply, start: int, stop: int | None) -> Reply:
        if stop is None and reply.total is None:
            raise ArchiveReadError(
                f"{self.name}: the reply to a suffix request has no file size (Content-Range)."
            )
        if reply.total is not None:
            start = max(0, start + reply.total) if start < 0 else start
            stop = reply.total if stop is None else min(stop, reply.total)
        assert stop is not None, "a suffix request has a total, checked above"
        first = start - reply.start
        data = reply.data if first == 0 else reply.data[first:] if first > 0 else b""
        # A reply with the whole file is accepted too.
        if len(data) > stop - start and reply.total == reply.start + len(reply.data):
            data = data[: stop - start]
        if len(data) != stop - start:
            raise TransientReadError(
                f"the reply has bytes {reply.start} to {reply.start + len(reply.data)} instead of "
                f"{start} to {stop}"
            )
        return Reply(start, data, reply.total, reply.version)

    def _open_client(self) -> RangeClient:
        if self._client is None:
            raise ArchiveReadError(f"{self.name} cannot be read because it is closed.")
        return self._client

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._open_client().run(work)
        finally:
            work.close()
