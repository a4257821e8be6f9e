# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Helpers for the tests of this package and of its plugins.

Nothing here is imported by the package itself.  pytest and hypothesis are
imported only with the names that need them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._conformance import ContainerConformance

__all__ = ("ContainerConformance",)

_HOMES = {"ContainerConformance": "_conformance"}


def __getattr__(name: str) -> Any:
    if (module := _HOMES.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
