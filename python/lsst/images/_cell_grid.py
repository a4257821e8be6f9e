# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Alias module, for clients that import `CellIJ` from here."""

from __future__ import annotations

__all__: tuple[str, ...] = ()

from ._aliases import moved_names

__getattr__ = moved_names(__name__)
