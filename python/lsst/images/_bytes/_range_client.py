# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Clients for range requests over HTTP, S3 and other protocols of fsspec."""

from __future__ import annotations

__all__ = ("RangeClient", "Reply", "make_client")

import asyncio
import email.utils
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from lsst.resources import ResourcePath

from ..errors import ArchiveReadError, MissingOptionalDependencyError, TransientReadError
from ..utils import short_repr

_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)")

READ_TIMEOUT = 15.0
"""Seconds without data after which a request to an HTTP server fails; the default of s3fs for S3."""

MAX_RANGES_PER_REQUEST = 32
"""Maximum number of concurrent requests of an S3 client; with its default of 10, the
requests for a box in three planes do not all run concurrently."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply to a range request."""

    start: int
    """Byte of the file at which ``data`` starts."""

    data: bytes

    total: int | None
    """Size of the file in bytes, if the reply contains it."""

    version: str | None
    """Version of the file (``ETag`` or modification date), if the reply contains it."""


class RangeClient(ABC):
    """Base class of clients that fetch byte ranges of one file."""

    @abstractmethod
    async def fetch(self, start: int, stop: int | None) -> Reply:
        """Fetch a range of bytes.

        Parameters
        ----------
        start, stop
            Bounds; a negative start without a stop requests the last bytes of
            the file.

        Returns
        -------
        `Reply`
            The reply.

        Raises
        ------
        TransientReadError
            If the request failed and may be repeated.
        ArchiveReadError
            If the request failed permanently.
        FileNotFoundError
            If the file does not exist.
        """

    @abstractmethod
    async def size(self) -> int:
        """Request the size of the file.

        Returns
        -------
        `int`
            Number of bytes.
        """

    @abstractmethod
    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine from outside of the event loop, and wait for its result.

        Parameters
        ----------
        work
            The coroutine.

        Returns
        -------
        `object`
            Its result.
        """

    suffixes = True
    """Whether the server supports suffix ranges."""


def _header(start: int, stop: int | None) -> str:
    return f"bytes={start}" if start < 0 else f"bytes={start}-{'' if stop is None else stop - 1}"


def _reply(data: bytes, status: int, content_range: str | None, version: str | None) -> Reply:
    if status != 206:
        # The server ignored the range and sent the whole file.
        return Reply(0, data, len(data), version)
    match = _CONTENT_RANGE.match(content_range or "")
    if match is None:
        raise TransientReadError(
            f"the reply has {len(data)} bytes and an invalid Content-Range, {short_repr(content_range)}"
        )
    first, last = int(match[1]), int(match[2])
    if len(data) != last + 1 - first:
        raise TransientReadError(f"the reply has {len(data)} bytes, but its Content-Range {last + 1 - first}")
    return Reply(first, data, None if match[3] == "*" else int(match[3]), version)


def _parse_retry_after(value: str | None) -> float:
    """Return the seconds of a ``Retry-After`` header (RFC 9110, 10.2.3), or 0 if it is missing or invalid."""
    if value is None:
        return 0.0
    if value.strip().isdecimal():
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
        return max(0.0, when.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _describe(err: BaseException) -> str:
    return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__


class _AsyncClient(RangeClient):
    # Base of the clients for asynchronous file systems of fsspec, which run an event loop in a thread.

    def __init__(self, fs: Any, path: str) -> None:
        self.fs = fs
        self.path = path

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        from fsspec.asyn import sync

        return sync(self.fs.loop, lambda: work)

    async def size(self) -> int:
        return int((await self.fs._info(self.path))["size"])


class _HttpClient(_AsyncClient):
    """Client for HTTP and HTTPS that uses the session of fsspec's file system."""

    async def fetch(self, start: int, stop: int | None) -> Reply:
        import aiohttp

        session = await self.fs.set_session()
        # Ranges refer to the encoded content, so content encoding must be off.
        headers = {
            **self.fs.kwargs.get("headers", {}),
            "Range": _header(start, stop),
            "Accept-Encoding": "identity",
        }
        timeout = aiohttp.ClientTimeout(sock_connect=READ_TIMEOUT, sock_read=READ_TIMEOUT)
        options = {"timeout": timeout, **self.fs.kwargs, "headers": headers}
        try:
            async with session.get(self.fs.encode_url(self.path), **options) as response:
                status = response.status
                if status in (404, 410):
                    raise FileNotFoundError(self.path)
                if status == 429 or status >= 500:
                    error = TransientReadError(f"HTTP status {status}")
                    error.retry_after = _parse_retry_after(response.headers.get("Retry-After"))
                    raise error
                if status >= 400:
                    raise ArchiveReadError(
                        f"{self.path} cannot be read: the server answered a request for "
                        f"{short_repr(_header(start, stop))} with HTTP status {status} ({response.reason})."
                    )
                data = await response.read()
                version = response.headers.get("ETag") or response.headers.get("Last-Modified")
                return _reply(data, status, response.headers.get("Content-Range"), version)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as err:
            raise TransientReadError(_describe(err)) from err
        except aiohttp.ClientError as err:
            raise ArchiveReadError(f"{self.path} cannot be read: {_describe(err)}.") from err


