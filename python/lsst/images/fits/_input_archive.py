# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Names of a module of the public package, for released clients."""

from __future__ import annotations

__all__ = ()

from .._aliases import moved_names

_READ_CACHE_TYPE: str | None = None
"""Type of the fsspec cache for remote files; this package has a cache of its own, and ignores it."""

__getattr__ = moved_names(__name__)
