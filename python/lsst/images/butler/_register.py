# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Registering dataset types from the presets that plugins declare."""

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
        Names of presets, ``visit_image`` for instance; none stands for all.
    storage_class
        Name of a storage class instead of the preset's.
    dimensions
        Names of dimensions instead of the preset's.

    Returns
    -------
    registered
        By name, whether the type is new; `False` if the repository had it in
        this very form.

    Raises
    ------
    PluginError
        If no plugin declares a preset of that name, or the universe of the
        repository lacks one of its dimensions.
    lsst.daf.butler.registry.ConflictingDefinitionError
        If the repository has the name in another form.
    """
    presets = registry.dataset_types()
    wanted = list(names) or sorted(presets)
    if unknown := [name for name in wanted if name not in presets]:
        raise PluginError(f"There are no presets {unknown}; known are {sorted(presets)}.")
    types = [_dataset_type(butler, presets[name], storage_class, dimensions) for name in wanted]
    return {found.name: butler.registry.registerDatasetType(found) for found in types}


def _dataset_type(
    butler: Butler, preset: DatasetTypeSpec, storage_class: str | None, dimensions: Iterable[str] | None
) -> DatasetType:
    names = list(preset.dimensions if dimensions is None else dimensions)
    known = set(butler.dimensions.dimensions.names)
    if unknown := [name for name in names if name not in known]:
        raise PluginError(
            f"Dataset type {preset.name!r} has dimensions {unknown}, which the universe of {butler} lacks."
        )
    return DatasetType(preset.name, names, storage_class or preset.storage_class, universe=butler.dimensions)