class _S3Client(_AsyncClient):
    """Client for S3 that uses the client of s3fs.

    That client repeats requests that are refused or get no reply; only errors
    during the transfer of the body are reported as transient.
    """

    async def fetch(self, start: int, stop: int | None) -> Reply:
        import aiohttp
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key, _ = self.fs.split_path(self.path)
        await self.fs.set_session()
        client = await self.fs.get_s3(bucket)
        try:
            found = await client.get_object(
                Bucket=bucket, Key=key, Range=_header(start, stop), **self.fs.req_kw
            )
        except ClientError as err:
            if err.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                raise FileNotFoundError(f"s3://{self.path}") from None
            raise ArchiveReadError(f"s3://{self.path} cannot be read: {err}.") from err
        except (BotoCoreError, OSError, TimeoutError) as err:
            raise ArchiveReadError(f"s3://{self.path} cannot be read: {_describe(err)}.") from err
        try:
            data = await found["Body"].read()
        except (BotoCoreError, aiohttp.ClientError, OSError, TimeoutError) as err:
            raise TransientReadError(_describe(err)) from err
        status = found["ResponseMetadata"]["HTTPStatusCode"]
        return _reply(data, status, found.get("ContentRange"), found.get("ETag"))


class _GenericClient(RangeClient):
    """Client for all other file systems of fsspec."""

    suffixes = False

    def __init__(self, fs: Any, path: str) -> None:
        self.fs = fs
        self.path = path

    async def fetch(self, start: int, stop: int | None) -> Reply:
        try:
            data = await asyncio.to_thread(self.fs.cat_file, self.path, start=start, end=stop)
        except (FileNotFoundError, PermissionError):
            raise
        except (OSError, TimeoutError) as err:
            raise TransientReadError(_describe(err)) from err
        return Reply(start, data, None, None)

    async def size(self) -> int:
        return int(await asyncio.to_thread(self.fs.size, self.path))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)


def make_client(path: ResourcePath) -> RangeClient:
    """Make a client for a file.

    Parameters
    ----------
    path
        URI of the file.

    Returns
    -------
    `RangeClient`
        The client.

    Raises
    ------
    MissingOptionalDependencyError
        If the package for this protocol is not installed.
    ArchiveReadError
        If the server cannot be reached.
    """
    try:
        fs, name = path.to_fsspec()
    except ImportError as err:
        raise MissingOptionalDependencyError(
            f"{path} cannot be read: {err}. Install 'aiohttp' for http, 's3fs' for s3, 'gcsfs' for gs."
        ) from err
    except OSError as err:
        # lsst.resources queries the capabilities of an HTTP server when its first path is used.
        raise ArchiveReadError(f"{path} cannot be read: {err}.") from err
    if hasattr(fs, "_call_s3"):
        # Ignored if the client is already connected.
        fs.config_kwargs.setdefault("max_pool_connections", MAX_RANGES_PER_REQUEST)
        return _S3Client(fs, name)
    if hasattr(fs, "set_session") and hasattr(fs, "encode_url"):
        return _HttpClient(fs, name)
    return _GenericClient(fs, name)
