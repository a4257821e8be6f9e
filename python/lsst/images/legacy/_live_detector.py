# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of detectors and cameras from and to `lsst.afw.cameraGeom`."""

from __future__ import annotations

__all__ = ("camera_from", "detector_from", "detector_to")

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._geom import Box
from .._transforms import CameraFrameSet, Transform
from .._transforms._ast import AstMapping, starlink_ast
from ..cameras import Detector, DetectorAttributes, DetectorType, Orientation
from ..errors import LegacyConversionError, LossyConversionWarning
from ._convert_detector import assemble_camera_frame_set
from ._convert_wcs import PIXEL_FRAME
from ._detector_metadata import DetectorExtras
from ._live_camera import (
    amplifier_extras,
    amplifier_to,
    enum_from,
    enum_to,
    make_amplifier,
    orientation_from,
    orientation_to,
)
from ._live_geom import box_to
from ._live_modules import message_of, stack_module
from ._live_wcs import transform_to

CAMERA_SYSTEMS = ("FocalPlane", "FieldAngle")
"""Coordinate systems of a camera that our frame sets have."""

TEST_POSITION = (0.01, 0.007)
"""Position in the focal plane (mm) near the optical axis, at which transforms are compared."""


def camera_from(legacy: Any, pytype: type) -> CameraFrameSet:
    """Convert the frames of a ``Camera``.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `CameraFrameSet`.
    """
    if not hasattr(legacy, "getTransformMap"):
        raise LegacyConversionError(f"Expected a camera of lsst.afw, not a {type(legacy).__name__}.")
    return _frames_of(list(legacy), str(legacy.getName()))


def _frames_of(detectors: list[Any], instrument: str) -> CameraFrameSet:
    """Create the frames of detectors.

    Unlike ``makeFrameSet``, this uses the same pixels for all detectors, and
    does not require field angles.
    """
    camera_geom = stack_module("afw.cameraGeom")
    if not detectors:
        raise LegacyConversionError("A camera without detectors cannot be converted.")
    to_angle = _mapping(detectors[0], camera_geom.FOCAL_PLANE, camera_geom.FIELD_ANGLE)
    frames = []
    for detector in detectors:
        mapping = _mapping(detector, camera_geom.PIXELS, camera_geom.FOCAL_PLANE)
        inverse = None if mapping is None else mapping.inverted()
        frames.append((int(detector.getId()), Box.from_legacy(detector.getBBox()), inverse))
    return assemble_camera_frame_set(instrument, to_angle, frames)


def _mapping(detector: Any, start: Any, end: Any) -> AstMapping | None:
    """Return the mapping between two systems; `None` if a detector does not have one of them."""
    try:
        transform = detector.getTransform(start, end)
    except Exception:
        # InvalidParameterError, which derives from Exception only.
        return None
    return AstMapping.from_text(transform.getMapping().show())


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
    extras = _extras_of(legacy)
    amplifiers = []
    for amplifier in legacy.getAmplifiers():
        name = str(amplifier.getName())
        if amplifier.getBBox().isEmpty():
            _warn(f"Amplifier {name!r} has no pixels; it is left out.")
            continue
        amplifiers.append(make_amplifier(amplifier, is_raw_assembled))
        extras.add_amplifier(name, amplifier_extras(amplifier, is_raw_assembled))
    frames = _frames_of([legacy], instrument)
    return Detector(attributes, amplifiers, frames, visit, metadata=extras.to_metadata())


def _extras_of(legacy: Any) -> DetectorExtras:
    """Collect the properties that our detector does not have, but for amplifiers."""
    size, transforms = legacy.getPixelSize(), legacy.getTransformMap()
    # Versions of afw before 2025 do not have the parity.
    parity = getattr(transforms, "getFocalPlaneParity", lambda: False)()
    return DetectorExtras(
        crosstalk=np.asarray(legacy.getCrosstalk()).tolist() if legacy.hasCrosstalk() else None,
        pixel_size_y=None if size.x == size.y else float(size.y),
        focal_plane_parity=bool(parity),
        transforms=dict(_other_transforms(legacy)),
    )


