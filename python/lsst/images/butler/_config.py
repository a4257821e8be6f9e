# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Butler configuration, made from what the installed plugins declare.

The Butler learns of storage classes and formatters from files only, which a
repository or the environment variable ``DAF_BUTLER_CONFIG_PATH`` names.
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
from ._config_checks import check_storage_classes, prove

DELEGATE = "lsst.images.butler.ImagesDelegate"
"""Serves components of objects in memory."""

FORMATTER = "lsst.images.formatters.GenericFormatter"

HEADER = "# Made by 'lsst-images butler-config' from the declarations of plugins; do not edit.\n"


def config_files() -> dict[str, str]:
    """Make the text of the configuration files.

    Returns
    -------
    files
        Content by path below the configuration directory.

    Raises
    ------
    PluginError
        If a declaration would keep every Butler from starting: a component of
        a storage class that nobody defines, for instance.
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
    """Write the configuration of everything that is installed.

    Parameters
    ----------
    directory
        Directory to name in ``DAF_BUTLER_CONFIG_PATH``; it is made if it is
        not there.

    Returns
    -------
    files
        The files written.

    Raises
    ------
    PluginError
        If the configuration would keep a Butler from starting.  Nothing is
        written then.
    """
    files = config_files()
    prove(files)
    written = []
    for name, text in files.items():
        path = Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(ResourcePath(path), overwrite=True) as stream:
            stream.write(text.encode())
        written.append(path)
    return written


def activate() -> None:
    """Make the declared storage classes known to Butlers of this process.

    For notebooks that use a plugin without configuration.  To be called
    before the Butler is made; it does not configure formatters, which a
    dataset's repository has to name.

    Raises
    ------
    PluginError
        If a storage class has a component that nobody defines.
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
