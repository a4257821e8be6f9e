# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Plugins: hook specifications, records that plugins declare, and the registry.

A plugin is a module or object whose functions are marked with `hookimpl`.  It
is installed as an entry point of the group ``lsst.images``.
"""

from __future__ import annotations

__all__ = (
    "BoundsSpec",
    "ContainerSpec",
    "DatasetSpec",
    "DatasetTypeSpec",
    "Found",
    "Migration",
    "PluginInfo",
    "ReadContext",
    "Registry",
    "StorageClassSpec",
    "WriteContext",
    "hookimpl",
    "hookspec",
    "registry",
)

from ._hookspecs import hookimpl, hookspec
from ._registry import Registry, registry
from ._specs import (
    BoundsSpec,
    ContainerSpec,
    DatasetSpec,
    DatasetTypeSpec,
    Found,
    Migration,
    PluginInfo,
    ReadContext,
    StorageClassSpec,
    WriteContext,
)
