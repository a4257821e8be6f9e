# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models that declare themselves: classes, and entry points of installed packages.

This is the second way to add a type, beside the hook ``register_datasets()``, which also
declares storage classes: a model has the class variables ``SCHEMA_NAME``, ``SCHEMA_VERSION``,
``MIN_READ_VERSION`` and ``PUBLIC_TYPE``, and its package has an entry point of the group
``lsst.images.schemas`` whose name is the schema and whose value is the model.
"""

from __future__ import annotations

__all__ = ("SchemaModels", "check_writable", "public_type")

import importlib.metadata
from typing import TYPE_CHECKING, cast

from ..errors import DuplicateRegistrationError, PluginError, PluginLoadError
from ..utils import cached_property, qualified_name, short_repr

if TYPE_CHECKING:
    from ..serialization import ArchiveTree

GROUP = "lsst.images.schemas"
"""Group of the entry points."""


class SchemaModels:
    """Models by name of their schema."""

    def __init__(self) -> None:
        self._classes: dict[str, type[ArchiveTree]] = {}

    @cached_property
    def _entry_points(self) -> dict[str, importlib.metadata.EntryPoint]:
        return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}

    def add(self, model: type[ArchiveTree]) -> None:
        """Add a model that has just been defined.

        Parameters
        ----------
        model
            The model.

        Raises
        ------
        DuplicateRegistrationError
            If another module defines a model with this schema.
        PluginError
            If neither the model nor its type has a method ``serialize``.
        """
        if (pytype := public_type(model)) is not None:
            check_writable(model, pytype)
        known = self._classes.get(model.SCHEMA_NAME, model)
        if (known.__module__, known.__qualname__) != (model.__module__, model.__qualname__):
            raise DuplicateRegistrationError(
                f"Schema {short_repr(model.SCHEMA_NAME)} of {qualified_name(model)} is already that of "
                f"{qualified_name(known)}; use another SCHEMA_NAME."
            )
        self._classes[model.SCHEMA_NAME] = model

    def find(self, schema: str) -> type[ArchiveTree] | None:
        """Return the model of a schema.

        Parameters
        ----------
        schema
            Name of the schema, without version.

        Returns
        -------
        model
            `None` if the schema is unknown.

        Raises
        ------
        PluginLoadError
            If an entry point cannot be loaded, or is not a model of the schema.
        """
        if (model := self._classes.get(schema)) is None and (point := self._entry_points.get(schema)):
            model = self._classes[schema] = _load(point)
        return model

    def find_for_type(self, pytype: type) -> type[ArchiveTree] | None:
        """Return the model whose ``PUBLIC_TYPE`` is a type.

        Parameters
        ----------
        pytype
            The in-memory type.

        Returns
        -------
        model
            `None` if no model has this type.

        Raises
        ------
        PluginLoadError
            If an entry point cannot be loaded, or is not a model of its schema.
        """
        for schema in (*self._classes, *self._entry_points):
            if (model := self.find(schema)) is not None and public_type(model) is pytype:
                return model
        return None


def public_type(model: type[ArchiveTree]) -> type | None:
    """Return the in-memory type of a model.

    Parameters
    ----------
    model
        The model.

    Returns
    -------
    pytype
        `None` if the model does not name it.
    """
    return cast("type | None", getattr(model, "PUBLIC_TYPE", None))


def check_writable(model: type[ArchiveTree], pytype: type) -> None:
    """Raise an error for a model that cannot write objects of its type.

    Parameters
    ----------
    model
        The model.
    pytype
        The in-memory type.

    Raises
    ------
    PluginError
        If neither the model nor the type has a method ``serialize`` of its own.
    """
    # The method of the base class of models calls that of the type, and the reverse.
    of_model, of_type = getattr(model, "serialize", None), getattr(pytype, "serialize", None)
    if getattr(of_model, "calls_type", False) and (of_type is None or getattr(of_type, "calls_model", False)):
        raise PluginError(
            f"{qualified_name(model)} cannot write objects of the type {qualified_name(pytype)}: neither "
            "of them has a method serialize(); define the class method serialize(cls, obj, archive) of the "
            "model, or the method serialize(self, archive) of the type."
        )


def _load(point: importlib.metadata.EntryPoint) -> type[ArchiveTree]:
    where = f"The entry point {point.name} = {point.value} of the group {GROUP}"
    try:
        model = point.load()
    except Exception as err:
        raise PluginLoadError(f"{where} cannot be loaded: {short_repr(err)}") from err
    if getattr(model, "SCHEMA_NAME", None) != point.name or public_type(model) is None:
        raise PluginLoadError(
            f"{where} is not a serialization model of this schema: it must be a class with "
            f"SCHEMA_NAME = {point.name!r} and a PUBLIC_TYPE."
        )
    return cast("type[ArchiveTree]", model)
