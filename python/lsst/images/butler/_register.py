# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Register dataset types from the presets that plugins declare."""

from __future__ import annotations

__all__ = ("preset_dataset_type", "register_dataset_types")

from collections.abc import Iterable

from lsst.daf.butler import Butler, DatasetType, MissingDatasetTypeError
from lsst.daf.butler.registry import ConflictingDefinitionError

from ..errors import PluginError
from ..plugins import DatasetTypeSpec, registry


def register_dataset_types(
    butler: Butler,
    names: Iterable[str] = (),
    *,
    storage_class: str | None = None,
    dimensions: Iterable[str] | None = None,
) -> dict[str, bool]:
    """Register dataset types from presets.

    Parameters
    ----------
    butler
        Writeable Butler of the repository.
    names
        Names of presets, for instance ``visit_image``; by default all presets.
    storage_class
        Name of a storage class that replaces the preset's.
    dimensions
        Names of dimensions that replace the preset's.

    Returns
    -------
    registered
        Whether each dataset type is new, by name; `False` if the repository
        already has an identical dataset type.

    Raises
    ------
    PluginError
        If no plugin declares a preset of this name, or the dimension universe
        of the repository lacks one of its dimensions.
    lsst.daf.butler.registry.ConflictingDefinitionError
        If the repository has a different dataset type of this name.
    """
    wanted = list(names) or sorted(registry.dataset_types())
    presets = _find_presets(wanted)
    types = [_dataset_type(butler, preset, storage_class, dimensions) for preset in presets]
    return {found.name: butler.registry.registerDatasetType(found) for found in types}


def preset_dataset_type(butler: Butler, name: str) -> DatasetType:
    """Return the dataset type of a preset, whether it is registered or not.

    Parameters
    ----------
    butler
        Butler of the repository.
    name
        Name of the preset.

    Returns
    -------
    dataset_type
        The dataset type.

    Raises
    ------
    PluginError
        If no plugin declares a preset of that name, or if the repository lacks
        one of its dimensions.
    lsst.daf.butler.registry.ConflictingDefinitionError
        If the repository defines the dataset type differently.
    """
    (preset,) = _find_presets([name])
    dataset_type = _dataset_type(butler, preset, None, None)
    try:
        registered = butler.get_dataset_type(name)
    except MissingDatasetTypeError:
        return dataset_type
    if registered != dataset_type:
        raise ConflictingDefinitionError(
            f"Given dataset type {dataset_type} is inconsistent with database definition {registered}."
        )
    return dataset_type


def _find_presets(names: Iterable[str]) -> list[DatasetTypeSpec]:
    presets = registry.dataset_types()
    if unknown := [name for name in names if name not in presets]:
        raise PluginError(f"The presets {unknown} do not exist; the declared presets are {sorted(presets)}.")
    return [presets[name] for name in names]


def _dataset_type(
    butler: Butler, preset: DatasetTypeSpec, storage_class: str | None, dimensions: Iterable[str] | None
) -> DatasetType:
    names = list(preset.dimensions if dimensions is None else dimensions)
    known = set(butler.dimensions.dimensions.names)
    if unknown := [name for name in names if name not in known]:
        raise PluginError(
            f"Dataset type {preset.name!r} has the dimensions {unknown}, which are not in the dimension "
            f"universe of {butler}."
        )
    return DatasetType(preset.name, names, storage_class or preset.storage_class, universe=butler.dimensions)
