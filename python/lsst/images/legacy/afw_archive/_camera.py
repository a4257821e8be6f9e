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
from ...utils import cached_property
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows

DETECTOR_TYPES = ("SCIENCE", "FOCUS", "GUIDER", "WAVEFRONT")
READOUT_CORNERS = ("LL", "LR", "UR", "UL")

MAX_DETECTOR_VERSION = 2
"""Latest version of the table of detectors."""

MIN_MAGNITUDE = 1e-300
"""Numbers of smaller magnitude, except 0, are memory that was not initialized."""


@dataclasses.dataclass(frozen=True)
class LegacyAmplifierRaw:
    """Where the pixels of an amplifier are in a raw image.

    Parameters
    ----------
    bbox, data_bbox, horizontal_overscan_bbox, vertical_overscan_bbox, prescan_bbox
        Boxes in the raw image; `None` if empty.
    offset
        Offset that assembly applies, pixels.
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
        Bounding box in the assembled, trimmed image; `None` if empty.
    gain
        Electrons per ADU.
    saturation, suspect_level
        ADU.
    read_noise
        Electrons.
    readout_corner
        ``LL``, ``LR``, ``UR`` or ``UL``.
    linearity_coefficients, linearity_type
        Coefficients and type of the linearity correction.
    linearity_threshold, linearity_maximum
        NaN if not set.
    linearity_units
        Unit of threshold and maximum.
    raw
        Geometry of the raw image.
    has_raw_info
        Flag in the file that claims that ``raw`` is set; it is unreliable.
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
        Identification; the type is ``SCIENCE``, ``FOCUS``, ``GUIDER`` or
        ``WAVEFRONT``.
    bbox
        Bounding box; `None` if empty.
    pixel_size
        Millimetres.
    focal_plane_position
        Position of the reference pixel, ``(x, y, z)`` in millimetres.
    reference_point
        The reference pixel.
    yaw, pitch, roll
        Radians.
    transforms
        Reference to the `LegacyTransformMap`, usually of the whole camera.
    crosstalk
        Matrix for each pair of amplifiers, or `None`.
    amplifier_rows
        Table of the amplifiers, which is decoded on first use; `None` if the
        detector has no amplifiers.
    version
        Version of the table.
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
    amplifier_rows: LegacyRows | None
    version: int

    @cached_property
    def amplifiers(self) -> tuple[LegacyAmplifier, ...]:
        """The amplifiers in the order of the file.

        Raises
        ------
        CorruptArchiveError
            If their table is damaged.
        """
        return () if self.amplifier_rows is None else _decode_amplifiers(self.amplifier_rows)


@dataclasses.dataclass(frozen=True)
class LegacyCamera:
    """A camera, or a collection of detectors.

    Parameters
    ----------
    name
        Empty for a ``DetectorCollection``.
    detectors
        References to the `LegacyDetector`.
    transforms
        Reference to the `LegacyTransformMap` of the camera, or `None`.
    pupil_factory
        Name of the Python class that computes the shape of the pupil.
    """

    name: str
    detectors: tuple[Any, ...]
    transforms: Any
    pupil_factory: str


def decode_detector(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyDetector:
    """Decode a ``Detector`` of any version.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    version = row.integer("version", 1 if "physicalType" in row else 0)
    if version > MAX_DETECTOR_VERSION:
        raise SchemaVersionError(
            f"the detector has version {version}; this release reads up to version {MAX_DETECTOR_VERSION}"
        )
    amplifier_rows = tables[1] if len(tables) > 1 else None
    count = 0 if amplifier_rows is None else len(amplifier_rows)
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
        crosstalk=_square(row.array("crosstalk") if "crosstalk" in row else np.empty(0), count),
        amplifier_rows=amplifier_rows,
        version=version,
    )


def _square(values: np.ndarray, size: int) -> np.ndarray | None:
    if not values.size:
        return None
    if values.size != size * size:
        raise CorruptArchiveError(
            f"the crosstalk matrix has {values.size} numbers; {size} amplifiers need {size * size}"
        )
    return values.reshape(size, size)


def _name(names: tuple[str, ...], number: int, what: str) -> str:
    if not 0 <= number < len(names):
        raise CorruptArchiveError(f"{number} is not a valid {what}; expected 0 to {len(names) - 1}")
    return names[number]


def _decode_amplifiers(rows: LegacyRows) -> tuple[LegacyAmplifier, ...]:
    corners = [_name(READOUT_CORNERS, n, "readout corner") for n in rows.integers("readoutcorner")]
    columns = {
        "name": rows.texts("name"),
        "bbox": rows.boxes("bbox"),
        "gain": rows.numbers("gain"),
        "saturation": rows.numbers("saturation"),
        "suspect_level": rows.numbers("suspectlevel", math.nan),
        "read_noise": rows.numbers("readnoise"),
        "readout_corner": corners,
        "linearity_coefficients": rows.arrays("linearity_coeffs"),
        "linearity_type": rows.texts("linearity_type"),
        "linearity_threshold": _without_uninitialized(rows.numbers("linearityThreshold", math.nan)),
        "linearity_maximum": _without_uninitialized(rows.numbers("linearityMaximum", math.nan)),
        "linearity_units": rows.texts("linearityUnits", ""),
        "raw": _decode_raw(rows),
        "has_raw_info": rows.flags("hasrawinfo"),
    }
    return tuple(
        [
            LegacyAmplifier(**dict(zip(columns, values, strict=True)))
            for values in zip(*columns.values(), strict=True)
        ]
    )


def _without_uninitialized(values: list[float]) -> list[float]:
    """Replace numbers that were never set, which are denormal, by NaN."""
    return [math.nan if 0.0 < abs(value) < MIN_MAGNITUDE else value for value in values]


def _decode_raw(rows: LegacyRows) -> list[LegacyAmplifierRaw]:
    return list(
        map(
            LegacyAmplifierRaw,
            rows.boxes("raw_bbox"),
            rows.boxes("raw_databbox"),
            rows.boxes("raw_horizontaloverscanbbox"),
            rows.boxes("raw_verticaloverscanbbox"),
            rows.boxes("raw_prescanbbox"),
            rows.corners("raw_xyoffset"),
            rows.flags("raw_flip_x"),
            rows.flags("raw_flip_y"),
        )
    )


def decode_camera(archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]) -> LegacyCamera:
    """Decode a ``Camera`` or ``DetectorCollection``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    detectors = tuple(archive.references(tables[0].integers("detector")))
    if len(tables) == 1:
        return LegacyCamera("", detectors, None, "")
    row = tables[1].one()
    return LegacyCamera(
        row.text("name"),
        detectors,
        archive.reference(row.integer("transformMap")),
        row.text("pupilFactoryName", ""),
    )
