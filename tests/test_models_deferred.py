# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of files with invalid fields: an error is raised only when the field is
used, and the field is written unchanged.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.exposures import make_cell_coadd, make_difference_image, make_visit_image
from helpers.marks import containers
from lsst.images import Box, ColorImage, MaskedImage
from lsst.images.errors import (
    ArchiveReadError,
    ArchiveWriteError,
    CorruptArchiveError,
    SchemaVersionError,
    UnknownSchemaError,
    UnserializableTypeError,
)
from lsst.images.io import open_archive, read

pytestmark = pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning")


def make_masked_image() -> MaskedImage:
    return make_visit_image().as_masked_image()


def make_color_image() -> ColorImage:
    array = np.arange(360, dtype=np.uint8).reshape(10, 12, 3)
    return ColorImage(array, yx0=(3, 4), projection=make_masked_image().projection)


PLAIN: dict[str, Callable[[], Any]] = {
    "image": lambda: make_masked_image().image,
    "mask": lambda: make_masked_image().mask,
    "masked_image": make_masked_image,
    "color_image": make_color_image,
}
ANNOTATED: dict[str, Callable[[], Any]] = {
    "visit_image": make_visit_image,
    "difference_image": make_difference_image,
    "cell_coadd": make_cell_coadd,
}
FIELDS = {
    "visit_image": "sky_projection psf summary_stats detector aperture_corrections backgrounds "
    "photometric_scaling bounds band",
    "difference_image": "kernel templates psf",
    "cell_coadd": "sky_projection psf aperture_corrections provenance patch backgrounds band mask_fractions "
    "noise_realizations",
}

ALIEN = {"schema_url": "https://example.org/schemas/alien-1.0.0", "schema_version": "1.0.0", "alien": [1.5]}
NEWER = {"schema_version": "9.0.0", "min_read_version": 9, "future": {"deep": [1, "two", None]}}


def damaged(folder: Path, obj: Any, name: str, subtree: Any) -> Path:
    """Write an object to a JSON file, with a field replaced."""
    obj.write(folder / "good.json")
    tree = json.loads((folder / "good.json").read_text())
    path = folder / "damaged.json"
    path.write_text(json.dumps({**tree, name: subtree}))
    return path


def pixels(obj: Any) -> list[np.ndarray]:
    planes = [getattr(obj, name) for name in ("image", "mask", "variance")] if hasattr(obj, "mask") else [obj]
    return [plane.array for plane in planes]


# The projection of plain images.


