# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""FITS headers: cards, the structure of an HDU, checksums and WCS cards."""

from __future__ import annotations

__all__ = ()
