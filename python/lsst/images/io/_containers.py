# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Which container a file is, by its name, else by its first bytes."""

from __future__ import annotations

__all__ = ("container_for_name", "container_for_path", "container_for_stream", "open_input")

from typing import IO, Any

from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import NotAnArchiveError, UnsupportedFormatError
from ..plugins import ContainerSpec, registry
from ..serialization import InputArchive, OutputArchive
from ._compression import COMPRESSED, compression_of, decompress

HEAD_SIZE = 64
"""Bytes that are enough to recognize any container."""


def container_for_name(name: str) -> ContainerSpec:
    """Return a container by the name that ``format=`` uses.

    Parameters
    ----------
    name
        ``fits`` for instance.

    Raises
    ------
    UnsupportedFormatError
        If no plugin declares it.
    """
    try:
        return registry.containers()[name]
    except KeyError:
        raise UnsupportedFormatError(
            f"Unrecognized format name {name!r}; known are {sorted(registry.containers())}."
        ) from None


def container_for_path(uri: ResourcePath) -> ContainerSpec:
    """Return the container that a file name's extension stands for.

    Parameters
    ----------
    uri
        The file; ``.gz`` and ``.zst`` behind the extension are looked through.

    Raises
    ------
    UnsupportedFormatError
        If no plugin declares the extension.
    """
    if (spec := _find_by_extension(uri.basename())) is not None:
        return spec
    known = sorted(extension for spec in registry.containers().values() for extension in spec.extensions)
    raise UnsupportedFormatError(
        f"Unrecognized file extension of {uri}; known are {known}, also with .gz or .zst behind for reading. "
        "Name the container with format=."
    )


def _find_by_extension(name: str) -> ContainerSpec | None:
    for suffix in COMPRESSED:
        name = name.removesuffix(suffix)
    for spec in registry.containers().values():
        if name.endswith(spec.extensions):
            return spec
    return None


def open_input(
    target: ResourcePathExpression | IO[bytes], *, format: str | None = None, partial: bool = True
) -> InputArchive:
    """Open a file in whatever container it is.

    Parameters
    ----------
    target
        URI, path, or seekable binary stream.
    format
        Name of the container; `None`: by the extension of the name, and by
        the first bytes where that says nothing or something wrong.
    partial
        Whether only parts will be read.

    Returns
    -------
    archive
        To be closed by the caller.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized.
    NotAnArchiveError
        If the file is of a known container but not one of ours.
    """
    if hasattr(target, "seek"):
        return _open_stream(target, format, partial)
    uri = ResourcePath(target, forceDirectory=False)
    name = uri.basename()
    if name.endswith(COMPRESSED):
        return _open_stream(decompress(uri), format, partial)
    if format is None:
        archive = registry.input_for_file(name)
    else:
        archive = registry.load(container_for_name(format).input_archive)
    if archive is None:
        return _open_by_content(uri, partial, None)
    try:
        return archive.open(uri, partial=partial)  # type: ignore[no-any-return]  # the spec promises it
    except NotAnArchiveError as err:
        if format is not None:
            raise
        return _open_by_content(uri, partial, err)


def _open_by_content(uri: ResourcePath, partial: bool, refusal: NotAnArchiveError | None) -> InputArchive:
    """Open a file whose name says nothing, or something wrong."""
    head = _read_head(uri)
    if compression_of(head) is not None:
        return _open_stream(decompress(uri), None, partial)
    found = _recognize(uri, head)
    if found is not None and (refusal is None or found != _find_by_extension(uri.basename())):
        return registry.load(found.input_archive).open(uri, partial=partial)  # type: ignore[no-any-return]  # the spec promises it
    if refusal is not None:
        raise refusal
    # Raises with a list of what there is.
    return registry.load(container_for_path(uri).input_archive).open(uri, partial=partial)  # type: ignore[no-any-return]  # the spec promises it


def _open_stream(stream: Any, format: str | None, partial: bool) -> InputArchive:
    spec = container_for_stream(stream) if format is None else container_for_name(format)
    return registry.load(spec.input_archive).open(stream, partial=partial)  # type: ignore[no-any-return]  # the spec promises it


def container_for_stream(stream: IO[bytes]) -> ContainerSpec:
    """Return the container that the first bytes of a stream are those of.

    Parameters
    ----------
    stream
        A binary stream that can seek; it is left where it was.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized, or the stream is compressed.
    """
    position = stream.tell()
    head = stream.read(HEAD_SIZE)
    stream.seek(position)
    if (name := compression_of(head)) is not None:
        raise UnsupportedFormatError(f"The stream is {name}-compressed; decompress it before reading.")
    if (spec := _recognize(None, head)) is None:
        raise UnsupportedFormatError(
            f"Could not identify a supported format from the first bytes {head[:16]!r} of a stream; "
            f"known are {sorted(registry.containers())}."
        )
    return spec


def _recognize(uri: ResourcePath | None, head: bytes) -> ContainerSpec | None:
    for spec in registry.containers().values():
        if spec.recognizes(head):
            return spec
    name = registry.hook.guess_container(uri=uri, head=head)
    return None if name is None else container_for_name(name)


def _read_head(uri: ResourcePath) -> bytes:
    return uri.read(HEAD_SIZE)


def output_class(spec: ContainerSpec) -> type[OutputArchive]:
    """Return the output archive of a container.

    Parameters
    ----------
    spec
        The container.
    """
    return registry.load(spec.output_archive)  # type: ignore[no-any-return]  # the spec promises it
