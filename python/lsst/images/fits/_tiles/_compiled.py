# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Import of the optional C extension with the pixel loops of the codecs.

An installation without a C compiler does not have ``_tile_loops``; libraries are
used instead, with identical results and lower speed.
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
"""The extension module; `None` if it is not installed, or disabled (``LSST_IMAGES_COMPILED=0``)."""
