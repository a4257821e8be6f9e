# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read an object, or components of it, from an open file."""

from __future__ import annotations

__all__ = ("Reader", "open_archive", "parse_bbox", "read")

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any, NoReturn, TypeVar, overload

import pydantic

from lsst.resources import ResourcePathExpression

from .._aliases import COMPONENT_ALIASES
from .._geom import Box
from ..errors import (
    ArchiveReadError,
    CorruptArchiveError,
    GeometryError,
    ImagesError,
    ImagesWarning,
    InvalidParameterError,
    NotAnArchiveError,
    UnknownSchemaError,
    UnsupportedFormatError,
)
from ..plugins import Found, ReadContext, registry
from ..serialization import (
    ArchiveInfo,
    ArchiveTree,
    InputArchive,
    UnreadableTree,
    attach,
    parse_schema_url,
)
from ..serialization._butler_info import damaged_butler_info, is_butler_info
from ..serialization._deferred import is_deferred
from ..serialization._find_unknown_members import find_unknown_members
from ..serialization._input_archive import ArrayPart
from ..serialization._tree import check_parameters, tree_error
from ..serialization._unknown_arrays import load_references
from ..serialization._unknown_members import UnknownMembers
from ..utils import cached_property, short_repr
from ._containers import open_input
from ._dataset_reader import DatasetReader, T_co

T = TypeVar("T")


