# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Archives in FITS files: layout, index block, passthrough metadata, reading, writing and verification."""

from __future__ import annotations

__all__ = ()
