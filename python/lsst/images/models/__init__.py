# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pydantic models that serialize the types of this package, one module per family.

Public names are listed in ``__init__.pyi``.  Each is imported when it is first
used, because a model imports the types that it serializes.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