@containers
@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize(
    ("subtree", "error", "fragment"),
    [
        (ALIEN, UnknownSchemaError, "alien"),
        (NEWER, SchemaVersionError, "major >= 9"),
        ({"schema_version": "1.0.0"}, CorruptArchiveError, "pixel_to_sky"),
        (17, CorruptArchiveError, "found 17"),
        ("gone", CorruptArchiveError, "found 'gone'"),
    ],
)
def test_read_invalid_projection_raises_only_when_used(
    kind: str, subtree: Any, error: type[Exception], fragment: str, extension: str, tmp_path: Path
) -> None:
    good = PLAIN[kind]()
    found = read(damaged(tmp_path, good, "sky_projection", subtree))
    window = found.bbox.padded(-2)
    for obj in (found, found.copy(), pickle.loads(pickle.dumps(found)), found[window]):
        assert repr(obj) and str(obj) and fragment in str(obj.describe())
        for _ in range(2):
            with pytest.raises(error, match=fragment):
                obj.projection.pixel_to_sky(x=25, y=12)
        for mine, theirs in zip(pixels(obj), pixels(good[obj.bbox]), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    found.write(tmp_path / f"again{extension}")
    with open_archive(tmp_path / f"again{extension}") as reader:
        assert reader.raw_tree["sky_projection"] == subtree
        assert reader.get_component("bbox") == good.bbox


def test_write_projection_with_invalid_mapping_is_unchanged(tmp_path: Path) -> None:
    good = make_masked_image()
    good.write(tmp_path / "good.json")
    subtree = json.loads((tmp_path / "good.json").read_text())["sky_projection"]
    (tmp_path / "good.json").unlink()
    subtree["pixel_to_sky"]["mappings"][0]["ast"] = "Begin Nonsense"
    found = read(damaged(tmp_path, good, "sky_projection", subtree))
    with pytest.raises(ArchiveReadError, match="Nonsense"):
        found.projection.pixel_to_sky(x=25, y=12)
    found.write(tmp_path / "again.fits")
    with open_archive(tmp_path / "again.fits") as reader:
        assert reader.raw_tree["sky_projection"] == subtree


# Components of visit images and cell coadds.


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in FIELDS.items() for name in names.split()]
)
@pytest.mark.parametrize("subtree", [ALIEN, {**ALIEN, **NEWER}, 17, ["x", {"y": 1}]], ids=str)
def test_read_field_of_any_json_raises_only_when_used(
    kind: str, name: str, subtree: Any, tmp_path: Path
) -> None:
    if name in ("bounds", "band", "patch") and isinstance(subtree, dict):
        subtree = {"alien": 1}  # these have no schema of their own
    good = ANNOTATED[kind]()
    path = damaged(tmp_path, good, name, subtree)
    found = read(path)
    for obj in (found, found.copy(), found[found.bbox.padded(-3)], pickle.loads(pickle.dumps(found))):
        assert repr(obj) and str(obj) and "unreadable" in str(obj.describe())
        with pytest.raises(ArchiveReadError):
            getattr(obj, name)
    for mine, theirs in zip(pixels(found), pixels(good), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with open_archive(path) as reader:
        assert reader.get_component("image") == good.image
        with pytest.raises(ArchiveReadError):
            component = reader.get_component(name)
            component.pixel_to_sky(x=25, y=12)  # projections are made when they are used
    found.write(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())[name] == subtree


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("backgrounds", {"subtracted": "absent", "oddity": 1}),
        (
            "sky_projection",
            {"pixel_to_sky": {"schema_version": "1.0.0", "mappings": [{"ast": "x"}], "odd": 2}},
        ),
        ("detector", {"frames": {"schema_version": "1.0.0", "instrument": "TestCam", "ast": "x", "odd": 3}}),
    ],
)
def test_write_valid_field_without_object_is_unchanged(
    name: str, change: dict[str, Any], tmp_path: Path
) -> None:
    good = make_visit_image()
    good.write(tmp_path / "good.json")
    subtree = {**json.loads((tmp_path / "good.json").read_text())[name], **change, "schema_version": "1.4.0"}
    (tmp_path / "good.json").unlink()
    found = read(damaged(tmp_path, good, name, subtree))
    with pytest.raises(ArchiveReadError):
        getattr(found, name)
    found.write(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())[name] == subtree


def test_read_field_with_other_schema_raises(tmp_path: Path) -> None:
    good = make_visit_image()
    good.psf.write(tmp_path / "psf.json")
    found = read(damaged(tmp_path, good, "detector", json.loads((tmp_path / "psf.json").read_text())))
    with pytest.raises(CorruptArchiveError, match="expected 'detector'"):
        _ = found.detector
    assert found.psf == good.psf


def test_read_field_ignores_form_of_schema_url(tmp_path: Path) -> None:
    good = make_visit_image()
    good.write(tmp_path / "good.json")
    subtree = json.loads((tmp_path / "good.json").read_text())["detector"]
    (tmp_path / "good.json").unlink()
    for url in ("https://elsewhere.org/a/schemas/detector-7.1.0", "urn:detector"):
        path = damaged(tmp_path, good, "detector", {**subtree, "schema_url": url})
        assert read(path).detector == good.detector
        (tmp_path / "good.json").unlink()


