# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Smooth functions of the position on a pixel grid.

Backgrounds, photometric scalings, aperture corrections and the spatial
variation of kernels are fields.
"""

from __future__ import annotations

__all__ = (
    "ApertureCorrectionMap",
    "Background",
    "BackgroundMap",
    "BaseField",
    "ChebyshevField",
    "CoaddField",
    "CoaddFieldInput",
    "Field",
    "ProductField",
    "SplineField",
    "SumField",
    "aperture_corrections_from_legacy",
    "aperture_corrections_to_legacy",
    "deserialize_field",
    "field_from_legacy",
    "field_from_legacy_background",
    "field_from_legacy_photo_calib",
)

from .._aliases import moved_names
from ._aperture_corrections import (
    ApertureCorrectionMap,
    aperture_corrections_from_legacy,
    aperture_corrections_to_legacy,
)
from ._background_map import Background, BackgroundMap
from ._base import BaseField, Field, deserialize_field
from ._chebyshev import ChebyshevField
from ._coadd import CoaddField, CoaddFieldInput
from ._from_legacy import field_from_legacy, field_from_legacy_background, field_from_legacy_photo_calib
from ._product import ProductField
from ._spline import SplineField
from ._sum import SumField

__getattr__ = moved_names(__name__)
