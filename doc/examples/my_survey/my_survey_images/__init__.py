# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Example plugin: fringe frames and a Moffat PSF."""

from .fringes import FringeFrame
from .moffat import MoffatPSF

__all__ = ("FringeFrame", "MoffatPSF")
