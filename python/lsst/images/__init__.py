# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""In-memory image types of the Rubin Observatory, their files, and their Butler support.

Public names are listed in ``__init__.pyi``.  Each is imported when it is first
used, so that importing the package is fast and loads only what a program needs.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import lazy_loader

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    # If the program uses the Butler, objects in memory need a delegate there.
    if hasattr(sys.modules.get("lsst.daf.butler"), "StorageClassFactory"):
        globals()["__getattr__"] = _load
        importlib.import_module("lsst.images._default_storage_classes").add_delegates()
    return _load(name)
