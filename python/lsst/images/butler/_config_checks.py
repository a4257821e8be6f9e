# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Check Butler configuration before it is written.

One invalid storage class prevents using every repository whose configuration
includes it, so the declarations of plugins are checked first.
"""

from __future__ import annotations

__all__ = (
    "DEFAULT_STORAGE_CLASSES",
    "check_configuration",
    "check_storage_classes",
    "default_storage_classes",
)

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsst.daf.butler import Config, StorageClassConfig

from ..errors import PluginError
from ..plugins import StorageClassSpec
from ..utils import short_repr

DEFAULT_STORAGE_CLASSES = "resource://lsst.daf.butler/configs/storageClasses.yaml"
"""The Butler's default storage classes, without those of the environment."""

CONFIG_PATH = "DAF_BUTLER_CONFIG_PATH"

_START_BUTLER = """
import sys
from lsst.daf.butler import ButlerConfig, DimensionUniverse, FormatterFactory, StorageClassFactory
factory = StorageClassFactory()
for name in sys.argv[1:]:
    storage_class = factory.getStorageClass(name)
    storage_class.pytype, storage_class.delegateClass, storage_class.allComponents()
formatters = FormatterFactory()
formatters.registerFormatters(ButlerConfig()["datastore", "formatters"], universe=DimensionUniverse())
for name in sys.argv[1:]:
    storage_class = factory.getStorageClass(name)
    try:
        formatter = formatters.getFormatterClass(storage_class)
    except KeyError:
        continue
    assert hasattr(formatter, "validate_write_recipes"), f"{formatter} is not a formatter"
"""
"""Script that loads configuration as a Butler does when it starts, and at first use."""


def default_storage_classes() -> Mapping[str, Any]:
    """Return the Butler's default storage classes by name, as in its YAML file."""
    return dict(Config(DEFAULT_STORAGE_CLASSES)["storageClasses"])


def check_storage_classes(specs: Mapping[str, StorageClassSpec]) -> None:
    """Check that declared storage classes are consistent, also with the defaults.

    Parameters
    ----------
    specs
        The declarations by name.

    Raises
    ------
    PluginError
        If no Butler could start with them, or if they redefine one of the
        Butler's default storage classes for another type.
    """
    known = {*StorageClassConfig().names(topLevelOnly=True), *specs}
    defaults = default_storage_classes()
    for name, spec in specs.items():
        if not name.isidentifier():
            raise PluginError(
                f"Storage class name {short_repr(name)} is invalid in a Butler's configuration; use letters "
                "and digits."
            )
        for component, of in spec.components.items():
            if of not in known:
                raise PluginError(
                    f"Storage class {short_repr(name)} has a component {short_repr(component)} of storage "
                    f"class {short_repr(of)}, "
                    "which is not defined by a plugin or by default; no Butler could start with it."
                )
        if spec.inherits_from is not None and spec.inherits_from not in known:
            raise PluginError(
                f"Storage class {short_repr(name)} inherits from {short_repr(spec.inherits_from)}, which is "
                "not defined by a "
                "plugin or by default; no Butler could start with it."
            )
        _check_against_default(spec, defaults.get(name))
    _check_ancestors(specs)


def _check_against_default(spec: StorageClassSpec, default: Mapping[str, Any] | None) -> None:
    if default is None or spec.pytype is None or "pytype" not in default:
        return
    if (declared := spec.pytype.replace(":", ".")) != default["pytype"]:
        raise PluginError(
            f"Storage class {spec.name!r} is defined by the Butler for {default['pytype']}, and cannot be "
            f"declared for {declared}, because existing datasets could not be read any more. "
            "Choose another name."
        )


def _check_ancestors(specs: Mapping[str, StorageClassSpec]) -> None:
    for name in specs:
        seen = [name]
        parent = specs[name].inherits_from
        while parent is not None and parent in specs:
            if parent in seen:
                raise PluginError(f"Storage classes inherit from each other: {' -> '.join([*seen, parent])}.")
            seen.append(parent)
            parent = specs[parent].inherits_from


def check_configuration(files: Mapping[str, str]) -> None:
    """Load the configuration in a new process.

    Parameters
    ----------
    files
        Content by path relative to the configuration directory.

    Raises
    ------
    PluginError
        If a storage class, type, delegate or formatter cannot be loaded.
    """
    names = list(Config.fromString(files["storageClasses.yaml"])["storageClasses"])
    with tempfile.TemporaryDirectory(prefix="lsst-images-config-") as directory:
        for name, text in files.items():
            path = Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        result = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-W", "ignore", "-c", _START_BUTLER, *names],
            env={**os.environ, CONFIG_PATH: directory, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode:
        reason = result.stderr.strip().splitlines()[-1:] or [f"exit code {result.returncode}"]
        raise PluginError(f"A Butler cannot load the declared configuration: {reason[0]}")
