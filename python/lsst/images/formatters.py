# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Butler formatters for the types of this package and of plugins.

Repositories store the names `GenericFormatter` and `LegacyFormatter`.
"""

from __future__ import annotations

__all__ = ("GenericFormatter", "LegacyFormatter")

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import pydantic

from lsst.daf.butler import DatasetProvenance, FormatterV2
from lsst.resources import ResourcePath

from .butler._provenance import ButlerInfo, check_identity, compression_seed, provenance_cards
from .errors import ArchiveWriteError, InvalidComponentError, InvalidParameterError, UnsupportedFormatError
from .io import DatasetReader, open_archive, write
from .io._containers import container_for_format, readable_extensions
from .legacy import open_legacy
from .plugins import ContainerSpec
from .serialization import FitsCompressionOptions, attach
from .utils import short_repr

COMPONENTS = "components"
"""Name of the pseudo-component that reads several components at once."""

NOT_BY_DEFAULT = {COMPONENTS, "masked_image"}
"""Components that ``components`` reads only when they are named."""


class _ReadingFormatter(FormatterV2):
    """Base of the formatters: reads a dataset with one open file."""

    can_read_from_uri: ClassVar[bool] = True
    can_read_from_local_file: ClassVar[bool] = True
    unsupported_parameters: ClassVar[frozenset[str]] = frozenset()

    _open: ClassVar[Callable[..., AbstractContextManager[DatasetReader[Any]]]]
    """Function that opens a file, given its location, type and ``partial``."""

    def read_from_uri(self, uri: ResourcePath, component: str | None = None, expected_size: int = -1) -> Any:
        if component in (None, COMPONENTS) and not self.file_descriptor.parameters and not uri.isLocal:
            # The whole file is needed: let the Butler download and cache it.
            return NotImplemented
        parameters = dict(self.file_descriptor.parameters or {})
        partial = component is not None or bool(parameters)
        with self._open(uri, self.file_descriptor.storageClass.pytype, partial=partial) as reader:
            info = check_identity(reader.butler_info, self.dataset_ref, uri)
            if component == COMPONENTS:
                values = self._read_components(reader, parameters)
            elif COMPONENTS in parameters:
                raise InvalidParameterError(
                    "The read parameter 'components' should not be specified unless the component "
                    "'components' is read; the request is for "
                    f"{short_repr(component or 'the whole dataset')}."
                )
            elif component is None:
                values = {None: reader.read(**parameters)}
            else:
                values = {component: reader.get_component(component, **parameters)}
        for value in values.values():
            attach(value, butler_info=info)
        return values if component == COMPONENTS else values[component]

    def read_from_local_file(self, path: str, component: str | None = None, expected_size: int = -1) -> Any:
        return self.read_from_uri(ResourcePath(path, forceDirectory=False), component)

    def _read_components(
        self, reader: DatasetReader[Any], parameters: dict[str, Any]
    ) -> dict[str | None, Any]:
        """Read several components."""
        declared = self.file_descriptor.storageClass.allComponents()
        names = self._requested(parameters.pop(COMPONENTS, None), declared)
        unknown = parameters.keys() - {key for name in names for key in declared[name].parameters}
        if unknown:
            raise InvalidParameterError(
                f"The read parameters {sorted(unknown)} are not known to any of the requested components "
                f"{names}."
            )
        return {
            name: reader.get_component(
                name, **{key: parameters[key] for key in parameters.keys() & declared[name].parameters}
            )
            for name in names
        }

    def _requested(self, names: str | Sequence[str] | None, declared: Mapping[str, Any]) -> list[str]:
        if names is None:
            return [name for name in declared if name not in NOT_BY_DEFAULT]
        names = [names] if isinstance(names, str) else list(names)
        if not names:
            raise InvalidParameterError(
                "The read parameter 'components' is an empty request; name at least one component."
            )
        if COMPONENTS in names:
            raise InvalidParameterError(
                "'components' should not be specified within the read parameter 'components'."
            )
        if unknown := [name for name in names if name not in declared]:
            raise InvalidComponentError(
                f"Storage class {self.file_descriptor.storageClass.name!r} has no components {unknown}; "
                f"it has {sorted(declared.keys() - {COMPONENTS})}."
            )
        return names


class _RegisteredExtensions:
    """Class attribute with the extensions of all registered containers."""

    def __get__(self, instance: object, owner: type | None = None) -> frozenset[str]:
        return readable_extensions()


class GenericFormatter(_ReadingFormatter):
    """Reads and writes every registered type in every registered container.

    Notes
    -----
    The write parameter ``format`` is the name of a container (``ndf``) or a
    file name extension without its dot (``sdf``); the default is ``fits``.
    The write parameter ``recipe`` is the name of a configured set of
    compression options, for containers that accept them.
    """

    default_extension: ClassVar[str] = ".fits"
    # A plugin may register a container after this module is imported.
    supported_extensions = _RegisteredExtensions()
    supported_write_parameters: ClassVar[frozenset[str]] = frozenset({"format", "recipe"})

    _open = staticmethod(open_archive)
    _provenance: DatasetProvenance | None = None

    def get_write_extension(self) -> str:
        return self._output_format()[1]

    def _output_format(self) -> tuple[ContainerSpec, str]:
        """Return the container to write, and the extension of its file."""
        format = self.write_parameters.get("format", self.default_extension.removeprefix("."))
        try:
            container, extension = container_for_format(format)
        except UnsupportedFormatError as err:
            raise ArchiveWriteError(f"The write parameter 'format' is invalid. {err}") from err
        if "recipe" in self.write_parameters and "compression_options" not in container.formatter_options:
            raise ArchiveWriteError(
                f"The write parameter 'recipe' cannot be combined with the format {short_repr(format)}: the "
                "container "
                f"{container.name!r} has no compression options. Remove one of the two parameters."
            )
        return container, extension

    def add_provenance(
        self, in_memory_dataset: Any, /, *, provenance: DatasetProvenance | None = None
    ) -> Any:
        # The caller's object must not change, so the provenance is kept here
        # until the file is written.
        self._provenance = provenance
        return in_memory_dataset

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        container, _ = self._output_format()
        options = self._options()
        write(
            in_memory_dataset,
            uri,
            # The file may have a temporary name without an extension.
            format=container.name,
            butler_info=ButlerInfo.from_ref(self.dataset_ref, self._provenance),
            **{name: options[name] for name in options.keys() & container.formatter_options},
        )

    def _options(self) -> dict[str, Any]:
        """Return the options of `ContainerSpec.formatter_options` that have a value."""
        name = self.write_parameters.get("recipe", "default")
        recipe = self.write_recipes.get(name)
        if recipe is None and name != "default":
            raise ArchiveWriteError(
                f"Invalid recipe {short_repr(name)}; the configured recipes are {sorted(self.write_recipes)}."
            )
        options: dict[str, Any] = {
            "compression_options": recipe or {},
            "compression_seed": compression_seed(self.data_id.required_values),
        }
        if self._provenance is not None:
            options["primary_cards"] = provenance_cards(self.dataset_ref, self._provenance)
        return options

    @classmethod
    def validate_write_recipes(cls, recipes: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if not recipes:
            return recipes
        return {name: _validate_recipe(name, recipe) for name, recipe in recipes.items()}


class LegacyFormatter(_ReadingFormatter):
    """Reads files that `lsst.afw` wrote as the types of this package.

    The files are ingested unchanged.  This formatter does not write.
    """

    default_extension: ClassVar[str] = ".fits"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".fits", ".fits.fz", ".fits.gz"})
    supported_write_parameters: ClassVar[frozenset[str]] = frozenset()

    _open = staticmethod(open_legacy)

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        raise ArchiveWriteError(
            f"Cannot write dataset {self.dataset_ref}: it is configured with LegacyFormatter, which only "
            "reads files of lsst.afw. Configure lsst.images.formatters.GenericFormatter for it."
        )


def _validate_recipe(name: str, recipe: Any) -> dict[str, FitsCompressionOptions | None]:
    if not isinstance(recipe, Mapping):
        raise ArchiveWriteError(
            f"Write recipe {short_repr(name)} is {short_repr(recipe)}; expected a mapping of array names to "
            "compression options."
        )
    try:
        return {
            option: None if record is None else FitsCompressionOptions.model_validate(record)
            for option, record in recipe.items()
        }
    except pydantic.ValidationError as err:
        raise ArchiveWriteError(f"Write recipe {short_repr(name)} is malformed: {err}") from err
