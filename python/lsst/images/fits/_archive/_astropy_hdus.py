# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Types of HDUs of `astropy.io.fits`, for annotations."""

from __future__ import annotations

__all__ = ("ExtensionHDU",)

from typing import TypeAlias

import astropy.io.fits

ExtensionHDU: TypeAlias = (
    astropy.io.fits.ImageHDU | astropy.io.fits.CompImageHDU | astropy.io.fits.BinTableHDU
)
"""An HDU that may contain an array or a table of an archive."""
