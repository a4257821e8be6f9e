# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Abstract base class for writing a container."""

from __future__ import annotations

__all__ = ("NestedOutputArchive", "OutputArchive")

import abc
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, ClassVar, TypeVar

import astropy.units as u
import numpy as np
import pydantic

from ..errors import ArchiveWriteError
from ..plugins import registry
from ._arrays import (
    ArrayModel,
    ArrayReferenceModel,
    ArrayReferenceQuantityModel,
    InlineArrayModel,
    InlineArrayQuantityModel,
)
from ._fields import Pointer
from ._hints import NO_HINTS, ArrayHints
from ._tables import TableModel
from ._tree import ArchiveTree

if TYPE_CHECKING:
    import astropy.table

T = TypeVar("T")

HeaderUpdate = Callable[[Any], None]
"""Function that adds cards to the FITS header of an array or a table; other containers ignore it."""


class OutputArchive(abc.ABC):
    """A file that is being written: arrays and tables first, then the tree."""

    CONTAINER: ClassVar[str]
    """Name of the container, for messages."""

    prefers_native_masks: ClassVar[bool] = False
    """Whether masks are stored as three-dimensional arrays, without conversion."""

    def __init__(self) -> None:
        self._uses: dict[str, int] = {}
        self._pointers: dict[Hashable, Pointer] = {}
        self._frame_sets: list[tuple[Any, Pointer]] = []
        self._header_update: HeaderUpdate | None = None

    # Methods implemented by containers.

    @classmethod
    @abc.abstractmethod
    def create(cls, stream: IO[bytes], *, passthrough: Any = None, **options: Any) -> OutputArchive:
        """Create an archive at the start of a file.

        Parameters
        ----------
        stream
            Empty stream that is seekable, readable and writable.
        passthrough
            Passthrough metadata of the object; a container ignores those of
            other containers.
        **options
            Options of the container.

        Raises
        ------
        InvalidArgumentError
            If the container does not have an option of this name.
        """

    @abc.abstractmethod
    def finish(self, tree: ArchiveTree) -> None:
        """Write the tree and complete the file.

        Parameters
        ----------
        tree
            Root of the tree.
        """

    def close(self) -> None:  # most containers have no resources but the stream
        """Release the resources of the archive; also called when a write fails.

        The stream is left open.  Closing twice is allowed.
        """

    @abc.abstractmethod
    def _write_array(
        self,
        array: np.ndarray,
        path: str,
        version: int,
        *,
        hints: ArrayHints,
        tile_shape: tuple[int, ...] | None,
        options_name: str,
    ) -> ArrayModel:
        """Store an array; the path may have been used before, see ``version``."""

    @abc.abstractmethod
    def _write_columns(
        self,
        array: np.ndarray,
        path: str,
        version: int,
        *,
        units: Mapping[str, u.UnitBase | None],
        descriptions: Mapping[str, str],
        meta: Mapping[str, Any],
    ) -> TableModel:
        """Store a structured array under a path."""

    @abc.abstractmethod
    def _write_pointer(self, path: str, tree: pydantic.BaseModel) -> Pointer:
        """Store a subtree, and return a pointer to it."""

    # Methods called by models.

    @property
    def path(self) -> str:
        """Current path in the archive; empty at the root."""
        return ""

    def add_array(
        self,
        array: np.ndarray,
        *,
        name: str | None = None,
        hints: ArrayHints = NO_HINTS,
        tile_shape: tuple[int, ...] | None = None,
        options_name: str | None = None,
        update_header: HeaderUpdate | None = None,
    ) -> ArrayReferenceModel | InlineArrayModel | ArrayReferenceQuantityModel | InlineArrayQuantityModel:
        """Store an array.

        Parameters
        ----------
        array
            Any shape.
        name
            Name of the array below the current path; `None` uses the current
            path.  Several arrays may have the same name.
        hints
            Information for other software; the unit is also added to the
            returned model.
        tile_shape
            Suggested shape of compression tiles, slowest axis first.
        options_name
            Name under which compression options are looked up; `None` means
            the path.
        update_header
            Function that adds cards to the header of a FITS file.

        Returns
        -------
        model
            Model or pointer for the tree.

        Raises
        ------
        ArchiveWriteError
            If there is neither a name nor a path, or the container cannot
            store the type.
        """
        path, version = self._claim(name)
        self._root._header_update = update_header
        model = self._write_array(
            array, path, version, hints=hints, tile_shape=tile_shape, options_name=options_name or path
        )
        return model if hints.unit is None else model.with_units(hints.unit)

    def add_structured_array(
        self,
        array: np.ndarray,
        *,
        name: str | None = None,
        units: Mapping[str, u.UnitBase | None] | None = None,
        descriptions: Mapping[str, str] | None = None,
        meta: Mapping[str, Any] | None = None,
        update_header: HeaderUpdate | None = None,
    ) -> TableModel:
        """Store a structured array as a table.

        Parameters
        ----------
        array
            One-dimensional array.
        name
            As for `add_array`.
        units, descriptions
            By name of column.
        meta
            Metadata of the table.
        update_header
            As for `add_array`.

        Raises
        ------
        UnsupportedTableError
            If a column contains strings or objects.
        """
        path, version = self._claim(name)
        self._root._header_update = update_header
        return self._write_columns(
            array, path, version, units=units or {}, descriptions=descriptions or {}, meta=meta or {}
        )

    def add_table(
        self,
        table: astropy.table.Table,
        *,
        name: str | None = None,
        update_header: HeaderUpdate | None = None,
    ) -> TableModel:
        """Store a table.

        Parameters
        ----------
        table
            Numeric columns without missing values.
        name, update_header
            As for `add_array`.

        Raises
        ------
        UnsupportedTableError
            If a column contains strings or objects.
        """
        return self.add_structured_array(
            table.as_array(),
            name=name,
            units={c.name: c.unit for c in table.itercols()},
            descriptions={c.name: c.info.description or "" for c in table.itercols()},
            meta=table.meta,
            update_header=update_header,
        )

    def serialize_root(
        self,
        obj: Any,
        metadata: Mapping[str, Any] | None = None,
        butler_info: Mapping[str, Any] | pydantic.BaseModel | None = None,
    ) -> ArchiveTree:
        """Store an object as the root of the file.

        Parameters
        ----------
        obj
            The object, which is not changed.
        metadata
            Metadata of the file, in addition to those of the object.
        butler_info
            Butler dataset and provenance of the file.

        Returns
        -------
        tree
            The tree to give to `finish`.

        Raises
        ------
        UnserializableTypeError
            If no plugin declares a model for the type.
        ArchiveWriteError
            If the content of the object is invalid.
        """
        model: Any = registry.model_for_type(type(obj))
        try:
            content: ArchiveTree = model.serialize(obj, self.nested(model.ROOT_NAME))
        except pydantic.ValidationError as err:
            raise ArchiveWriteError(f"A {type(obj).__name__} cannot be written: {err}") from err
        # The tree may share dictionaries with the object, which must not change.
        tree = content.model_copy()
        tree.metadata = {**tree.metadata, **(metadata or {})}
        if isinstance(butler_info, pydantic.BaseModel):
            butler_info = butler_info.model_dump(mode="json")
        tree.butler_info = None if butler_info is None else dict(butler_info)
        return tree

    def add_tree(self, tree: ArchiveTree) -> None:
        """Write the tree and complete the file; alias of `finish`.

        Parameters
        ----------
        tree
            Root of the tree.
        """
        self.finish(tree)

    def serialize_child(self, name: str, obj: Any, **options: Any) -> Any:
        """Store a part of an object with the model that its type declares.

        Parameters
        ----------
        name
            Path of the part below the current one.
        obj
            The part.
        **options
            Keyword arguments of the model's ``serialize``.

        Returns
        -------
        tree
            Tree of the part.

        Raises
        ------
        UnserializableTypeError
            If no plugin declares a model for the type.
        """
        model: Any = registry.model_for_type(type(obj))
        return model.serialize(obj, self.nested(name), **options)

    def serialize_direct(self, name: str, serializer: Callable[[OutputArchive], T]) -> T:
        """Call a function with an archive for a deeper path.

        Parameters
        ----------
        name
            Path below the current one.
        serializer
            Called with the nested archive.

        Returns
        -------
        result
            Result of the function.
        """
        return serializer(self.nested(name))

    def serialize_pointer(
        self, name: str, serializer: Callable[[OutputArchive], pydantic.BaseModel], key: Hashable
    ) -> Pointer:
        """Store a subtree once, even if it is requested several times.

        Parameters
        ----------
        name
            Path below the current one.
        serializer
            Called with the nested archive at the first request.
        key
            Equal for equal subtrees.

        Returns
        -------
        pointer
            Model or pointer for the tree.
        """
        root = self._root
        if key not in root._pointers:
            nested = self.nested(name)
            root._pointers[key] = root._write_pointer(nested.path, serializer(nested))
        return root._pointers[key]

    def serialize_frame_set(
        self,
        name: str,
        frame_set: Any,
        serializer: Callable[[OutputArchive], pydantic.BaseModel],
        key: Hashable,
    ) -> Pointer:
        """Store a frame set to which transforms may refer.

        Parameters
        ----------
        name
            Path below the current one.
        frame_set
            The frame set.
        serializer
            Called with the nested archive.
        key
            Equal for equal frame sets.
        """
        pointer = self.serialize_pointer(name, serializer, key)
        if all(known is not frame_set for known, _ in self._root._frame_sets):
            self._root._frame_sets.append((frame_set, pointer))
        return pointer

    def iter_frame_sets(self) -> Iterator[tuple[Any, Pointer]]:
        """Iterate over frame sets stored so far, with their pointers."""
        return iter(self._root._frame_sets)

    def nested(self, name: str) -> OutputArchive:
        """Return an archive for a deeper path.

        Parameters
        ----------
        name
            Path below the current one.
        """
        return NestedOutputArchive(self._root, f"{self.path}/{name}".lstrip("/")) if name else self

    @property
    def _root(self) -> OutputArchive:
        return self

    def _claim(self, name: str | None) -> tuple[str, int]:
        """Return the full path of an array, and the number of its uses."""
        path = "/".join(filter(None, (self.path, name)))
        if not path:
            raise ArchiveWriteError("An array at the root of an archive needs a name.")
        uses = self._root._uses
        # Paths must be unique in containers that do not distinguish upper and lower case.
        uses[path.upper()] = uses.get(path.upper(), 0) + 1
        return path, uses[path.upper()]


