# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Select the container of a file by format name, file name or first bytes."""

from __future__ import annotations

__all__ = (
    "check_stream",
    "container_for_format",
    "container_for_name",
    "container_for_path",
    "container_for_stream",
    "input_class",
    "open_input",
    "output_class",
    "parse_location",
    "readable_extensions",
)

import io
import os
from typing import IO, Any, cast

from lsst.resources import ResourcePath, ResourcePathExpression

from .._bytes._open_source import read_bytes
from ..errors import InvalidArgumentError, NotAnArchiveError, UnsupportedFormatError
from ..plugins import ContainerSpec, registry
from ..serialization import InputArchive, OutputArchive
from ..utils import MAX_PATH_LENGTH, short_repr
from ._compression import COMPRESSED_SUFFIXES, compression_of, decompress

HEAD_SIZE = 64
"""Number of bytes read to recognize a container."""


def container_for_name(name: str) -> ContainerSpec:
    """Return a container by its name.

    Parameters
    ----------
    name
        Name of the container, for instance ``fits``.

    Raises
    ------
    UnsupportedFormatError
        If no plugin registers a container of this name.
    """
    try:
        return registry.containers()[name]
    except (KeyError, TypeError):  # TypeError: not hashable
        raise UnsupportedFormatError(
            f"Unrecognized format name {short_repr(name)}; the registered containers are "
            f"{sorted(registry.containers())}."
        ) from None


def container_for_path(uri: ResourcePath) -> ContainerSpec:
    """Return the container that a file name extension belongs to.

    Parameters
    ----------
    uri
        The file.  The suffixes ``.gz`` and ``.zst`` are ignored.

    Raises
    ------
    UnsupportedFormatError
        If no plugin registers the extension.
    """
    if (spec := _find_by_extension(uri.basename())) is not None:
        return spec
    raise UnsupportedFormatError(
        f"Unrecognized file extension of {uri}; the registered extensions are {_extensions()} (for reading "
        "also followed by .gz or .zst). Use a registered extension, or name the container with format=."
    )


def container_for_format(name: str) -> tuple[ContainerSpec, str]:
    """Return the container and the file name extension of an output format.

    Parameters
    ----------
    name
        Name of a container, for instance ``ndf``, or a file name extension
        without its leading dot, for instance ``sdf``.

    Returns
    -------
    container, extension
        The container, and the extension with its leading dot; for the name of
        a container, its default extension.

    Raises
    ------
    UnsupportedFormatError
        If no plugin registers the name or the extension.
    """
    containers = registry.containers()
    if (named := containers.get(name)) is not None:
        return named, named.extensions[0]
    extension = f".{name}"
    for spec in containers.values():
        if extension in spec.extensions:
            return spec, extension
    raise UnsupportedFormatError(
        f"Requested format {short_repr(name)} is not supported; use the name of a container, one of "
        f"{sorted(containers)}, or one of the extensions {_extensions()} without the leading dot."
    )


def readable_extensions() -> frozenset[str]:
    """Return the file name extensions of all registered containers.

    Returns
    -------
    extensions
        With their leading dot: those that plugins register, and the same
        followed by ``.gz`` or ``.zst``.
    """
    return frozenset(e + suffix for e in _extensions() for suffix in ("", *COMPRESSED_SUFFIXES))


def _extensions() -> list[str]:
    return sorted(extension for spec in registry.containers().values() for extension in spec.extensions)


def _find_by_extension(name: str) -> ContainerSpec | None:
    for suffix in COMPRESSED_SUFFIXES:
        name = name.removesuffix(suffix)
    for spec in registry.containers().values():
        if name.endswith(spec.extensions):
            return spec
    return None


def parse_location(target: Any) -> ResourcePath:
    """Convert a path or URI to a `~lsst.resources.ResourcePath`.

    Parameters
    ----------
    target
        The value that a caller passed.

    Returns
    -------
    uri
        Location of a file.

    Raises
    ------
    InvalidArgumentError
        If the value is not a path or URI.
    """
    if isinstance(target, str | os.PathLike | ResourcePath) or hasattr(target, "geturl"):
        if isinstance(target, str) and "\0" in target:
            raise InvalidArgumentError(f"The path {short_repr(target)} is invalid: it has a null character.")
        if not isinstance(target, str) or len(target) <= MAX_PATH_LENGTH:
            return ResourcePath(cast(ResourcePath, target), forceDirectory=False)
        raise InvalidArgumentError(
            f"A path of {len(target)} characters is too long: {short_repr(target)}. To read the content of a "
            "file from memory, pass io.BytesIO(content)."
        )
    hint = " To read the content of a file from memory, pass io.BytesIO(content)."
    raise InvalidArgumentError(
        f"Invalid location of a file, {short_repr(target)}: expected a path, a URI or (for reading) a "
        f"seekable binary stream.{hint if isinstance(target, bytes | bytearray | memoryview) else ''}"
    )


