# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read an object together with the metadata of its file."""

from __future__ import annotations

__all__ = ("ReadResult", "read_fits")

from collections.abc import Mapping
from typing import IO, Any, Generic, NamedTuple, TypeVar

import pydantic

from lsst.resources import ResourcePathExpression

from ..plugins import registry
from ..serialization import ButlerInformation, UnreadableTree
from ..serialization._tree import tree_error
from ._containers import container_for_name
from ._reader import Reader

T = TypeVar("T")


class ReadResult(NamedTuple, Generic[T]):
    """An object and the metadata of its file.

    Parameters
    ----------
    deserialized
        The object.
    metadata
        Metadata of the root of the tree.
    butler_info
        Butler dataset and provenance stored in the file
        (`lsst.images.butler.ButlerInfo`), or `None`; if they are damaged, an
        `~lsst.images.serialization.UnreadableTree` with the reason.
    """

    deserialized: T
    metadata: dict[str, Any]
    butler_info: ButlerInformation | UnreadableTree | None


def read_fits(
    cls: type[T],
    path: ResourcePathExpression | IO[bytes],
    *,
    page_size: int | None = None,
    partial: bool | None = None,
    **parameters: Any,
) -> ReadResult[T]:
    """Read an object and its metadata from a FITS file.

    Parameters
    ----------
    cls
        Type that the file must hold.
    path
        URI, path, or seekable binary stream.
    page_size
        Maximum number of bytes of a remote file per request; by default
        `lsst.images.fits.DEFAULT_PAGE_SIZE`.
    partial
        Whether only a part of the file will be read; by default, whether a
        read parameter is not `None`.
    **parameters
        Read parameters of the type, for instance ``bbox``.

    Returns
    -------
    result
        The object, its metadata, and the Butler information.

    Raises
    ------
    ArchiveReadError
        If the file was not written by this package, or is damaged.
    InvalidParameterError
        If the type does not have one of the parameters, or the file holds an
        object of a type other than ``cls``.
    """
    given = {key: value for key, value in parameters.items() if value is not None}
    options = {} if page_size is None else {"page_size": page_size}
    container = registry.load(container_for_name("fits").input_archive)
    archive = container.open(path, partial=bool(given) if partial is None else partial, **options)
    reader: Reader[T] = Reader(archive, uri=path)
    try:
        reader.require_type(cls)
        result = reader.read(**given)
        raw = reader.butler_info
        return ReadResult(result, reader.metadata, _parse_butler_info(raw))
    finally:
        reader.close()


def _parse_butler_info(
    raw: Mapping[str, Any] | UnreadableTree | None,
) -> ButlerInformation | UnreadableTree | None:
    if raw is None or isinstance(raw, UnreadableTree):
        return raw
    try:
        return registry.convert_to(raw, ButlerInformation)
    except pydantic.ValidationError as err:
        return UnreadableTree.because(raw, tree_error(err, at="butler_info"))
