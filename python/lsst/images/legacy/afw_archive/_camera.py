# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Detectors, amplifiers and cameras."""

from __future__ import annotations

__all__ = (
    "LegacyAmplifier",
    "LegacyAmplifierRaw",
    "LegacyCamera",
    "LegacyDetector",
    "decode_camera",
    "decode_detector",
)

import dataclasses
import math
from typing import Any

import numpy as np

from ..._geom import XY, Box
from ...errors import CorruptArchiveError, SchemaVersionError
from ._rows import LegacyRow, LegacyRows

DETECTOR_TYPES = ("SCIENCE", "FOCUS", "GUIDER", "WAVEFRONT")
READOUT_CORNERS = ("LL", "LR", "UR", "UL")

NEWEST_DETECTOR = 2
"""Latest version of the table of detectors."""

SMALLEST = 1e-300
"""Smaller numbers are memory that nobody set."""


@dataclasses.dataclass(frozen=True)
class LegacyAmplifierRaw:
    """Where the pixels of an amplifier are in a raw image.

    Parameters
    ----------
    bbox, data_bbox, horizontal_overscan_bbox, vertical_overscan_bbox, prescan_bbox
        Boxes in the raw image; `None` if empty.
    offset
        Shift that assembly applies.
    flip_x, flip_y
        Whether assembly reverses the axis.
    """

    bbox: Box | None
    data_bbox: Box | None
    horizontal_overscan_bbox: Box | None
    vertical_overscan_bbox: Box | None
    prescan_bbox: Box | None
    offset: XY[int]
    flip_x: bool
    flip_y: bool


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyAmplifier:
    """An amplifier.

    Parameters
    ----------
    name
        Name.
    bbox
        Pixels in the assembled, trimmed image; `None` if empty.
    gain
        Electrons per ADU.
    saturation, suspect_level
        ADU.
    read_noise
        Electrons.
    readout_corner
        ``LL``, ``LR``, ``UR`` or ``UL``.
    linearity_coefficients, linearity_type
        How the response is made linear.
    linearity_threshold, linearity_maximum
        NaN if not set.
    linearity_units
        Unit of the two.
    raw
        Geometry of the raw image.
    has_raw_info
        What the file says of ``raw``; it is not to be trusted.
    """

    name: str
    bbox: Box | None
    gain: float
    saturation: float
    suspect_level: float
    read_noise: float
    readout_corner: str
    linearity_coefficients: np.ndarray
    linearity_type: str
    linearity_threshold: float
    linearity_maximum: float
    linearity_units: str
    raw: LegacyAmplifierRaw
    has_raw_info: bool


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyDetector:
    """A detector.

    Parameters
    ----------
    name, id, type, serial, physical_type
        What it is; the type is ``SCIENCE``, ``FOCUS``, ``GUIDER`` or
        ``WAVEFRONT``.
    bbox
        Its pixels; `None` if empty.
    pixel_size
        Millimetres.
    focal_plane_position
        Place of the reference pixel, ``(x, y, z)`` in millimetres.
    reference_point
        The reference pixel.
    yaw, pitch, roll
        Radians.
    transforms
        Reference to the `LegacyTransformMap`, often of the whole camera.
    crosstalk
        Matrix for each pair of amplifiers, or `None`.
    amplifiers
        In the order of the file.
    version
        Of the table.
    """

    name: str
    id: int
    type: str
    serial: str
    physical_type: str
    bbox: Box | None
    pixel_size: XY[float]
    focal_plane_position: tuple[float, float, float]
    reference_point: XY[float]
    yaw: float
    pitch: float
    roll: float
    transforms: Any
    crosstalk: np.ndarray | None
    amplifiers: tuple[LegacyAmplifier, ...]
    version: int


@dataclasses.dataclass(frozen=True)
class LegacyCamera:
    """A camera, or a collection of detectors.

    Parameters
    ----------
    name
        Empty for a mere collection.
    detectors
        References to the `LegacyDetector`.
    transforms
        Reference to the `LegacyTransformMap` of the camera, or `None`.
    pupil_factory
        Name of the Python class that knows the shape of the pupil.
    """

    name: str
    detectors: tuple[Any, ...]
    transforms: Any
    pupil_factory: str


