# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Functions that look up and register schemas in this process.

Installed packages declare schemas and migrations with plugin hooks.  These
functions are for notebooks, and for code written before there were plugins.
"""

from __future__ import annotations

__all__ = (
    "class_for_schema",
    "migration",
    "no_header_updates",
    "parameterize_tree",
    "public_type_for_schema",
    "register_schema_class",
)

from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import DuplicateRegistrationError
from ..plugins import DatasetSpec, Migration, hookimpl, registry
from ..utils import short_repr
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
        `None` if no plugin declares the schema.
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
        `None` if no plugin declares the schema.
    """
    return registry.pytype_for_schema(name)


def parameterize_tree(cls: C, pointer_type: Any) -> C:
    """Return the class itself; models do not depend on a pointer type.

    Parameters
    ----------
    cls
        A serialization model.
    pointer_type
        Not used.
    """
    return cls


def no_header_updates(header: Any) -> None:
    """Do nothing, as the header update of files without extra cards.

    Parameters
    ----------
    header
        Not used.
    """


class _DecoratedModel(DatasetSpec):
    """The declaration of a decorated model, whose schema may have any name, and which may be read only."""

    STRICT = False


def register_schema_class(cls: C, pytype: type = dict) -> C:
    """Declare a serialization model in this process.

    Parameters
    ----------
    cls
        The model, defined at module level.
    pytype
        In-memory type of the model, defined at module level.

    Returns
    -------
    cls
        The model, so that this can decorate it.

    Raises
    ------
    DuplicateRegistrationError
        If another class is registered for the schema.
    """
    declared = _DecoratedModel(schema=cls.SCHEMA_NAME, pytype=_dotted(pytype), model=_dotted(cls))
    known = registry.datasets().get(cls.SCHEMA_NAME)
    if known is None:
        registry.register(_Datasets(declared), name=f"schema {cls.SCHEMA_NAME}")
    elif known.model != declared.model:
        raise DuplicateRegistrationError(
            f"Schema {short_repr(cls.SCHEMA_NAME)} is already registered for {known.model}, not "
            f"{declared.model}."
        )
    return cls


def migration(schema_name: str, from_major: int) -> Callable[[U], U]:
    """Declare a migration by one major version in this process.

    Parameters
    ----------
    schema_name
        Name of the schema.
    from_major
        Major version of the trees that the decorated function accepts.

    Returns
    -------
    decorator
        For a function that converts a raw JSON object to the next major
        version; it may modify its argument.

    Raises
    ------
    DuplicateRegistrationError
        If this migration is already registered.
    """

    def declare(function: U) -> U:
        if (schema_name, from_major) in registry.migrations():
            raise DuplicateRegistrationError(
                f"A migration of {short_repr(schema_name)} from major {from_major} is already registered."
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
