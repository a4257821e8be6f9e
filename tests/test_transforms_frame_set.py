# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of camera frames: a detector from a file, and small synthetic ones."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
import starlink.Ast as ast
from lsst.images import (
    ICRS,
    Box,
    CameraFrameSet,
    DetectorFrame,
    FieldAngleFrame,
    FocalPlaneFrame,
    FrameSet,
    GeneralFrame,
)
from lsst.images.errors import FrameLookupError, GeometryError

DETECTORS = {3: 10.0, 42: -20.0, 1234: 5.0}


def axes(unit: str) -> str:
    return f"Unit(1)={unit},Unit(2)={unit}"


def make_ast_frame_set() -> Any:
    """Return three detectors of 400 x 300 pixels of 10 um, side by side."""
    result = ast.FrameSet(ast.Frame(2, f"Ident=FOCAL_PLANE,{axes('mm')}"))
    result.addframe(1, ast.ZoomMap(2, 1e-4), ast.Frame(2, f"Ident=FIELD_ANGLE,{axes('rad')}"))
    limits = "Bottom(1)=0,Top(1)=399,Bottom(2)=-5,Top(2)=294"
    for detector, x in DETECTORS.items():
        to_pixels = ast.CmpMap(ast.ShiftMap([-x, 0.0]), ast.ZoomMap(2, 100.0), True)
        frame = ast.Frame(2, f"Ident=DETECTOR_{detector:03d},{axes('pix')},{limits}")
        result.addframe(1, to_pixels, frame)
    return result


@pytest.fixture
def camera() -> CameraFrameSet:
    return CameraFrameSet("Cam", make_ast_frame_set())


def test_camera_frames_have_instrument_and_visit(camera: CameraFrameSet) -> None:
    assert isinstance(camera, FrameSet)
    assert camera.instrument == "Cam"
    assert camera.detector_ids == (3, 42, 1234)
    assert camera.focal_plane() == FocalPlaneFrame(instrument="Cam", unit=u.mm)
    assert camera.focal_plane(7) == FocalPlaneFrame(instrument="Cam", visit=7, unit=u.mm)
    assert camera.field_angle(visit=7) == FieldAngleFrame(instrument="Cam", visit=7)


def test_camera_detector_box_includes_last_pixels(camera: CameraFrameSet) -> None:
    bbox = Box.factory[-5:295, 0:400]
    assert camera.detector(42) == DetectorFrame(instrument="Cam", detector=42, bbox=bbox)
    assert camera.detector(1234, visit=7).visit == 7


def test_camera_detector_unknown_raises_with_number(camera: CameraFrameSet) -> None:
    with pytest.raises(FrameLookupError, match=r"do not include detector 4; .*\[3, 42, 1234\]") as info:
        camera.detector(4)
    assert isinstance(info.value, LookupError)


def test_camera_getitem_returns_transform_between_frames(camera: CameraFrameSet) -> None:
    transform = camera[camera.detector(42), camera.focal_plane()]
    assert transform.apply_forward(x=100.0, y=200.0) == pytest.approx((-19.0, 2.0))
    assert transform.in_bounds == camera.detector(42).bbox
    assert transform.out_bounds is None
    back = camera[camera.field_angle(), camera.detector(42)]
    np.testing.assert_allclose(back.apply_forward(x=[-19e-4], y=[2e-4]), [[100.0], [200.0]])
    assert back.out_bounds == camera.detector(42).bbox
    across = camera[camera.detector(3), camera.detector(42)]
    assert across.apply_forward(x=0.0, y=0.0) == pytest.approx((3000.0, 0.0))


def test_camera_getitem_ignores_visit(camera: CameraFrameSet) -> None:
    frame = camera.detector(3, visit=99)
    assert frame in camera
    assert camera[frame, camera.field_angle(98)].in_frame == frame


