# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Properties of `lsst.afw.cameraGeom` objects that have no place in our detectors.

They are stored as JSON text in the metadata of the detector, so that a detector
that is converted from `lsst.afw`, perhaps written and read, can be converted
back without loss.
"""

from __future__ import annotations

__all__ = ("DETECTOR_KEY", "AmplifierExtras", "DetectorExtras", "RawGeometry", "set_number")

import math
from collections.abc import Mapping

import pydantic

from .._geom import Box
from ..cameras import AmplifierRawGeometry, ReadoutCorner
from ..errors import CorruptArchiveError
from ..serialization._fields import MetadataValue
from ..utils import short_repr

DETECTOR_KEY = "lsst.afw.cameraGeom"
"""Key in the metadata of a detector."""

MIN_MAGNITUDE = 1e-300
"""Numbers of smaller magnitude, except 0, are memory that afw did not initialize."""


class RawGeometry(pydantic.BaseModel):
    """The raw geometry of an amplifier, any box of which may be empty.

    Parameters
    ----------
    bbox, data_bbox, serial_overscan_bbox, parallel_overscan_bbox, prescan_bbox
        Boxes in the raw image; `None` if empty.
    flip_x, flip_y, x_offset, y_offset, readout_corner
        See `~lsst.images.cameras.AmplifierRawGeometry`.
    is_assembled
        Whether the raw image is of all amplifiers.
    """

    bbox: Box | None = None
    data_bbox: Box | None = None
    serial_overscan_bbox: Box | None = None
    parallel_overscan_bbox: Box | None = None
    prescan_bbox: Box | None = None
    flip_x: bool = False
    flip_y: bool = False
    x_offset: int = 0
    y_offset: int = 0
    readout_corner: ReadoutCorner
    is_assembled: bool = True

    def complete(self) -> AmplifierRawGeometry | None:
        """Return the geometry in the form that amplifiers hold; `None` if a box is empty."""
        if not self.is_complete:
            return None
        return AmplifierRawGeometry.model_validate(
            {name: value for name, value in dict(self).items() if name != "is_assembled"}
        )

    @property
    def is_complete(self) -> bool:
        """Whether all boxes that `~lsst.images.cameras.AmplifierRawGeometry` requires are set."""
        return not (
            self.bbox is None
            or self.data_bbox is None
            or self.serial_overscan_bbox is None
            or self.parallel_overscan_bbox is None
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set but the corner."""
        return self == RawGeometry(readout_corner=self.readout_corner, is_assembled=self.is_assembled)


class AmplifierExtras(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """Properties of an amplifier that `~lsst.images.cameras.Amplifier` does not have.

    Parameters
    ----------
    linearity_threshold, linearity_maximum
        Range of the linearity model, in ``linearity_units``; `None` if unset.
    linearity_units
        Unit of the two.
    raw
        The raw geometry, if a box of it is empty.
    """

    linearity_threshold: float | None = None
    linearity_maximum: float | None = None
    linearity_units: str = ""
    raw: RawGeometry | None = None


class DetectorExtras(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """Properties of a detector that `~lsst.images.cameras.Detector` does not have.

    Parameters
    ----------
    crosstalk
        Matrix for each pair of amplifiers.
    pixel_size_y
        Height of a pixel, if it differs from the width.
    focal_plane_parity
        Whether the X axis of field angles is reversed.
    transforms
        Transforms from pixels to other systems of the detector, as AST text.
    amplifiers
        Extras by the name of the amplifier.
    """

    crosstalk: list[list[float]] | None = None
    pixel_size_y: float | None = None
    focal_plane_parity: bool = False
    transforms: dict[str, str] = pydantic.Field(default_factory=dict)
    amplifiers: dict[str, AmplifierExtras] = pydantic.Field(default_factory=dict)

    def add_amplifier(self, name: str, extras: AmplifierExtras) -> None:
        """Add the extras of an amplifier, unless they are all unset.

        Parameters
        ----------
        name
            Name of the amplifier.
        extras
            Its extras.
        """
        if extras != AmplifierExtras():
            self.amplifiers[name] = extras

    def to_metadata(self) -> dict[str, MetadataValue]:
        """Return the metadata of the detector; empty without extras."""
        if self == DetectorExtras():
            return {}
        return {DETECTOR_KEY: self.model_dump_json(exclude_defaults=True)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, MetadataValue]) -> DetectorExtras:
        """Find the extras in the metadata of a detector.

        Parameters
        ----------
        metadata
            The metadata.

        Raises
        ------
        CorruptArchiveError
            If the JSON text is damaged.
        """
        text = metadata.get(DETECTOR_KEY)
        if text is None:
            return cls()
        try:
            return cls.model_validate_json(str(text))
        except pydantic.ValidationError as err:
            raise CorruptArchiveError(f"Invalid detector metadata {short_repr(DETECTOR_KEY)}: {err}") from err


def set_number(value: float) -> float | None:
    """Return a number, or `None` if it is NaN or memory that was not initialized.

    Parameters
    ----------
    value
        The number.
    """
    return None if math.isnan(value) or 0.0 < abs(value) < MIN_MAGNITUDE else value
