# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Web servers that record requests and simulate faults, for the tests of remote files."""

from __future__ import annotations

__all__ = ("Response", "CountingProxy", "CountingServer", "WebServer")

import contextlib
import dataclasses
import http.client
import http.server
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Self

STUCK_TIMEOUT = 60.0
"""Seconds after which the response to a stuck request is sent."""


class _Server(http.server.ThreadingHTTPServer):
    # Number of pending connections. Clients retry refused connections after a second, which would slow tests.
    request_queue_size = 64


@dataclasses.dataclass
class Response:
    """Response of a server."""

    status: int
    headers: dict[str, str]
    """Values by lower-case name."""
    body: bytes


class WebServer:
    """A web server that records requests and can simulate faults.

    Parameters
    ----------
    delay
        Seconds. Each response is delayed until no new request has arrived for
        this time, so that concurrent requests overlap reliably.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.requests: list[tuple[str, str | None]] = []
        """Method and ``Range`` of each request."""
        self.lines: list[str] = []
        """Method and path of each request."""
        self.sent = 0
        """Bytes of all bodies."""
        self.delay = delay
        self.misbehave: Callable[[int], str] = lambda number: ""
        """Function that returns the fault of a range request, given its number, starting at 1.

        A fault is a key of `_FAULTS`, or ``whole``, ``slow``, ``stuck``, ``short`` or ``reset``; an empty
        string means no fault.
        """
        self.busy = 0
        """Number of requests that are being processed."""
        self.max_busy = 0
        """Largest number of requests processed at the same time."""
        self.arrived = 0.0
        """Time of arrival of the last request."""
        self.intervals: list[tuple[float, float]] = []
        """Start and end time of each request."""
        self.released = threading.Event()
        """Event that ends the wait of stuck requests."""
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                # Some tests use clients that close the connection after a timeout.
                with contextlib.suppress(ConnectionError):
                    super().handle_one_request()

            def respond(self) -> None:
                server._respond(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = respond

            def log_message(self, *args: Any) -> None:
                pass

        self.http = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def make_response(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Return the correct response to a request."""
        raise NotImplementedError

    def _respond(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        method, headers = handler.command, dict(handler.headers.items())
        body = handler.rfile.read(int(headers.get("Content-Length", 0)))
        self.requests.append((method, headers.get("Range")))
        self.lines.append(f"{method} {handler.path}")
        fault = self.misbehave(len(self.requests)) if "Range" in headers else ""
        if fault == "whole":
            headers.pop("Range", None)
        start = self.arrived = time.monotonic()
        self.busy += 1
        self.max_busy = max(self.max_busy, self.busy)
        response = self.make_response(method, handler.path, headers, body)
        while (remaining := self.arrived + self.delay - time.monotonic()) > 0:
            time.sleep(remaining)
        self.busy -= 1
        self.intervals.append((start, time.monotonic()))
        if fault == "stuck":
            self.released.wait(STUCK_TIMEOUT)
        if fault in _FAULTS:
            response = _FAULTS[fault](response)
        handler.send_response(response.status)
        for name, value in response.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if method != "HEAD":
            self.sent += len(response.body)
            self._send(handler, response.body, fault)

    def _send(self, handler: http.server.BaseHTTPRequestHandler, body: bytes, fault: str) -> None:
        if fault == "slow":
            step = -(-len(body) // 4)
            for first in range(0, len(body), step):
                handler.wfile.write(body[first : first + step])
                time.sleep(0.05)
        elif fault in ("short", "reset"):
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
            if fault == "reset":
                # Closing a socket with a linger time of zero resets the connection.
                linger = struct.pack("ii", 1, 0)
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                handler.connection.close()
        else:
            handler.wfile.write(body)

    def restart_counting(self) -> None:
        """Clear all records of requests."""
        self.requests.clear()
        self.lines.clear()
        self.intervals.clear()
        self.sent = 0

    def round_trips(self) -> int:
        """Return the minimum number of sequential round trips of the recorded requests."""
        count, last_end = 0, 0.0
        for start, end in sorted(self.intervals, key=lambda interval: interval[1]):
            if start >= last_end:
                count, last_end = count + 1, end
        return count

    def release(self) -> None:
        """Send the responses to all stuck requests."""
        self.released.set()
        self.released = threading.Event()

    def close(self) -> None:
        """Stop the server."""
        self.release()
        self.http.shutdown()
        self.http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class CountingServer(WebServer):
    """A web server that serves one file.

    Parameters
    ----------
    content
        Content of the file.
    delay
        See `WebServer`.
    path
        Path of the file in its URL.
    """

    def __init__(self, content: bytes, delay: float = 0.0, path: str = "/file.fits") -> None:
        super().__init__(delay)
        self.content = content
        self.path = path
        self.url += path

    def make_response(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        if path != self.path:
            return _error(404)
        size = len(self.content)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("Range", ""))
        if match is None:
            return _full(self.content, {"etag": '"one"'})
        if match[1]:
            first, stop = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        else:
            first, stop = max(0, size - int(match[2])), size
        return _part(self.content[first:stop], first, size, {"etag": '"one"'})


class CountingProxy(WebServer):
    """A proxy that forwards requests to another server, for example S3.

    Parameters
    ----------
    upstream
        URL of the other server.
    delay
        See `WebServer`.
    """

    def __init__(self, upstream: str, delay: float = 0.0) -> None:
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        super().__init__(delay)

    def make_response(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        with contextlib.closing(http.client.HTTPConnection(self.upstream, timeout=60)) as connection:
            connection.request(method, path, body or None, dict(headers))
            reply = connection.getresponse()
            kept = {k.lower(): v for k, v in reply.getheaders() if k.lower() not in _CONNECTION_HEADERS}
            content = reply.read()
            if method != "HEAD":
                kept["content-length"] = str(len(content))
            return Response(reply.status, kept, content)


_CONNECTION_HEADERS = {"connection", "keep-alive", "transfer-encoding", "server", "date"}


def _full(content: bytes, headers: Mapping[str, str]) -> Response:
    return Response(200, {**headers, "content-length": str(len(content))}, content)


def _part(content: bytes, first: int, total: int, headers: Mapping[str, str]) -> Response:
    content_range = f"bytes {first}-{first + len(content) - 1}/{total}"
    return Response(206, {**_full(content, headers).headers, "content-range": content_range}, content)


def _error(status: int) -> Response:
    return Response(status, {"content-length": "0"}, b"")


def _parse_content_range(response: Response) -> tuple[int, int]:
    """Return the first byte and the size of the file."""
    first, total = re.findall(r"\d+", response.headers["content-range"])[::2]
    return int(first), int(total)


def _shifted(response: Response) -> Response:
    first, total = _parse_content_range(response)
    return _part(response.body, first + 8, total, response.headers)


def _truncated(response: Response) -> Response:
    # The headers are consistent, but the range is shorter than requested.
    return _part(response.body[: len(response.body) // 2], *_parse_content_range(response), response.headers)


def _inconsistent(response: Response) -> Response:
    # Content-Range is the requested range, but the body is shorter.
    body = response.body[: len(response.body) // 2]
    return Response(206, {**response.headers, "content-length": str(len(body))}, body)


_FAULTS: dict[str, Callable[[Response], Response]] = {
    "forbidden": lambda response: _error(403),
    "unsatisfiable": lambda response: _error(416),
    "busy": lambda response: _error(503),
    "soon": lambda response: Response(429, {"content-length": "0", "retry-after": "1"}, b""),
    "later": lambda response: Response(503, {"content-length": "0", "retry-after": "3600"}, b""),
    "broken": lambda response: _error(500),
    "shifted": _shifted,
    "truncated": _truncated,
    "inconsistent": _inconsistent,
    "changed": lambda response: Response(
        response.status, {**response.headers, "etag": '"other"'}, response.body
    ),
}
