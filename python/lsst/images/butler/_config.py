# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Generate Butler configuration from the declarations of installed plugins.

A Butler reads storage classes and formatters only from configuration files of
its repository and of directories in the environment variable
``DAF_BUTLER_CONFIG_PATH``.
"""

from __future__ import annotations

__all__ = ("activate", "config_files", "write_config")

import dataclasses
import os
from pathlib import Path
from typing import Any

import yaml

from lsst.daf.butler import StorageClassConfig, StorageClassFactory
from lsst.resources import ResourcePath

from ..io._atomic import atomic_output
from ..plugins import StorageClassSpec, registry
from ..serialization import FitsCompressionOptions
from ._config_checks import check_configuration, check_storage_classes

DELEGATE = "lsst.images.butler.ImagesDelegate"
"""Default delegate, which returns components of objects in memory."""

FORMATTER = "lsst.images.formatters.GenericFormatter"

HEADER = "# Made by 'lsst-images butler-config' from the declarations of plugins; do not edit.\n"


def config_files() -> dict[str, str]:
    """Generate the content of the configuration files.

    Returns
    -------
    files
        Content by path relative to the configuration directory.

    Raises
    ------
    PluginError
        If no Butler could start with the configuration, for instance because
        a component has an undefined storage class.
    """
    specs = _declared()
    check_storage_classes(specs)
    formatters = {name: _formatter(spec) for name, spec in specs.items() if spec.formatter is not None}
    storage_classes = {name: _storage_class(spec) for name, spec in specs.items()}
    return {
        "storageClasses.yaml": _dump({"storageClasses": storage_classes}),
        "datastores/fileDatastore.yaml": _dump(
            {"datastore": {"formatters": {**formatters, "write_recipes": {FORMATTER: _recipes()}}}}
        ),
    }


def write_config(directory: str | os.PathLike[str]) -> list[Path]:
    """Write the configuration of this package and all plugins to a directory.

    Parameters
    ----------
    directory
        Directory to name in ``DAF_BUTLER_CONFIG_PATH``; it is created if it
        does not exist.

    Returns
    -------
    files
        The files written.

    Raises
    ------
    PluginError
        If no Butler could start with the configuration.  Nothing is written
        then.
    """
    files = config_files()
    check_configuration(files)
    written = []
    for name, text in files.items():
        path = Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(ResourcePath(path), overwrite=True) as stream:
            stream.write(text.encode())
        written.append(path)
    return written


def activate() -> None:
    """Define the storage classes of all plugins for the Butlers of this process.

    Use this in notebooks, to read datasets of a plugin without configuration
    files.  Call it before creating the Butler.  It does not configure
    formatters: those are recorded in the repository, for each dataset.

    Raises
    ------
    PluginError
        If a component has an undefined storage class.
    """
    config = yaml.safe_load(config_files()["storageClasses.yaml"])
    factory = StorageClassFactory()
    wanted = {name: body for name, body in config["storageClasses"].items() if name not in factory}
    if wanted:
        factory.addFromConfig(StorageClassConfig({"storageClasses": wanted}))


def _declared() -> dict[str, StorageClassSpec]:
    """Return the declared storage classes, each with its type."""
    of_datasets = {
        dataset.storage_class.name: dataset.pytype
        for dataset in registry.datasets().values()
        if dataset.storage_class is not None
    }
    return {
        name: dataclasses.replace(spec, pytype=spec.pytype or of_datasets.get(name))
        for name, spec in sorted(registry.storage_classes().items())
    }


def _storage_class(spec: StorageClassSpec) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if spec.inherits_from is not None:
        body["inheritsFrom"] = spec.inherits_from
    if spec.pytype is not None:
        body["pytype"] = spec.pytype.replace(":", ".")
    if spec.delegate is not None or spec.parameters or spec.components:
        body["delegate"] = spec.delegate or DELEGATE
    if spec.parameters:
        body["parameters"] = sorted(spec.parameters)
    if spec.components:
        body["derivedComponents"] = dict(sorted(spec.components.items()))
    if spec.converters:
        body["converters"] = dict(sorted(spec.converters.items()))
    return body


def _formatter(spec: StorageClassSpec) -> Any:
    if spec.write_parameters:
        return {"formatter": spec.formatter, "parameters": dict(spec.write_parameters)}
    return spec.formatter


def _recipes() -> dict[str, Any]:
    lossy = FitsCompressionOptions.LOSSY.model_dump(mode="json", exclude_none=True)
    lossless = FitsCompressionOptions.DEFAULT.model_dump(mode="json", exclude_none=True)
    return {
        "lossless": {"image": lossless, "mask": lossless, "variance": lossless},
        "lossy16": {"image": lossy, "mask": lossless, "variance": lossy},
    }


def _dump(content: dict[str, Any]) -> str:
    return HEADER + str(yaml.safe_dump(content, sort_keys=True, width=100))
