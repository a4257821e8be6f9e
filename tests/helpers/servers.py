# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Web servers that count, and misbehave, for the tests of remote files."""

from __future__ import annotations

__all__ = ("Answer", "CountingProxy", "CountingServer", "WebServer")

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


class _Server(http.server.ThreadingHTTPServer):
    # Connections that are made at the same time; those beyond are refused, and made a second later.
    request_queue_size = 64


@dataclasses.dataclass
class Answer:
    """What a server sends."""

    status: int
    headers: dict[str, str]
    """Values by name in lower case."""
    body: bytes


class WebServer:
    """A web server that keeps a list of what it was asked for.

    Parameters
    ----------
    delay
        Seconds without a new request that every answer waits for: requests
        that do not wait for one another then overlap.
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
        """What is wrong with the answer to the request of a number, from 1 on, if it is for a range:
        a key of `_FAULTS`, or ``whole``, ``slow``, ``stuck``, ``short`` or ``reset``."""
        self.busy = self.most_at_once = 0
        self.arrived = 0.0
        self.intervals: list[tuple[float, float]] = []
        self.released = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                # Clients that lose patience are part of the tests.
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

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Find the right answer to a request."""
        raise NotImplementedError

    def _respond(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        method, headers = handler.command, dict(handler.headers.items())
        body = handler.rfile.read(int(headers.get("Content-Length", 0)))
        self.requests.append((method, headers.get("Range")))
        self.lines.append(f"{method} {handler.path}")
        fault = self.misbehave(len(self.requests)) if "Range" in headers else ""
        if fault == "whole":
            headers.pop("Range", None)
        began = self.arrived = time.monotonic()
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        answer = self.answer(method, handler.path, headers, body)
        while (left := self.arrived + self.delay - time.monotonic()) > 0:
            time.sleep(left)
        self.busy -= 1
        self.intervals.append((began, time.monotonic()))
        if fault == "stuck":
            self.released.wait(60)
        if fault in _FAULTS:
            answer = _FAULTS[fault](answer)
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if method != "HEAD":
            self.sent += len(answer.body)
            self._send(handler, answer.body, fault)

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
                # Closed without lingering, a connection is reset.
                linger = struct.pack("ii", 1, 0)
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                handler.connection.close()
        else:
            handler.wfile.write(body)

    def restart_counting(self) -> None:
        """Forget what was asked for so far."""
        self.requests.clear()
        self.lines.clear()
        self.intervals.clear()
        self.sent = 0

    def trips(self) -> int:
        """Return how many requests had to wait for one another, at the least."""
        count, last = 0, 0.0
        for began, ended in sorted(self.intervals, key=lambda interval: interval[1]):
            if began >= last:
                count, last = count + 1, ended
        return count

    def release(self) -> None:
        """Let go of all requests that are stuck."""
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
    """A web server of one file.

    Parameters
    ----------
    content
        The file.
    delay
        See `WebServer`.
    """

    def __init__(self, content: bytes, delay: float = 0.0) -> None:
        super().__init__(delay)
        self.content = content
        self.url += "/file.fits"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if path != "/file.fits":
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
    """A server that asks another one, S3 for instance.

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

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with contextlib.closing(http.client.HTTPConnection(self.upstream, timeout=60)) as connection:
            connection.request(method, path, body or None, dict(headers))
            reply = connection.getresponse()
            kept = {k.lower(): v for k, v in reply.getheaders() if k.lower() not in _OF_THE_CONNECTION}
            content = reply.read()
            if method != "HEAD":
                kept["content-length"] = str(len(content))
            return Answer(reply.status, kept, content)


_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "server", "date"}


def _full(content: bytes, headers: Mapping[str, str]) -> Answer:
    return Answer(200, {**headers, "content-length": str(len(content))}, content)


def _part(content: bytes, first: int, total: int, headers: Mapping[str, str]) -> Answer:
    place = f"bytes {first}-{first + len(content) - 1}/{total}"
    return Answer(206, {**_full(content, headers).headers, "content-range": place}, content)


def _error(status: int) -> Answer:
    return Answer(status, {"content-length": "0"}, b"")


def _place(answer: Answer) -> tuple[int, int]:
    first, total = re.findall(r"\d+", answer.headers["content-range"])[::2]
    return int(first), int(total)


def _shifted(answer: Answer) -> Answer:
    first, total = _place(answer)
    return _part(answer.body, first + 8, total, answer.headers)


def _truncated(answer: Answer) -> Answer:
    # All headers agree, but it is less than what was asked for.
    return _part(answer.body[: len(answer.body) // 2], *_place(answer), answer.headers)


def _lying(answer: Answer) -> Answer:
    # Content-Range is what was asked for, the body is not.
    body = answer.body[: len(answer.body) // 2]
    return Answer(206, {**answer.headers, "content-length": str(len(body))}, body)


_FAULTS: dict[str, Callable[[Answer], Answer]] = {
    "forbidden": lambda answer: _error(403),
    "unsatisfiable": lambda answer: _error(416),
    "busy": lambda answer: _error(503),
    "broken": lambda answer: _error(500),
    "shifted": _shifted,
    "truncated": _truncated,
    "lying": _lying,
    "changed": lambda answer: Answer(answer.status, {**answer.headers, "etag": '"other"'}, answer.body),
}
