# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Abstract base class for reading a container."""

from __future__ import annotations

__all__ = ("ArchiveInfo", "ArrayPart", "DetachedArchive", "InputArchive")

import abc
import json
from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar

import numpy as np
import pydantic

from ..errors import ArchiveAccessRequiredError, ArchiveReadError, CorruptArchiveError
from ..utils import cached_property
from ._archive_names import ArchiveNames, HeaderStripper
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

if TYPE_CHECKING:
    import astropy.table

T = TypeVar("T")
M = TypeVar("M", bound=pydantic.BaseModel)


ArrayPart = tuple[ArrayReferenceModel | InlineArrayModel, tuple[slice, ...] | EllipsisType]
"""Model of an array, and the slices of the part to read."""


class ArchiveInfo(pydantic.BaseModel, frozen=True):
    """Schema and format version of a file.

    Parameters
    ----------
    schema_url, schema_name, schema_version
        Schema of the root of the tree.
    format_version
        Version of the container's layout; `None` if it does not have one.
    """

    schema_url: str
    schema_name: str
    schema_version: str
    format_version: int | None = None

    @classmethod
    def from_schema_url(cls, url: str, *, format_version: int | None) -> ArchiveInfo:
        """Create from a schema URL.

        Parameters
        ----------
        url
            ``https://HOST/.../schemas/NAME-VERSION``.
        format_version
            Version of the container's layout.

        Raises
        ------
        ValueError
            If the URL does not have this form.
        """
        name, version = parse_schema_url(url)
        return cls(schema_url=url, schema_name=name, schema_version=version, format_version=format_version)