def _other_transforms(legacy: Any) -> Iterator[tuple[str, str]]:
    """Iterate over the transforms from pixels to other systems of a detector, as AST text."""
    pixels = stack_module("afw.cameraGeom").PIXELS
    for system in legacy.getTransformMap():
        name, detector = str(system.getSysName()), str(system.getDetectorName())
        if detector == str(legacy.getName()) and name != str(pixels.getSysName()):
            mapping = _mapping(legacy, pixels, system)
            if mapping is not None:
                yield name, mapping.show()
        elif not detector and name not in CAMERA_SYSTEMS:
            _warn(f"The coordinate system {name!r} of the camera is left out.")


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
    the size of a pixel, because afw does not allow to set it.
    """
    extras = DetectorExtras.from_metadata(obj.metadata)
    frames = obj.frames
    to_angle = frames[frames.focal_plane(), frames.field_angle()]
    if not np.isfinite(to_angle.apply_forward(x=0.0, y=0.0)).all():
        return _build(obj, extras, is_raw_assembled, None)
    result = _build(obj, extras, is_raw_assembled, to_angle)
    if extras.focal_plane_parity and _is_mirrored(result, to_angle):
        # This version of afw applies the parity to the transform that it is given.
        mirror = AstMapping(starlink_ast.MatrixMap([-1.0, 1.0]))
        mirrored: Transform[Any, Any] = Transform(
            to_angle.in_frame, to_angle.out_frame, to_angle.ast_mapping.then(mirror).show()
        )
        result = _build(obj, extras, is_raw_assembled, mirrored)
    return result


def _is_mirrored(legacy: Any, to_angle: Transform[Any, Any]) -> bool:
    """Return whether the X axis of the field angles of a detector is reversed."""
    camera_geom, geom = stack_module("afw.cameraGeom"), stack_module("geom")
    transform = legacy.getTransform(camera_geom.FOCAL_PLANE, camera_geom.FIELD_ANGLE)
    x, y = TEST_POSITION
    found, origin = (transform.applyForward(geom.Point2D(*point)) for point in ((x, y), (0.0, 0.0)))
    expected, start = (to_angle.apply_forward(x=point[0], y=point[1]) for point in ((x, y), (0.0, 0.0)))
    return bool((found.x - origin.x) * float(expected.x - start.x) < 0.0)


def _build(
    obj: Detector, extras: DetectorExtras, is_raw_assembled: bool, to_angle: Transform[Any, Any] | None
) -> Any:
    camera_geom, geom = stack_module("afw.cameraGeom"), stack_module("geom")
    camera = camera_geom.Camera.Builder(obj.instrument)
    builder = camera.add(obj.name, int(obj.id))
    builder.setBBox(box_to(obj.bbox))
    width = float(obj.pixel_size)
    height = width if extras.pixel_size_y is None else extras.pixel_size_y
    builder.setPixelSize(geom.Extent2D(width, height))
    builder.setOrientation(orientation_to(obj.orientation))
    builder.setType(enum_to(obj.type))
    builder.setSerial(obj.serial)
    builder.setPhysicalType(obj.physical_type)
    for amplifier in obj.amplifiers:
        more = extras.amplifiers.get(amplifier.name)
        builder.append(amplifier_to(amplifier, is_raw_assembled=is_raw_assembled, extras=more))
    _set_extras(builder, extras)
    if to_angle is not None:
        camera.setTransformFromFocalPlaneTo(camera_geom.FIELD_ANGLE, transform_to(to_angle))
    if extras.focal_plane_parity:
        camera.setFocalPlaneParity(True)
    return camera.finish()[obj.name]


def _set_extras(builder: Any, extras: DetectorExtras) -> None:
    """Set the properties that our detector does not have; leave out with a warning what afw rejects."""
    if extras.crosstalk is not None:
        try:
            builder.setCrosstalk(np.array(extras.crosstalk, dtype=np.float32))
        except Exception as err:
            _warn(f"The crosstalk matrix of the detector is left out: {message_of(err)}")
    prefix = stack_module("afw.cameraGeom").CameraSysPrefix
    for name, text in extras.transforms.items():
        try:
            transform: Transform[Any, Any] = Transform(PIXEL_FRAME, PIXEL_FRAME, text)
            builder.setTransformFromPixelsTo(prefix(name), transform_to(transform))
        except Exception as err:
            _warn(f"The coordinate system {name!r} of the detector is left out: {message_of(err)}")


def _warn(message: str) -> None:
    warnings.warn(message, LossyConversionWarning, stacklevel=5)
