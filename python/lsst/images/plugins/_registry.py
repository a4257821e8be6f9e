# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Who is installed, and who answers for what."""

from __future__ import annotations

__all__ = ("Registry", "registry")

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ..errors import DuplicateRegistrationError, LegacyConversionError, UnserializableTypeError
from ._loader import Loaded, load_plugins, resolve
from ._specs import (
    BoundsSpec,
    ContainerSpec,
    DatasetSpec,
    DatasetTypeSpec,
    Found,
    Migration,
    PluginInfo,
    StorageClassSpec,
)

S = TypeVar("S")


class Registry:
    """Everything that plugins declare, looked up by name.

    Nothing is loaded before the first question.  One instance, `registry`,
    serves the package; others are for tests.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._extra: dict[str, object] = {}
        self._forget()

    def _forget(self) -> None:
        self._loaded: Loaded | None = None
        # What was asked before; a hot path must not ask the plugins again.
        self._cache: dict[Any, Any] = {}
        self._models: dict[str, type | None] = {}
        self._pytypes: dict[str, type | None] = {}
        self._types: dict[str, tuple[type | None, type | None]] = {}
        self._objects: dict[str, Any] = {}
        self.__dict__.pop("hook", None)

    # Plugins.

    def reset(self) -> None:
        """Forget everything; the next question loads the plugins anew."""
        with self._lock:
            self._extra.clear()
            self._forget()

    def register(self, plugin: object, *, name: str) -> None:
        """Add a plugin that is not installed, in a notebook for instance.

        Parameters
        ----------
        plugin
            Module or object with hook implementations.
        name
            Name under which it is listed.

        Raises
        ------
        PluginLoadError
            If it implements a hook that does not exist, or with arguments
            that the hook does not have.
        """
        with self._lock:
            load_plugins(extra={**self._extra, name: plugin}, strict=frozenset({name}))
            self._extra[name] = plugin
            self._forget()

    def unregister(self, name: str) -> None:
        """Take back a plugin that `register` added.

        Parameters
        ----------
        name
            The name given to `register`.
        """
        with self._lock:
            self._extra.pop(name, None)
            self._forget()

    hook: Any
    """The hooks, called with keyword arguments (`pluggy.HookRelay`)."""

    def __getattr__(self, name: str) -> Any:
        # Only called before the plugins are loaded.
        if name == "hook":
            return self._load().manager.hook
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def plugins(self) -> tuple[PluginInfo, ...]:
        """List the plugins, those that were left out included."""
        return self._load().plugins

    def load(self, dotted: str) -> Any:
        """Import what a dotted name names.

        Parameters
        ----------
        dotted
            ``package.module:Name``.

        Raises
        ------
        PluginLoadError
            If there is no such thing.
        """
        try:
            return self._objects[dotted]
        except KeyError:
            return self._objects.setdefault(dotted, resolve(dotted))

    def _load(self) -> Loaded:
        if (loaded := self._loaded) is not None:
            return loaded
        with self._lock:
            while self._loaded is None:
                extra = dict(self._extra)
                loaded = load_plugins(extra=extra)
                # A module may have registered something while it was loaded.
                if extra == self._extra:
                    self._loaded = loaded
                    self.hook = loaded.manager.hook
            return self._loaded

    def _cached(self, key: Any, make: Callable[[], S]) -> S:
        try:
            return self._cache[key]  # type: ignore[no-any-return]  # one value type a key
        except KeyError:
            with self._lock:
                return self._cache.setdefault(key, make())  # type: ignore[no-any-return]  # as above

    def _declared(self, hook: str, key: Callable[[Any], Any]) -> dict[Any, Any]:
        return self._cached(hook, functools.partial(_merge, self._load(), hook, key))

    # Datasets.

    def datasets(self) -> Mapping[str, DatasetSpec]:
        """Return the declared datasets by schema name."""
        return self._declared("register_datasets", lambda spec: spec.schema)

    def model_for_schema(self, schema: str) -> type | None:
        """Return the serialization model of a schema.

        Parameters
        ----------
        schema
            Name of the schema, without version.

        Returns
        -------
        model
            `None` when nobody knows the schema.
        """
        try:
            return self._models[schema]
        except KeyError:
            spec = self.datasets().get(schema)
            model = self._models[schema] = None if spec is None else resolve(spec.model)
            return model

    def pytype_for_schema(self, schema: str) -> type | None:
        """Return the in-memory type of a schema.

        Parameters
        ----------
        schema
            Name of the schema, without version.

        Returns
        -------
        pytype
            `None` when nobody knows the schema.
        """
        try:
            return self._pytypes[schema]
        except KeyError:
            spec = self.datasets().get(schema)
            pytype = self._pytypes[schema] = None if spec is None else resolve(spec.pytype)
            return pytype

    def types_for_schema(self, schema: str) -> tuple[type | None, type | None]:
        """Return the model and the in-memory type of a schema together.

        Parameters
        ----------
        schema
            Name of the schema, without version.

        Returns
        -------
        model, pytype
            `None` when nobody knows the schema.
        """
        try:
            return self._types[schema]
        except KeyError:
            found = self.model_for_schema(schema), self.pytype_for_schema(schema)
            return self._types.setdefault(schema, found)

    def model_for_type(self, pytype: type) -> type:
        """Return the model that writes objects of a type.

        Parameters
        ----------
        pytype
            The type; its bases are tried in order when it has no model.

        Raises
        ------
        UnserializableTypeError
            If neither the type nor one of its bases has a model.
        """
        return self._cached(("model for", pytype), lambda: self._find_model(pytype))

    def _find_model(self, pytype: type) -> type:
        # An object of a class that nobody imported cannot exist, so comparing
        # the last part of the name first keeps foreign modules unimported.
        by_name: dict[str, list[DatasetSpec]] = {}
        for spec in self.datasets().values():
            by_name.setdefault(spec.pytype.rpartition(":")[2], []).append(spec)
        for base in pytype.__mro__:
            for spec in by_name.get(base.__name__, ()):
                if resolve(spec.pytype) is base:
                    return resolve(spec.model)  # type: ignore[no-any-return]  # a model is a class
        raise UnserializableTypeError(
            f"No installed package knows how to write a {pytype.__module__}.{pytype.__qualname__}; "
            f"known are {sorted(spec.pytype for spec in self.datasets().values())}. "
            "Declare it with the hook register_datasets()."
        )

    def guess_schema(self, members: Iterable[str]) -> str | None:
        """Name the schema of a tree that does not say it.

        Parameters
        ----------
        members
            Names of the members of the tree.

        Returns
        -------
        schema
            The schema that claims the largest number of these members, or
            `None`.
        """
        present = set(members)
        fits = [spec for spec in self.datasets().values() if spec.members and spec.members <= present]
        return max(fits, key=lambda spec: len(spec.members)).schema if fits else None

    # Everything else that is declared.

    def bounds(self) -> Mapping[frozenset[str], BoundsSpec]:
        """Return the declared kinds of bounds by the members of their form."""
        return self._declared("register_bounds", lambda spec: frozenset(spec.members))

    def storage_classes(self) -> Mapping[str, StorageClassSpec]:
        """Return the declared storage classes by name."""
        return self._cached("storage classes", self._find_storage_classes)

    def _find_storage_classes(self) -> dict[str, StorageClassSpec]:
        found = dict(self._declared("register_storage_classes", lambda spec: spec.name))
        for dataset in self.datasets().values():
            if (spec := dataset.storage_class) is not None:
                if spec.name in found:
                    raise DuplicateRegistrationError(f"Storage class {spec.name!r} is declared twice.")
                found[spec.name] = spec
        return found

    def dataset_types(self) -> Mapping[str, DatasetTypeSpec]:
        """Return the declared presets for dataset types by name."""
        return self._declared("register_dataset_types", lambda spec: spec.name)

    def containers(self) -> Mapping[str, ContainerSpec]:
        """Return the declared containers by name."""
        return self._declared("register_containers", lambda spec: spec.name)

    def input_for_file(self, name: str) -> Any:
        """Return the input archive of the container a file name stands for.

        Parameters
        ----------
        name
            Name of the file, with its extension.

        Returns
        -------
        input_archive
            The class; `None` when nobody claims the extension.
        """
        for spec in (self._cache.get("register_containers") or self.containers()).values():
            if name.endswith(spec.extensions):
                return self._objects.get(spec.input_archive) or self.load(spec.input_archive)
        return None

    def migrations(self) -> Mapping[tuple[str, int], Migration]:
        """Return the declared migrations by schema and major version."""
        return self._declared("register_migrations", lambda spec: (spec.schema, spec.from_major))

    def legacy_decoders(self) -> Mapping[str, str]:
        """Return dotted names of decoders by name of the archived class."""
        return self._cached("legacy decoders", self._find_legacy_decoders)

    def _find_legacy_decoders(self) -> dict[str, str]:
        merged: dict[str, str] = {}
        # A later plugin, which is a stranger's, decodes a class in our place.
        for _, _, answer in self._load().ask_all("register_legacy_decoders"):
            merged.update(answer or {})
        return merged

    # Questions whose unanswered form is an error.

    def convert_from_legacy(self, legacy: Any, pytype: type, **options: Any) -> Any:
        """Convert an object of `lsst.afw` into one of ours.

        Parameters
        ----------
        legacy
            The object.
        pytype
            The type wanted.
        **options
            Keyword arguments of the ``from_legacy`` that asks.

        Raises
        ------
        LegacyConversionError
            If no plugin knows how.
        """
        answer = self.hook.convert_from_legacy(legacy=legacy, pytype=pytype, options=options)
        if answer is None:
            raise LegacyConversionError(
                f"Cannot make a {pytype.__name__} of a "
                f"{type(legacy).__module__}.{type(legacy).__qualname__}: no plugin of "
                f"{[info.name for info in self.plugins()]} converts it."
            )
        return answer

    def convert_to_legacy(self, obj: Any, **options: Any) -> Any:
        """Convert one of our objects into its `lsst.afw` counterpart.

        Parameters
        ----------
        obj
            The object.
        **options
            Keyword arguments of the ``to_legacy`` that asks.

        Raises
        ------
        LegacyConversionError
            If no plugin knows how.
        """
        answer = self.hook.convert_to_legacy(obj=obj, options=options)
        if answer is None:
            raise LegacyConversionError(
                f"A {type(obj).__name__} has no lsst.afw counterpart that a plugin of "
                f"{[info.name for info in self.plugins()]} could make."
            )
        return answer

    def read_legacy(self, uri: Any, pytype: type, component: str | None = None, **options: Any) -> Any:
        """Read a file that `lsst.afw` wrote.

        Parameters
        ----------
        uri
            Where the file is.
        pytype
            The type wanted.
        component
            Name of the component wanted, or `None` for the whole.
        **options
            Keyword arguments of the ``read_legacy`` that asks.

        Raises
        ------
        LegacyConversionError
            If no plugin reads that type.
        """
        answer: Found | None = self.hook.read_legacy(
            uri=uri, pytype=pytype, component=component, options=options
        )
        if answer is None:
            raise LegacyConversionError(f"No plugin reads a legacy file as a {pytype.__name__}.")
        return answer.value


def _merge(loaded: Loaded, hook: str, key: Callable[[Any], Any]) -> dict[Any, Any]:
    """Collect what every plugin declares, and refuse double claims."""
    merged: dict[Any, tuple[Any, str]] = {}
    for name, package, answers in loaded.ask_all(hook):
        for spec in answers:
            claim = key(spec)
            if claim in merged:
                other, rival = merged[claim]
                if getattr(other, "replaces", None) == package:
                    continue
                if getattr(spec, "replaces", None) != rival:
                    raise DuplicateRegistrationError(
                        f"{hook}: {claim!r} is declared by {rival!r} and again by plugin {name!r} of "
                        f"{package!r}. Remove one of them, or let one say replaces={rival!r}."
                    )
            merged[claim] = (spec, package)
    return {claim: spec for claim, (spec, _) in merged.items()}


registry = Registry()
"""The registry of this process."""
