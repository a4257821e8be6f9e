# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Detectors, amplifiers and their parts."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pydantic
import pytest
from helpers.exposures import make_amplifier, make_calibrations, make_raw_geometry
from lsst.images import YX, Box, DetectorFrame, VisitImage
from lsst.images.cameras import (
    AmplifierCalibrations,
    CameraFrameSet,
    Detector,
    DetectorAttributes,
    DetectorType,
    Orientation,
    ReadoutCorner,
)
from lsst.images.errors import ArchiveReadError
from lsst.images.io import read, write
from lsst.images.models import DetectorSerializationModel
from lsst.images.serialization import DetachedArchive

BOX = Box.factory[0:20, 0:10]


# Small parts.


@pytest.mark.parametrize(
    ("corner", "flips"),
    [("LL", (False, False)), ("LR", (False, True)), ("UR", (True, True)), ("UL", (True, False))],
)
def test_readout_corner_converts_to_flips(corner: str, flips: tuple[bool, bool]) -> None:
    parsed = ReadoutCorner(corner)
    assert parsed.as_flips() == YX(*flips)
    assert ReadoutCorner.from_flips(y=flips[0], x=flips[1]) is parsed
    assert parsed == corner


@pytest.mark.parametrize("y", [False, True])
@pytest.mark.parametrize("x", [False, True])
def test_readout_corner_apply_flips_is_involution(y: bool, x: bool) -> None:
    for corner in ReadoutCorner:
        once = corner.apply_flips(y=y, x=x)
        assert once.apply_flips(y=y, x=x) is corner
        assert (once is corner) is not (y or x)
    assert ReadoutCorner.LR.apply_flips(y=True, x=False) is ReadoutCorner.UR


def test_detector_type_is_string() -> None:
    assert [str(kind) for kind in DetectorType] == ["SCIENCE", "FOCUS", "GUIDER", "WAVEFRONT"]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("horizontal_overscan_bbox", "serial_overscan_bbox"),
        ("vertical_overscan_bbox", "parallel_overscan_bbox"),
        ("horizontal_prescan_bbox", "prescan_bbox"),
        ("serial_prescan_bbox", "prescan_bbox"),
    ],
)
def test_raw_geometry_has_aliases(alias: str, name: str) -> None:
    geometry = make_raw_geometry()
    assert getattr(geometry, alias) == getattr(geometry, name)
    setattr(geometry, alias, Box.factory[1:2, 3:4])
    assert getattr(geometry, name) == Box.factory[1:2, 3:4]
    assert alias not in geometry.model_dump()


def test_raw_geometry_defaults() -> None:
    geometry = make_raw_geometry()
    assert (geometry.flip_x, geometry.flip_y, geometry.x_offset, geometry.y_offset) == (False, False, 0, 0)


def test_amplifier_calibrations_equality_includes_nan() -> None:
    assert make_calibrations() == make_calibrations()
    unused = [make_calibrations().model_copy(update={"linearity_coefficients": np.array([0.5, np.nan])})] * 2
    assert unused[0] == unused[1].model_copy(deep=True) != make_calibrations()
    for name, value in [
        ("gain", 2.0),
        ("suspect_level", 1.0),
        ("linearity_type", "NONE"),
        ("linearity_coefficients", np.array([0.0])),
    ]:
        other = make_calibrations()
        setattr(other, name, value)
        assert other != make_calibrations(), name
    assert make_calibrations() != 3


def test_camera_models_validate_assignment() -> None:
    amplifier = make_amplifier()
    amplifier.readout_corner = ReadoutCorner.LL
    assert amplifier != make_amplifier()
    with pytest.raises(pydantic.ValidationError):
        amplifier.readout_corner = "XX"  # type: ignore[assignment]  # the point of the test
    with pytest.raises(pydantic.ValidationError):
        make_calibrations().gain = "much"  # type: ignore[assignment]  # the point of the test


def test_amplifier_calibrations_json_preserves_nan() -> None:
    text = make_calibrations().model_dump_json()
    assert '"suspect_level":NaN' in text
    assert AmplifierCalibrations.model_validate_json(text) == make_calibrations()


def test_orientation_default_angles_are_zero() -> None:
    orientation = Orientation(focal_plane_x=1.0, focal_plane_y=2.0, focal_plane_z=0.0)
    assert (orientation.pixel_reference_x, orientation.pixel_reference_y) == (0.5, 0.5)
    for angle in (orientation.yaw, orientation.pitch, orientation.roll):
        assert angle == 0.0 * u.rad
    assert Orientation.model_validate_json(orientation.model_dump_json()) == orientation


