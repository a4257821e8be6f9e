# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fringe frames of my survey, and the PSF that its stars have."""

from .fringes import FringeFrame
from .moffat import MoffatPSF

__all__ = ("FringeFrame", "MoffatPSF")
