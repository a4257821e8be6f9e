# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Members of newer schema versions are written again, at every depth of every schema."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import astropy.io.fits
import astropy.units as u
import h5py
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers.exposures import make_visit_image
from helpers.schema_examples import MAKERS
from lsst.images import Box
from lsst.images.errors import ImagesWarning, LossyConversionWarning, SchemaVersionError
from lsst.images.io import open_archive, read, write
from lsst.images.io._containers import (  # no public function makes an archive without an object
    container_for_path,
    output_class,
)
from lsst.images.models import VisitImageSerializationModel
from lsst.images.psfs import GaussianPointSpreadFunction
from lsst.images.serialization import ArrayHints, ArrayReferenceModel, TableModel
from lsst.resources import ResourcePath

FREE = {"metadata", "butler_info", "fields", "descriptions", "mask_fractions", "meta", "instrument"}
"""Dictionaries whose keys are not declared by a schema; a further key is not an unknown member."""

WITHOUT_ATTACHMENTS = {"aperture_correction_map"}
"""Types that cannot keep anything: plain dictionaries."""

SETTINGS = hypothesis.settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def objects_of(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of the JSON objects that a schema declares."""
    if isinstance(node, list):
        return [found for i, item in enumerate(node) for found in objects_of(item, (*path, i))]
    if not isinstance(node, dict):
        return []
    own = [] if FREE.intersection(path[-1:]) else [path]
    inside = [objects_of(v, (*path, k)) for k, v in node.items() if k not in {"metadata", "butler_info"}]
    return own + [found for paths in inside for found in paths]


def at(node: Any, path: tuple[str | int, ...]) -> Any:
    return functools.reduce(lambda inner, step: inner[step], path, node)


def raise_minor_versions(node: Any) -> None:
    for path in objects_of(node):
        tree = at(node, path)
        if "schema_version" in tree:
            tree["schema_version"] = tree["schema_version"].replace(".", ".9", 1)
            tree["schema_url"] = tree["schema_url"].rpartition("-")[0] + f"-{tree['schema_version']}"


@functools.cache
def raw_json(name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        write(MAKERS[name](), f"{folder}/written.json")
        return Path(f"{folder}/written.json").read_text()


def read_and_write(tree: dict[str, Any], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the rewritten tree, and the warnings of reading and writing."""
    (folder / "in.json").write_text(json.dumps(tree))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write(read(folder / "in.json"), folder / "out.json", overwrite=True)
    found = [str(item.message) for item in caught if "does not interpret" in str(item.message)]
    return json.loads((folder / "out.json").read_text()), found


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in WITHOUT_ATTACHMENTS])
@SETTINGS
@hypothesis.given(data=st.data())
def test_write_of_newer_minor_version_keeps_unknown_members(
    name: str, data: st.DataObject, tmp_path: Path
) -> None:
    original = json.loads(raw_json(name))
    tree = copy.deepcopy(original)
    places = data.draw(st.lists(st.sampled_from(objects_of(original)), min_size=1, max_size=6, unique=True))
    members = {path: data.draw(JSON_VALUES) for path in places}
    for path, value in members.items():
        at(tree, path)["from_the_future"] = value
    if data.draw(st.booleans()):
        raise_minor_versions(tree)
    again, messages = read_and_write(tree, tmp_path)
    for path, value in members.items():
        assert at(again, path)["from_the_future"] == value
        del at(again, path)["from_the_future"]
    assert objects_of(again) == objects_of(original)
    assert len(messages) == 1
    assert "/".join(map(str, (*min(members), "from_the_future"))) in messages[0]


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in WITHOUT_ATTACHMENTS])
def test_write_keeps_an_unknown_member_of_every_object(name: str, tmp_path: Path) -> None:
    original = json.loads(raw_json(name))
    tree = copy.deepcopy(original)
    for number, path in enumerate(objects_of(original)):
        at(tree, path)["from_the_future"] = number
    first, _ = read_and_write(tree, tmp_path)
    # The second file has the stamps of this version.
    second, _ = read_and_write(first, tmp_path)
    for again in (first, second):
        numbers = [at(again, path)["from_the_future"] for path in objects_of(original)]
        assert numbers == list(range(len(numbers)))


def test_read_of_type_without_attachments_warns_that_members_are_left_out(tmp_path: Path) -> None:
    tree = json.loads(raw_json("aperture_correction_map"))
    _, messages = read_and_write({**tree, "from_the_future": 1}, tmp_path)
    assert len(messages) == 1 and messages[0].endswith("interpret: from_the_future. They are left out.")


def test_read_of_current_file_does_not_warn(tmp_path: Path) -> None:
    for name in MAKERS:
        assert read_and_write(json.loads(raw_json(name)), tmp_path)[1] == []


# Other containers.


def stored_tree(path: Path) -> dict[str, Any]:
    """Read the tree of a file without this package."""
    if path.suffix == ".fits":
        with astropy.io.fits.open(path) as hdus:
            return json.loads(bytes(hdus["JSON"].data[0][0]))
    with h5py.File(path) as file:
        home = file["MORE"] if "MORE" in file else file
        found: list[bytes] = []
        home.visititems(lambda name, item: found.append(item[()]) if name.endswith("LSST/JSON") else None)
        return json.loads(b"".join(np.atleast_1d(found[0])))


@pytest.fixture
def newer(tmp_path: Path) -> Any:
    tree = json.loads(raw_json("visit_image"))
    tree["quality"] = {"components": {}, "exceptions": ["ä"]}
    tree["detector"]["attributes"]["gate"] = 7
    (tmp_path / "newer.json").write_text(json.dumps(tree))
    with pytest.warns(ImagesWarning, match=r"detector/attributes/gate, quality\. They are kept"):
        return read(tmp_path / "newer.json")


