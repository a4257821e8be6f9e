# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Loops over pixels in C, where they were compiled.

Nobody needs a compiler: without one an installation lacks ``_tile_loops``, and
libraries do the same in more steps, which gives the same pixels and takes longer.
"""

from __future__ import annotations

__all__ = ("tile_loops",)

import importlib
import os
from types import ModuleType


def _load() -> ModuleType | None:
    if os.environ.get("LSST_IMAGES_COMPILED") == "0":
        return None
    try:
        return importlib.import_module("._tile_loops", __package__)
    except ImportError:
        return None


tile_loops = _load()
"""The extension module; `None` if it is not there, or unwanted (``LSST_IMAGES_COMPILED=0``)."""
