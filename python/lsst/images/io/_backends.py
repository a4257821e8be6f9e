# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Containers as functions and classes, for code that picks its own."""

from __future__ import annotations

__all__ = ("Backend", "backend_for_name", "backend_for_path", "backend_for_stream")

import dataclasses
import functools
from collections.abc import Callable
from typing import IO

from lsst.resources import ResourcePath, ResourcePathExpression

from ..plugins import ContainerSpec, registry
from ..serialization import ArchiveTree, InputArchive
from ._containers import container_for_name, container_for_path, container_for_stream
from ._write import write


@dataclasses.dataclass(frozen=True)
class Backend:
    """What reads and writes files of one container.

    Parameters
    ----------
    name
        Name of the container, as ``format=`` has it.
    write
        Called with an object and a path, writes a file and returns the tree.
    input_archive
        Opens files.
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
        If no plugin declares it.  It is a `ValueError` too.
    """
    return _make_backend(container_for_name(name))


def backend_for_path(path: ResourcePathExpression) -> Backend:
    """Return the backend that a file name's extension stands for.

    Parameters
    ----------
    path
        The file; ``.gz`` and ``.zst`` behind the extension are looked through.

    Raises
    ------
    UnsupportedFormatError
        If no plugin declares the extension.  It is a `ValueError` too.
    """
    return _make_backend(container_for_path(ResourcePath(path, forceDirectory=False)))


def backend_for_stream(stream: IO[bytes]) -> Backend:
    """Return the backend for what a stream holds.

    Parameters
    ----------
    stream
        A binary stream that can seek; it is left where it was.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized, or the stream is compressed.  It is a
        `ValueError` too.
    """
    return _make_backend(container_for_stream(stream))


def _make_backend(spec: ContainerSpec) -> Backend:
    return Backend(spec.name, functools.partial(write, format=spec.name), registry.load(spec.input_archive))