@pytest.mark.parametrize("extension", [".fits", ".sdf"])
def test_write_to_other_containers_keeps_unknown_members(newer: Any, extension: str, tmp_path: Path) -> None:
    newer.write(tmp_path / f"first{extension}")
    with pytest.warns(ImagesWarning, match="They are kept"):
        read(tmp_path / f"first{extension}").write(tmp_path / f"second{extension}")
    for name in ("first", "second"):
        tree = stored_tree(tmp_path / f"{name}{extension}")
        assert tree["quality"] == {"components": {}, "exceptions": ["ä"]}
        assert tree["detector"]["attributes"]["gate"] == 7


class NewerModel(VisitImageSerializationModel, schema="visit_image", version="1.9.0"):
    """Serialization model of a newer version."""

    quality: Any


VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)
ROWS = np.array([(1, [2.5, 1]), (3, [4.5, 7])], dtype=[("a", "i4"), ("b", "f8", 2)])


def write_newer(path: Path) -> None:
    """Write a file whose member ``quality`` refers to an array and a table."""
    spec = container_for_path(ResourcePath(path))
    with path.open("w+b") as stream, contextlib.closing(output_class(spec).create(stream)) as archive:
        tree = VisitImageSerializationModel.serialize(make_visit_image(), archive)
        quality = {
            "map": archive.add_array(VALUES, name="quality/map", hints=ArrayHints(unit=u.s)),
            "rows": archive.add_structured_array(ROWS, name="quality/rows", units={"a": u.m}),
            "note": {"source": "x"},
        }
        archive.finish(NewerModel(**dict(tree), quality=quality))


@pytest.mark.parametrize("extension", [".fits", ".sdf"])
def test_write_keeps_arrays_and_tables_of_unknown_members(extension: str, tmp_path: Path) -> None:
    first, second = (tmp_path / f"{name}{extension}" for name in ("first", "second"))
    write_newer(first)
    with pytest.warns(ImagesWarning, match="quality. They are kept"):
        read(first).write(second)
    quality = stored_tree(second)["quality"]
    assert quality["note"] == {"source": "x"} and quality["map"]["unit"] == "s"
    with open_archive(second) as reader:
        array = ArrayReferenceModel.model_validate(quality["map"]["value"])
        np.testing.assert_array_equal(reader.archive.get_array(array), VALUES)
        table = reader.archive.get_table(TableModel.model_validate(quality["rows"]))
        np.testing.assert_array_equal(table["b"], ROWS["b"])
        assert table["a"].unit == u.m


def test_write_leaves_out_pointers_of_unknown_members_with_warning(tmp_path: Path) -> None:
    tree = json.loads(raw_json("visit_image"))
    tree["shared"] = {"$ref": "#/indirect/0"}
    tree["quality"] = 1
    again, messages = read_and_write(tree, tmp_path)
    assert again["quality"] == 1 and "shared" not in again
    assert "refer to the original file: shared." in messages[-1]


# Changed objects.


def test_write_of_copy_and_subset_keeps_unknown_members(newer: Any, tmp_path: Path) -> None:
    box = newer.bbox
    corner = Box.factory[box.y.start : box.y.start + 2, box.x.start : box.x.start + 2]
    for number, changed in enumerate((newer.copy(), newer[corner])):
        write(changed, tmp_path / f"{number}.json")
        tree = json.loads((tmp_path / f"{number}.json").read_text())
        assert "quality" in tree and tree["detector"]["attributes"]["gate"] == 7


def test_write_of_changed_list_keeps_members_of_the_same_items(tmp_path: Path) -> None:
    tree = json.loads(raw_json("detector with amplifiers"))
    for number, amplifier in enumerate(tree["amplifiers"]):
        amplifier["gate"] = number
    name = tree["amplifiers"][1]["name"]
    (tmp_path / "in.json").write_text(json.dumps(tree))
    with pytest.warns(ImagesWarning):
        detector = read(tmp_path / "in.json")
    detector.amplifiers.reverse()
    write(detector, tmp_path / "reversed.json")
    again = json.loads((tmp_path / "reversed.json").read_text())["amplifiers"]
    assert [amplifier["gate"] for amplifier in again] == [1, 0]
    del detector.amplifiers[1]
    with pytest.warns(LossyConversionWarning, match=r"left out.*amplifiers/0/gate\.$"):
        write(detector, tmp_path / "one.json")
    again = json.loads((tmp_path / "one.json").read_text())["amplifiers"]
    assert [(a["name"], a["gate"]) for a in again] == [(name, 1)]


def test_write_with_replaced_psf_leaves_out_members_of_the_old_psf(tmp_path: Path) -> None:
    tree = json.loads(raw_json("visit_image"))
    tree["psf"]["flavour"] = tree["quality"] = 1
    (tmp_path / "in.json").write_text(json.dumps(tree))
    with pytest.warns(ImagesWarning, match="psf/flavour, quality"):
        image = read(tmp_path / "in.json")
    image.psf = GaussianPointSpreadFunction(2.0, image.bbox, 21)
    image.write(tmp_path / "out.json")
    again = json.loads((tmp_path / "out.json").read_text())
    assert again["quality"] == 1 and "flavour" not in again["psf"]


# Trees that require a newer reader.


def test_read_tree_of_newer_major_version_names_the_requirement(tmp_path: Path) -> None:
    tree = {**json.loads(raw_json("visit_image")), "min_read_version": 2, "schema_version": "2.0.0"}
    (tmp_path / "in.json").write_text(json.dumps(tree))
    with pytest.raises(SchemaVersionError, match=r"^A 'visit_image' tree of version '2.0.0' requires reader"):
        read(tmp_path / "in.json")
