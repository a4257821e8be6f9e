# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The plugin registry in the words of the younger vocabulary.

A package that is installed declares its schemas and migrations with hooks; the
functions here are for notebooks and for code that was written before there
were any.
"""

from __future__ import annotations

__all__ = (
    "class_for_schema",
    "migration",
    "no_header_updates",
    "parameterize_tree",
    "public_type_for_schema",
    "register_schema_class",
    "tree_class_for_info",
)

from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import DuplicateRegistrationError, UnknownSchemaError
from ..plugins import DatasetSpec, Migration, hookimpl, registry
from ._input_archive import ArchiveInfo
from ._tree import ArchiveTree

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
C = TypeVar("C", bound=type[ArchiveTree])
U = TypeVar("U", bound=Upgrade)


def class_for_schema(name: str) -> type[ArchiveTree] | None:
    """Return the serialization model of a schema.

    Parameters
    ----------
    name
        Name of the schema, without version.

    Returns
    -------
    model
        `None` when nobody knows the schema.
    """
    return registry.model_for_schema(name)


def public_type_for_schema(name: str) -> type | None:
    """Return the in-memory type of a schema.

    Parameters
    ----------
    name
        Name of the schema, without version.

    Returns
    -------
    pytype
        `None` when nobody knows the schema.
    """
    return registry.pytype_for_schema(name)


def tree_class_for_info(info: ArchiveInfo, path: Any) -> type[ArchiveTree]:
    """Return the serialization model of what a file holds.

    Parameters
    ----------
    info
        What the file says about itself.
    path
        The file, for the message.

    Raises
    ------
    UnknownSchemaError
        If nobody knows the schema.
    """
    if (model := class_for_schema(info.schema_name)) is None:
        raise UnknownSchemaError(
            f"No registered schema {info.schema_name!r} for {path}; known are {sorted(registry.datasets())}."
        )
    return model


def parameterize_tree(cls: C, pointer_type: Any) -> C:
    """Return the class itself: no tree of ours depends on a pointer type.

    Parameters
    ----------
    cls
        A serialization model.
    pointer_type
        Not used.
    """
    return cls


def no_header_updates(header: Any) -> None:
    """Leave a header as it is.

    Parameters
    ----------
    header
        Not used.
    """


def register_schema_class(cls: C, pytype: type = dict) -> C:
    """Declare a serialization model in this process.

    Parameters
    ----------
    cls
        The model; a name at the top of its module.
    pytype
        In-memory type that it stands for, likewise.

    Returns
    -------
    cls
        The model, so that this can decorate it.

    Raises
    ------
    DuplicateRegistrationError
        If another class has the schema.
    """
    declared = DatasetSpec(schema=cls.SCHEMA_NAME, pytype=_dotted(pytype), model=_dotted(cls))
    known = registry.datasets().get(cls.SCHEMA_NAME)
    if known is None:
        registry.register(_Datasets(declared), name=f"schema {cls.SCHEMA_NAME}")
    elif known.model != declared.model:
        raise DuplicateRegistrationError(
            f"Schema {cls.SCHEMA_NAME!r} is already registered for {known.model}, not {declared.model}."
        )
    return cls


def migration(schema_name: str, from_major: int) -> Callable[[U], U]:
    """Declare, in this process, how a tree is lifted by one major version.

    Parameters
    ----------
    schema_name
        Name of the schema.
    from_major
        Major version of the trees that the decorated function takes.

    Returns
    -------
    decorator
        For a function from a raw JSON object to one of the next major
        version; it may change its argument.

    Raises
    ------
    DuplicateRegistrationError
        If there is such a step already.
    """

    def declare(function: U) -> U:
        if (schema_name, from_major) in registry.migrations():
            raise DuplicateRegistrationError(
                f"A migration of {schema_name!r} from major {from_major} is already registered."
            )
        step = Migration(schema=schema_name, from_major=from_major, function=function)
        registry.register(_Migrations(step), name=f"migration {schema_name} {from_major}")
        return function

    return declare


class _Datasets:
    """A plugin with one dataset."""

    def __init__(self, spec: DatasetSpec) -> None:
        self._spec = spec

    @hookimpl
    def register_datasets(self) -> list[DatasetSpec]:
        return [self._spec]


class _Migrations:
    """A plugin with one migration."""

    def __init__(self, step: Migration) -> None:
        self._step = step

    @hookimpl
    def register_migrations(self) -> list[Migration]:
        return [self._step]


def _dotted(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"