@pytest.mark.parametrize(
    ("name", "extname"),
    [("noise_realizations", "NOISE_REALIZATIONS/1"), ("mask_fractions", "MASK_FRACTIONS")],
)
def test_read_coadd_corrupt_extra_plane_raises_only_when_used(
    name: str, extname: str, tmp_path: Path
) -> None:
    good = make_cell_coadd()
    path = tmp_path / "coadd.fits"
    good.write(path)
    content = bytearray(path.read_bytes())
    start = content.index(f"EXTNAME = '{extname}".encode())
    data = content.index(b"END" + b" " * 77, start) // 2880 * 2880 + 2880
    content[data : data + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    box = Box.factory[115:130, 220:250]
    with open_archive(path) as reader:
        assert reader.get_component("image", bbox=box) == good.image[box]
        with pytest.raises(CorruptArchiveError):
            reader.get_component(name, bbox=box)
        found = reader.read(bbox=box)
    assert found.image == good.image[box] and found.psf == good.psf[box]
    with pytest.raises(CorruptArchiveError):
        getattr(found, name)
    with pytest.raises(UnserializableTypeError, match="arrays of the file"):
        found.write(tmp_path / "again.fits")
    assert not (tmp_path / "again.fits").exists()


def test_read_mask_fraction_of_other_box_raises_for_every_bbox(tmp_path: Path) -> None:
    good = make_cell_coadd()
    good.write(tmp_path / "good.json")
    subtree = json.loads((tmp_path / "good.json").read_text())["noise_realizations"]
    (tmp_path / "good.json").unlink()
    subtree[1]["yx0"] = [0, 0]
    path = damaged(tmp_path, good, "noise_realizations", subtree)
    for parameters in ({}, {"bbox": Box.factory[115:130, 220:250]}):
        found = read(path, **parameters)
        with pytest.raises(CorruptArchiveError, match="covers"):
            _ = found.noise_realizations
        assert set(found.mask_fractions) == {"rejected"}


# Inconsistent trees.


@pytest.mark.parametrize("kind", ["masked_image", "color_image", "visit_image"])
@pytest.mark.parametrize("box", [None, Box.factory[12:16, 30:34]])
def test_read_planes_of_other_boxes_raise_for_every_bbox(kind: str, box: Box | None, tmp_path: Path) -> None:
    good = {**PLAIN, **ANNOTATED}[kind]()
    good.write(tmp_path / "good.json")
    name = "green" if kind == "color_image" else "variance"
    subtree = json.loads((tmp_path / "good.json").read_text())[name]
    (tmp_path / "good.json").unlink()
    path = damaged(tmp_path, good, name, {**subtree, "yx0": [2, 2]})
    with pytest.raises(CorruptArchiveError, match=rf"are inconsistent: .*{name} covers"):
        read(path, bbox=box)


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({"unit": "furlong"}, "at image/data/unit: .*furlong"),
        ({"unit": 3}, "at image/data/unit: .*got 3"),
        ({"value": {"data": [[1.0]], "datatype": "float99"}}, "at image/data/value/datatype: .*float99"),
    ],
)
def test_read_malformed_array_error_contains_path(
    members: dict[str, Any], fragment: str, tmp_path: Path
) -> None:
    good = make_masked_image()
    good.write(tmp_path / "good.json")
    image = json.loads((tmp_path / "good.json").read_text())["image"]
    (tmp_path / "good.json").unlink()
    path = damaged(tmp_path, good, "image", {**image, "data": {**image["data"], **members}})
    with pytest.raises(CorruptArchiveError, match=fragment) as caught:
        read(path)
    assert str(path) in "".join(caught.value.__notes__)


# Errors of writing.


