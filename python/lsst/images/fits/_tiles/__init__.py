# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tile-compressed images: tile grid, tile table, quantization and codecs."""

from __future__ import annotations

__all__ = ()
