# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Look up what plugins declare, and call their hooks."""

from __future__ import annotations

__all__ = ("Registry", "registry")

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from ..errors import (
    DuplicateRegistrationError,
    LegacyConversionError,
    PluginError,
    UnserializableTypeError,
    UnsupportedConversionError,
)
from ..utils import qualified_name
from ._host import PluginHost
from ._loader import resolve
from ._schema_entry_points import SchemaModels, check_writable, public_type
from ._specs import (
    BoundsSpec,
    ContainerSpec,
    DatasetSpec,
    DatasetTypeSpec,
    Found,
    Migration,
    StorageClassSpec,
)

if TYPE_CHECKING:
    from ..serialization import ArchiveTree, InputArchive

T = TypeVar("T")


class Registry(PluginHost):
    """The declarations of all plugins, and their conversions.

    One instance, `registry`, serves the package; tests may create others.

    Attributes
    ----------
    schema_models
        Models that plugins do not declare.
    """

    def __init__(self) -> None:
        super().__init__()
        self.schema_models = SchemaModels()

    # Datasets.

    def datasets(self) -> Mapping[str, DatasetSpec]:
        """Return the declared datasets by schema name."""
        return self._declared("register_datasets", lambda spec: spec.schema)

    def model_for_schema(self, schema: str) -> type[ArchiveTree] | None:
        """Return the serialization model of a schema.

        Parameters
        ----------
        schema
            Name of the schema, without version.

        Returns
        -------
        model
            `None` if no plugin declares the schema.
        """
        try:
            return self._models[schema]
        except KeyError:
            spec = self.datasets().get(schema)
            model = self.schema_models.find(schema) if spec is None else resolve(spec.model)
            return self._keep(self._models, schema, model)

    def pytype_for_schema(self, schema: str) -> type | None:
        """Return the in-memory type of a schema.

        Parameters
        ----------
        schema
            Name of the schema, without version.

        Returns
        -------
        pytype
            `None` if no plugin declares the schema.
        """
        try:
            return self._pytypes[schema]
        except KeyError:
            spec = self.datasets().get(schema)
            model = self.schema_models.find(schema) if spec is None else None
            pytype = resolve(spec.pytype) if spec is not None else model and public_type(model)
            return self._keep(self._pytypes, schema, pytype)

    def types_for_schema(self, schema: str) -> tuple[type[ArchiveTree] | None, type | None]:
        """Return the serialization model and the in-memory type of a schema.

        Parameters
        ----------
        schema
            Name of the schema, without version.

        Returns
        -------
        model, pytype
            Both `None` if no plugin declares the schema.
        """
        try:
            return self._types[schema]
        except KeyError:
            found = self.model_for_schema(schema), self.pytype_for_schema(schema)
            return found if found[0] is None else self._types.setdefault(schema, found)

    @staticmethod
    def _keep(cache: dict[str, T | None], schema: str, found: T | None) -> T | None:
        # A model of an unknown schema may be defined later.
        if found is not None:
            cache[schema] = found
        return found

    def model_for_type(self, pytype: type) -> type[ArchiveTree]:
        """Return the serialization model of an in-memory type.

        Parameters
        ----------
        pytype
            The type; if it has no model, its bases are tried in the order of
            ``__mro__``.

        Raises
        ------
        UnserializableTypeError
            If no plugin declares a model of the type or one of its bases.
        """
        return self._cached(("model for", pytype), lambda: self._find_model(pytype))

    def _find_model(self, pytype: type) -> type[ArchiveTree]:
        # Comparing class names first avoids importing the modules of types
        # that are not used: an object of them cannot exist.
        by_name: dict[str, list[DatasetSpec]] = {}
        for spec in self.datasets().values():
            by_name.setdefault(spec.pytype.rpartition(":")[2], []).append(spec)
        for base in pytype.__mro__:
            for spec in by_name.get(base.__name__, ()):
                if resolve(spec.pytype) is base:
                    declared = cast("type[ArchiveTree]", resolve(spec.model))
                    if spec.STRICT:
                        check_writable(declared, base)
                    return declared
            if base is not object and not base.__module__.startswith("lsst.images."):
                if (model := self.schema_models.find_for_type(base)) is not None:
                    return model
        raise UnserializableTypeError(
            f"No installed package declares a model that writes a {qualified_name(pytype)}; "
            f"declared are {sorted(spec.pytype for spec in self.datasets().values())}. "
            "Declare it with the hook register_datasets(), or as PUBLIC_TYPE of a model."
        )

    def guess_schema(self, members: Iterable[str]) -> str | None:
        """Return the schema of a tree that has no schema URL.

        Parameters
        ----------
        members
            Names of the members of the tree.

        Returns
        -------
        schema
            Of the schemas whose identifying members are all present, the one
            with the largest number of them; `None` if no schema matches.
        """
        present = set(members)
        fits = [spec for spec in self.datasets().values() if spec.members and spec.members <= present]
        return max(fits, key=lambda spec: len(spec.members)).schema if fits else None

    # Other declarations.

    def bounds(self) -> Mapping[frozenset[str], BoundsSpec]:
        """Return the declared bounds types by the members of their stored form."""
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
        """Return the declared dataset type presets by name."""
        return self._declared("register_dataset_types", lambda spec: spec.name)

    def containers(self) -> Mapping[str, ContainerSpec]:
        """Return the declared containers by name."""
        return self._declared("register_containers", lambda spec: spec.name)

    def input_for_file(self, name: str) -> type[InputArchive] | None:
        """Return the input archive class for a file name.

        Parameters
        ----------
        name
            Name of the file, with its extension.

        Returns
        -------
        input_archive
            `None` if no container declares the extension.
        """
        for spec in (self._cache.get("register_containers") or self.containers()).values():
            if name.endswith(spec.extensions):
                dotted = spec.input_archive
                return cast("type[InputArchive]", self._objects.get(dotted) or self.load(dotted))
        return None

    def migrations(self) -> Mapping[tuple[str, int], Migration]:
        """Return the declared migrations by schema and major version."""
        return self._declared("register_migrations", lambda spec: (spec.schema, spec.from_major))

    def legacy_decoders(self) -> Mapping[str, str]:
        """Return dotted names of decoders by name of the archived class."""
        return self._cached("legacy decoders", self._find_legacy_decoders)

    def _find_legacy_decoders(self) -> dict[str, str]:
        merged: dict[str, str] = {}
        # Third-party plugins come after the built-in ones and override them.
        for _, _, answer in self._load().call_each("register_legacy_decoders"):
            merged.update(answer or {})
        return merged

    # Conversions.

    def convert_to(self, obj: object, target: type[T], **options: Any) -> T:
        """Convert an object to a type of another package, or back.

        Parameters
        ----------
        obj
            The object, an `~lsst.images.Image` for example.
        target
            Type to convert to, `astropy.nddata.CCDData` for example.
        **options
            Options of the conversion.

        Raises
        ------
        UnsupportedConversionError
            If no plugin implements this conversion.
        """
        answer = self.hook.convert_to(obj=obj, target=target, options=options)
        if answer is None:
            raise UnsupportedConversionError(
                f"Cannot convert a {qualified_name(type(obj))} to a {qualified_name(target)}: none of the "
                f"plugins {self._names()} implements this conversion in the hook convert_to()."
            )
        if not isinstance(answer, target):
            raise PluginError(
                f"The hook convert_to() returned a {qualified_name(type(answer))}; expected a "
                f"{qualified_name(target)}."
            )
        return answer

    def convert_from_legacy(self, legacy: object, pytype: type[T], **options: Any) -> T:
        """Convert an object of `lsst.afw` to a type of this package.

        Parameters
        ----------
        legacy
            The `lsst.afw` object, or an HDU list.
        pytype
            Type to convert to.
        **options
            Keyword arguments of the ``from_legacy`` method that is called.

        Raises
        ------
        LegacyConversionError
            If no plugin implements this conversion.
        """
        answer = self.hook.convert_from_legacy(legacy=legacy, pytype=pytype, options=options)
        if answer is None:
            raise LegacyConversionError(
                f"Cannot convert a {qualified_name(type(legacy))} to a {pytype.__name__}: none of the "
                f"plugins {self._names()} implements this conversion in the hook convert_from_legacy()."
            )
        return cast(T, answer)

    def convert_to_legacy(self, obj: object, **options: Any) -> Any:
        """Convert an object of this package to its `lsst.afw` counterpart.

        Parameters
        ----------
        obj
            The object.
        **options
            Keyword arguments of the ``to_legacy`` method that is called.

        Returns
        -------
        legacy
            The `lsst.afw` object, which has no static type here.

        Raises
        ------
        LegacyConversionError
            If no plugin implements this conversion.
        """
        answer = self.hook.convert_to_legacy(obj=obj, options=options)
        if answer is None:
            raise LegacyConversionError(
                f"Cannot convert a {type(obj).__name__} to an lsst.afw object: none of the plugins "
                f"{self._names()} implements this conversion in the hook convert_to_legacy()."
            )
        return answer

    @overload
    def read_legacy(self, uri: object, pytype: type[T], component: None = None, **options: Any) -> T: ...

    @overload
    def read_legacy(self, uri: object, pytype: type, component: str | None, **options: Any) -> Any: ...

    def read_legacy(self, uri: object, pytype: type, component: str | None = None, **options: Any) -> Any:
        """Read a file that `lsst.afw` wrote.

        Parameters
        ----------
        uri
            URI, path, or seekable binary stream.
        pytype
            Type to read it as.
        component
            Name of a component to read in place of the whole.
        **options
            Keyword arguments of the ``read_legacy`` method that is called.

        Returns
        -------
        value
            A ``pytype``, or the component, whose type depends on its name.

        Raises
        ------
        LegacyConversionError
            If no plugin reads legacy files as this type.
        """
        answer: Found | None = self.hook.read_legacy(
            uri=uri, pytype=pytype, component=component, options=options
        )
        if answer is None:
            raise LegacyConversionError(
                f"Cannot read {uri} as a {pytype.__name__}: none of the plugins {self._names()} "
                "implements this in the hook read_legacy()."
            )
        return answer.value

    def _names(self) -> list[str]:
        return [info.name for info in self.plugins()]


registry = Registry()
"""The registry of this process."""
