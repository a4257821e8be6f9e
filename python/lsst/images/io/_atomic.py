# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files that appear complete or not at all."""

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
    """Write a file that becomes visible when it is complete.

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
        when another process created it in the meantime; or if the target is
        not a regular file.
    ArchiveWriteError
        If the location cannot be written to.
    """
    refuse_existing(uri, overwrite=overwrite)
    try:
        with _local_output(uri.ospath, overwrite) if uri.isLocal else _remote_output(uri) as stream:
            yield stream
    except FileExistsError:
        raise
    except OSError as err:
        raise ArchiveWriteError(f"Cannot write {uri}: {err}. No file was left behind.") from err


def refuse_existing(uri: ResourcePath, *, overwrite: bool = False) -> None:
    """Raise if a file exists that must not be replaced.

    Parameters
    ----------
    uri
        The file.
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
            f"{uri} exists and is not empty. Pass overwrite=True to replace it, or write to another place."
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
    # Through symbolic links, which stay; beside the file, since a rename does
    # not cross file systems.
    target = os.path.realpath(path)
    remove_stale_partials(target)
    with contextlib.closing(PartialFile(target)) as partial:
        yield partial.stream
        _publish(partial.finish(), target, overwrite)


def _publish(temporary: str, path: str, overwrite: bool) -> None:
    """Rename a finished file, unless another file has the name and must stay."""
    _refuse_special(path)
    if overwrite or (os.path.exists(path) and os.path.getsize(path) == 0):
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise FileExistsError(f"{path} appeared while it was being written; it was left unchanged.") from None
    except OSError:
        # A file system without hard links: reserve the name, then replace it.
        with open(path, "xb"):
            pass
        os.replace(temporary, path)


@contextlib.contextmanager
def _remote_output(uri: ResourcePath) -> Iterator[IO[bytes]]:
    with tempfile.NamedTemporaryFile(suffix=uri.getExtension()) as stream:
        yield stream.file
        stream.flush()
        # One upload of the finished file; object stores show it when done.
        uri.transfer_from(ResourcePath(stream.name), transfer="copy", overwrite=True)
