# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Positions and rotations of detectors in the focal plane."""

from __future__ import annotations

__all__ = ("Orientation",)

from typing import Annotated, Any, Self

import astropy.units as u
import pydantic

from .._aliases import accepts_legacy_names
from ..plugins import registry
from ..serialization import Quantity
from ..utils import short_repr


def _require_angle(value: u.Quantity) -> u.Quantity:
    if not value.unit.is_equivalent(u.rad):
        raise ValueError(f"Expected an angle; got {short_repr(value)}.")
    return value


def _no_angle() -> u.Quantity:
    return 0.0 * u.rad


Angle = Annotated[Quantity, pydantic.AfterValidator(_require_angle)]


class Orientation(pydantic.BaseModel, validate_assignment=True):
    """Position and rotation of a detector in the focal plane.

    Parameters
    ----------
    focal_plane_x, focal_plane_y, focal_plane_z
        Position of the reference point in the focal plane, in the units of
        that frame, usually millimetres.
    pixel_reference_x, pixel_reference_y
        The reference point in pixels of the detector.
    yaw, pitch, roll
        Rotations about the z, y and x axes of the focal plane, in this order.
    """

    focal_plane_x: float
    focal_plane_y: float
    focal_plane_z: float
    pixel_reference_x: float = 0.5
    pixel_reference_y: float = 0.5
    yaw: Angle = pydantic.Field(default_factory=_no_angle)
    pitch: Angle = pydantic.Field(default_factory=_no_angle)
    roll: Angle = pydantic.Field(default_factory=_no_angle)

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Self:
        """Convert from an `lsst.afw.cameraGeom.Orientation`.

        Parameters
        ----------
        legacy
            The afw object.
        """
        return registry.convert_from_legacy(legacy, cls)

    def to_legacy(self) -> Any:
        """Convert to an `lsst.afw.cameraGeom.Orientation`."""
        return registry.convert_to_legacy(self)
