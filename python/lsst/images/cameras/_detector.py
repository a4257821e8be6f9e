# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Detectors of a camera."""

from __future__ import annotations

__all__ = ("Detector", "DetectorAttributes")

from collections.abc import Iterable, Mapping
from typing import Any, Self, final

import pydantic

from .._aliases import accepts_legacy_names
from .._geom import Box
from .._transforms import CameraFrameSet, DetectorFrame, FieldAngleFrame, FocalPlaneFrame, Transform
from ..io import Serializable
from ..plugins import registry
from ..serialization import MetadataValue
from ._amplifier import Amplifier
from ._enums import DetectorType
from ._orientation import Orientation


class DetectorAttributes(pydantic.BaseModel, validate_assignment=True):
    """The plain properties of a detector.

    Parameters
    ----------
    name
        Name of the detector.
    id
        Number of the detector.
    type
        Purpose of the detector.
    serial
        Serial number of the device.
    bbox
        Pixels of the detector in the assembled image.
    orientation
        Position and rotation in the focal plane.
    pixel_size
        Size of a pixel in units of the focal plane, usually millimetres.
    physical_type
        Type of the device.
    """

    name: str
    id: int
    type: DetectorType
    serial: str
    bbox: Box
    orientation: Orientation
    pixel_size: float
    physical_type: str


@final
class Detector(Serializable):
    """A detector of a camera, optionally for a particular visit.

    Parameters
    ----------
    attributes
        Plain properties of the detector.
    amplifiers
        Amplifiers of the detector.
    frames
        Coordinate frames of the camera, or those of this detector.
    visit
        Number of the visit, or `None`.
    metadata
        Further values by name, which are written to files.
    """

    def __init__(
        self,
        attributes: DetectorAttributes,
        amplifiers: Iterable[Amplifier],
        frames: CameraFrameSet,
        visit: int | None = None,
        *,
        metadata: Mapping[str, MetadataValue] | None = None,
    ) -> None:
        self._attributes = attributes
        self._amplifiers = list(amplifiers)
        self._frames = frames
        self._visit = visit
        self._metadata = dict(metadata or {})

    @property
    def attributes(self) -> DetectorAttributes:
        """The plain properties."""
        return self._attributes

    @property
    def amplifiers(self) -> list[Amplifier]:
        """The amplifiers."""
        return self._amplifiers

    @property
    def frames(self) -> CameraFrameSet:
        """Coordinate frames of the camera, or those of this detector."""
        return self._frames

    @property
    def visit(self) -> int | None:
        """Number of the visit, or `None`."""
        return self._visit

    @property
    def metadata(self) -> dict[str, MetadataValue]:
        """Further values by name; may be modified."""
        return self._metadata

    @property
    def instrument(self) -> str:
        """Name of the instrument."""
        return self._frames.instrument

    @property
    def name(self) -> str:
        """Name of the detector."""
        return self._attributes.name

    @property
    def id(self) -> int:
        """Number of the detector."""
        return self._attributes.id

    @property
    def type(self) -> DetectorType:
        """Purpose of the detector."""
        return self._attributes.type

    @property
    def serial(self) -> str:
        """Serial number of the device."""
        return self._attributes.serial

    @property
    def bbox(self) -> Box:
        """Pixels of the detector in the assembled image."""
        return self._attributes.bbox

    @property
    def orientation(self) -> Orientation:
        """Position and rotation in the focal plane."""
        return self._attributes.orientation

    @property
    def pixel_size(self) -> float:
        """Size of a pixel in units of the focal plane."""
        return self._attributes.pixel_size

    @property
    def physical_type(self) -> str:
        """Type of the device."""
        return self._attributes.physical_type

    @property
    def frame(self) -> DetectorFrame:
        """Frame of the pixels of the detector."""
        return DetectorFrame(instrument=self.instrument, visit=self._visit, detector=self.id, bbox=self.bbox)

    @property
    def to_focal_plane(self) -> Transform[DetectorFrame, FocalPlaneFrame]:
        """Transform from pixels to the focal plane."""
        return self._frames[self.frame, self._frames.focal_plane(visit=self._visit)]

    @property
    def to_field_angle(self) -> Transform[DetectorFrame, FieldAngleFrame]:
        """Transform from pixels to field angles."""
        return self._frames[self.frame, self._frames.field_angle(visit=self._visit)]

    def copy(self) -> Detector:
        """Copy the detector; the frames are immutable and shared."""
        return Detector(
            self._attributes.model_copy(deep=True),
            [amplifier.model_copy(deep=True) for amplifier in self._amplifiers],
            self._frames,
            self._visit,
            metadata=self._metadata,
        )

    @classmethod
    @accepts_legacy_names
    def from_legacy(
        cls, legacy: Any, *, instrument: str, visit: int | None = None, is_raw_assembled: bool | None = None
    ) -> Self:
        """Convert from an `lsst.afw.cameraGeom.Detector`.

        Parameters
        ----------
        legacy
            The afw object.
        instrument
            Name of the instrument.
        visit
            Number of the visit, or `None`.
        is_raw_assembled
            Whether raw boxes of amplifiers refer to an image of all amplifiers;
            by default, whether the visit is set.
        """
        if is_raw_assembled is None:
            is_raw_assembled = visit is not None
        return registry.convert_from_legacy(
            legacy, cls, instrument=instrument, visit=visit, is_raw_assembled=is_raw_assembled
        )

    def to_legacy(self, *, is_raw_assembled: bool | None = None) -> Any:
        """Convert to an `lsst.afw.cameraGeom.Detector`.

        Parameters
        ----------
        is_raw_assembled
            Whether raw boxes of amplifiers shall refer to an image of all
            amplifiers; by default, whether the visit is set.
        """
        if is_raw_assembled is None:
            is_raw_assembled = self._visit is not None
        return registry.convert_to_legacy(self, is_raw_assembled=is_raw_assembled)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Detector):
            return NotImplemented
        return (
            self._attributes == other._attributes
            and self._amplifiers == other._amplifiers
            and self._visit == other._visit
            and self._metadata == other._metadata
            and bool(self._frames == other._frames)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __str__(self) -> str:
        return f"Detector {self.name!r} ({self.instrument})"

    def __repr__(self) -> str:
        return f"<{self}>"
