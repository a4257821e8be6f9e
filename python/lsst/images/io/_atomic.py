# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files that appear complete or not at all."""

from __future__ import annotations

__all__ = ("atomic_output",)

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from typing import IO

from lsst.resources import ResourcePath

from ..errors import ArchiveWriteError


@contextlib.contextmanager
def atomic_output(uri: ResourcePath) -> Iterator[IO[bytes]]:
    """Write a file that becomes visible when it is complete.

    Parameters
    ----------
    uri
        Where the file will be.  An existing empty file is replaced.

    Yields
    ------
    stream
        Empty file, open for reading and writing.

    Raises
    ------
    FileExistsError
        If there is a non-empty file already, also when another process put
        it there in the meantime.
    ArchiveWriteError
        If the place cannot be written to.
    """
    refuse_existing(uri)
    try:
        with _local_output(uri.ospath) if uri.isLocal else _remote_output(uri) as stream:
            yield stream
    except FileExistsError:
        raise
    except OSError as err:
        raise ArchiveWriteError(f"Cannot write {uri}: {err}. Nothing was left behind.") from err


def refuse_existing(uri: ResourcePath) -> None:
    """Raise if a file exists and is not empty.

    Parameters
    ----------
    uri
        The file.

    Raises
    ------
    FileExistsError
        If it does.
    """
    if uri.exists() and uri.size() > 0:
        raise FileExistsError(f"{uri} exists and is not empty; remove it first, or write elsewhere.")


@contextlib.contextmanager
def _local_output(path: str) -> Iterator[IO[bytes]]:
    # Beside the target, since a rename does not cross file systems; made by
    # open() and not by tempfile, so that it gets the user's usual mode.
    temporary = f"{path}.{secrets.token_hex(6)}.partial"
    try:
        with _unnamed(os.path.dirname(path) or ".") or open(temporary, "x+b") as stream:
            yield stream
            stream.flush()
            if not os.path.exists(temporary):
                # A directory must be given for the link to be followed to the file.
                os.link(f"/proc/self/fd/{stream.fileno()}", temporary, src_dir_fd=0, follow_symlinks=True)
        _publish(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _unnamed(folder: str) -> IO[bytes] | None:
    """Open a file without a name, of which nothing is left if the process is killed; not all systems can."""
    try:
        return open(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "r+b")
    except (AttributeError, OSError):
        return None


def _publish(temporary: str, path: str) -> None:
    """Move a finished file to its name, unless somebody took the name."""
    if os.path.exists(path) and os.path.getsize(path) == 0:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise FileExistsError(f"{path} appeared while it was being written; it was left alone.") from None
    except OSError:
        # A file system without hard links.
        os.replace(temporary, path)


@contextlib.contextmanager
def _remote_output(uri: ResourcePath) -> Iterator[IO[bytes]]:
    with tempfile.NamedTemporaryFile(suffix=uri.getExtension()) as stream:
        yield stream.file
        stream.flush()
        # One upload of the finished file; object stores show it when done.
        uri.transfer_from(ResourcePath(stream.name), transfer="copy", overwrite=True)