class InputArchive(ArchiveNames, abc.ABC):
    """An open file: a JSON tree, and arrays and tables that it refers to.

    An archive contains arrays, tables and JSON, and does not depend on image
    types.
    """

    CONTAINER: ClassVar[str]
    """Name of the container, for messages."""

    remote: bool = False
    """Whether reads are faster after a call of `expect`, as for remote files."""

    @cached_property
    def _pointed(self) -> dict[tuple[str, str], Any]:
        """Objects that pointers refer to, by pointer and name of the model."""
        return {}

    @cached_property
    def _frame_sets(self) -> dict[str, Any]:
        """The same objects by pointer."""
        return {}

    # Opening and closing.

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
            If the file does not have the format of this container.
        CorruptArchiveError
            If the file is damaged.
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
        """Schema URL of the root; `None` for older files without one."""

    @property
    def format_version(self) -> int | None:
        """Version of the container's layout; `None` if it does not have one."""
        return None

    @property
    def info(self) -> ArchiveInfo:
        """Schema and format version of the file.

        Raises
        ------
        ArchiveReadError
            If the file does not contain a schema URL.
        """
        if self.schema_url is None:
            raise ArchiveReadError(f"This {self.CONTAINER} file does not name the schema of its content.")
        return ArchiveInfo.from_schema_url(self.schema_url, format_version=self.format_version)

    @abc.abstractmethod
    def get_raw_tree(self) -> dict[str, Any]:
        """Return the root of the tree as raw JSON."""

    @abc.abstractmethod
    def get_passthrough(self) -> PassthroughMetadata | None:
        """Return the content that the container preserves when the object is rewritten."""

    @abc.abstractmethod
    def _read_array(self, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray:
        """Read an array that is stored outside the tree, native-endian."""

    @abc.abstractmethod
    def _read_columns(self, model: TableModel) -> np.ndarray:
        """Read a table that is stored outside the tree."""

    @abc.abstractmethod
    def _read_pointer(self, pointer: dict[str, Any]) -> dict[str, Any]:
        """Return the raw subtree that a pointer refers to."""

    # Methods called by models.

    def expect(self, parts: Sequence[ArrayPart]) -> None:
        """Announce arrays that will be read, so that they can be fetched together.

        Parameters
        ----------
        parts
            Arguments of the later calls of `get_array`.
        """

    def read_ahead(self, parts: Sequence[ArrayPart]) -> None:
        """Read several parts of arrays, so that tiles they share are decoded once.

        Later calls of `get_array` return these parts; the next call of this
        method discards parts that were not requested.  A container without
        shared tiles does nothing.

        Parameters
        ----------
        parts
            Arguments of the later calls of `get_array`.

        Raises
        ------
        ArchiveReadError
            If one of them cannot be read; none is kept then.
        """

    def get_array(
        self,
        model: ArrayReferenceModel
        | InlineArrayModel
        | ArrayReferenceQuantityModel
        | InlineArrayQuantityModel,
        *,
        slices: tuple[slice, ...] | EllipsisType = ...,
        strip_header: HeaderStripper | None = None,
    ) -> np.ndarray:
        """Read an array, or a part of it.

        Parameters
        ----------
        model
            Model of the array; a unit is ignored.
        slices
            One slice with unit step for each axis, slowest first.
        strip_header
            Function that removes cards from the header of a FITS file, so that
            they are not preserved when the object is rewritten.

        Returns
        -------
        array
            Native-endian.

        Raises
        ------
        CorruptArchiveError
            If the array differs from its model.
        """
        array = model if isinstance(model, ArrayReferenceModel | InlineArrayModel) else model.value
        if isinstance(array, ArrayReferenceModel):
            if strip_header is not None:
                self._header_strippers[str(array.source)] = strip_header
            return self._read_array(array, slices)
        try:
            return array.to_array()[slices]
        except (TypeError, ValueError) as err:
            raise CorruptArchiveError(
                f"An inline array of {array.datatype.value} is malformed: {err}"
            ) from err

    def get_structured_array(
        self, model: TableModel, strip_header: HeaderStripper | None = None
    ) -> np.ndarray:
        """Read a table as a structured array.

        Parameters
        ----------
        model
            Model of the table.
        strip_header
            Not used: headers of tables are not preserved.

        Raises
        ------
        CorruptArchiveError
            If the table differs from its model.
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

    def get_table(self, model: TableModel, strip_header: HeaderStripper | None = None) -> astropy.table.Table:
        """Read a table with units, descriptions and metadata.

        Parameters
        ----------
        model
            Model of the table.
        strip_header
            Not used: headers of tables are not preserved.

        Raises
        ------
        ArchiveReadError
            If a column does not have the declared type or shape.
        """
        import astropy.table

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
        """Create the object that a pointer refers to, once for each pointer.

        Parameters
        ----------
        pointer
            Pointer in the tree.
        model_type
            Model of the subtree.
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
        """Return a frame set that `deserialize_pointer` created.

        Parameters
        ----------
        pointer
            Pointer in the tree.

        Raises
        ------
        ArchiveReadError
            If it has not been read.
        """
        try:
            return self._frame_sets[_pointer_key(pointer)]
        except KeyError:
            raise ArchiveReadError(f"The frame set at {pointer.root} is used before it is read.") from None


def _pointer_key(pointer: Pointer) -> str:
    return json.dumps(pointer.root, sort_keys=True)


class DetachedArchive(InputArchive):
    """An archive without a file, for components that need the tree only."""

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
        raise self._access_error("the tree")

    def get_passthrough(self) -> None:
        return None

    def get_array(
        self, model: Any, *, slices: tuple[slice, ...] | EllipsisType = ..., strip_header: Any = None
    ) -> NoReturn:
        raise self._access_error("an array")

    def get_structured_array(self, model: TableModel, strip_header: Any = None) -> NoReturn:
        raise self._access_error("a table")

    def _read_array(self, model: Any, slices: Any) -> NoReturn:
        raise self._access_error("an array")

    def _read_columns(self, model: TableModel) -> NoReturn:
        raise self._access_error("a table")

    def _read_pointer(self, pointer: dict[str, Any]) -> NoReturn:
        raise self._access_error("a shared subtree")

    @staticmethod
    def _access_error(what: str) -> ArchiveAccessRequiredError:
        return ArchiveAccessRequiredError(
            f"Reading {what} requires the file, but this archive is detached from it."
        )