def test_orientation_other_units_raise() -> None:
    orientation = Orientation(focal_plane_x=1.0, focal_plane_y=2.0, focal_plane_z=0.0, yaw=90 * u.deg)
    assert orientation.yaw.to_value(u.rad) == pytest.approx(np.pi / 2)
    with pytest.raises(pydantic.ValidationError, match="Expected an angle"):
        orientation.yaw = 3 * u.mm


# Detectors from files.


@pytest.fixture(scope="module")
def tree(shared_data: Path) -> dict[str, Any]:
    """JSON tree of a detector."""
    parsed: dict[str, Any] = json.loads((shared_data / "images" / "detector.json").read_text())
    return parsed


@pytest.fixture
def detector(tree: dict[str, Any]) -> Detector:
    """A detector from a file."""
    return DetectorSerializationModel.model_validate(tree).deserialize(DetachedArchive())


def test_detector_of_file_matches_file(detector: Detector) -> None:
    assert (detector.instrument, detector.visit) == ("LSSTCam", 2025052000177)
    assert (detector.name, detector.id, detector.serial) == ("R21_S11", 85, "E2V-CCD250-366")
    assert detector.type is DetectorType.SCIENCE
    assert detector.bbox == Box.factory[0:4004, 0:4096]
    assert detector.orientation.focal_plane_x == -127.0
    assert (detector.pixel_size, detector.physical_type) == (0.01, "E2V")
    assert len(detector.amplifiers) == 16
    first = detector.amplifiers[0]
    assert (first.name, first.bbox, first.readout_corner) == ("C10", Box.factory[2002:4004, 0:512], "LR")
    assert first.assembled_raw_geometry is not None
    assert first.assembled_raw_geometry.prescan_bbox == Box.factory[2094:4096, 566:576]
    assert first.unassembled_raw_geometry is None
    assert first.nominal_calibrations is not None
    assert first.nominal_calibrations.linearity_coefficients.tolist() == [0.0, 142857.0]
    assert np.isnan(first.nominal_calibrations.suspect_level)


def test_detector_frame_has_bbox_and_visit(detector: Detector) -> None:
    assert detector.frame == DetectorFrame(
        instrument="LSSTCam", visit=2025052000177, detector=85, bbox=Box.factory[0:4004, 0:4096]
    )


def test_detector_reference_pixel_maps_to_focal_plane_position(detector: Detector) -> None:
    orientation, transform = detector.orientation, detector.to_focal_plane
    point = transform.apply_forward(x=orientation.pixel_reference_x, y=orientation.pixel_reference_y)
    assert point.x == pytest.approx(orientation.focal_plane_x, abs=1e-9)
    assert point.y == pytest.approx(orientation.focal_plane_y, abs=1e-9)
    assert transform.in_frame == detector.frame
    assert transform.out_frame.visit == detector.visit


def test_detector_to_focal_plane_scale_is_pixel_size(detector: Detector) -> None:
    points = detector.to_focal_plane.apply_forward(x=[100.0, 101.0], y=[200.0, 200.0])
    distance = np.hypot(np.diff(points.x), np.diff(points.y))
    assert distance[0] == pytest.approx(detector.pixel_size, rel=1e-9)


def test_detector_field_angles_match_focal_plane(detector: Detector) -> None:
    angle = detector.to_field_angle.apply_forward(x=2000.0, y=1000.0)
    frames = detector.frames
    plane = detector.to_focal_plane.apply_forward(x=2000.0, y=1000.0)
    other = frames[frames.focal_plane(), frames.field_angle()].apply_forward(x=plane.x, y=plane.y)
    assert angle.x == pytest.approx(other.x, rel=1e-12)
    assert angle.y == pytest.approx(other.y, rel=1e-12)
    # 127 mm off axis, with a focal length of 10.3 m.
    assert np.hypot(angle.x, angle.y) == pytest.approx(127 / 10.31e3, rel=0.1)


def test_detector_copy_is_equal_and_independent(detector: Detector) -> None:
    other = detector.copy()
    assert other == detector
    assert other.visit == detector.visit
    assert other.frames is detector.frames
    other.amplifiers[0].name = "changed"
    other.attributes.serial = "changed"
    assert detector.amplifiers[0].name == "C10"
    assert detector.serial == "E2V-CCD250-366"
    assert other != detector


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_detector_pickles_and_copies_are_equal(detector: Detector, duplicate: Any) -> None:
    assert duplicate(detector) == detector


def test_detector_equality_compares_content(detector: Detector) -> None:
    other = Detector(detector.attributes, detector.amplifiers, detector.frames, None)
    assert other != detector
    assert detector != "detector"
    with pytest.raises(TypeError, match="unhashable"):
        hash(detector)


