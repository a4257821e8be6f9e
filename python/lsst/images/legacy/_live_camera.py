# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of amplifiers, orientations and enumerations from and to `lsst.afw.cameraGeom`."""

from __future__ import annotations

__all__ = (
    "amplifier_extras",
    "amplifier_from",
    "amplifier_to",
    "calibrations_from",
    "enum_from",
    "enum_to",
    "geometry_from",
    "make_amplifier",
    "orientation_from",
    "orientation_to",
)

import math
import warnings
from typing import Any

import astropy.units as u
import numpy as np

from .._geom import XY, Box
from ..cameras import (
    Amplifier,
    AmplifierCalibrations,
    AmplifierRawGeometry,
    DetectorType,
    Orientation,
    ReadoutCorner,
)
from ..errors import LegacyConversionError, LegacyValueError, LossyConversionWarning
from ..utils import short_repr
from ._detector_metadata import AmplifierExtras, RawGeometry, set_number
from ._live_geom import box_to, point_to
from ._live_modules import stack_module


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
        raise LegacyConversionError(
            f"{short_repr(legacy)} is not a {pytype.__name__}; expected one of {list(pytype)}."
        )
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

    Raises
    ------
    LegacyValueError
        If a box that every amplifier of ours has is empty.
    """
    geometry = _raw_geometry(legacy, True).complete()
    if geometry is None:
        raise LegacyValueError(f"A raw box of amplifier {short_repr(str(legacy.getName()))} is empty.")
    return geometry


def _raw_geometry(legacy: Any, is_assembled: bool) -> RawGeometry:
    offset = legacy.getRawXYOffset()
    return RawGeometry(
        bbox=_box_or_none(legacy.getRawBBox()),
        data_bbox=_box_or_none(legacy.getRawDataBBox()),
        flip_x=bool(legacy.getRawFlipX()),
        flip_y=bool(legacy.getRawFlipY()),
        x_offset=int(offset.x),
        y_offset=int(offset.y),
        serial_overscan_bbox=_box_or_none(legacy.getRawHorizontalOverscanBBox()),
        parallel_overscan_bbox=_box_or_none(legacy.getRawVerticalOverscanBBox()),
        prescan_bbox=_box_or_none(legacy.getRawPrescanBBox()),
        readout_corner=enum_from(legacy.getReadoutCorner(), ReadoutCorner),
        is_assembled=is_assembled,
    )


def _box_or_none(legacy: Any) -> Box | None:
    return None if legacy.isEmpty() else Box.from_legacy(legacy)


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
    extras = amplifier_extras(legacy, is_raw_assembled)
    if extras != AmplifierExtras():
        warnings.warn(
            f"Properties of amplifier {short_repr(str(legacy.getName()))} that only the conversion of its "
            "detector "
            f"keeps are left out: {extras.model_dump(exclude_defaults=True)}.",
            LossyConversionWarning,
            stacklevel=4,
        )
    return make_amplifier(legacy, is_raw_assembled)


def make_amplifier(legacy: Any, is_raw_assembled: bool) -> Amplifier:
    """Convert an amplifier, without its extras.

    Parameters
    ----------
    legacy
        The afw object.
    is_raw_assembled
        Whether its raw boxes belong to an image of all amplifiers.
    """
    raw = _raw_geometry(legacy, is_raw_assembled)
    geometry = raw.complete()
    return Amplifier(
        name=str(legacy.getName()),
        bbox=Box.from_legacy(legacy.getBBox()),
        readout_corner=raw.readout_corner.apply_flips(y=raw.flip_y, x=raw.flip_x),
        assembled_raw_geometry=geometry if is_raw_assembled else None,
        unassembled_raw_geometry=None if is_raw_assembled else geometry,
        nominal_calibrations=calibrations_from(legacy, AmplifierCalibrations),
    )


def amplifier_extras(legacy: Any, is_raw_assembled: bool) -> AmplifierExtras:
    """Collect the properties that our amplifier does not have.

    Parameters
    ----------
    legacy
        The afw object.
    is_raw_assembled
        Whether its raw boxes belong to an image of all amplifiers.
    """
    raw = _raw_geometry(legacy, is_raw_assembled)
    return AmplifierExtras(
        linearity_threshold=set_number(float(legacy.getLinearityThreshold())),
        linearity_maximum=set_number(float(legacy.getLinearityMaximum())),
        linearity_units=str(legacy.getLinearityUnits()),
        raw=raw if raw.complete() is None and not raw.is_empty else None,
    )


def amplifier_to(obj: Amplifier, *, is_raw_assembled: bool, extras: AmplifierExtras | None = None) -> Any:
    """Convert to a builder of amplifiers of afw.

    Parameters
    ----------
    obj
        The amplifier.
    is_raw_assembled
        Whether to use the raw geometry of an assembled image.
    extras
        Properties from the metadata of the detector.
    """
    extras = AmplifierExtras() if extras is None else extras
    builder = stack_module("afw.cameraGeom").Amplifier.Builder()
    builder.setName(obj.name)
    builder.setBBox(box_to(obj.bbox))
    builder.setReadoutCorner(enum_to(obj.readout_corner))
    raw = obj.assembled_raw_geometry if is_raw_assembled else obj.unassembled_raw_geometry
    if raw is not None:
        _set_raw_geometry(builder, raw)
    elif extras.raw is not None and extras.raw.is_assembled == is_raw_assembled:
        _set_raw_geometry(builder, extras.raw)
    calibrations = obj.nominal_calibrations
    if calibrations is not None:
        builder.setGain(calibrations.gain)
        builder.setReadNoise(calibrations.read_noise)
        builder.setSaturation(calibrations.saturation)
        builder.setSuspectLevel(calibrations.suspect_level)
        builder.setLinearityCoeffs(np.array(calibrations.linearity_coefficients, dtype=np.float64))
        builder.setLinearityType(calibrations.linearity_type)
    # afw does not initialize these two.
    threshold, maximum = extras.linearity_threshold, extras.linearity_maximum
    builder.setLinearityThreshold(math.nan if threshold is None else threshold)
    builder.setLinearityMaximum(math.nan if maximum is None else maximum)
    builder.setLinearityUnits(extras.linearity_units)
    return builder


def _set_raw_geometry(builder: Any, raw: AmplifierRawGeometry | RawGeometry) -> None:
    builder.setReadoutCorner(enum_to(raw.readout_corner))
    builder.setRawFlipX(raw.flip_x)
    builder.setRawFlipY(raw.flip_y)
    builder.setRawXYOffset(point_to(XY(raw.x_offset, raw.y_offset), form="Extent2I"))
    for set_box, box in (
        (builder.setRawBBox, raw.bbox),
        (builder.setRawDataBBox, raw.data_bbox),
        (builder.setRawHorizontalOverscanBBox, raw.serial_overscan_bbox),
        (builder.setRawVerticalOverscanBBox, raw.parallel_overscan_bbox),
        (builder.setRawPrescanBBox, raw.prescan_bbox),
    ):
        # Boxes of a new builder are empty.
        if box is not None:
            set_box(box_to(box))
