# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Round trips of live `lsst.afw.cameraGeom` detectors."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import helpers.afw_fakes as afw
import helpers.afw_fakes_camera as afw_camera
import numpy as np
import numpy.testing as npt
import pytest
import starlink.Ast
from helpers.afw_fakes_geom import (
    Angle,
    Box2I,
    Extent2D,
    Extent2I,
    IntervalI,
    Mapping,
    Point2D,
    Point3D,
    TransformPoint2ToPoint2,
)
from lsst.images import CameraFrameSet, GeneralFrame, Transform, VisitImage
from lsst.images.cameras import Amplifier, AmplifierRawGeometry, Detector
from lsst.images.errors import LossyConversionWarning

PIXELS, FOCAL_PLANE, FIELD_ANGLE = afw_camera.PIXELS, afw_camera.FOCAL_PLANE, afw_camera.FIELD_ANGLE
PIXEL = GeneralFrame(unit=u.pix)
POSITIONS = ((3.0, 7.0), (90.0, 50.0))


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    afw.install(monkeypatch)


def make_box(x0: int, x1: int, y0: int, y1: int) -> Box2I:
    return Box2I(x=IntervalI(min=x0, max=x1), y=IntervalI(min=y0, max=y1))


def as_transform(mapping: Any) -> TransformPoint2ToPoint2:
    return TransformPoint2ToPoint2(Mapping(str(mapping)))


def make_amplifier(name: str, **values: Any) -> Any:
    """Make an amplifier whose raw image has no parallel overscan."""
    builder = afw_camera.Amplifier.Builder()
    given = {
        "Name": name,
        "BBox": make_box(0, 49, 0, 59),
        "Gain": 1.5,
        "LinearityThreshold": 10.0,
        "LinearityMaximum": math.nan,
        "LinearityUnits": "DN",
        "ReadoutCorner": afw_camera.ReadoutCorner.UR,
        "RawFlipX": True,
        "RawXYOffset": Extent2I(4, 5),
        "RawBBox": make_box(0, 69, 0, 59),
        "RawDataBBox": make_box(10, 59, 0, 59),
        "RawHorizontalOverscanBBox": make_box(60, 69, 0, 59),
        **values,
    }
    for key, value in given.items():
        getattr(builder, f"set{key}")(value)
    return builder


def make_detector(*, field_angle: bool = True, parity: bool = False, crosstalk: bool = True) -> Any:
    """Make a detector with everything that cameraGeom can hold."""
    camera = afw_camera.Camera.Builder("Cam")
    builder = camera.add("R00", 7)
    builder.setBBox(make_box(0, 99, 0, 59))
    builder.setPixelSize(Extent2D(0.01, 0.02))
    angles = (Angle(0.3), Angle(0.0), Angle(0.0))
    builder.setOrientation(afw_camera.Orientation(Point3D(1.0, 2.0, 0.0), Point2D(49.5, 29.5), *angles))
    for name in ("A", "B"):
        builder.append(make_amplifier(name))
    if crosstalk:
        builder.setCrosstalk(np.array([[0.0, 1e-4], [2e-4, 0.0]], dtype=np.float32))
    shift = starlink.Ast.ShiftMap([0.25, -0.5])
    for system in (afw_camera.TAN_PIXELS, afw_camera.ACTUAL_PIXELS):
        builder.setTransformFromPixelsTo(system, as_transform(shift))
    if field_angle:
        radians = starlink.Ast.ZoomMap(2, 1e-4)
        camera.setTransformFromFocalPlaneTo(FIELD_ANGLE, as_transform(radians))
    if parity:
        camera.setFocalPlaneParity(True)
    return camera.finish()["R00"]


def assert_equal_detectors(found: Any, expected: Any) -> None:
    """Compare all values of two live detectors."""
    for key in afw_camera.Detector.DEFAULTS:
        if key != "Orientation":
            first, second = (detector.values[key] for detector in (found, expected))
            assert _plain(first) == _plain(second), key
    npt.assert_array_equal(found.getCrosstalk(), expected.getCrosstalk())
    assert found.hasCrosstalk() == expected.hasCrosstalk()
    assert len(found.getAmplifiers()) == len(expected.getAmplifiers())
    for first, second in zip(found.getAmplifiers(), expected.getAmplifiers(), strict=True):
        for key in afw_camera.Amplifier.Builder.DEFAULTS:
            npt.assert_equal(_plain(first.values[key]), _plain(second.values[key]), key)
    maps = [detector.getTransformMap() for detector in (found, expected)]
    assert maps[0].getFocalPlaneParity() == maps[1].getFocalPlaneParity()
    assert set(maps[0]) == set(maps[1])
    for system in maps[1]:
        for x, y in POSITIONS:
            points = [d.getTransform(PIXELS, system).applyForward(Point2D(x, y)) for d in (found, expected)]
            npt.assert_allclose([points[0].x, points[0].y], [points[1].x, points[1].y], atol=1e-12)


def _plain(value: Any) -> Any:
    if isinstance(value, Box2I):
        return None if value.isEmpty() else (value.x.begin, value.x.end, value.y.begin, value.y.end)
    if isinstance(value, Extent2D | Extent2I):
        return value.x, value.y
    return value


