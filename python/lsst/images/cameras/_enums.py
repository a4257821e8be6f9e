# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Enumerations of detector types and readout corners."""

from __future__ import annotations

__all__ = ("DetectorType", "ReadoutCorner")

import enum
from typing import Any, Self

from .._aliases import accepts_legacy_names
from .._geom import YX
from ..plugins import registry


class DetectorType(enum.StrEnum):
    """The purpose of a detector."""

    SCIENCE = "SCIENCE"
    FOCUS = "FOCUS"
    GUIDER = "GUIDER"
    WAVEFRONT = "WAVEFRONT"

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Self:
        """Convert from an `lsst.afw.cameraGeom.DetectorType`.

        Parameters
        ----------
        legacy
            The afw object.
        """
        return registry.convert_from_legacy(legacy, cls)

    def to_legacy(self) -> Any:
        """Convert to an `lsst.afw.cameraGeom.DetectorType`."""
        return registry.convert_to_legacy(self)


class ReadoutCorner(enum.StrEnum):
    """The corner of an amplifier whose pixel is read first.

    The first row is lower, the first column is left.
    """

    LL = "LL"
    LR = "LR"
    UR = "UR"
    UL = "UL"

    def as_flips(self) -> YX[bool]:
        """Return the axes to flip so that the lower left corner is read first.

        Returns
        -------
        flips
            Whether to flip each axis.
        """
        return YX(y=self.value[0] == "U", x=self.value[1] == "R")

    @classmethod
    def from_flips(cls, *, y: bool, x: bool) -> Self:
        """Return the corner that flips move to the lower left.

        Parameters
        ----------
        y, x
            Whether to flip the axis.
        """
        return cls(("U" if y else "L") + ("R" if x else "L"))

    def apply_flips(self, *, y: bool, x: bool) -> ReadoutCorner:
        """Return the corner after the image has been flipped.

        Parameters
        ----------
        y, x
            Whether the axis is flipped.
        """
        flips = self.as_flips()
        return ReadoutCorner.from_flips(y=flips.y != bool(y), x=flips.x != bool(x))

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Self:
        """Convert from an `lsst.afw.cameraGeom.ReadoutCorner`.

        Parameters
        ----------
        legacy
            The afw object.
        """
        return registry.convert_from_legacy(legacy, cls)

    def to_legacy(self) -> Any:
        """Convert to an `lsst.afw.cameraGeom.ReadoutCorner`."""
        return registry.convert_to_legacy(self)
