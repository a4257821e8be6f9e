# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of archived detectors and cameras."""

from __future__ import annotations

__all__ = ("UNKNOWN_INSTRUMENT", "make_camera", "make_camera_frame_set", "make_detector")

import warnings
from collections.abc import Iterable
from typing import Any

import astropy.units as u
import pydantic

from .._transforms import CameraFrameSet
from .._transforms._ast import starlink_ast
from ..cameras import (
    Amplifier,
    AmplifierCalibrations,
    AmplifierRawGeometry,
    Detector,
    DetectorAttributes,
    DetectorType,
    Orientation,
    ReadoutCorner,
)
from ..errors import ArchiveReadError, LossyConversionWarning
from ._convert_wcs import step_mappings
from ._decoded import LegacyContext, finish, unknown_class
from .afw_archive._camera import LegacyAmplifier, LegacyAmplifierRaw, LegacyCamera, LegacyDetector
from .afw_archive._transforms import CameraSystem, LegacyTransformMap

UNKNOWN_INSTRUMENT = "unknown"
"""Name of the instrument for files that do not have it."""

FOCAL_PLANE = CameraSystem("FocalPlane", "")
FIELD_ANGLE = CameraSystem("FieldAngle", "")


def make_detector(
    record: Any,
    *,
    instrument: str = UNKNOWN_INSTRUMENT,
    visit: int | None = None,
    is_raw_assembled: bool = True,
    serial: str | None = None,
) -> Detector:
    """Convert an archived detector.

    Parameters
    ----------
    record
        What the decoder returned.
    instrument
        Name of the instrument.
    visit
        Number of the visit, or `None`.
    is_raw_assembled
        Whether raw boxes of amplifiers belong to an image of all amplifiers.
    serial
        Serial number that replaces the archived one.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or the bounding box is empty.
    """
    context = LegacyContext(getattr(record, "bbox", None), None, instrument, visit)
    finished = finish(record, Detector, "the detector", context)
    if finished is not None:
        return finished
    if not isinstance(record, LegacyDetector):
        raise unknown_class(record, Detector, "the detector")
    if record.bbox is None:
        raise ArchiveReadError(f"The bounding box of the archived detector {record.name!r} is empty.")
    x, y, z = record.focal_plane_position
    attributes = DetectorAttributes(
        name=record.name,
        id=record.id,
        type=DetectorType(record.type),
        serial=record.serial if serial is None else serial,
        bbox=record.bbox,
        orientation=Orientation(
            focal_plane_x=x,
            focal_plane_y=y,
            focal_plane_z=z,
            pixel_reference_x=record.reference_point.x,
            pixel_reference_y=record.reference_point.y,
            yaw=record.yaw * u.rad,
            pitch=record.pitch * u.rad,
            roll=record.roll * u.rad,
        ),
        pixel_size=record.pixel_size.x,
        physical_type=record.physical_type,
    )
    frames = make_camera_frame_set([record], record.transforms(), instrument)
    amplifiers = [made for a in record.amplifiers if (made := _make_amplifier(a, is_raw_assembled))]
    return Detector(attributes, amplifiers, frames, visit)


def _make_amplifier(record: LegacyAmplifier, is_raw_assembled: bool) -> Amplifier | None:
    if record.bbox is None:
        warnings.warn(
            f"The bounding box of amplifier {record.name!r} is empty; it is omitted.",
            LossyConversionWarning,
            stacklevel=3,
        )
        return None
    corner = ReadoutCorner(record.readout_corner)
    geometry = _make_raw_geometry(record.raw, corner)
    return Amplifier(
        name=record.name,
        bbox=record.bbox,
        # The archived corner refers to the raw image.
        readout_corner=corner.apply_flips(y=record.raw.flip_y, x=record.raw.flip_x),
        assembled_raw_geometry=geometry if is_raw_assembled else None,
        unassembled_raw_geometry=None if is_raw_assembled else geometry,
        nominal_calibrations=AmplifierCalibrations(
            gain=record.gain,
            read_noise=record.read_noise,
            saturation=record.saturation,
            suspect_level=record.suspect_level,
            linearity_coefficients=record.linearity_coefficients,
            linearity_type=record.linearity_type,
        ),
    )


