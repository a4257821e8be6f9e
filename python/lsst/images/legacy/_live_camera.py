# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of detectors and amplifiers from and to `lsst.afw.cameraGeom`."""

from __future__ import annotations

__all__ = (
    "amplifier_from",
    "amplifier_to",
    "calibrations_from",
    "detector_from",
    "detector_to",
    "enum_from",
    "enum_to",
    "geometry_from",
    "orientation_from",
    "orientation_to",
)

from typing import Any

import astropy.units as u
import numpy as np

from .._geom import XY, Box
from .._transforms import CameraFrameSet
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
from ..errors import LegacyConversionError
from ._live_geom import box_to, point_to
from ._live_modules import stack_module
from ._live_wcs import transform_to


def enum_from(legacy: Any, pytype: Any) -> Any:
    """Convert a detector type or a readout corner.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        The requested enumeration.
    """
    name = getattr(legacy, "name", None)
    if name not in pytype.__members__:
        raise LegacyConversionError(f"{legacy!r} is not a {pytype.__name__}; expected one of {list(pytype)}.")
    return pytype[name]


def enum_to(obj: DetectorType | ReadoutCorner) -> Any:
    """Convert to the enumeration of afw.

    Parameters
    ----------
    obj
        The value.
    """
    # Enumerations of afw cannot be indexed by name.
    return getattr(getattr(stack_module("afw.cameraGeom"), type(obj).__name__), obj.name)


def orientation_from(legacy: Any, pytype: type) -> Orientation:
    """Convert an orientation.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `Orientation`.
    """
    place, reference = legacy.getFpPosition3(), legacy.getReferencePoint()
    return Orientation(
        focal_plane_x=float(place.x),
        focal_plane_y=float(place.y),
        focal_plane_z=float(place.z),
        pixel_reference_x=float(reference.x),
        pixel_reference_y=float(reference.y),
        yaw=float(legacy.getYaw().asRadians()) * u.rad,
        pitch=float(legacy.getPitch().asRadians()) * u.rad,
        roll=float(legacy.getRoll().asRadians()) * u.rad,
    )


def orientation_to(obj: Orientation) -> Any:
    """Convert to an orientation of afw.

    Parameters
    ----------
    obj
        The orientation.
    """
    geom = stack_module("geom")
    angles = [geom.Angle(float(angle.to_value(u.rad))) for angle in (obj.yaw, obj.pitch, obj.roll)]
    return stack_module("afw.cameraGeom").Orientation(
        geom.Point3D(obj.focal_plane_x, obj.focal_plane_y, obj.focal_plane_z),
        geom.Point2D(obj.pixel_reference_x, obj.pixel_reference_y),
        *angles,
    )


def geometry_from(legacy: Any, pytype: type) -> AmplifierRawGeometry:
    """Convert the raw geometry of an amplifier.

    Parameters
    ----------
    legacy
        The afw amplifier.
    pytype
        `AmplifierRawGeometry`.
    """
    offset, prescan = legacy.getRawXYOffset(), legacy.getRawPrescanBBox()
    return AmplifierRawGeometry(
        bbox=Box.from_legacy(legacy.getRawBBox()),
        data_bbox=Box.from_legacy(legacy.getRawDataBBox()),
        flip_x=bool(legacy.getRawFlipX()),
        flip_y=bool(legacy.getRawFlipY()),
        x_offset=int(offset.x),
        y_offset=int(offset.y),
        serial_overscan_bbox=Box.from_legacy(legacy.getRawHorizontalOverscanBBox()),
        parallel_overscan_bbox=Box.from_legacy(legacy.getRawVerticalOverscanBBox()),
        prescan_bbox=None if prescan.isEmpty() else Box.from_legacy(prescan),
        readout_corner=enum_from(legacy.getReadoutCorner(), ReadoutCorner),
    )


def calibrations_from(legacy: Any, pytype: type) -> AmplifierCalibrations:
    """Convert the nominal properties of an amplifier.

    Parameters
    ----------
    legacy
        The afw amplifier.
    pytype
        `AmplifierCalibrations`.
    """
    return AmplifierCalibrations(
        gain=float(legacy.getGain()),
        read_noise=float(legacy.getReadNoise()),
        saturation=float(legacy.getSaturation()),
        suspect_level=float(legacy.getSuspectLevel()),
        linearity_coefficients=np.array(legacy.getLinearityCoeffs(), dtype=np.float64),
        linearity_type=str(legacy.getLinearityType()),
    )


def amplifier_from(legacy: Any, pytype: type, *, is_raw_assembled: bool) -> Amplifier:
    """Convert an amplifier.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `Amplifier`.
    is_raw_assembled
        Whether its raw boxes belong to an image of all amplifiers.
    """
    geometry: AmplifierRawGeometry | None
    try:
        geometry = geometry_from(legacy, AmplifierRawGeometry)
    except (ValueError, IndexError):
        # Empty boxes mean that the raw image is missing.
        geometry = None
    corner = enum_from(legacy.getReadoutCorner(), ReadoutCorner)
    return Amplifier(
        name=str(legacy.getName()),
        bbox=Box.from_legacy(legacy.getBBox()),
        readout_corner=corner.apply_flips(y=bool(legacy.getRawFlipY()), x=bool(legacy.getRawFlipX())),
        assembled_raw_geometry=geometry if is_raw_assembled else None,
        unassembled_raw_geometry=None if is_raw_assembled else geometry,
        nominal_calibrations=calibrations_from(legacy, AmplifierCalibrations),
    )


