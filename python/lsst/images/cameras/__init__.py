# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Cameras: detectors, their amplifiers, and their coordinate systems."""

from __future__ import annotations

__all__ = (
    "Amplifier",
    "AmplifierCalibrations",
    "AmplifierRawGeometry",
    "CameraFrameSet",
    "Detector",
    "DetectorAttributes",
    "DetectorType",
    "Orientation",
    "ReadoutCorner",
)

from .._aliases import moved_names
from .._transforms import CameraFrameSet
from ._amplifier import Amplifier, AmplifierCalibrations, AmplifierRawGeometry
from ._detector import Detector, DetectorAttributes
from ._enums import DetectorType, ReadoutCorner
from ._orientation import Orientation

__getattr__ = moved_names(__name__)