def _make_raw_geometry(raw: LegacyAmplifierRaw, corner: ReadoutCorner) -> AmplifierRawGeometry | None:
    """Convert the raw geometry; return `None` if it is incomplete."""
    try:
        return AmplifierRawGeometry.model_validate(
            {
                "bbox": raw.bbox,
                "data_bbox": raw.data_bbox,
                "flip_x": raw.flip_x,
                "flip_y": raw.flip_y,
                "x_offset": raw.offset.x,
                "y_offset": raw.offset.y,
                "serial_overscan_bbox": raw.horizontal_overscan_bbox,
                "parallel_overscan_bbox": raw.vertical_overscan_bbox,
                "prescan_bbox": raw.prescan_bbox,
                "readout_corner": corner,
            }
        )
    except pydantic.ValidationError:
        return None


def make_camera_frame_set(
    detectors: Iterable[LegacyDetector], transforms: Any, instrument: str
) -> CameraFrameSet:
    """Create the frames of a camera, or of some of its detectors.

    Parameters
    ----------
    detectors
        Records of the detectors.
    transforms
        Record of the transforms between their systems.
    instrument
        Name of the instrument.

    Returns
    -------
    frame_set
        Positions map to NaN where the file does not have a transform.

    Raises
    ------
    ArchiveReadError
        If a class is not supported, or a record is damaged.

    Notes
    -----
    The frame of a detector is the system ``Pixels`` (images after correction
    of electronic effects), not ``ActualPixels``.
    """
    if not isinstance(transforms, LegacyTransformMap):
        raise unknown_class(transforms, CameraFrameSet, "the transforms of the camera")
    systems = set(transforms.systems)
    frame_set = starlink_ast.FrameSet(starlink_ast.Frame(2, "Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))

    def add(system: CameraSystem, frame: Any) -> None:
        mapping = None
        if {FOCAL_PLANE, system} <= systems:
            mapping = step_mappings(transforms.path(FOCAL_PLANE, system))
        frame_set.addframe(1, _nowhere() if mapping is None else mapping.mapping, frame)

    add(FIELD_ANGLE, starlink_ast.Frame(2, "Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad"))
    for detector in detectors:
        if not isinstance(detector, LegacyDetector) or detector.bbox is None:
            raise ArchiveReadError(
                "A detector of the camera is of a class that is not supported, or its bounding box is empty."
            )
        box = detector.bbox
        limits = f"Bottom(1)={box.x.min},Top(1)={box.x.max},Bottom(2)={box.y.min},Top(2)={box.y.max}"
        options = f"Ident=DETECTOR_{detector.id:03d},Unit(1)=pix,Unit(2)=pix,{limits}"
        add(CameraSystem("Pixels", detector.name), starlink_ast.Frame(2, options))
    frame_set.Current = frame_set.Nframe
    return CameraFrameSet(instrument, frame_set)


def _nowhere() -> Any:
    """Return a mapping whose result is always NaN."""
    return starlink_ast.PermMap([0, 0], [0, 0])


def make_camera(record: Any, instrument: str | None = None) -> CameraFrameSet:
    """Convert an archived camera to its frames.

    Parameters
    ----------
    record
        What the decoder returned.
    instrument
        Name of the instrument; by default that of the camera.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or the record is damaged.
    """
    finished = finish(record, CameraFrameSet, "the camera", LegacyContext(instrument=instrument))
    if finished is not None:
        return finished
    if not isinstance(record, LegacyCamera):
        raise unknown_class(record, CameraFrameSet, "the camera")
    detectors = [reference() for reference in record.detectors]
    if not detectors:
        raise ArchiveReadError("The archived camera does not have detectors.")
    transforms = record.transforms() if record.transforms else detectors[0].transforms()
    return make_camera_frame_set(detectors, transforms, instrument or record.name or UNKNOWN_INSTRUMENT)
