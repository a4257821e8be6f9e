# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Point spread functions."""

from __future__ import annotations

__all__ = (
    "CoaddPointSpreadFunction",
    "CoaddPsfInput",
    "GaussianPointSpreadFunction",
    "KernelPointSpreadFunction",
    "Moments",
    "PSFExPointSpreadFunction",
    "PSFExWrapper",
    "PiffStar",
    "PiffWrapper",
    "PointSpreadFunction",
    "PsfMoments",
    "VectorizedPointSpreadFunction",
    "WarpedPointSpreadFunction",
    "WarpingKernel",
)

from .._aliases import moved_names
from ._base import PointSpreadFunction
from ._coadd import CoaddPointSpreadFunction, CoaddPsfInput
from ._gaussian import GaussianPointSpreadFunction
from ._kernel import KernelPointSpreadFunction
from ._moments import Moments, PsfMoments
from ._piff import PiffStar, PiffWrapper
from ._psfex import PSFExPointSpreadFunction
from ._resample import WarpingKernel
from ._vectorized import VectorizedPointSpreadFunction
from ._warped import WarpedPointSpreadFunction

PSFExWrapper = PSFExPointSpreadFunction
"""The name of the class that wraps PSFEx models elsewhere; ours needs nothing
to wrap."""

__getattr__ = moved_names(__name__)
