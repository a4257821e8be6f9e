# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading and writing single HDUs: images, tile-compressed images and tables."""

from __future__ import annotations

__all__ = ()