def test_detector_text_contains_name_and_instrument(detector: Detector) -> None:
    assert str(detector) == "Detector 'R21_S11' (LSSTCam)"
    assert repr(detector) == "<Detector 'R21_S11' (LSSTCam)>"


@pytest.mark.parametrize("extension", ["json", "fits"])
def test_detector_round_trip_preserves_value(detector: Detector, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"detector.{extension}"
    write(detector, path)
    assert read(path, Detector) == detector


def test_detector_tree_matches_published_schema(
    detector: Detector, tmp_path: Path, shared_data: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    write(detector, tmp_path / "detector.json")
    document = shared_data.parent / "spec" / "schemas" / "detector" / "detector-1.1.0.json"
    validator = jsonschema.Draft202012Validator(json.loads(document.read_text()))
    written = json.loads((tmp_path / "detector.json").read_text())
    validator.validate(written)
    assert isinstance(written["frames"], dict)


def test_detector_amplifiers_round_trip(detector: Detector, tree: dict[str, Any], tmp_path: Path) -> None:
    write(detector, tmp_path / "detector.json")
    text = (tmp_path / "detector.json").read_text()
    written = json.loads(text, parse_constant=str)
    expected = json.loads(json.dumps(tree), parse_constant=str)
    assert written["amplifiers"] == expected["amplifiers"]
    assert written["attributes"] == expected["attributes"]


def test_detector_model_without_frames_requires_camera(detector: Detector, tree: dict[str, Any]) -> None:
    model = DetectorSerializationModel.model_validate({**tree, "frames": None})
    with pytest.raises(ArchiveReadError, match="frames="):
        model.deserialize(DetachedArchive())
    assert model.deserialize(DetachedArchive(), frames=detector.frames) == detector


def test_detector_modification_does_not_change_tree(tree: dict[str, Any]) -> None:
    model = DetectorSerializationModel.model_validate(tree)
    model.deserialize(DetachedArchive()).amplifiers[0].name = "changed"
    assert model.amplifiers[0].name == "C10"


def test_detector_of_file_matches_truth(shared_data: Path) -> None:
    path = shared_data / "examples" / "visit_image.json"
    tree = json.loads(path.read_text())["detector"]
    truth = json.loads(path.with_suffix(".json.truth.json").read_text())["detector"]
    detector = DetectorSerializationModel.model_validate(tree).deserialize(DetachedArchive())
    for name in ("instrument", "visit", "name", "id", "type", "serial", "pixel_size", "physical_type"):
        assert getattr(detector, name) == truth[name]
    assert detector.bbox == Box.factory[slice(*truth["bbox"]["y"]), slice(*truth["bbox"]["x"])]
    assert detector.orientation.model_dump(mode="json") == truth["orientation"]
    assert len(detector.amplifiers) == truth["n_amplifiers"]
    for amplifier, expected in zip(detector.amplifiers, truth["amplifiers"], strict=True):
        dumped = json.loads(amplifier.model_dump_json(), parse_constant=str)
        assert dumped == expected


def test_detector_frames_are_camera_frame_set(detector: Detector) -> None:
    assert isinstance(detector.frames, CameraFrameSet)
    assert isinstance(detector.attributes, DetectorAttributes)
    assert detector.frame in detector.frames


def test_amplifier_missing_raw_geometry_conversion_raises() -> None:
    with pytest.raises(ValueError, match="'C10' has no unassembled raw geometry"):
        make_amplifier().to_legacy_builder(False)


def test_detector_read_legacy_amplifier_without_prescan_keeps_raw_geometry(
    shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "legacy" / "calexp" / "cfht_calexp-849375-12.fits.fz"
    detector = VisitImage.read_legacy(path, component="detector")
    for amplifier in detector.amplifiers:
        raw = amplifier.assembled_raw_geometry or amplifier.unassembled_raw_geometry
        assert raw is not None and raw.prescan_bbox is None and raw.serial_prescan_bbox is None
        assert raw.bbox.shape > (0, 0) and raw.data_bbox.shape > (0, 0)
    write(detector, tmp_path / "detector.json")
    written = json.loads((tmp_path / "detector.json").read_text())
    assert written["schema_version"] == "1.1.0" and written["min_read_version"] == 1
    for amplifier in written["amplifiers"]:
        raw = amplifier["assembled_raw_geometry"] or amplifier["unassembled_raw_geometry"]
        assert raw["prescan_bbox"] is None
    assert read(tmp_path / "detector.json", Detector) == detector
