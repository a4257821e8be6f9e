# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Register dataset types from the presets that plugins declare."""

from __future__ import annotations

__all__ = ("register_dataset_types",)

from collections.abc import Iterable

from lsst.daf.butler import Butler, DatasetType

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
    presets = registry.dataset_types()
    wanted = list(names) or sorted(presets)
    if unknown := [name for name in wanted if name not in presets]:
        raise PluginError(f"The presets {unknown} do not exist; the declared presets are {sorted(presets)}.")
    types = [_dataset_type(butler, presets[name], storage_class, dimensions) for name in wanted]
    return {found.name: butler.registry.registerDatasetType(found) for found in types}


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
