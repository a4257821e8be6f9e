# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Temporary files beside a target, from which complete files are published."""

from __future__ import annotations

__all__ = ("PartialFile", "remove_stale_partials")

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from typing import IO, Any

_fcntl: Any = None
with contextlib.suppress(ImportError):  # Windows does not have it
    import fcntl as _fcntl

SUFFIX = ".partial"


class PartialFile:
    """A file that is being written and has no name of its own yet.

    Parameters
    ----------
    target
        Absolute path of the file that it will become.

    Notes
    -----
    Where the file system has files without a name (``O_TMPFILE``), nothing is
    left behind when the process is killed.  Elsewhere the file has a name that
    ends in ``.partial`` and is locked while its writer lives; the next write
    to the same target removes it when its writer is dead.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        # Short, because the name of the target may have the maximum length.
        self._name = f"{_prefix(target)}{secrets.token_hex(6)}{SUFFIX}"
        self.stream: IO[bytes] = _open_unnamed(os.path.dirname(target)) or _open_locked(self._name)

    def finish(self) -> str:
        """Complete the file.

        Returns
        -------
        name
            Temporary name of the complete file.
        """
        self.stream.flush()
        if not os.path.exists(self._name):
            self._link()
        if (mode := _mode_of(self._target)) is not None:
            # A file that is replaced may have been closed to others.
            os.chmod(self._name, mode)
        return self._name

    def _link(self) -> None:
        source = f"/proc/self/fd/{self.stream.fileno()}"
        try:
            # A directory must be given for the link to be followed to the file.
            os.link(source, self._name, src_dir_fd=0, follow_symlinks=True)
        except OSError:
            # Without /proc, or without hard links: copy the file to its name.
            self.stream.seek(0)
            with _open_locked(self._name) as stream:
                shutil.copyfileobj(self.stream, stream, 1024 * 1024)

    def close(self) -> None:
        """Close the file, and remove its temporary name."""
        self.stream.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name)


def remove_stale_partials(target: str) -> None:
    """Remove partial files of a target whose writers are dead.

    Parameters
    ----------
    target
        Absolute path of the target.
    """
    for name in _partials(target):
        with contextlib.suppress(OSError), open(name, "r+b") as stream:
            if _lock(stream):
                os.unlink(name)


def _partials(target: str) -> Iterator[str]:
    folder, prefix = os.path.split(_prefix(target))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(SUFFIX):
                yield entry.path


def _prefix(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}-")


def _open_unnamed(folder: str) -> IO[bytes] | None:
    try:
        return open(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "r+b")
    except (AttributeError, OSError):
        return None


def _open_locked(name: str) -> IO[bytes]:
    # Made by open() and not by tempfile, so that it gets the user's usual mode.
    stream = open(name, "x+b")
    _lock(stream)
    return stream


def _lock(stream: IO[bytes]) -> bool:
    """Lock a file; return `False` if its writer lives, or that is unknown."""
    if _fcntl is None:
        return False
    try:
        _fcntl.flock(stream, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode & 0o7777
    except OSError:
        return None
