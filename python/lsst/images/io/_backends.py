# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Access to a container's write function and input archive class."""

from __future__ import annotations

__all__ = ("Backend", "backend_for_name", "backend_for_path", "backend_for_stream")

import dataclasses
import functools
from collections.abc import Callable
from typing import IO

from lsst.resources import ResourcePathExpression

from ..plugins import ContainerSpec
from ..serialization import ArchiveTree, InputArchive
from ._containers import (
    container_for_name,
    container_for_path,
    container_for_stream,
    input_class,
    parse_location,
)
from ._write import write


@dataclasses.dataclass(frozen=True)
class Backend:
    """Functions to read and write files of one container.

    Parameters
    ----------
    name
        Name of the container, the value of ``format=``.
    write
        Function of an object and a path that writes a file and returns its
        tree.
    input_archive
        Class that opens files.
    """

    name: str
    write: Callable[..., ArchiveTree]
    input_archive: type[InputArchive]


def backend_for_name(name: str) -> Backend:
    """Return the backend of a container.

    Parameters
    ----------
    name
        Name of the container.

    Raises
    ------
    UnsupportedFormatError
        If no plugin registers the container.  It is also a `ValueError`.
    """
    return _make_backend(container_for_name(name))


def backend_for_path(path: ResourcePathExpression) -> Backend:
    """Return the backend for the extension of a file name.

    Parameters
    ----------
    path
        The file.  The suffixes ``.gz`` and ``.zst`` are ignored.

    Raises
    ------
    UnsupportedFormatError
        If no plugin registers the extension.  It is also a `ValueError`.
    """
    return _make_backend(container_for_path(parse_location(path)))


def backend_for_stream(stream: IO[bytes]) -> Backend:
    """Return the backend for the content of a stream.

    Parameters
    ----------
    stream
        Seekable binary stream.  Its position is restored.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized, or the stream is compressed.  It is
        also a `ValueError`.
    """
    return _make_backend(container_for_stream(stream))


def _make_backend(spec: ContainerSpec) -> Backend:
    return Backend(spec.name, functools.partial(write, format=spec.name), input_class(spec))
