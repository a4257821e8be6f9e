# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write files atomically: a file appears when it is complete."""

from __future__ import annotations

__all__ = ("atomic_output",)

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from typing import IO

from lsst.resources import ResourcePath

from ..errors import ArchiveWriteError
from ._partial import PartialFile, remove_stale_partials


@contextlib.contextmanager
def atomic_output(uri: ResourcePath, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Open a file for writing that appears at its location when it is complete.

    Parameters
    ----------
    uri
        Location of the file.  An existing empty file is replaced.
    overwrite
        Whether to replace a file that is not empty.  The old file stays until
        the new one is complete.

    Yields
    ------
    stream
        Empty file, open for reading and writing.

    Raises
    ------
    FileExistsError
        If a file that is not empty exists and ``overwrite`` is `False`, also
        if another process creates it while this one is written; or if the target is
        not a regular file.
    ArchiveWriteError
        If the file cannot be written.
    """
    refuse_existing(uri, overwrite=overwrite)
    try:
        with _local_output(uri.ospath, overwrite) if uri.isLocal else _remote_output(uri) as stream:
            yield stream
    except FileExistsError:
        raise
    except OSError as err:
        raise ArchiveWriteError(f"Cannot write {uri}: {err}. The incomplete file was removed.") from err


def refuse_existing(uri: ResourcePath, *, overwrite: bool = False) -> None:
    """Raise an error if a file exists that must not be replaced.

    Parameters
    ----------
    uri
        Location of the file.
    overwrite
        Whether a regular file that is not empty may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and is not empty and ``overwrite`` is `False`, or if
        it is not a regular file: a directory, device, socket or pipe, also
        through a symbolic link.
    """
    if uri.isLocal:
        _refuse_special(uri.ospath)
    if not overwrite and uri.exists() and uri.size() > 0:
        raise FileExistsError(
            f"{uri} exists and is not empty. Pass overwrite=True to replace it, or write to another location."
        )


def _refuse_special(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        kinds = {
            stat.S_IFDIR: "directory",
            stat.S_IFIFO: "pipe",
            stat.S_IFSOCK: "socket",
            stat.S_IFCHR: "character device",
            stat.S_IFBLK: "block device",
        }
        kind = kinds.get(stat.S_IFMT(mode), "special file")
        raise FileExistsError(f"{path} is a {kind}, which is never replaced; write to a regular file.")


@contextlib.contextmanager
def _local_output(path: str, overwrite: bool) -> Iterator[IO[bytes]]:
    # Symbolic links are followed, not replaced.  The temporary file is in the
    # same directory, because files cannot be renamed across file systems.
    target = os.path.realpath(path)
    remove_stale_partials(target)
    with contextlib.closing(PartialFile(target)) as partial:
        yield partial.stream
        _publish(partial.finish(), target, overwrite)


def _publish(temporary: str, path: str, overwrite: bool) -> None:
    """Rename a complete file, unless a file of that name exists that must be kept."""
    _refuse_special(path)
    if overwrite or (os.path.exists(path) and os.path.getsize(path) == 0):
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise FileExistsError(f"{path} appeared while it was being written; it was left unchanged.") from None
    except OSError:
        # Without hard links on this file system: reserve the name, then replace it.
        with open(path, "xb"):
            pass
        os.replace(temporary, path)


@contextlib.contextmanager
def _remote_output(uri: ResourcePath) -> Iterator[IO[bytes]]:
    with tempfile.NamedTemporaryFile(suffix=uri.getExtension()) as stream:
        yield stream.file
        stream.flush()
        # A single upload: object stores show an object when its upload is complete.
        uri.transfer_from(ResourcePath(stream.name), transfer="copy", overwrite=True)
