# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of coordinate frames: equality, ranges, and serialized form."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import astropy.units as u
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import (
    ICRS,
    Box,
    DetectorFrame,
    FieldAngleFrame,
    FocalPlaneFrame,
    Frame,
    GeneralFrame,
    SerializableFrame,
    SkyFrame,
    TractFrame,
)

BBOX = Box.factory[0:4004, 0:4096]
BBOX_JSON = {"y": {"start": 0, "stop": 4004}, "x": {"start": 0, "stop": 4096}}

FRAMES: list[tuple[Any, u.UnitBase, Any]] = [
    (ICRS, u.rad, "ICRS"),
    (
        DetectorFrame(instrument="LSSTCam", visit=2025052000177, detector=85, bbox=BBOX),
        u.pix,
        {
            "instrument": "LSSTCam",
            "visit": 2025052000177,
            "detector": 85,
            "bbox": BBOX_JSON,
            "frame_type": "DETECTOR",
        },
    ),
    (
        DetectorFrame(instrument="LSSTCam", detector=85, bbox=BBOX),
        u.pix,
        {"instrument": "LSSTCam", "detector": 85, "bbox": BBOX_JSON, "frame_type": "DETECTOR"},
    ),
    (
        TractFrame(skymap="dp1", tract=5063, bbox=BBOX),
        u.pix,
        {"skymap": "dp1", "tract": 5063, "bbox": BBOX_JSON, "frame_type": "TRACT"},
    ),
    (
        FocalPlaneFrame(instrument="HSC", visit=3, unit=u.mm),
        u.mm,
        {"instrument": "HSC", "visit": 3, "unit": "mm", "frame_type": "FOCAL_PLANE"},
    ),
    (FieldAngleFrame(instrument="HSC"), u.rad, {"instrument": "HSC", "frame_type": "FIELD_ANGLE"}),
    (GeneralFrame(unit=u.pix), u.pix, {"unit": "pixel", "frame_type": "GENERAL"}),
]

ADAPTER: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(SerializableFrame)


@pytest.mark.parametrize("frame, unit, stored", FRAMES)
def test_frame_unit_and_serialized_form_match_schema(frame: Any, unit: u.UnitBase, stored: Any) -> None:
    assert isinstance(frame, Frame)
    assert frame.unit == unit
    dumped = ADAPTER.dump_python(frame.serialize(), mode="json")
    assert dumped == stored
    assert list(dumped) == list(stored)
    assert ADAPTER.validate_python(stored).deserialize() == frame
    assert ADAPTER.validate_json(ADAPTER.dump_json(frame)) == frame


@pytest.mark.parametrize("frame", [frame for frame, _, _ in FRAMES])
def test_frame_is_immutable_and_hashable(frame: Any) -> None:
    twin = pickle.loads(pickle.dumps(frame))
    assert twin == frame == copy.deepcopy(frame)
    assert hash(twin) == hash(frame)
    assert len({frame, twin}) == 1


def test_frames_with_different_content_are_unequal() -> None:
    assert len({frame for frame, _, _ in FRAMES}) == len(FRAMES)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        GeneralFrame(unit=u.pix).unit = u.mm  # type: ignore[misc]


def test_frame_validation_accepts_older_forms() -> None:
    stored = {"unit": "pix", "frame_type": "GENERAL", "metadata": {}, "indirect": []}
    assert ADAPTER.validate_python(stored) == GeneralFrame(unit=u.pix)


@pytest.mark.parametrize("stored", ["FK5", {"frame_type": "OTHER"}, {"frame_type": "DETECTOR"}, 3])
def test_frame_validation_invalid_form_raises(stored: Any) -> None:
    with pytest.raises(pydantic.ValidationError):
        ADAPTER.validate_python(stored)


@given(angle=st.floats(-1e4, 1e4))
@pytest.mark.parametrize(
    "standardize, lower",
    [
        (ICRS.standardize_x, 0.0),
        (ICRS.standardize_y, -math.pi),
        (FieldAngleFrame(instrument="HSC").standardize_x, -math.pi),
        (FieldAngleFrame(instrument="HSC").standardize_y, -math.pi),
    ],
)
def test_standardize_wraps_angles_to_standard_range(standardize: Any, lower: float, angle: float) -> None:
    wrapped = standardize(angle)
    assert isinstance(wrapped, float)
    assert lower <= wrapped < lower + 2 * math.pi
    assert math.isclose(math.cos(wrapped), math.cos(angle), abs_tol=1e-9)
    assert math.isclose(math.sin(wrapped), math.sin(angle), abs_tol=1e-9)
    np.testing.assert_array_equal(standardize(np.array([[angle, lower]])), [[wrapped, lower]])
    np.testing.assert_array_equal(standardize([angle]), [wrapped])


def test_standardize_tiny_negative_and_nan_angles() -> None:
    assert ICRS.standardize_x(-1e-20) == 0.0
    wrapped = ICRS.standardize_x(np.array([np.nan, 7.0, 1.0]))
    np.testing.assert_array_equal(wrapped, [np.nan, 7.0 - 2 * np.pi, 1.0])
    assert ICRS.standardize_x(np.zeros((0, 2))).shape == (0, 2)


def test_standardize_pixels_is_identity() -> None:
    frame = GeneralFrame(unit=u.pix)
    x = np.array([1e6, -3.0])
    assert frame.standardize_x(x) is x
    assert frame.standardize_y(7) == 7


def test_sky_frame_equals_stored_string() -> None:
    assert SkyFrame("ICRS") is ICRS
    assert ICRS == "ICRS"
