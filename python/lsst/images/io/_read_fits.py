# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading an object together with what its file says about it."""

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
    """An object and what its file says about it.

    Parameters
    ----------
    deserialized
        The object.
    metadata
        Metadata of the root of the file.
    butler_info
        Butler information in the file (`lsst.images.butler.ButlerInfo`), or
        `None`; if it is damaged, an `~lsst.images.serialization.UnreadableTree`
        with the reason.
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
    """Read an object from a FITS file, and what the file says about it.

    Parameters
    ----------
    cls
        Type that the file must hold.
    path
        URI, path, or seekable binary stream.
    page_size
        Bytes of a remote file that one request asks for at most; by default,
        `lsst.images.fits.DEFAULT_PAGE_SIZE`.
    partial
        Whether only a part will be read; by default, whether there is a read
        parameter that is not `None`.
    **parameters
        Read parameters of the type, ``bbox`` for instance.

    Returns
    -------
    result
        The object, the metadata, and the Butler information.

    Raises
    ------
    ArchiveReadError
        If the file is not one of ours, or damaged.
    InvalidParameterError
        If the type does not take a parameter, or is not ``cls``.
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
