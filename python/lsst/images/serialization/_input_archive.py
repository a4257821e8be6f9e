# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a container must be able to do for reading."""

from __future__ import annotations

__all__ = ("ArchiveInfo", "ArrayPart", "DetachedArchive", "InputArchive")

import abc
import functools
import json
from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import Any, ClassVar, NoReturn, Self, TypeVar

import astropy.table
import numpy as np
import pydantic

from ..errors import ArchiveAccessRequiredError, ArchiveReadError, CorruptArchiveError
from ._arrays import (
    ArrayReferenceModel,
    ArrayReferenceQuantityModel,
    InlineArrayModel,
    InlineArrayQuantityModel,
)
from ._attachments import PassthroughMetadata
from ._fields import Pointer
from ._migrations import parse_schema_url
from ._tables import TableModel

T = TypeVar("T")
M = TypeVar("M", bound=pydantic.BaseModel)


ArrayPart = tuple[ArrayReferenceModel | InlineArrayModel, tuple[slice, ...] | EllipsisType]
"""What the tree says about an array, and which part of it is wanted."""


class ArchiveInfo(pydantic.BaseModel, frozen=True):
    """What a file says about itself.

    Parameters
    ----------
    schema_url, schema_name, schema_version
        Schema of the root of the tree.
    format_version
        Version of the container's layout; `None` where there is none.
    """

    schema_url: str
    schema_name: str
    schema_version: str
    format_version: int | None = None

    @classmethod
    def from_schema_url(cls, url: str, *, format_version: int | None) -> ArchiveInfo:
        """Take a schema URL apart.

        Parameters
        ----------
        url
            ``https://HOST/.../schemas/NAME-VERSION``.
        format_version
            Version of the container's layout.

        Raises
        ------
        ValueError
            If the URL is not of this form.
        """
        name, version = parse_schema_url(url)
        return cls(schema_url=url, schema_name=name, schema_version=version, format_version=format_version)


