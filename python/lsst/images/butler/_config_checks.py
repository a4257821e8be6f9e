# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Refusing configuration that would keep a Butler from starting.

One wrong storage class breaks every repository that sees the file, for
everybody, so what plugins declare is checked before it is written.
"""

from __future__ import annotations

__all__ = ("DEFAULT_STORAGE_CLASSES", "check_storage_classes", "default_storage_classes", "prove")

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

DEFAULT_STORAGE_CLASSES = "resource://lsst.daf.butler/configs/storageClasses.yaml"
"""What the Butler defines itself, whatever the environment adds."""

CONFIG_PATH = "DAF_BUTLER_CONFIG_PATH"

_PROOF = """
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
"""What a Butler does with its configuration when it starts, and at first use."""


def default_storage_classes() -> Mapping[str, Any]:
    """Return what the Butler defines itself, by name, as in its YAML file."""
    return dict(Config(DEFAULT_STORAGE_CLASSES)["storageClasses"])


def check_storage_classes(specs: Mapping[str, StorageClassSpec]) -> None:
    """Check that declared storage classes fit together and to the Butler's own.

    Parameters
    ----------
    specs
        The declarations by name.

    Raises
    ------
    PluginError
        If a Butler with them would not start, or would change the meaning
        of a storage class of its own.
    """
    known = {*StorageClassConfig().names(topLevelOnly=True), *specs}
    defaults = default_storage_classes()
    for name, spec in specs.items():
        if not name.isidentifier():
            raise PluginError(
                f"Storage class name {name!r} cannot stand in a Butler's configuration; "
                "use letters and digits."
            )
        for component, of in spec.components.items():
            if of not in known:
                raise PluginError(
                    f"Storage class {name!r} has a component {component!r} of storage class {of!r}, "
                    "which no plugin and no default defines; with it no Butler would start."
                )
        if spec.inherits_from is not None and spec.inherits_from not in known:
            raise PluginError(
                f"Storage class {name!r} inherits from {spec.inherits_from!r}, which no plugin and no "
                "default defines; with it no Butler would start."
            )
        _check_against_default(spec, defaults.get(name))
    _check_ancestors(specs)


def _check_against_default(spec: StorageClassSpec, default: Mapping[str, Any] | None) -> None:
    if default is None or spec.pytype is None or "pytype" not in default:
        return
    if (declared := spec.pytype.replace(":", ".")) != default["pytype"]:
        raise PluginError(
            f"Storage class {spec.name!r} is one of the Butler's own, for {default['pytype']}, and is "
            f"declared again for {declared}; existing datasets could not be read any more. "
            "Choose another name."
        )


def _check_ancestors(specs: Mapping[str, StorageClassSpec]) -> None:
    for name in specs:
        seen = [name]
        parent = specs[name].inherits_from
        while parent is not None and parent in specs:
            if parent in seen:
                raise PluginError(f"Storage classes inherit in a circle: {' -> '.join([*seen, parent])}.")
            seen.append(parent)
            parent = specs[parent].inherits_from


def prove(files: Mapping[str, str]) -> None:
    """Let a fresh process start with the configuration.

    Parameters
    ----------
    files
        Content by path below the configuration directory.

    Raises
    ------
    PluginError
        If storage classes, types, delegates or formatters cannot be used.
    """
    names = list(Config.fromString(files["storageClasses.yaml"])["storageClasses"])
    with tempfile.TemporaryDirectory(prefix="lsst-images-config-") as directory:
        for name, text in files.items():
            path = Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _PROOF, *names],
            env={**os.environ, CONFIG_PATH: directory, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode:
        reason = result.stderr.strip().splitlines()[-1:] or [f"exit code {result.returncode}"]
        raise PluginError(f"A Butler does not work with the declared configuration: {reason[0]}")
