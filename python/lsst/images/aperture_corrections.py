# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Public names for the aperture corrections of images."""

from __future__ import annotations

__all__ = (
    "ApertureCorrectionMap",
    "ApertureCorrectionMapSerializationModel",
    "aperture_corrections_from_legacy",
    "aperture_corrections_to_legacy",
)

from .fields import (
    ApertureCorrectionMap,
    aperture_corrections_from_legacy,
    aperture_corrections_to_legacy,
)
from .models import ApertureCorrectionMapSerializationModel
