# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""One ranged request, in the dialect of each kind of server."""

from __future__ import annotations

__all__ = ("RangeClient", "Reply", "make_client")

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from lsst.resources import ResourcePath

from ...errors import ArchiveReadError, MissingOptionalDependencyError, TransientReadError

_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)")

READ_TIMEOUT = 15.0
"""Seconds without a byte after which an HTTP server is not waited for any longer; as in s3fs for S3."""

MAX_RANGES_PER_REQUEST = 32
"""Requests that an S3 client may make at the same time; with the usual 10 a box in
three planes would take two turns."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent."""

    start: int
    """Byte of the file where ``data`` starts."""

    data: bytes

    total: int | None
    """Size of the file, if the server said it."""

    version: str | None
    """Something that changes when the file does (``ETag``, or the date), if the server said it."""


class RangeClient(ABC):
    """Fetches byte ranges of one file."""

    @abstractmethod
    async def fetch(self, start: int, stop: int | None) -> Reply:
        """Fetch a range of bytes.

        Parameters
        ----------
        start, stop
            Bounds; a negative start without a stop asks for the end of the
            file.

        Returns
        -------
        `Reply`
            What came.

        Raises
        ------
        TransientReadError
            If another try may help.
        ArchiveReadError
            If none will.
        FileNotFoundError
            If there is no such file.
        """

    @abstractmethod
    async def size(self) -> int:
        """Ask how long the file is, where no reply told.

        Returns
        -------
        `int`
            Number of bytes.
        """

    @abstractmethod
    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end from outside of the event loop.

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
    """Whether the end of a file can be asked for without knowing its size."""


def _header(start: int, stop: int | None) -> str:
    return f"bytes={start}" if start < 0 else f"bytes={start}-{'' if stop is None else stop - 1}"


def _reply(data: bytes, status: int, content_range: str | None, version: str | None) -> Reply:
    if status != 206:
        # The server ignored the range and sent everything.
        return Reply(0, data, len(data), version)
    match = _CONTENT_RANGE.match(content_range or "")
    if match is None:
        raise TransientReadError(f"{len(data)} bytes came with Content-Range {content_range!r}")
    first, last = int(match[1]), int(match[2])
    if len(data) != last + 1 - first:
        raise TransientReadError(
            f"{len(data)} bytes came of the {last + 1 - first} that the server announced"
        )
    return Reply(first, data, None if match[3] == "*" else int(match[3]), version)


def _told(err: BaseException) -> str:
    return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__


class _AsyncClient(RangeClient):
    # Common to the asynchronous file systems of fsspec, which own an event loop in a thread.

    def __init__(self, fs: Any, path: str) -> None:
        self.fs = fs
        self.path = path

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        from fsspec.asyn import sync

        return sync(self.fs.loop, lambda: work)

    async def size(self) -> int:
        return int((await self.fs._info(self.path))["size"])


class _HttpClient(_AsyncClient):
    """HTTP and HTTPS, through the session of fsspec's file system."""

    async def fetch(self, start: int, stop: int | None) -> Reply:
        import aiohttp

        session = await self.fs.set_session()
        # Ranges count bytes of what is sent, which therefore must be the file itself.
        headers = {
            **self.fs.kwargs.get("headers", {}),
            "Range": _header(start, stop),
            "Accept-Encoding": "identity",
        }
        patience = aiohttp.ClientTimeout(sock_connect=READ_TIMEOUT, sock_read=READ_TIMEOUT)
        options = {"timeout": patience, **self.fs.kwargs, "headers": headers}
        try:
            async with session.get(self.fs.encode_url(self.path), **options) as response:
                status = response.status
                if status in (404, 410):
                    raise FileNotFoundError(self.path)
                if status == 429 or status >= 500:
                    raise TransientReadError(f"HTTP status {status}")
                if status >= 400:
                    raise ArchiveReadError(
                        f"{self.path}: the server answers a request for {_header(start, stop)!r} "
                        f"with HTTP status {status} ({response.reason})."
                    )
                data = await response.read()
                version = response.headers.get("ETag") or response.headers.get("Last-Modified")
                return _reply(data, status, response.headers.get("Content-Range"), version)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as err:
            raise TransientReadError(_told(err)) from err
        except aiohttp.ClientError as err:
            raise ArchiveReadError(f"{self.path} cannot be read: {_told(err)}.") from err


class _S3Client(_AsyncClient):
    """S3, through the client of s3fs.

    A request that is refused, or gets no answer, is repeated by that client
    itself; only what happens to the bytes afterwards is left to us.
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
            raise ArchiveReadError(f"s3://{self.path} cannot be read: {_told(err)}.") from err
        try:
            data = await found["Body"].read()
        except (BotoCoreError, aiohttp.ClientError, OSError, TimeoutError) as err:
            raise TransientReadError(_told(err)) from err
        status = found["ResponseMetadata"]["HTTPStatusCode"]
        return _reply(data, status, found.get("ContentRange"), found.get("ETag"))


class _AnyClient(RangeClient):
    """Every other file system that fsspec knows."""

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
            raise TransientReadError(_told(err)) from err
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
        Where the file is.

    Returns
    -------
    `RangeClient`
        The client.

    Raises
    ------
    MissingOptionalDependencyError
        If the package for this kind of server is not installed.
    ArchiveReadError
        If there is no such server.
    """
    try:
        fs, name = path.to_fsspec()
    except ImportError as err:
        raise MissingOptionalDependencyError(
            f"{path} cannot be read: {err}. Install 'aiohttp' for http, 's3fs' for s3, 'gcsfs' for gs."
        ) from err
    except OSError as err:
        # The first path on an HTTP server asks it what it can do.
        raise ArchiveReadError(f"{path} cannot be read: {err}.") from err
    if hasattr(fs, "_call_s3"):
        # Of no effect, and no harm, if the client is at work already.
        fs.config_kwargs.setdefault("max_pool_connections", MAX_RANGES_PER_REQUEST)
        return _S3Client(fs, name)
    if hasattr(fs, "set_session") and hasattr(fs, "encode_url"):
        return _HttpClient(fs, name)
    return _AnyClient(fs, name)