def amplifier_to(obj: Amplifier, *, is_raw_assembled: bool) -> Any:
    """Convert to a builder of amplifiers of afw.

    Parameters
    ----------
    obj
        The amplifier.
    is_raw_assembled
        Whether to use the raw geometry of an assembled image.
    """
    builder = stack_module("afw.cameraGeom").Amplifier.Builder()
    builder.setName(obj.name)
    builder.setBBox(box_to(obj.bbox))
    builder.setReadoutCorner(enum_to(obj.readout_corner))
    raw = obj.assembled_raw_geometry if is_raw_assembled else obj.unassembled_raw_geometry
    if raw is not None:
        builder.setReadoutCorner(enum_to(raw.readout_corner))
        builder.setRawBBox(box_to(raw.bbox))
        builder.setRawDataBBox(box_to(raw.data_bbox))
        builder.setRawFlipX(raw.flip_x)
        builder.setRawFlipY(raw.flip_y)
        builder.setRawXYOffset(point_to(XY(raw.x_offset, raw.y_offset), form="Extent2I"))
        builder.setRawHorizontalOverscanBBox(box_to(raw.serial_overscan_bbox))
        builder.setRawVerticalOverscanBBox(box_to(raw.parallel_overscan_bbox))
        if raw.prescan_bbox is not None:
            builder.setRawPrescanBBox(box_to(raw.prescan_bbox))
    calibrations = obj.nominal_calibrations
    if calibrations is not None:
        builder.setGain(calibrations.gain)
        builder.setReadNoise(calibrations.read_noise)
        builder.setSaturation(calibrations.saturation)
        builder.setSuspectLevel(calibrations.suspect_level)
        builder.setLinearityCoeffs(np.array(calibrations.linearity_coefficients, dtype=np.float64))
        builder.setLinearityType(calibrations.linearity_type)
    return builder


def detector_from(
    legacy: Any,
    pytype: type,
    *,
    instrument: str,
    visit: int | None = None,
    is_raw_assembled: bool = True,
    serial: str | None = None,
) -> Detector:
    """Convert a detector.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `Detector`.
    instrument
        Name of the instrument.
    visit
        Number of the visit.
    is_raw_assembled
        Whether raw boxes belong to an image of all amplifiers.
    serial
        Serial number that replaces the one of the detector.
    """
    attributes = DetectorAttributes(
        name=str(legacy.getName()),
        id=int(legacy.getId()),
        type=enum_from(legacy.getType(), DetectorType),
        serial=str(legacy.getSerial()) if serial is None else serial,
        bbox=Box.from_legacy(legacy.getBBox()),
        orientation=orientation_from(legacy.getOrientation(), Orientation),
        pixel_size=float(legacy.getPixelSize().x),
        physical_type=str(legacy.getPhysicalType()),
    )
    frames = CameraFrameSet(instrument, legacy.getTransformMap().makeFrameSet([legacy]).show())
    amplifiers = [
        amplifier_from(amplifier, Amplifier, is_raw_assembled=is_raw_assembled)
        for amplifier in legacy.getAmplifiers()
    ]
    return Detector(attributes, amplifiers, frames, visit)


def detector_to(obj: Detector, *, is_raw_assembled: bool) -> Any:
    """Convert to a detector of afw.

    Parameters
    ----------
    obj
        The detector.
    is_raw_assembled
        Whether to use the raw geometries of an assembled image.

    Notes
    -----
    The transform of pixels to the focal plane is made of the orientation and
    the size of a pixel, there being no other way.
    """
    camera_geom, geom = stack_module("afw.cameraGeom"), stack_module("geom")
    camera = camera_geom.Camera.Builder(obj.instrument)
    builder = camera.add(obj.name, int(obj.id))
    builder.setBBox(box_to(obj.bbox))
    builder.setPixelSize(geom.Extent2D(float(obj.pixel_size), float(obj.pixel_size)))
    builder.setOrientation(orientation_to(obj.orientation))
    builder.setType(enum_to(obj.type))
    builder.setSerial(obj.serial)
    builder.setPhysicalType(obj.physical_type)
    for amplifier in obj.amplifiers:
        builder.append(amplifier_to(amplifier, is_raw_assembled=is_raw_assembled))
    frames = obj.frames
    to_angle = frames[frames.focal_plane(), frames.field_angle()]
    if np.isfinite(to_angle.apply_forward(x=0.0, y=0.0)).all():
        camera.setTransformFromFocalPlaneTo(camera_geom.FIELD_ANGLE, transform_to(to_angle))
    return camera.finish()[obj.name]