def check_stream(stream: Any) -> None:
    """Check that a stream is open and binary.

    Parameters
    ----------
    stream
        The stream that a caller passed.

    Raises
    ------
    InvalidArgumentError
        If the stream is closed, or in text mode.
    """
    if isinstance(stream, io.TextIOBase):
        raise InvalidArgumentError(
            f"The stream {short_repr(stream)} is in text mode; open the file in binary mode, 'rb'."
        )
    if getattr(stream, "closed", False):
        raise InvalidArgumentError(f"The stream {short_repr(stream)} is closed; open it again.")


def open_input(
    target: ResourcePathExpression | IO[bytes], *, format: str | None = None, partial: bool = True
) -> InputArchive:
    """Open a file of any registered container.

    Parameters
    ----------
    target
        URI, path, or seekable binary stream.
    format
        Name of the container.  By default the container is selected by the
        extension of the file name, and by the first bytes if the extension is
        unknown or wrong.
    partial
        Whether only parts of the file will be read.

    Returns
    -------
    archive
        The open archive.  The caller must close it.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized.
    NotAnArchiveError
        If the file has a known format but was not written by this package.
    """
    if hasattr(target, "seek"):
        check_stream(target)
        return _open_stream(target, format, partial)
    uri = parse_location(target)
    name = uri.basename()
    if name.endswith(COMPRESSED_SUFFIXES):
        return _open_stream(decompress(uri), format, partial)
    if format is None:
        archive = registry.input_for_file(name)
    else:
        archive = input_class(container_for_name(format))
    if archive is None:
        return _open_by_content(uri, partial, None)
    try:
        return archive.open(uri, partial=partial)
    except NotAnArchiveError as err:
        if format is not None:
            raise
        return _open_by_content(uri, partial, err)


def _open_by_content(uri: ResourcePath, partial: bool, refusal: NotAnArchiveError | None) -> InputArchive:
    """Open a file whose extension is unknown or wrong."""
    head = _read_head(uri)
    if compression_of(head) is not None:
        return _open_stream(decompress(uri), None, partial)
    found = _recognize(uri, head)
    if found is not None and (refusal is None or found != _find_by_extension(uri.basename())):
        return input_class(found).open(uri, partial=partial)
    if refusal is not None:
        raise refusal
    # Raises an error that lists the registered extensions.
    return input_class(container_for_path(uri)).open(uri, partial=partial)


def _open_stream(stream: Any, format: str | None, partial: bool) -> InputArchive:
    spec = container_for_stream(stream) if format is None else container_for_name(format)
    return input_class(spec).open(stream, partial=partial)


def container_for_stream(stream: IO[bytes]) -> ContainerSpec:
    """Return the container that the first bytes of a stream belong to.

    Parameters
    ----------
    stream
        Seekable binary stream.  Its position is restored.

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
            f"Could not identify a supported format from the first bytes {short_repr(head[:16])} of a "
            "stream; "
            f"the registered containers are {sorted(registry.containers())}."
        )
    return spec


def _recognize(uri: ResourcePath | None, head: bytes) -> ContainerSpec | None:
    for spec in registry.containers().values():
        if spec.recognizes(head):
            return spec
    name = registry.hook.guess_container(uri=uri, head=head)
    return None if name is None else container_for_name(name)


def _read_head(uri: ResourcePath) -> bytes:
    return read_bytes(uri, HEAD_SIZE)


def input_class(spec: ContainerSpec) -> type[InputArchive]:
    """Return the class that reads files of a container.

    Parameters
    ----------
    spec
        The container.
    """
    return registry.load_class(spec.input_archive, InputArchive)  # type: ignore[type-abstract]  # returns a subclass


def output_class(spec: ContainerSpec) -> type[OutputArchive]:
    """Return the class that writes files of a container.

    Parameters
    ----------
    spec
        The container.
    """
    return registry.load_class(spec.output_archive, OutputArchive)  # type: ignore[type-abstract]  # returns a subclass