class Reader(DatasetReader[T_co]):
    """An open file of this package.

    Parameters
    ----------
    archive
        The open archive.
    uri
        Location of the file, for error messages and hooks.
    """

    def __init__(self, archive: InputArchive, uri: Any = None) -> None:
        self._archive: InputArchive | None = archive
        self._uri = uri
        self._raw: dict[str, Any] | None = None
        self._model: type[ArchiveTree] | None = None
        self._unknown: UnknownMembers | None | bool = False

    def close(self) -> None:
        """Close the file."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    # Properties of the file.

    @property
    def uri(self) -> Any:
        return self._uri

    @property
    def archive(self) -> InputArchive:
        """The open archive.

        Raises
        ------
        ArchiveReadError
            If the reader is closed.
        """
        if self._archive is None:
            raise ArchiveReadError(f"The reader of {self._uri} is closed; read inside its 'with' block.")
        return self._archive

    @property
    def info(self) -> ArchiveInfo:
        """Schema and format version of the file."""
        return self.archive.info

    @property
    def raw_tree(self) -> dict[str, Any]:
        """The JSON tree as stored in the file.  It must not be modified."""
        if (raw := self._raw) is None:
            raw = self._raw = self.archive.get_raw_tree()
        return raw

    @property
    def metadata(self) -> dict[str, Any]:
        """Copy of the metadata of the root of the tree.

        Raises
        ------
        CorruptArchiveError
            If the metadata are not a JSON object.
        """
        found = self.raw_tree.get("metadata") or {}
        if not isinstance(found, dict):
            raise CorruptArchiveError(
                f"The metadata of {self._uri} are invalid: expected a JSON object, found {found!r:.80}."
            )
        return dict(found)

    @cached_property
    def butler_info(self) -> Mapping[str, Any] | UnreadableTree | None:
        info = self.raw_tree.get("butler_info")
        return info if is_butler_info(info) else damaged_butler_info(info)

    @property
    def model(self) -> type[ArchiveTree]:
        """Serialization model of the root of the tree.

        Raises
        ------
        UnknownSchemaError
            If no plugin registers the schema of the file.
        """
        return self._model or self._find_model()

    @property
    def component_names(self) -> list[str]:
        return self.model.component_names()

    def require_type(self, cls: type) -> None:
        """Check that the file holds an object of a type.

        Parameters
        ----------
        cls
            The required type, or a base class of it.

        Raises
        ------
        InvalidParameterError
            If the file holds an object of another type.
        """
        self._find_model(cls)

    # Content.

    def get_tree(self) -> ArchiveTree:
        """Return the validated tree of the whole file."""
        try:
            return self.model.model_validate(self.raw_tree)
        except (ImagesError, pydantic.ValidationError) as err:
            self._fail(err, None, {})

    def read(self, **parameters: Any) -> T_co:
        try:
            model = self.model
            check_parameters(model._PARAMETERS, parameters, f"Schema {model.SCHEMA_NAME!r}")
            parameters = self._parse_parameters(parameters)
            tree = model.model_validate(self.raw_tree)
            obj: T_co = tree.deserialize(self.archive, **parameters)
            self._attach(obj, None, parameters, registry.hook)
            if unknown := self._find_unknown_members(tree, hasattr(obj, "_attachments")):
                attach(obj, unknown_members=unknown)
            return obj
        except (ImagesError, pydantic.ValidationError) as err:
            self._fail(err, None, parameters)

    def get_component(self, name: str, **parameters: Any) -> Any:
        try:
            if not isinstance(parameters.get("bbox"), Box):
                parameters = self._parse_parameters(parameters)
            hook = registry.hook
            found: Found | None = hook.read_component(reader=self, name=name, parameters=parameters)
            if found is not None:
                value = found.value
            else:
                model, archive = self._model or self._find_model(), self._archive or self.archive
                value = model.read_component(self._raw or self.raw_tree, name, archive, parameters)
            self._attach(value, name, parameters, hook)
            return value
        except (ImagesError, pydantic.ValidationError) as err:
            self._fail(err, name, parameters)

    def read_own_component(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """Read a component without calling the hook ``read_component``.

        Implementations of that hook call this to get the default result.

        Parameters
        ----------
        name
            Name of the component.
        parameters
            Read parameters.
        """
        return self.model.read_component(self.raw_tree, name, self.archive, parameters)

    def read_ahead(self, boxes: Sequence[Box], components: Sequence[str | None] = (None,)) -> None:
        try:
            root = self.get_tree()
            parts: list[ArrayPart] = []
            for name in components:
                tree: Any = root
                if name is not None and name != "masked_image":
                    tree = getattr(root, COMPONENT_ALIASES.get(name, name), None)
                for box in boxes if hasattr(tree, "pixel_parts") else ():
                    with contextlib.suppress(GeometryError):
                        parts.extend(tree.pixel_parts(box))
            self.archive.read_ahead(parts)
        except ImagesError as err:
            self._fail(err, None, {})

    # Helpers.

    def _find_model(self, cls: type | None = None) -> type[ArchiveTree]:
        """Find and store the model of the root of the tree; check its type."""
        if cls is not None and not isinstance(cls, type):
            raise InvalidParameterError(f"The type to read must be a class; got {short_repr(cls)}.")
        archive = self._archive or self.archive
        raw = self._raw = self._raw or archive.get_raw_tree()
        info = raw.get("butler_info")
        self.butler_info = info if is_butler_info(info) else damaged_butler_info(info)
        # Trees of old files have no schema URL; a container may store it.
        url = raw.get("schema_url") or archive.schema_url
        if not isinstance(url, str | None):
            raise CorruptArchiveError(
                f"The schema_url of the tree in {self._uri} is invalid: expected a string, found {url!r:.80}."
            )
        schema = registry.guess_schema(raw) if url is None else parse_schema_url(url)[0]
        found, pytype = (None, None) if schema is None else registry.types_for_schema(schema)
        if found is None:
            left_out = [(info.name, info.error) for info in registry.plugins() if info.error]
            raise UnknownSchemaError(
                f"No registered schema for {short_repr(url or sorted(raw))} in {self._uri}; "
                f"the registered schemas are {sorted(registry.datasets())}. Install the package that "
                "defines it." + (f" These plugins failed to load: {left_out}." if left_out else "")
            )
        if cls is not None and pytype is not None and not issubclass(pytype, cls):
            raise InvalidParameterError(
                f"{self._uri} holds schema {short_repr(schema)}, a {pytype.__name__}, not the requested "
                f"{cls.__name__}."
            )
        self._model = found
        return found

    def _parse_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        bbox = parameters.get("bbox")
        if bbox is None:
            return {key: value for key, value in parameters.items() if key != "bbox"}
        if isinstance(bbox, Box):
            return parameters
        return {**parameters, "bbox": parse_bbox(bbox, self._context(None, parameters))}

    def _context(self, component: str | None, parameters: Mapping[str, Any]) -> ReadContext:
        return ReadContext(
            uri=self._uri,
            container=self.archive.CONTAINER,
            schema=self.model.SCHEMA_NAME,
            component=component,
            parameters=parameters,
            butler_info=None if is_deferred(self.butler_info) else self.butler_info,
            projection=lambda: self.read_own_component("sky_projection", {}),
        )

    def _attach(self, value: Any, component: str | None, parameters: Mapping[str, Any], hook: Any) -> None:
        """Set the attachments of an object that was read, and call ``after_read``."""
        if hasattr(value, "_attachments"):
            # Passthrough metadata belong to the whole file: a component that
            # is written to another file must not take them along.
            passthrough = self.archive.get_passthrough() if component is None else None
            if passthrough is not None and "bbox" in parameters:
                passthrough = passthrough.for_subset()
            attach(value, butler_info=self.butler_info, passthrough=passthrough)
        if hook.after_read.get_hookimpls():
            hook.after_read(obj=value, context=self._context(component, parameters))

    def _find_unknown_members(self, tree: ArchiveTree, kept: bool) -> UnknownMembers | None:
        """Return members of the tree that are not interpreted; warn of them once."""
        if isinstance(self._unknown, bool):
            self._unknown = find_unknown_members(self.raw_tree, tree)
            if self._unknown:
                self._unknown = load_references(self._unknown, self.archive)
                warnings.warn(
                    f"{self._uri} has members that this version of the package does not interpret: "
                    f"{self._unknown}. They are "
                    + ("kept, and are written again with the object." if kept else "left out."),
                    ImagesWarning,
                    stacklevel=4,
                )
        return self._unknown

    def _fail(self, err: Exception, component: str | None, parameters: Mapping[str, Any]) -> NoReturn:
        """Raise an `ImagesError` with a note that names the file and the request."""
        named = tree_error(err) if isinstance(err, pydantic.ValidationError) else err
        what = "the whole" if component is None else f"component {component!r}"
        container = "closed" if self._archive is None else self._archive.CONTAINER
        named.add_note(f"While reading {what} of {self._uri} ({container}), parameters {dict(parameters)}.")
        if named is err:
            raise err
        raise named from err


def parse_bbox(value: Any, context: ReadContext) -> Box:
    """Convert a value given as ``bbox`` to a box.

    Parameters
    ----------
    value
        A box, or anything that an implementation of the hook ``parse_bbox``
        accepts.
    context
        The read that the value was given to.

    Raises
    ------
    InvalidParameterError
        If no plugin accepts the value.
    """
    box: Box | None = registry.hook.parse_bbox(value=value, context=context)
    if box is None:
        raise InvalidParameterError(
            f"bbox={short_repr(value)} is not understood; expected a Box, a pair of slices [y, x], an object "
            "with "
            "the interface of lsst.geom.Box2I, or a circle on the sky (center, radius)."
        )
    return box


@overload
def open_archive(
    path: ResourcePathExpression | IO[bytes],
    cls: type[T],
    *,
    format: str | None = None,
    partial: bool = True,
) -> AbstractContextManager[Reader[T]]: ...


@overload
def open_archive(
    path: ResourcePathExpression | IO[bytes],
    cls: None = None,
    *,
    format: str | None = None,
    partial: bool = True,
) -> AbstractContextManager[Reader[Any]]: ...


def open_archive(
    path: ResourcePathExpression | IO[bytes],
    cls: type | None = None,
    *,
    format: str | None = None,
    partial: bool = True,
) -> AbstractContextManager[Reader[Any]]:
    """Open a file once, for any number of reads.

    Parameters
    ----------
    path
        URI, path, or seekable binary stream.
    cls
        Type that the file must hold; `None` accepts any type.
    format
        Name of the container; `None` selects it by file name or content.
    partial
        Whether only parts of the file will be read.  With `False`, a
        container may download a remote file as a whole.

    Returns
    -------
    reader
        Context manager whose value is the open file.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized.
    NotAnArchiveError
        If the file was not written by this package.
    InvalidParameterError
        If the file holds an object of a type other than ``cls``.
    """
    try:
        archive = open_input(path, format=format, partial=partial)
    except ImagesError as err:
        err.add_note(f"While opening {short_repr(path)}.")
        raise
    reader: Reader[Any] = Reader(archive, uri=path)
    if cls is not None:
        try:
            reader._find_model(cls)
        except BaseException:
            reader.close()
            raise
    return contextlib.closing(reader)


@overload
def read(
    path: ResourcePathExpression | IO[bytes], cls: type[T], *, format: str | None = None, **parameters: Any
) -> T: ...


@overload
def read(
    path: ResourcePathExpression | IO[bytes],
    cls: None = None,
    *,
    format: str | None = None,
    **parameters: Any,
) -> Any: ...


def read(
    path: ResourcePathExpression | IO[bytes],
    cls: type | None = None,
    *,
    format: str | None = None,
    **parameters: Any,
) -> Any:
    """Read an object from a file.

    Parameters
    ----------
    path
        URI, path, or seekable binary stream.
    cls
        Type that the file must hold; `None` accepts any type, and files of
        other formats that plugins read, such as those of `lsst.afw`.
    format
        Name of the container; `None` selects it by file name or content.
    **parameters
        Read parameters of the type, for instance ``bbox``.  Parameters that
        are `None` are ignored.

    Returns
    -------
    obj
        The object.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized.
    ArchiveReadError
        If the file was not written by this package or `lsst.afw`, is damaged,
        or needs a plugin that is not installed.
    InvalidParameterError
        If the type does not have one of the parameters, or the file holds an
        object of a type other than ``cls``.
    """
    given = {key: value for key, value in parameters.items() if value is not None}
    try:
        opened = open_archive(path, cls, format=format, partial=bool(given))
    except (NotAnArchiveError, UnsupportedFormatError) as err:
        if cls is not None or format is not None or (found := _read_other(path, given, err)) is None:
            raise
        return found.value
    with opened as reader:
        return reader.read(**given)


def _read_other(path: Any, parameters: Mapping[str, Any], err: ImagesError) -> Found | None:
    """Read a file that a plugin supports although no container does, as one of `lsst.afw`."""
    if hasattr(path, "seek") and isinstance(err, UnsupportedFormatError):
        return None
    start = path.tell() if hasattr(path, "seek") else 0
    try:
        found: Found | None = registry.hook.read_legacy(
            uri=path, pytype=object, component=None, options=parameters
        )
        return found
    except NotAnArchiveError:
        # The first error names the containers.
        if hasattr(path, "seek"):
            path.seek(start)
        return None
