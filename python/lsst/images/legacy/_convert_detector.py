# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of archived detectors and cameras."""

from __future__ import annotations

__all__ = (
    "UNKNOWN_INSTRUMENT",
    "assemble_camera_frame_set",
    "make_camera",
    "make_camera_frame_set",
    "make_detector",
)

import warnings
from collections.abc import Iterable
from typing import Any

import astropy.units as u

from .._geom import Box
from .._transforms import CameraFrameSet
from .._transforms._ast import AstMapping, starlink_ast
from ..cameras import (
    Amplifier,
    AmplifierCalibrations,
    Detector,
    DetectorAttributes,
    DetectorType,
    Orientation,
    ReadoutCorner,
)
from ..errors import ArchiveReadError, LossyConversionWarning
from ._convert_wcs import step_mappings
from ._decoded import LegacyContext, finish, unknown_class
from ._detector_metadata import AmplifierExtras, DetectorExtras, RawGeometry, set_number
from .afw_archive._camera import LegacyAmplifier, LegacyCamera, LegacyDetector
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
    geometries = [_make_raw_geometry(amplifier, is_raw_assembled) for amplifier in record.amplifiers]
    pairs = zip(record.amplifiers, geometries, strict=True)
    amplifiers = [made for pair in pairs if (made := _make_amplifier(*pair))]
    extras = _make_extras(record, geometries)
    return Detector(attributes, amplifiers, frames, visit, metadata=extras.to_metadata())


def _make_amplifier(record: LegacyAmplifier, raw: RawGeometry) -> Amplifier | None:
    if record.bbox is None:
        warnings.warn(
            f"Amplifier {record.name!r} has no pixels; it is left out.", LossyConversionWarning, stacklevel=3
        )
        return None
    geometry = raw.complete()
    return Amplifier(
        name=record.name,
        bbox=record.bbox,
        # The archived corner is the one of the raw image.
        readout_corner=raw.readout_corner.apply_flips(y=raw.flip_y, x=raw.flip_x),
        assembled_raw_geometry=geometry if raw.is_assembled else None,
        unassembled_raw_geometry=None if raw.is_assembled else geometry,
        nominal_calibrations=AmplifierCalibrations(
            gain=record.gain,
            read_noise=record.read_noise,
            saturation=record.saturation,
            suspect_level=record.suspect_level,
            linearity_coefficients=record.linearity_coefficients,
            linearity_type=record.linearity_type,
        ),
    )


def _make_raw_geometry(record: LegacyAmplifier, is_raw_assembled: bool) -> RawGeometry:
    raw = record.raw
    return RawGeometry(
        bbox=raw.bbox,
        data_bbox=raw.data_bbox,
        serial_overscan_bbox=raw.horizontal_overscan_bbox,
        parallel_overscan_bbox=raw.vertical_overscan_bbox,
        prescan_bbox=raw.prescan_bbox,
        flip_x=raw.flip_x,
        flip_y=raw.flip_y,
        x_offset=raw.offset.x,
        y_offset=raw.offset.y,
        readout_corner=ReadoutCorner(record.readout_corner),
        is_assembled=is_raw_assembled,
    )


def _make_extras(record: LegacyDetector, geometries: Iterable[RawGeometry]) -> DetectorExtras:
    """Collect the properties that our detector does not have."""
    size, crosstalk = record.pixel_size, record.crosstalk
    extras = DetectorExtras(
        crosstalk=None if crosstalk is None else crosstalk.tolist(),
        pixel_size_y=None if size.x == size.y else size.y,
        transforms=_other_transforms(record),
    )
    for amplifier, raw in zip(record.amplifiers, geometries, strict=True):
        extras.add_amplifier(
            amplifier.name,
            AmplifierExtras(
                linearity_threshold=set_number(amplifier.linearity_threshold),
                linearity_maximum=set_number(amplifier.linearity_maximum),
                linearity_units=amplifier.linearity_units,
                raw=None if raw.is_complete or raw.is_empty else raw,
            ),
        )
    return extras


def _other_transforms(record: LegacyDetector) -> dict[str, str]:
    """Return the transforms from pixels to other systems of a detector, as AST text."""
    transforms = record.transforms()
    if not isinstance(transforms, LegacyTransformMap):
        return {}
    pixels = CameraSystem("Pixels", record.name)
    found = {}
    for system in transforms.systems:
        if system.detector == record.name and system != pixels:
            mapping = step_mappings(transforms.path(pixels, system))
            if mapping is not None:
                found[system.name] = mapping.show()
    return found


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

    def mapping_to(system: CameraSystem) -> AstMapping | None:
        if not {FOCAL_PLANE, system} <= systems:
            return None
        return step_mappings(transforms.path(FOCAL_PLANE, system))

    frames = []
    for detector in detectors:
        if not isinstance(detector, LegacyDetector) or detector.bbox is None:
            raise ArchiveReadError("A detector of a camera is archived in an unknown form, or has no pixels.")
        frames.append((detector.id, detector.bbox, mapping_to(CameraSystem("Pixels", detector.name))))
    return assemble_camera_frame_set(instrument, mapping_to(FIELD_ANGLE), frames)


def assemble_camera_frame_set(
    instrument: str,
    to_field_angle: AstMapping | None,
    detectors: Iterable[tuple[int, Box, AstMapping | None]],
) -> CameraFrameSet:
    """Create a frame set from the mappings of the focal plane.

    Parameters
    ----------
    instrument
        Name of the instrument.
    to_field_angle
        Mapping from the focal plane (mm) to field angles (radians).
    detectors
        Number, pixels, and mapping from the focal plane of each detector.

    Returns
    -------
    frame_set
        Frame set that maps positions to NaN where a mapping is `None`.
    """
    frame_set = starlink_ast.FrameSet(starlink_ast.Frame(2, "Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))

    def add(mapping: AstMapping | None, frame: Any) -> None:
        frame_set.addframe(1, _nowhere() if mapping is None else mapping.mapping, frame)

    add(to_field_angle, starlink_ast.Frame(2, "Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad"))
    for number, box, mapping in detectors:
        limits = f"Bottom(1)={box.x.min},Top(1)={box.x.max},Bottom(2)={box.y.min},Top(2)={box.y.max}"
        options = f"Ident=DETECTOR_{number:03d},Unit(1)=pix,Unit(2)=pix,{limits}"
        add(mapping, starlink_ast.Frame(2, options))
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