def decode_detector(archive: Any, entry: Any, tables: tuple[LegacyRows, ...]) -> LegacyDetector:
    """Decode a ``Detector`` of any version.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyArchive`.
    """
    row = tables[0].one()
    version = row.integer("version", 1 if "physicalType" in row else 0)
    if version > NEWEST_DETECTOR:
        raise SchemaVersionError(
            f"version {version} of a detector; this release reads up to {NEWEST_DETECTOR}"
        )
    amplifiers = tuple(map(_decode_amplifier, tables[1])) if len(tables) > 1 else ()
    place = row.point("fpPosition")
    return LegacyDetector(
        name=row.text("name"),
        id=row.integer("id"),
        type=_name(DETECTOR_TYPES, row.integer("type"), "type of a detector"),
        serial=row.text("serial"),
        physical_type=row.text("physicalType", ""),
        bbox=row.box("bbox"),
        pixel_size=row.point("pixelSize"),
        focal_plane_position=(place.x, place.y, row.number("fpPosition_z", 0.0)),
        reference_point=row.point("refPoint"),
        yaw=row.number("yaw"),
        pitch=row.number("pitch"),
        roll=row.number("roll"),
        transforms=archive.reference(row.integer("transformMap")),
        crosstalk=_square(row.array("crosstalk") if "crosstalk" in row else np.empty(0), len(amplifiers)),
        amplifiers=amplifiers,
        version=version,
    )


def _square(values: np.ndarray, size: int) -> np.ndarray | None:
    if not values.size:
        return None
    if values.size != size * size:
        raise CorruptArchiveError(f"a crosstalk matrix of {values.size} numbers for {size} amplifiers")
    return values.reshape(size, size)


def _name(names: tuple[str, ...], number: int, what: str) -> str:
    if not 0 <= number < len(names):
        raise CorruptArchiveError(f"{number} is no {what}; 0 to {len(names) - 1} are known")
    return names[number]


def _decode_amplifier(row: LegacyRow) -> LegacyAmplifier:
    return LegacyAmplifier(
        name=row.text("name"),
        bbox=row.box("bbox"),
        gain=row.number("gain"),
        saturation=row.number("saturation"),
        suspect_level=row.number("suspectlevel", math.nan),
        read_noise=row.number("readnoise"),
        readout_corner=_name(READOUT_CORNERS, row.integer("readoutcorner"), "readout corner"),
        linearity_coefficients=row.array("linearity_coeffs").astype(np.float64),
        linearity_type=row.text("linearity_type"),
        linearity_threshold=_if_set(row.number("linearityThreshold", math.nan)),
        linearity_maximum=_if_set(row.number("linearityMaximum", math.nan)),
        linearity_units=row.text("linearityUnits", ""),
        raw=_decode_raw(row),
        has_raw_info=row.flag("hasrawinfo"),
    )


def _if_set(value: float) -> float:
    return math.nan if 0.0 < abs(value) < SMALLEST else value


def _decode_raw(row: LegacyRow) -> LegacyAmplifierRaw:
    return LegacyAmplifierRaw(
        bbox=row.box("raw_bbox"),
        data_bbox=row.box("raw_databbox"),
        horizontal_overscan_bbox=row.box("raw_horizontaloverscanbbox"),
        vertical_overscan_bbox=row.box("raw_verticaloverscanbbox"),
        prescan_bbox=row.box("raw_prescanbbox"),
        offset=row.corner("raw_xyoffset"),
        flip_x=row.flag("raw_flip_x"),
        flip_y=row.flag("raw_flip_y"),
    )


def decode_camera(archive: Any, entry: Any, tables: tuple[LegacyRows, ...]) -> LegacyCamera:
    """Decode a ``Camera`` or ``DetectorCollection``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyArchive`.
    """
    detectors = tuple(archive.reference(row.integer("detector")) for row in tables[0])
    if len(tables) == 1:
        return LegacyCamera("", detectors, None, "")
    row = tables[1].one()
    return LegacyCamera(
        row.text("name"),
        detectors,
        archive.reference(row.integer("transformMap")),
        row.text("pupilFactoryName", ""),
    )
