# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Masked images with components: the base of visit images and cell coadds."""

from __future__ import annotations

__all__ = ("AnnotatedImage", "UnitFactor", "check_band")

from ._annotated_image import AnnotatedImage, check_band
from ._unit_factor import UnitFactor