class InputArchive(abc.ABC):
    """An open file: a JSON tree, and arrays and tables that it refers to.

    An archive knows arrays, tables and JSON, never an image type.
    """

    CONTAINER: ClassVar[str]
    """Name of the container, for messages."""

    remote: bool = False
    """Whether it pays to call `expect` before reading."""

    @functools.cached_property
    def _pointed(self) -> dict[tuple[str, str], Any]:
        """What pointers point at, by pointer and name of the model."""
        return {}

    @functools.cached_property
    def _frame_sets(self) -> dict[str, Any]:
        """The same by pointer alone."""
        return {}

    # Life.

    @classmethod
    @abc.abstractmethod
    def open(cls, target: Any, *, partial: bool = True) -> Self:
        """Open a file.

        Parameters
        ----------
        target
            URI, path, or seekable binary stream.
        partial
            Whether only parts will be read.  With `False` a container may
            fetch all of a remote file at once, and verify checksums.

        Raises
        ------
        NotAnArchiveError
            If it is not a file of this container.
        CorruptArchiveError
            If it is, and is damaged.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Content.

    @property
    @abc.abstractmethod
    def schema_url(self) -> str | None:
        """Schema of the root; `None` in files from before it was stored."""

    @property
    def format_version(self) -> int | None:
        """Version of the container's layout; `None` where there is none."""
        return None

    @property
    def info(self) -> ArchiveInfo:
        """What the file says about itself.

        Raises
        ------
        ArchiveReadError
            If it does not say it.
        """
        if self.schema_url is None:
            raise ArchiveReadError(f"This {self.CONTAINER} file does not name the schema of its content.")
        return ArchiveInfo.from_schema_url(self.schema_url, format_version=self.format_version)

    @abc.abstractmethod
    def get_raw_tree(self) -> dict[str, Any]:
        """Return the root of the tree, as it is in the file."""

    @abc.abstractmethod
    def get_passthrough(self) -> PassthroughMetadata | None:
        """Return what the container wants back with the next write."""

    @abc.abstractmethod
    def _read_array(self, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray:
        """Read an array that is stored outside the tree, native-endian."""

    @abc.abstractmethod
    def _read_columns(self, model: TableModel) -> np.ndarray:
        """Read a table that is stored outside the tree."""

    @abc.abstractmethod
    def _read_pointer(self, pointer: dict[str, Any]) -> dict[str, Any]:
        """Return the raw sub-tree that a pointer points at."""

    # What models call.

    def expect(self, parts: Sequence[ArrayPart]) -> None:
        """Announce arrays that will be read soon, so that they can be fetched together.

        Parameters
        ----------
        parts
            What `get_array` will be asked for.
        """

    def read_ahead(self, parts: Sequence[ArrayPart]) -> None:
        """Read parts of arrays now, so that what they share is decoded once.

        Each is handed out by `get_array` when it is asked for; what nobody
        asks for is dropped when this is called again.  A container that gains
        nothing by it does nothing.

        Parameters
        ----------
        parts
            What `get_array` will be asked for.

        Raises
        ------
        ArchiveReadError
            If one of them cannot be read; then none is kept.
        """

    def get_array(
        self,
        model: ArrayReferenceModel
        | InlineArrayModel
        | ArrayReferenceQuantityModel
        | InlineArrayQuantityModel,
        *,
        slices: tuple[slice, ...] | EllipsisType = ...,
    ) -> np.ndarray:
        """Read an array, or a part of it.

        Parameters
        ----------
        model
            What the tree says; a unit is ignored.
        slices
            One slice with unit step for each axis, slowest first.

        Returns
        -------
        array
            Native-endian.

        Raises
        ------
        CorruptArchiveError
            If the array is not what the tree says.
        """
        array = model if isinstance(model, ArrayReferenceModel | InlineArrayModel) else model.value
        if isinstance(array, ArrayReferenceModel):
            return self._read_array(array, slices)
        try:
            return array.to_array()[slices]
        except (TypeError, ValueError) as err:
            raise CorruptArchiveError(
                f"An inline array of {array.datatype.value} is malformed: {err}"
            ) from err

    def get_structured_array(self, model: TableModel) -> np.ndarray:
        """Read a table as a structured array.

        Parameters
        ----------
        model
            What the tree says.

        Raises
        ------
        CorruptArchiveError
            If the table is not what the tree says.
        """
        if not model.is_inline:
            return self._read_columns(model)
        try:
            return model.inline_array()
        except (TypeError, ValueError) as err:
            names = [column.name for column in model.columns]
            raise CorruptArchiveError(
                f"The inline table with the columns {names} is malformed: {err}"
            ) from err

    def get_table(self, model: TableModel) -> astropy.table.Table:
        """Read a table with units, descriptions and metadata.

        Parameters
        ----------
        model
            What the tree says.

        Raises
        ------
        ArchiveReadError
            If a column is not of the declared type or shape.
        """
        table = astropy.table.Table(self.get_structured_array(model), copy=False)
        try:
            for column in model.columns:
                column.update_table(table)
        except (KeyError, ValueError) as err:
            names = [column.name for column in model.columns]
            raise CorruptArchiveError(f"A table does not have the columns {names}: {err}") from err
        table.meta.update(model.meta)
        return table

    def deserialize_pointer(
        self, pointer: Pointer, model_type: type[M], deserializer: Callable[[M, InputArchive], T]
    ) -> T:
        """Make the object that a pointer points at, once for each pointer.

        Parameters
        ----------
        pointer
            What the tree says.
        model_type
            Model of the sub-tree.
        deserializer
            Called with the model and this archive.
        """
        key = (_pointer_key(pointer), model_type.__name__)
        if key not in self._pointed:
            model = model_type.model_validate(self._read_pointer(pointer.root))
            self._pointed[key] = self._frame_sets[key[0]] = deserializer(model, self)
        result: T = self._pointed[key]
        return result

    def get_frame_set(self, pointer: Pointer) -> Any:
        """Return a frame set that `deserialize_pointer` made before.

        Parameters
        ----------
        pointer
            What the tree says.

        Raises
        ------
        ArchiveReadError
            If it was not read yet.
        """
        try:
            return self._frame_sets[_pointer_key(pointer)]
        except KeyError:
            raise ArchiveReadError(f"The frame set at {pointer.root} is used before it is read.") from None


def _pointer_key(pointer: Pointer) -> str:
    return json.dumps(pointer.root, sort_keys=True)


class DetachedArchive(InputArchive):
    """An archive without a file, for components that live in the tree."""

    CONTAINER = "detached"

    @classmethod
    def open(cls, target: Any = None, *, partial: bool = True) -> Self:
        return cls()

    def close(self) -> None:
        pass

    @property
    def schema_url(self) -> str | None:
        return None

    def get_raw_tree(self) -> NoReturn:
        raise self._refusal("the tree")

    def get_passthrough(self) -> None:
        return None

    def get_array(self, model: Any, *, slices: tuple[slice, ...] | EllipsisType = ...) -> NoReturn:
        raise self._refusal("an array")

    def get_structured_array(self, model: TableModel) -> NoReturn:
        raise self._refusal("a table")

    def _read_array(self, model: Any, slices: Any) -> NoReturn:
        raise self._refusal("an array")

    def _read_columns(self, model: TableModel) -> NoReturn:
        raise self._refusal("a table")

    def _read_pointer(self, pointer: dict[str, Any]) -> NoReturn:
        raise self._refusal("a shared sub-tree")

    @staticmethod
    def _refusal(what: str) -> ArchiveAccessRequiredError:
        return ArchiveAccessRequiredError(f"Reading {what} needs the file, and this archive is detached.")
