# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A web server that counts, for the tests of remote files."""

from __future__ import annotations

__all__ = ("CountingServer",)

import http.server
import re
import threading
import time
from collections.abc import Callable
from typing import Any


class CountingServer:
    """A web server of one file that keeps a list of what it was asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.requests: list[tuple[str, str | None]] = []
        self.sent = 0
        self.misbehave: Callable[[int], str] = lambda number: ""
        self.delay = 0.0
        self.busy = self.most_at_once = 0
        self.intervals: list[tuple[float, float]] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                server.requests.append(("HEAD", None))
                self.send_response(200)
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/file.fits"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.requests.append(("GET", asked))
        began = time.monotonic()
        how = self.misbehave(len(self.requests))
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        time.sleep(self.delay)
        self.busy -= 1
        self.intervals.append((began, time.monotonic()))
        size = len(self.content)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked or "")
        if handler.path != "/file.fits":
            return handler.send_error(404)
        if how == "busy":
            return handler.send_error(503)
        if how == "forbidden":
            return handler.send_error(403)
        if match is None or how == "whole":
            first, stop, status = 0, size, 200
        elif match[1]:
            first, stop, status = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size), 206
        else:
            first, stop, status = max(0, size - int(match[2])), size, 206
        if how == "shifted":
            first, stop = first + 8, stop + 8
        data = self.content[first:stop]
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.send_header("ETag", '"other"' if how == "changed" else '"one"')
        if status == 206:
            handler.send_header("Content-Range", f"bytes {first}-{first + len(data) - 1}/{size}")
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2] if how == "short" else data)
        self.sent += len(data)
        if how == "short":
            handler.close_connection = True
        return None

    def restart_counting(self) -> None:
        """Forget what was asked for so far."""
        self.requests.clear()
        self.intervals.clear()
        self.sent = 0

    def trips(self) -> int:
        """Return how many requests had to wait for one another, at the least."""
        count, last = 0, 0.0
        for began, ended in sorted(self.intervals, key=lambda interval: interval[1]):
            if began >= last:
                count, last = count + 1, ended
        return count
