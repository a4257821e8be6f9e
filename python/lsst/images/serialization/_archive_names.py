# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Methods of input archives under the names that users of the public package call."""

from __future__ import annotations

__all__ = ("ArchiveNames", "HeaderStripper", "tree_class_for_info")

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pydantic

from ..errors import UnknownSchemaError
from ..plugins import registry
from ..utils import cached_property, short_repr

if TYPE_CHECKING:
    from ._attachments import PassthroughMetadata
    from ._input_archive import ArchiveInfo
    from ._tree import ArchiveTree

M = TypeVar("M", bound=pydantic.BaseModel)

HeaderStripper = Callable[[Any], None]
"""Function that removes cards from the header of an array."""


class ArchiveNames:
    """Base class of input archives, with methods that need only their abstract ones."""

    @cached_property
    def _header_strippers(self) -> dict[str, HeaderStripper]:
        """Functions of callers that remove cards, by source of the array."""
        return {}

    @classmethod
    def get_basic_info(cls, path: Any) -> ArchiveInfo:
        """Return schema and format version of a file.

        Parameters
        ----------
        path
            URI, path, or seekable binary stream.

        Returns
        -------
        info
            Schema and format version.

        Raises
        ------
        ArchiveReadError
            If the file does not have the format of this container.
        """
        archive: Any = cls
        with archive.open(path) as opened:
            info: ArchiveInfo = opened.info
            return info

    @classmethod
    @contextlib.contextmanager
    def open_tree(
        cls, path: Any, *, partial: bool = True, **options: Any
    ) -> Iterator[tuple[Any, ArchiveTree, ArchiveInfo]]:
        """Return a context manager that opens a file and validates its tree.

        Parameters
        ----------
        path
            URI, path, or seekable binary stream.
        partial
            Whether only parts will be read.
        **options
            Options of the container.

        Yields
        ------
        archive, tree, info
            The open archive, its tree, and schema and format version.

        Raises
        ------
        UnknownSchemaError
            If no plugin declares the schema of the file.
        """
        archive: Any = cls
        with archive.open(path, partial=partial, **options) as opened:
            info = opened.info
            yield opened, opened.get_tree(tree_class_for_info(info, path)), info

    def get_tree(self, model_type: type[M]) -> M:
        """Return the validated tree.

        Parameters
        ----------
        model_type
            Model of the tree.

        Returns
        -------
        tree
            The tree.

        Raises
        ------
        ArchiveReadError
            If the tree is invalid.
        """
        archive: Any = self
        return model_type.model_validate(archive.get_raw_tree())

    def get_opaque_metadata(self) -> PassthroughMetadata | None:
        """Return the content that the container preserves when the object is rewritten.

        Returns
        -------
        passthrough
            The same as of ``get_passthrough``.
        """
        archive: Any = self
        found: PassthroughMetadata | None = archive.get_passthrough()
        return found


def tree_class_for_info(info: ArchiveInfo, path: Any) -> type[ArchiveTree]:
    """Return the serialization model of the content of a file.

    Parameters
    ----------
    info
        Schema and format version of the file.
    path
        The file, for the message.

    Raises
    ------
    UnknownSchemaError
        If no plugin declares the schema.
    """
    if (model := registry.model_for_schema(info.schema_name)) is None:
        raise UnknownSchemaError(
            f"No registered schema {short_repr(info.schema_name)} for {path}; known are "
            f"{sorted(registry.datasets())}."
        )
    return model
