# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""In-memory image types of the Rubin Observatory, their files, and their Butler support.

Public names are listed in ``__init__.pyi``.  Each is imported when it is first
used, so that importing the package is fast and loads only what a program needs.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
