# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Helpers for the tests of this package and of third-party plugins.

The rest of the package does not import this module.  Public names are listed
in ``__init__.pyi``.  Each is imported when it is first used, because some of
them need pytest or hypothesis.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