class NestedOutputArchive(OutputArchive):
    """An archive that prefixes all names with a path.

    Parameters
    ----------
    root
        Archive that stores the content.
    parent
        The path.
    """

    def __init__(self, root: OutputArchive, parent: str) -> None:
        self._parent_archive = root
        self._path = parent
        self.prefers_native_masks = root.prefers_native_masks  # type: ignore[misc]  # constant, but per class
        self.CONTAINER = root.CONTAINER  # type: ignore[misc]  # as above

    @classmethod
    def create(cls, stream: IO[bytes], *, passthrough: Any = None, **options: Any) -> OutputArchive:
        raise TypeError("A nested archive is created by nested(), not from a stream.")

    @property
    def path(self) -> str:
        return self._path

    @property
    def _root(self) -> OutputArchive:
        return self._parent_archive

    def finish(self, tree: ArchiveTree) -> None:
        raise TypeError("Only the root archive can be finished.")

    def _write_array(self, array: np.ndarray, path: str, version: int, **kwargs: Any) -> ArrayModel:
        return self._root._write_array(array, path, version, **kwargs)

    def _write_columns(self, array: np.ndarray, path: str, version: int, **kwargs: Any) -> TableModel:
        return self._root._write_columns(array, path, version, **kwargs)

    def _write_pointer(self, path: str, tree: pydantic.BaseModel) -> Pointer:
        return self._root._write_pointer(path, tree)