@containers
@pytest.mark.parametrize(
    ("change", "error", "fragment"),
    [
        ({"templates": [object()]}, ArchiveWriteError, "templates"),
        ({"metadata": {"name": "\ud800"}}, ArchiveWriteError, "surrogate"),
        ({"metadata": {"\ud800": 1}}, ArchiveWriteError, "surrogate"),
        ({"detector": object()}, UnserializableTypeError, "object"),
    ],
    ids=["a template", "a value of metadata", "a name of metadata", "a detector"],
)
def test_write_error_names_component_and_leaves_no_file(
    change: dict[str, Any], error: type[Exception], fragment: str, extension: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=fragment):
        make_difference_image(**change).write(tmp_path / f"x{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [make_visit_image, make_cell_coadd])
def test_band_of_other_type_raises(make: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="Invalid band 3: expected the short name"):
        make(band=3)


# Observation information, of any image.


@containers
@pytest.mark.parametrize("kind", ["image", "mask", "masked_image", "visit_image"])
@pytest.mark.parametrize(
    ("subtree", "fragment"),
    [(17, "found 17"), ({"exposure_id": "none"}, "exposure_id"), ({"altaz_begin": []}, "IndexError")],
)
def test_read_invalid_obs_info_raises_only_when_used(
    kind: str, subtree: Any, fragment: str, extension: str, tmp_path: Path
) -> None:
    good = {**PLAIN, **ANNOTATED}[kind]()
    path = damaged(tmp_path, good, "obs_info", subtree)
    found = read(path)
    for obj in (found, found.copy(), pickle.loads(pickle.dumps(found)), found[found.bbox.padded(-2)]):
        assert repr(obj) and str(obj) and obj.describe()
        for whole_or_plane in (obj, getattr(obj, "mask", obj), getattr(obj, "variance", obj)):
            with pytest.raises(CorruptArchiveError, match=fragment):
                _ = whole_or_plane.obs_info
        for mine, theirs in zip(pixels(obj), pixels(good[obj.bbox]), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    with open_archive(path) as reader:
        assert reader.get_component("bbox") == good.bbox
        with pytest.raises(CorruptArchiveError, match=fragment):
            reader.get_component("obs_info")
    found.write(tmp_path / f"again{extension}")
    with open_archive(tmp_path / f"again{extension}") as reader:
        assert reader.raw_tree["obs_info"] == subtree


def test_read_plane_with_invalid_obs_info_keeps_placeholder(tmp_path: Path) -> None:
    good = make_masked_image()
    with open_archive(damaged(tmp_path, good, "obs_info", "gone")) as reader:
        variance = reader.get_component("variance")
    assert variance == good.variance
    with pytest.raises(CorruptArchiveError, match="gone"):
        _ = variance.obs_info
    variance.write(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["obs_info"] == "gone"


# Butler datasets in files.


@pytest.mark.parametrize("kind", ["image", "mask", "masked_image", "visit_image"])
@pytest.mark.parametrize(
    ("subtree", "fragment"),
    [
        (17, "at butler_info: .*found 17"),
        ([{"dataset": {}}], "at butler_info: "),
        ({"dataset": 5}, "at butler_info/dataset: .*found 5"),
        ({"dataset": {"dataId": {"dataId": [3]}}}, "at butler_info/dataset/dataId/dataId: "),
        ({"provenance": "none"}, "at butler_info/provenance: "),
    ],
)
def test_read_invalid_butler_info_raises_only_when_used(
    kind: str, subtree: Any, fragment: str, tmp_path: Path
) -> None:
    good = {**PLAIN, **ANNOTATED}[kind]()
    path = damaged(tmp_path, good, "butler_info", subtree)
    found = read(path)
    for obj in (found, found.copy(), pickle.loads(pickle.dumps(found)), found[found.bbox.padded(-2)]):
        for name in ("butler_dataset", "butler_provenance"):
            with pytest.raises(CorruptArchiveError, match=fragment):
                getattr(obj, name)
        for mine, theirs in zip(pixels(obj), pixels(good[obj.bbox]), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    found.write(tmp_path / "again.fits")
    assert read(tmp_path / "again.fits").butler_dataset is None
    with open_archive(path) as reader:
        assert reader.get_component("bbox") == good.bbox
        assert reader.butler_info.reason is not None and reader.butler_info.root == subtree


def test_read_invalid_butler_dataset_error_contains_path(tmp_path: Path) -> None:
    pytest.importorskip("lsst.daf.butler", reason="lsst-daf-butler is not installed")
    image = read(damaged(tmp_path, make_masked_image().image, "butler_info", {"dataset": {"id": "no UUID"}}))
    with pytest.raises(CorruptArchiveError, match="at butler_info/dataset/id: .*no UUID"):
        _ = image.butler_dataset


# Pickled projections.


@containers
@pytest.mark.parametrize("kind", ["image", "mask", "masked_image", "color_image", "visit_image"])
@pytest.mark.parametrize("used", [False, True])
def test_pickle_invalid_mapping_is_written_unchanged(
    kind: str, used: bool, extension: str, tmp_path: Path
) -> None:
    good = {**PLAIN, **ANNOTATED}[kind]()
    good.write(tmp_path / "good.json")
    subtree = json.loads((tmp_path / "good.json").read_text())["sky_projection"]
    (tmp_path / "good.json").unlink()
    subtree["pixel_to_sky"]["mappings"][0]["ast"] = "Begin Nonsense"
    found = read(damaged(tmp_path, good, "sky_projection", subtree))
    for obj in (found, found[found.bbox.padded(-2)]):
        if used:
            with pytest.raises(ArchiveReadError, match="Nonsense"):
                obj.projection.pixel_to_sky(x=25, y=12)
        unpickled = pickle.loads(pickle.dumps(obj))
        with pytest.raises(ArchiveReadError, match="Nonsense"):
            unpickled.projection.pixel_to_sky(x=25, y=12)
        path = tmp_path / f"{obj.bbox.shape}{extension}"
        unpickled.write(path)
        with open_archive(path) as reader:
            tree = reader.raw_tree["sky_projection"]
        assert tree["pixel_to_sky"]["mappings"] == subtree["pixel_to_sky"]["mappings"]


# Values that are valid one by one, but inconsistent.


def without_unit(tree: dict[str, Any]) -> None:
    for name in ("unit", "operands"):
        tree["photometric_scaling"].pop(name, None)


def other_frame(tree: dict[str, Any]) -> None:
    tree["sky_projection"]["pixel_to_sky"]["frames"][0] = {"frame_type": "GENERAL", "unit": "pix"}


@pytest.mark.parametrize(
    ("kind", "change", "name", "fragment"),
    [
        (
            "visit_image",
            lambda tree: tree.update(photometric_scaling=tree["sky_projection"]),
            "photometric_scaling",
            "expected a BaseField",
        ),
        (
            "visit_image",
            lambda tree: tree.update(psf=tree["detector"]),
            "psf",
            "expected a PointSpreadFunction",
        ),
        ("visit_image", without_unit, "photometric_scaling", "unit"),
        ("cell_coadd", lambda tree: tree.update(sky_projection=None), "sky_projection", "projection"),
        ("cell_coadd", other_frame, "sky_projection", "TractFrame"),
        ("cell_coadd", lambda tree: tree.update(patch=None), "provenance", "no patch"),
    ],
)
def test_read_field_of_unexpected_type_raises_only_when_used(
    kind: str, change: Callable[[dict[str, Any]], None], name: str, fragment: str, tmp_path: Path
) -> None:
    good = ANNOTATED[kind]()
    good.write(tmp_path / "good.json")
    tree = json.loads((tmp_path / "good.json").read_text())
    change(tree)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(tree))
    for found in (read(path), read(path, bbox=good.bbox.padded(-3))):
        assert found.image == good.image[found.bbox]
        with pytest.raises(ArchiveReadError, match=fragment):
            getattr(found, name)
    with open_archive(path) as reader, pytest.raises(ArchiveReadError, match=fragment):
        reader.get_component(name)


@containers
@pytest.mark.parametrize("kind", ["masked_image", "visit_image", "cell_coadd"])
def test_read_projection_stored_with_image_plane(kind: str, extension: str, tmp_path: Path) -> None:
    good = {**PLAIN, **ANNOTATED}[kind]()
    good.write(tmp_path / "good.json")
    tree = json.loads((tmp_path / "good.json").read_text())
    tree["image"]["sky_projection"] = tree.pop("sky_projection")
    path = tmp_path / "moved.json"
    path.write_text(json.dumps(tree))
    whole = read(path)
    assert whole.sky_projection == good.sky_projection
    with open_archive(path) as reader:
        assert reader.get_component("sky_projection") == whole.sky_projection
        for name in ("image", "mask", "variance"):
            assert reader.get_component(name).sky_projection == getattr(whole, name).sky_projection
    whole.write(tmp_path / f"again{extension}")
    assert read(tmp_path / f"again{extension}").sky_projection == good.sky_projection


@containers
@pytest.mark.parametrize("name", ["psf", "photometric_scaling"])
def test_read_bounds_component_of_field(name: str, extension: str, tmp_path: Path) -> None:
    part = getattr(make_visit_image(), name)
    part.write(tmp_path / f"part{extension}")
    with open_archive(tmp_path / f"part{extension}") as reader:
        assert reader.get_component("bounds") == part.bounds