def convert(live: Any, **options: Any) -> Detector:
    """Convert a live detector; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", LossyConversionWarning)
        return Detector.from_legacy(live, instrument="Cam", **options)


@pytest.mark.parametrize("container", [None, "fits", "json"])
@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize("parity_flips", [False, True])
def test_detector_round_trip_is_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container: str | None, parity: bool, parity_flips: bool
) -> None:
    monkeypatch.setattr(afw_camera.TransformMap, "PARITY_FLIPS", parity_flips)
    live = make_detector(parity=parity)
    detector = convert(live)
    if container is not None:
        path = tmp_path / f"detector.{container}"
        detector.write(path)
        detector = Detector.read(path)
    assert_equal_detectors(detector.to_legacy(), live)


def test_detector_field_angle_agrees_with_live_transform_with_parity() -> None:
    live = make_detector(parity=True)
    ours = convert(live).to_field_angle.apply_forward(x=3.0, y=7.0)
    theirs = live.getTransform(PIXELS, FIELD_ANGLE).applyForward(Point2D(3.0, 7.0))
    assert (float(ours.x), float(ours.y)) == pytest.approx((theirs.x, theirs.y), abs=1e-15)


def test_detector_uses_corrected_pixels_in_presence_of_actual_pixels() -> None:
    live = make_detector()
    for frames in (convert(live).frames, CameraFrameSet.from_legacy(_camera_of(live))):
        transform = frames[frames.detector(7), frames.focal_plane()]
        ours = transform.apply_forward(x=3.0, y=7.0)
        theirs = live.getTransform(PIXELS, FOCAL_PLANE).applyForward(Point2D(3.0, 7.0))
        assert (float(ours.x), float(ours.y)) == pytest.approx((theirs.x, theirs.y), abs=1e-12)


def _camera_of(detector: Any) -> Any:
    camera = afw_camera.Camera({detector.getName(): detector})
    camera.name, camera.transforms = "Cam", detector.getTransformMap()
    return camera


def test_detector_without_field_angle_is_kept_without_that_transform() -> None:
    live = make_detector(field_angle=False)
    detector = convert(live)
    assert np.isfinite(detector.to_focal_plane.apply_forward(x=3.0, y=7.0)).all()
    assert np.isnan(detector.to_field_angle.apply_forward(x=3.0, y=7.0)).all()
    assert_equal_detectors(detector.to_legacy(), live)
    assert CameraFrameSet.from_legacy(_camera_of(live)).detector_ids == (7,)


def test_visit_image_with_detector_without_field_angle_is_converted(shared_data: Path) -> None:
    image = VisitImage.read_legacy(shared_data / "afw" / "exposure_visit_like.fits")
    assert isinstance(image, VisitImage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossyConversionWarning)
        exposure = image.to_legacy()
    live = make_detector(field_angle=False)
    exposure.info.setDetector(live)
    exposure.info.setVisitInfo(None)
    back = VisitImage.from_legacy(exposure)
    assert back.detector is not None and back.detector.name == "R00"


def test_amplifier_without_pixels_costs_only_itself() -> None:
    live = make_detector(crosstalk=False)
    live.amplifiers[1].setBBox(make_box(0, -1, 0, -1))
    with pytest.warns(LossyConversionWarning, match="Amplifier 'B' has no pixels"):
        detector = Detector.from_legacy(live, instrument="Cam")
    assert [amplifier.name for amplifier in detector.amplifiers] == ["A"]


def test_crosstalk_that_does_not_match_the_amplifiers_costs_only_itself() -> None:
    detector = convert(make_detector())
    del detector.amplifiers[1]
    with pytest.warns(LossyConversionWarning, match="crosstalk matrix of the detector is left out"):
        assert not detector.to_legacy().hasCrosstalk()


def test_amplifier_alone_warns_about_what_only_detectors_keep() -> None:
    live = make_amplifier("A")
    with pytest.warns(LossyConversionWarning, match="'A' .* left out: .*linearity_threshold"):
        Amplifier.from_legacy(live, is_raw_assembled=True)
    with pytest.raises(ValueError, match="raw box of amplifier 'A' is empty"):
        AmplifierRawGeometry.from_legacy_amplifier(live)


@pytest.mark.parametrize("name", ["afw/exposure_visit_like.fits", "legacy/calexp/obs_base_calexp.fits"])
def test_detector_from_file_converts_to_live_and_back(shared_data: Path, name: str) -> None:
    detector = VisitImage.read_legacy(shared_data / name, component="detector")
    back = convert(detector.to_legacy(), visit=detector.visit)
    assert back.amplifiers == detector.amplifiers
    found, expected = (json.loads(str(d.metadata["lsst.afw.cameraGeom"])) for d in (back, detector))
    texts = [values.pop("transforms") for values in (found, expected)]
    assert found == expected and texts[0].keys() == texts[1].keys()
    for name in texts[0]:
        # AST simplifies the mappings of live objects.
        points = [Transform(PIXEL, PIXEL, text[name]).apply_forward(x=3.0, y=7.0) for text in texts]
        npt.assert_allclose(points[0], points[1], atol=1e-9)
