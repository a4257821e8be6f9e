# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How a Butler reads and writes our types.

The names `GenericFormatter` and `LegacyFormatter` are stored in repositories.
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
from .errors import ArchiveWriteError, InvalidComponentError, InvalidParameterError
from .io import open_archive, write
from .legacy import open_legacy
from .serialization import FitsCompressionOptions, attach

COMPONENTS = "components"
"""The pseudo-component that stands for several at once."""

NOT_BY_DEFAULT = {COMPONENTS, "masked_image"}
"""Components that ``components`` leaves out unless they are asked for."""


class _ReaderFormatter(FormatterV2):
    """What reading any of our files has in common: one open, then parts."""

    can_read_from_uri: ClassVar[bool] = True
    can_read_from_local_file: ClassVar[bool] = True
    unsupported_parameters: ClassVar[frozenset[str]] = frozenset()

    _open: ClassVar[Callable[..., AbstractContextManager[Any]]]
    """Opens a file as something with ``read`` and ``get_component``."""

    def read_from_uri(self, uri: ResourcePath, component: str | None = None, expected_size: int = -1) -> Any:
        if component in (None, COMPONENTS) and not self.file_descriptor.parameters and not uri.isLocal:
            # All of it is needed, so let the Butler fetch and cache the file.
            return NotImplemented
        parameters = dict(self.file_descriptor.parameters or {})
        partial = component is not None or bool(parameters)
        with self._open(uri, self.file_descriptor.storageClass.pytype, partial=partial) as reader:
            info = check_identity(getattr(reader, "butler_info", None), self.dataset_ref, uri)
            if component == COMPONENTS:
                values = self._read_components(reader, parameters)
            elif COMPONENTS in parameters:
                raise InvalidParameterError(
                    "The read parameter 'components' should not be specified unless the component "
                    f"'components' is read, but {component or 'the whole dataset'!r} is."
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

    def _read_components(self, reader: Any, parameters: dict[str, Any]) -> dict[str | None, Any]:
        """Read several components with one open file."""
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
            raise InvalidParameterError("The read parameter 'components' is an empty request; name some.")
        if COMPONENTS in names:
            raise InvalidParameterError(
                "'components' should not be specified within the parameter 'components'."
            )
        if unknown := [name for name in names if name not in declared]:
            raise InvalidComponentError(
                f"Storage class {self.file_descriptor.storageClass.name!r} has no components {unknown}; "
                f"it has {sorted(declared.keys() - {COMPONENTS})}."
            )
        return names


class GenericFormatter(_ReaderFormatter):
    """Reads and writes every type that a plugin declares."""

    default_extension: ClassVar[str] = ".fits"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".fits", ".sdf", ".json"})
    supported_write_parameters: ClassVar[frozenset[str]] = frozenset({"format", "recipe"})

    _open = staticmethod(open_archive)
    _provenance: DatasetProvenance | None = None

    def get_write_extension(self) -> str:
        format = self.write_parameters.get("format")
        if format is None:
            return self.default_extension
        extension = f".{format}"
        if extension not in self.supported_extensions:
            allowed = sorted(e.removeprefix(".") for e in self.supported_extensions)
            raise ArchiveWriteError(f"Requested format {format!r} is not supported; possible are {allowed}.")
        if "recipe" in self.write_parameters and extension != ".fits":
            raise ArchiveWriteError(
                f"A write recipe is for FITS files; it cannot be combined with {format!r}."
            )
        return extension

    def add_provenance(
        self, in_memory_dataset: Any, /, *, provenance: DatasetProvenance | None = None
    ) -> Any:
        # The caller's object must not change, so it is written, not attached.
        self._provenance = provenance
        return in_memory_dataset

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        options = self._fits_options() if self.get_write_extension() == ".fits" else {}
        info = ButlerInfo.from_ref(self.dataset_ref, self._provenance)
        # The file's name may be temporary and without an extension.
        format = {".fits": "fits", ".sdf": "ndf", ".json": "json"}[self.get_write_extension()]
        write(in_memory_dataset, uri, format=format, butler_info=info, **options)

    def _fits_options(self) -> dict[str, Any]:
        name = self.write_parameters.get("recipe", "default")
        recipe = self.write_recipes.get(name)
        if recipe is None and name != "default":
            raise ArchiveWriteError(f"Invalid recipe {name!r}; configured are {sorted(self.write_recipes)}.")
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


class LegacyFormatter(_ReaderFormatter):
    """Reads files that `lsst.afw` wrote, unconverted, as our types.

    For files ingested in place; nothing is written with it.
    """

    default_extension: ClassVar[str] = ".fits"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".fits", ".fits.fz", ".fits.gz"})
    supported_write_parameters: ClassVar[frozenset[str]] = frozenset()

    _open = staticmethod(open_legacy)

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        raise ArchiveWriteError(
            f"Dataset {self.dataset_ref} is configured with LegacyFormatter, which only reads files of "
            "lsst.afw; put it with lsst.images.formatters.GenericFormatter."
        )


def _validate_recipe(name: str, recipe: Any) -> dict[str, FitsCompressionOptions | None]:
    if not isinstance(recipe, Mapping):
        raise ArchiveWriteError(
            f"Write recipe {name!r} is {recipe!r}, not a mapping of option names to options."
        )
    try:
        return {
            option: None if record is None else FitsCompressionOptions.model_validate(record)
            for option, record in recipe.items()
        }
    except pydantic.ValidationError as err:
        raise ArchiveWriteError(f"Write recipe {name!r} is malformed: {err}") from err