@pytest.mark.parametrize(
    "frame",
    [
        ICRS,
        GeneralFrame(unit=u.pix),
        FieldAngleFrame(instrument="Other"),
        FocalPlaneFrame(instrument="Cam", unit=u.um),
        DetectorFrame(instrument="Cam", detector=5, bbox=Box.factory[0:1, 0:1]),
        "FOCAL_PLANE",
    ],
)
def test_camera_getitem_frames_of_other_instruments_raise(camera: CameraFrameSet, frame: Any) -> None:
    assert frame not in camera
    assert camera.get(frame, camera.field_angle()) is None
    with pytest.raises(FrameLookupError, match="do not include"):
        camera[camera.field_angle(), frame]


def test_camera_subset_keeps_transforms(camera: CameraFrameSet) -> None:
    subset = camera.subset([42])
    assert subset.detector_ids == (42,)
    frames = camera.detector(42), camera.field_angle()
    assert subset[frames].apply_forward(x=1.0, y=2.0) == camera[frames].apply_forward(x=1.0, y=2.0)
    assert subset != camera
    assert camera.detector_ids == (3, 42, 1234)
    with pytest.raises(FrameLookupError):
        camera.subset([4])


def test_camera_equality_pickling_and_text(camera: CameraFrameSet) -> None:
    twin = pickle.loads(pickle.dumps(camera))
    assert twin == camera == CameraFrameSet("Cam", camera.ast_text)
    assert CameraFrameSet("Other", make_ast_frame_set()) != camera
    assert camera != 3
    assert str(camera) == "CameraFrameSet('Cam', 3 detectors)"
    assert str(camera.subset([3])) == "CameraFrameSet('Cam', 1 detector)"
    with pytest.raises(TypeError, match="unhashable"):
        hash(camera)


def broken(kind: str) -> Any:
    frame_set = make_ast_frame_set()
    if kind == "a foreign frame":
        frame_set.addframe(1, ast.UnitMap(2), ast.Frame(2, "Ident=ELSEWHERE"))
    elif kind == "a frame twice":
        frame_set.addframe(1, ast.UnitMap(2), ast.Frame(2, "Ident=DETECTOR_003"))
    elif kind == "no field angle":
        frame_set.removeframe(2)
    else:
        return ast.UnitMap(2)
    return frame_set


@pytest.mark.parametrize(
    "kind, message",
    [
        ("a foreign frame", "ELSEWHERE"),
        ("a frame twice", "duplicate"),
        ("no field angle", "FIELD_ANGLE"),
        ("a mapping", "FrameSet"),
    ],
)
def test_camera_constructor_invalid_frame_set_raises(kind: str, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        CameraFrameSet("Cam", broken(kind))


def test_camera_from_file_detector_box_has_all_pixels(shared_data: Path) -> None:
    tree = json.loads((shared_data / "images" / "detector.json").read_text())
    camera = CameraFrameSet(tree["frames"]["instrument"], tree["frames"]["ast"])
    attributes = tree["attributes"]
    detector = camera.detector(attributes["id"])
    assert detector.bbox == Box.factory[0:4004, 0:4096]
    assert camera.ast_text == tree["frames"]["ast"]
    assert camera.focal_plane().unit == u.mm
    # The reference pixel maps to the position in the orientation.
    orientation = attributes["orientation"]
    point = camera[detector, camera.focal_plane()].apply_forward(
        x=orientation["pixel_reference_x"], y=orientation["pixel_reference_y"]
    )
    assert point == pytest.approx((orientation["focal_plane_x"], orientation["focal_plane_y"]), abs=1e-9)
    # The stored inverse of the distortion is iterated to a relative 1e-8.
    to_angle = camera[detector, camera.field_angle()]
    x, y = np.array([[0.0, 4095.0, 2000.0], [0.0, 4003.0, 17.0]])
    np.testing.assert_allclose(to_angle.apply_inverse(to_angle.apply_forward(x=x, y=y)), [x, y], atol=1e-3)


@pytest.mark.parametrize("number", ["3", 3.0, None])
def test_camera_detector_non_integer_raises_type_error(camera: CameraFrameSet, number: Any) -> None:
    with pytest.raises(TypeError, match="integer"):
        camera.detector(number)
