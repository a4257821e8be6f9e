# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Coordinate frames, and mappings between them: pixels, cameras, the sky."""

from __future__ import annotations

__all__ = (
    "ICRS",
    "AstMapping",
    "CameraFrameSet",
    "DetectorFrame",
    "FieldAngleFrame",
    "FitsWcsAccuracy",
    "FocalPlaneFrame",
    "Frame",
    "FrameLookupError",
    "FrameSet",
    "GeneralFrame",
    "Projection",
    "ProjectionAstropyView",
    "SerializableFrame",
    "SkyFrame",
    "SkyProjection",
    "SkyProjectionAstropyView",
    "TractFrame",
    "Transform",
    "TransformCompositionError",
)

from typing import TYPE_CHECKING

from .._aliases import moved_names
from ..errors import FrameLookupError, TransformCompositionError
from ._ast import AstMapping
from ._fits_approximation import FitsWcsAccuracy
from ._frame_set import CameraFrameSet, FrameSet
from ._frames import (
    ICRS,
    DetectorFrame,
    FieldAngleFrame,
    FocalPlaneFrame,
    Frame,
    GeneralFrame,
    SerializableFrame,
    SkyFrame,
    TractFrame,
)
from ._projection import Projection
from ._transform import Transform

SkyProjection = Projection

if TYPE_CHECKING:
    from ._astropy_view import ProjectionAstropyView

    SkyProjectionAstropyView = ProjectionAstropyView
else:
    # The module imports astropy.wcs and astropy.coordinates.
    __getattr__ = moved_names(__name__)
