# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of serialized transforms, projections and camera frames, in current and older forms."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
import starlink.Ast as ast
from astropy.coordinates import SkyCoord
from astropy.io import fits
from lsst.images import (
    ICRS,
    Box,
    CameraFrameSet,
    DetectorFrame,
    FocalPlaneFrame,
    GeneralFrame,
    Projection,
    Transform,
    io,
)
from lsst.images.errors import (
    ArchiveReadError,
    CorruptArchiveError,
    InvalidParameterError,
    UnserializableTypeError,
)
from lsst.images.json import JsonInputArchive, JsonOutputArchive
from lsst.images.models import (
    CameraFrameSetSerializationModel,
    ProjectionSerializationModel,
    SkyProjectionSerializationModel,
    TransformSerializationModel,
)
from lsst.images.plugins import registry
from lsst.images.serialization import ArchiveTree, DetachedArchive, Pointer

PIXELS = GeneralFrame(unit=u.pix)
BBOX = Box.factory[0:300, 0:400]
DETECTOR = DetectorFrame(instrument="Cam", detector=3, bbox=BBOX)
FOCAL_PLANE = FocalPlaneFrame(instrument="Cam", unit=u.mm)
ARCHIVE = DetachedArchive()


def to_sky() -> Transform[Any, Any]:
    return Transform.affine(FOCAL_PLANE, ICRS, [[1e-3, 0.0, 1.0], [0.0, 1e-3, 0.5], [0, 0, 1]])


def through_json(model: Any) -> Any:
    """Return the object that is deserialized from the JSON of a model."""
    return type(model).model_validate_json(model.model_dump_json()).deserialize(ARCHIVE)


