# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Child process in which CFITSIO decodes images, so that damaged ones cannot end this process."""

from __future__ import annotations

__all__ = ("decode_file",)

import atexit
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from ....errors import CorruptArchiveError

DECODE_TIMEOUT = 300.0
"""Time in seconds after which the child process is ended."""

_PROGRAM = Path(__file__).with_name("_cfitsio_child.py")


class _Child:
    """A running child process and the lock that callers hold while they use it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            # -P: modules next to the program must not hide those of the standard library.
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        return self.process

    def decode(self, path: str, size: int, algorithm: str) -> bytes:
        with self.lock:
            process = self.start()
            assert process.stdin is not None and process.stdout is not None
            timer = threading.Timer(DECODE_TIMEOUT, process.kill)
            timer.start()
            try:
                process.stdin.write(os.fsencode(path) + b"\n")
                process.stdin.flush()
                answer = process.stdout.readline()
                if answer == b"%d\n" % size:
                    pixels = process.stdout.read(size)
                    if len(pixels) == size:
                        return pixels
            except BrokenPipeError:
                answer = b""
            finally:
                timer.cancel()
            # The state of a process that met an error is not trusted.
            code = self.stop()
        reason = (
            answer.decode(errors="replace").strip()[:200] or f"CFITSIO ended its process with code {code}"
        )
        raise CorruptArchiveError(f"CFITSIO cannot decode {algorithm}: {reason}. The file is damaged.")

    def stop(self) -> int | None:
        process, self.process = self.process, None
        if process is None or os.getpid() != self.owner:
            return None
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        return process.returncode


_child = _Child()


def _stop() -> None:
    _child.stop()


atexit.register(_stop)


def decode_file(content: bytes, size: int, algorithm: str) -> bytes:
    """Decode the compressed image in the first extension of a FITS file.

    Parameters
    ----------
    content
        The file.
    size
        Expected number of bytes of all pixels.
    algorithm
        Value of ``ZCMPTYPE``, for error messages.

    Returns
    -------
    `bytes`
        Pixels in native byte order.

    Raises
    ------
    CorruptArchiveError
        If CFITSIO cannot decode the image, or its process ends.
    """
    global _child
    if _child.owner != os.getpid():
        # After a fork the child process belongs to the parent.
        _child = _Child()
    descriptor, path = tempfile.mkstemp(suffix=".fits")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        return _child.decode(path, size, algorithm)
    finally:
        os.unlink(path)
