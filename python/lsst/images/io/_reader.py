# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading an object, or components of it, from a file that is opened once."""

from __future__ import annotations

__all__ = ("Reader", "open_archive", "read")

import contextlib
import functools
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any, NoReturn, TypeVar, cast, overload

import pydantic

from lsst.resources import ResourcePathExpression

from .._aliases import COMPONENT_ALIASES
from .._geom import Box
from ..errors import (
    ArchiveReadError,
    CorruptArchiveError,
    GeometryError,
    ImagesError,
    InvalidParameterError,
    UnknownSchemaError,
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
from ..serialization._input_archive import ArrayPart
from ..serialization._tree import check_parameters, tree_error
from ._containers import open_input

T = TypeVar("T")


class Reader:
    """An open file.

    Parameters
    ----------
    archive
        The open archive.
    uri
        Where it is, for messages and hooks.
    """

    def __init__(self, archive: InputArchive, uri: Any = None) -> None:
        self._archive: InputArchive | None = archive
        self._uri = uri
        self._raw: dict[str, Any] | None = None
        self._model: type[ArchiveTree] | None = None

    def close(self) -> None:
        """Close the file."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    # Facts.

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
        """What the file says about itself."""
        return self.archive.info

    @property
    def raw_tree(self) -> dict[str, Any]:
        """The tree as it is in the file; not to be changed."""
        if (raw := self._raw) is None:
            raw = self._raw = self.archive.get_raw_tree()
        return raw

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of the root (a copy).

        Raises
        ------
        CorruptArchiveError
            If they are no JSON object.
        """
        found = self.raw_tree.get("metadata") or {}
        if not isinstance(found, dict):
            raise CorruptArchiveError(f"The metadata of {self._uri} are {found!r:.80}, not a JSON object.")
        return dict(found)

    @functools.cached_property
    def butler_info(self) -> Mapping[str, Any] | UnreadableTree | None:
        """Butler information in the file, as raw JSON, or what stands for it
        if it is damaged.
        """
        info = self.raw_tree.get("butler_info")
        return info if is_butler_info(info) else damaged_butler_info(info)

    @property
    def model(self) -> type[ArchiveTree]:
        """Serialization model of the root.

        Raises
        ------
        UnknownSchemaError
            If no plugin knows the schema.
        """
        return self._model or self._find_model()

    @property
    def component_names(self) -> list[str]:
        """Names of the components."""
        return self.model.component_names()

    def require_type(self, cls: type) -> None:
        """Check that the file holds objects of a type.

        Parameters
        ----------
        cls
            The type; a subclass in the file is fine.

        Raises
        ------
        InvalidParameterError
            If it does not.
        """
        self._find_model(cls)

    # Content.

    def get_tree(self) -> ArchiveTree:
        """Return the validated tree of the whole file."""
        try:
            return self.model.model_validate(self.raw_tree)
        except (ImagesError, pydantic.ValidationError) as err:
            self._fail(err, None, {})

    def read(self, **parameters: Any) -> Any:
        """Read the object.

        Parameters
        ----------
        **parameters
            Read parameters of its type, ``bbox`` for instance.

        Raises
        ------
        InvalidParameterError
            If the type does not take a parameter.
        ArchiveReadError
            If the file is damaged.
        """
        try:
            model = self.model
            check_parameters(model._PARAMETERS, parameters, f"Schema {model.SCHEMA_NAME!r}")
            parameters = self._parse_parameters(parameters)
            tree = model.model_validate(self.raw_tree)
            return self._attach(tree.deserialize(self.archive, **parameters), None, parameters, registry.hook)
        except (ImagesError, pydantic.ValidationError) as err:
            self._fail(err, None, parameters)

    def get_component(self, name: str, **parameters: Any) -> Any:
        """Read one component, and nothing that it does not need.

        Parameters
        ----------
        name
            Name of the component.
        **parameters
            Read parameters of the component.

        Raises
        ------
        InvalidComponentError
            If there is no such component.
        InvalidParameterError
            If the component does not take a parameter.
        ArchiveReadError
            If the file is damaged.
        """
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
            return self._attach(value, name, parameters, hook)
        except (ImagesError, pydantic.ValidationError) as err:
            self._fail(err, name, parameters)

    def read_own_component(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """Read a component with the recipe of the file's own model.

        A plugin that serves a component differently may call this.

        Parameters
        ----------
        name
            Name of the component.
        parameters
            Read parameters.
        """
        return self.model.read_component(self.raw_tree, name, self.archive, parameters)

    def read_ahead(self, boxes: Sequence[Box], components: Sequence[str | None] = (None,)) -> None:
        """Decode the pixels of several boxes together, for the reads that follow.

        Each of these boxes should then be read once, as the same components;
        tiles that they share are not decoded again.  Boxes that do not fit
        into the image are left to the read that asks for them.

        Parameters
        ----------
        boxes
            The boxes, in absolute coordinates.
        components
            Components that will be read; `None` is the whole.

        Raises
        ------
        ArchiveReadError
            If a tile that any of them needs is damaged.
        """
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
        """Find out what the root of the tree is, remember it, and check its type."""
        archive = self._archive or self.archive
        raw = self._raw = self._raw or archive.get_raw_tree()
        info = raw.get("butler_info")
        self.butler_info = info if is_butler_info(info) else damaged_butler_info(info)
        # A file whose tree does not say it may say it elsewhere.
        url = raw.get("schema_url") or archive.schema_url
        if not isinstance(url, str | None):
            raise CorruptArchiveError(f"The tree in {self._uri} has {url!r:.80} as schema_url, not text.")
        schema = registry.guess_schema(raw) if url is None else parse_schema_url(url)[0]
        found, pytype = (None, None) if schema is None else registry.types_for_schema(schema)
        if found is None:
            left_out = [(info.name, info.error) for info in registry.plugins() if info.error]
            raise UnknownSchemaError(
                f"No registered schema for {url or sorted(raw)!r} in {self._uri}; "
                f"known are {sorted(registry.datasets())}."
                + (f" Plugins that were left out: {left_out}." if left_out else "")
            )
        if cls is not None and pytype is not None and not issubclass(pytype, cls):
            raise InvalidParameterError(
                f"{self._uri} holds schema {schema!r}, a {pytype.__name__}, and not the "
                f"{cls.__name__} that was asked for."
            )
        self._model = model = cast(type[ArchiveTree], found)
        return model

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

    def _attach(self, value: Any, component: str | None, parameters: Mapping[str, Any], hook: Any) -> Any:
        """Give an object what it does not hold itself, and tell plugins."""
        if hasattr(value, "_attachments"):
            # What a component brings of its own file headers nobody wants
            # back under another name.
            passthrough = self.archive.get_passthrough() if component is None else None
            if passthrough is not None and "bbox" in parameters:
                passthrough = passthrough.for_subset()
            attach(value, butler_info=self.butler_info, passthrough=passthrough)
        if hook.after_read.get_hookimpls():
            hook.after_read(obj=value, context=self._context(component, parameters))
        return value

    def _fail(self, err: Exception, component: str | None, parameters: Mapping[str, Any]) -> NoReturn:
        """Raise an error of ours that says what was read from where."""
        named = tree_error(err) if isinstance(err, pydantic.ValidationError) else err
        what = "the whole" if component is None else f"component {component!r}"
        container = "closed" if self._archive is None else self._archive.CONTAINER
        named.add_note(f"While reading {what} of {self._uri} ({container}), parameters {dict(parameters)}.")
        if named is err:
            raise err
        raise named from err


def parse_bbox(value: Any, context: ReadContext) -> Box:
    """Make a box of whatever a plugin understands as one.

    Parameters
    ----------
    value
        What was given as ``bbox``.
    context
        What is known about the read.

    Raises
    ------
    InvalidParameterError
        If nobody understands it.
    """
    box: Box | None = registry.hook.parse_bbox(value=value, context=context)
    if box is None:
        raise InvalidParameterError(
            f"bbox={value!r} is not understood; give a Box, a pair of slices [y, x], an object with "
            "afw's Box2I interface, or a sky circle (center, radius)."
        )
    return box


def open_archive(
    path: ResourcePathExpression | IO[bytes],
    cls: type | None = None,
    *,
    format: str | None = None,
    partial: bool = True,
) -> AbstractContextManager[Reader]:
    """Open a file once, for any number of reads.

    Parameters
    ----------
    path
        URI, path, or seekable binary stream.
    cls
        Type that the file must hold; `None` accepts any.
    format
        Name of the container; `None`: found out.
    partial
        Whether only parts will be read; with `False` a container may fetch
        all of a remote file at once.

    Returns
    -------
    reader
        The open file, for a ``with`` statement.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized.
    NotAnArchiveError
        If the file is not one of ours.
    InvalidParameterError
        If it holds something else than ``cls``.
    """
    try:
        archive = open_input(path, format=format, partial=partial)
    except ImagesError as err:
        err.add_note(f"While opening {path}.")
        raise
    reader = Reader(archive, uri=path)
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
        Type that the file must hold; `None` accepts any.
    format
        Name of the container; `None`: found out.
    **parameters
        Read parameters of the type, ``bbox`` for instance.

    Returns
    -------
    obj
        The object.

    Raises
    ------
    UnsupportedFormatError
        If no container is recognized.
    ArchiveReadError
        If the file is not one of ours, damaged, or needs a plugin.
    InvalidParameterError
        If the type does not take a parameter, or is not ``cls``.
    """
    given = {key: value for key, value in parameters.items() if value is not None}
    with open_archive(path, cls, format=format, partial=bool(given)) as reader:
        return reader.read(**given)