TRANSFORMS = {
    "one mapping": Transform.affine(DETECTOR, FOCAL_PLANE, [[0.01, 0], [0, 0.02]]),
    "a chain": Transform.affine(DETECTOR, FOCAL_PLANE, [[0.01, 0], [0, 0.02]]).then(to_sky()),
    "a chain in one piece": Transform.affine(DETECTOR, FOCAL_PLANE, [[0.01, 0], [0, 0.02]]).then(
        to_sky(), remember_components=False
    ),
    "an inverted chain": Transform.affine(DETECTOR, FOCAL_PLANE, [[0.01, 0], [0, 0.02]])
    .then(to_sky())
    .inverted(),
    "the identity": Transform.identity(DETECTOR),
    "a frame onto itself": Transform(PIXELS, PIXELS, ast.ShiftMap([1.0, 2.0])),
    "other bounds": Transform.affine(PIXELS, FOCAL_PLANE, [[1, 0], [0, 2]]).with_bounds(BBOX, BBOX),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transform_model_round_trip_preserves_value(transform: Transform[Any, Any]) -> None:
    model = TransformSerializationModel.serialize(transform, None)  # type: ignore[arg-type]  # writes no arrays
    again = through_json(model)
    assert again == transform
    assert again.decompose() == transform.decompose()
    assert (again.in_bounds, again.out_bounds) == (transform.in_bounds, transform.out_bounds)
    assert Transform.deserialize(model, ARCHIVE) == transform


def test_transform_model_members_match_schema() -> None:
    tree = json.loads(
        TransformSerializationModel.serialize(TRANSFORMS["a chain"], None).model_dump_json()  # type: ignore[arg-type]  # as above
    )
    bbox = {"y": {"start": 0, "stop": 300}, "x": {"start": 0, "stop": 400}}
    assert tree["schema_url"] == "https://images.lsst.io/schemas/transform-1.0.0"
    assert tree["frames"] == [
        {
            "instrument": "Cam",
            "detector": 3,
            "bbox": bbox,
            "frame_type": "DETECTOR",
        },
        {"instrument": "Cam", "unit": "mm", "frame_type": "FOCAL_PLANE"},
        "ICRS",
    ]
    assert [bounds is None for bounds in tree["bounds"]] == [False, True, True]
    assert [sorted(mapping) for mapping in tree["mappings"]] == [["ast"], ["ast"]]
    assert tree["mappings"][0]["ast"].startswith(" Begin MatrixMap")


@pytest.mark.parametrize(
    "change",
    [
        {"frames": ["ICRS"]},
        {"bounds": []},
        {"mappings": []},
        {"frames": [], "bounds": [], "mappings": []},
    ],
)
def test_transform_model_inconsistent_values_raise(change: dict[str, Any]) -> None:
    model = TransformSerializationModel.serialize(TRANSFORMS["one mapping"], None)  # type: ignore[arg-type]  # as above
    tree = json.loads(model.model_dump_json()) | change
    with pytest.raises(ArchiveReadError, match="stored"):
        TransformSerializationModel.model_validate(tree).deserialize(ARCHIVE)


@pytest.mark.parametrize("text", ["nonsense", ""])
def test_transform_model_invalid_ast_text_fails_on_use_only(text: str) -> None:
    model = TransformSerializationModel.serialize(TRANSFORMS["one mapping"], None)  # type: ignore[arg-type]  # as above
    tree = json.loads(model.model_dump_json()) | {"mappings": [{"ast": text}]}
    transform = TransformSerializationModel.model_validate(tree).deserialize(ARCHIVE)
    with pytest.raises(ArchiveReadError, match="text"):
        transform.apply_forward(x=1.0, y=2.0)


def test_transform_model_unknown_frame_raises() -> None:
    class Odd:
        unit = u.pix

        def serialize(self) -> Any:
            return self

    transform = Transform(Odd(), PIXELS, ast.ZoomMap(2, 2.0))  # type: ignore[type-var]  # that is the point
    with pytest.raises(UnserializableTypeError, match="frames"):
        TransformSerializationModel.serialize(transform, None)  # type: ignore[arg-type]  # as above


def test_projection_model_other_frames_raise() -> None:
    model = TransformSerializationModel.serialize(TRANSFORMS["one mapping"], None)  # type: ignore[arg-type]  # as above
    with pytest.raises(CorruptArchiveError, match="sky projection"):
        ProjectionSerializationModel(pixel_to_sky=model).deserialize(ARCHIVE)


def test_registry_returns_models_of_transforms() -> None:
    for pytype, model, schema in (
        (Transform, TransformSerializationModel, "transform"),
        (Projection, ProjectionSerializationModel, "sky_projection"),
        (CameraFrameSet, CameraFrameSetSerializationModel, "camera_frame_set"),
    ):
        assert registry.model_for_type(pytype) is model
        assert registry.model_for_schema(schema) is model
    assert SkyProjectionSerializationModel is ProjectionSerializationModel


def test_transform_model_ast_text_is_preserved(shared_data: Path) -> None:
    tree = json.loads((shared_data / "examples" / "sky_projection.json").read_text())
    model = ProjectionSerializationModel.model_validate(tree)
    projection = model.deserialize(ARCHIVE)
    assert projection.pixel_to_sky_transform.ast_mapping.is_frame_set
    again = ProjectionSerializationModel.serialize(projection, None)  # type: ignore[arg-type]  # as above
    assert json.loads(again.model_dump_json()) == tree


def test_camera_model_round_trip_preserves_text(shared_data: Path) -> None:
    tree = json.loads((shared_data / "images" / "detector.json").read_text())["frames"]
    camera = CameraFrameSetSerializationModel.model_validate(tree).deserialize(ARCHIVE)
    model = CameraFrameSetSerializationModel.serialize(camera, None)  # type: ignore[arg-type]  # as above
    assert (model.instrument, model.ast) == ("LSSTCam", tree["ast"])
    assert through_json(model) == camera
    with pytest.raises(CorruptArchiveError, match="camera"):
        CameraFrameSetSerializationModel(instrument="Cam", ast=str(ast.UnitMap(2))).deserialize(ARCHIVE)


@pytest.mark.parametrize("release", ["30.0.6", "30.0.9", "30.0.10", "seed", "w.2026.20", "w.2026.23"])
def test_projection_model_accepts_older_forms(shared_data: Path, release: str) -> None:
    path = shared_data / "examples" / "old_versions" / release / "visit_image.fits"
    truth = json.loads(path.with_suffix(".fits.truth.json").read_text())
    with fits.open(path) as hdus:
        tree = json.loads(np.asarray(hdus["JSON"].data[0][0]).tobytes())
    stored = tree.get("projection") or tree["sky_projection"]
    projection = ProjectionSerializationModel.model_validate(stored).deserialize(ARCHIVE)
    assert isinstance(projection.pixel_frame, DetectorFrame)
    points = truth["sky_points"]
    sky = projection.pixel_to_sky(x=[p["x"] for p in points], y=[p["y"] for p in points])
    expected = SkyCoord([p["ra_deg"] for p in points], [p["dec_deg"] for p in points], unit="deg")
    assert sky.separation(expected).arcsec.max() < 1e-8


def test_projection_file_round_trip_preserves_approximation(tmp_path: Path) -> None:
    exact = Projection(TRANSFORMS["a chain"])
    stand_in = Projection(Transform.affine(DETECTOR, ICRS, [[1e-5, 0, 1.0], [0, 1e-5, 0.5], [0, 0, 1]]))
    projection = exact.with_fits_approximation(stand_in)
    projection.write(tmp_path / "a.json")
    again = Projection.read(tmp_path / "a.json")
    assert again == projection
    assert again.fits_approximation == stand_in
    with pytest.raises(InvalidParameterError, match="bbox"):
        io.read(tmp_path / "a.json", Projection, bbox=BBOX)


class RigModel(ArchiveTree, schema="test.rig", version="1.0.0"):
    """A model with a camera to which transforms refer."""

    camera: Pointer
    transform: TransformSerializationModel


def make_camera() -> CameraFrameSet:
    frame_set = ast.FrameSet(ast.Frame(2, "Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))
    frame_set.addframe(1, ast.ZoomMap(2, 1e-4), ast.Frame(2, "Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad"))
    detector = ast.Frame(2, "Ident=DETECTOR_003,Bottom(1)=0,Top(1)=399,Bottom(2)=0,Top(2)=299")
    frame_set.addframe(1, ast.ZoomMap(2, 100.0), detector)
    return CameraFrameSet("Cam", frame_set)


def test_transform_model_components_of_camera_are_references() -> None:
    camera = make_camera()
    known = camera[DETECTOR, FOCAL_PLANE]
    transform = known.then(to_sky())
    stream = BytesIO()
    archive = JsonOutputArchive.create(stream)
    pointer = archive.serialize_frame_set("camera", camera, camera.serialize, "camera")
    model = TransformSerializationModel.serialize(transform, archive, use_frame_sets=True)
    assert model.mappings[0] == pointer
    assert not isinstance(model.mappings[1], Pointer)
    # Equal frames with another mapping between them must not be replaced by a reference.
    other = Transform.affine(DETECTOR, FOCAL_PLANE, [[1, 0], [0, 1]])
    assert not isinstance(
        TransformSerializationModel.serialize(other, archive, use_frame_sets=True).mappings[0], Pointer
    )
    archive.finish(RigModel(camera=pointer, transform=model))
    stream.seek(0)
    with JsonInputArchive.open(stream) as source:
        rig = RigModel.model_validate(source.get_raw_tree())
        with pytest.raises(ArchiveReadError, match="before it is read"):
            rig.transform.deserialize(source)
        again = source.deserialize_pointer(
            rig.camera, CameraFrameSetSerializationModel, CameraFrameSetSerializationModel.deserialize
        )
        assert again == camera
        assert rig.transform.deserialize(source) == transform
