# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The JSON container: the contract of all containers, and its own text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.bundles import Bundle, bundle_types
from lsst.images.errors import ArchiveReadError, CorruptArchiveError, NotAnArchiveError, UnknownSchemaError
from lsst.images.io import open_archive, read, write
from lsst.images.tests import ContainerConformance

URL = "https://images.lsst.io/schemas/lsst_images_tests.bundle-1.0.0"
BARE = {"schema_version": "1.0.0", "min_read_version": 1, "schema_url": URL}


@pytest.fixture(autouse=True, scope="module")
def bundle_type() -> Iterator[None]:
    with bundle_types():
        yield


class TestJson(ContainerConformance):
    container = "json"
    extension = ".json"
    min_dims = 0
    # Nested lists do not tell the shape of what is empty.
    min_rows = 1
    has_format_version = False


def save(folder: Path, tree: Any) -> Path:
    path = folder / "x.json"
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    return path


def test_the_document_is_the_tree_in_compact_utf8(tmp_path: Path) -> None:
    write(Bundle(metadata={"é": "日本", "x": float("nan")}), tmp_path / "x.json")
    text = (tmp_path / "x.json").read_bytes().decode()
    assert '"metadata":{"é":"日本","x":NaN}' in text
    assert text.startswith('{"schema_version":"1.0.0","min_read_version":1,')
    assert text.endswith(f'"schema_url":"{URL}"}}')


def test_arrays_stand_in_the_tree_as_nested_lists(tmp_path: Path) -> None:
    write(Bundle(arrays=[("a", np.array([[1, 2], [3, 4]], np.uint16))]), tmp_path / "x.json")
    tree = json.loads((tmp_path / "x.json").read_text())
    assert tree["arrays"] == [{"name": "a", "data": {"data": [[1, 2], [3, 4]], "datatype": "uint16"}}]


def test_pointers_are_references_into_the_root(tmp_path: Path) -> None:
    write(Bundle(shared="once"), tmp_path / "x.json")
    tree = json.loads((tmp_path / "x.json").read_text())
    assert tree["shared"] == [{"$ref": "#/indirect/0"}] * 2
    assert [target["text"] for target in tree["indirect"]] == ["once"]


def test_a_file_without_a_schema_that_nobody_claims_is_an_unknown_schema(tmp_path: Path) -> None:
    with pytest.raises(UnknownSchemaError, match="nonsense"):
        read(save(tmp_path, {"nonsense": 1}))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "3", '{"a": }', '{"a": 1} trailing', '"text"'])
def test_what_is_no_json_object_is_no_archive(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotAnArchiveError):
        read(save(tmp_path, text), format="json")


def test_a_hundred_megabytes_of_brackets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAnArchiveError, match="recursion"):
        read(save(tmp_path, '{"a":' + "[" * 10**8), format="json")


@pytest.mark.parametrize("pointer", ["#/indirect/7", "#/elsewhere/0", "#/indirect/-1", 3, None])
def test_a_pointer_that_leads_nowhere_is_named(tmp_path: Path, pointer: Any) -> None:
    with pytest.raises(CorruptArchiveError, match="Pointer .* is invalid; expected"):
        read(save(tmp_path, {**BARE, "shared": [{"$ref": pointer}]}))


def test_a_reference_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    data = {"source": "fits:IMAGE", "shape": [2], "datatype": "float32"}
    with pytest.raises(ArchiveReadError, match="fits:IMAGE"):
        read(save(tmp_path, {**BARE, "arrays": [{"name": "a", "data": data}]}))


@pytest.mark.parametrize("data", [[[1, 2], [3]], [["one"]], [[1e99]], {"a": 1}, [[None]]])
def test_an_inline_array_that_is_none_is_named(tmp_path: Path, data: Any) -> None:
    tree = {**BARE, "arrays": [{"name": "a", "data": {"data": data, "datatype": "uint8"}}]}
    with pytest.raises(ArchiveReadError) as caught:
        read(save(tmp_path, tree))
    assert "uint8" in str(caught.value)
    assert any(str(tmp_path) in note for note in caught.value.__notes__)


def test_a_malformed_node_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(CorruptArchiveError, match="arrays/0/name"):
        read(save(tmp_path, {**BARE, "arrays": [{"name": 3, "data": {"data": [], "datatype": "uint8"}}]}))


def test_a_component_is_read_although_another_one_is_broken(tmp_path: Path) -> None:
    tree = {**BARE, "arrays": [{"name": "a", "data": {"data": [1], "datatype": "uint8"}}], "tables": "broken"}
    path = save(tmp_path, tree)
    with open_archive(path) as reader:
        assert reader.get_component("first_array").tolist() == [1]
        with pytest.raises(CorruptArchiveError, match="tables"):
            reader.read()


@pytest.mark.parametrize("place", ["metadata", "arrays", "tables"])
def test_megabytes_of_nonsense_are_refused_in_a_line(tmp_path: Path, place: str) -> None:
    with pytest.raises(CorruptArchiveError, match=f"at {place}") as caught:
        read(save(tmp_path, {**BARE, place: {"a": [[1]] * 100_000}}))
    assert len(str(caught.value)) < 500


def test_a_list_is_refused_at_its_first_wrong_item(tmp_path: Path) -> None:
    with pytest.raises(CorruptArchiveError, match="at planes/0: .*found .1.[.]\n"):
        mask = {"data": [{"data": [[1]], "datatype": "int32"}], "yx0": [0, 0], "dtype": "uint8"}
        url = "https://images.lsst.io/schemas/mask-1.0.0"
        read(save(tmp_path, {**BARE, **mask, "schema_url": url, "planes": [[1]] * 1000}))


@pytest.mark.parametrize("url", [{"a": 1}, [1], 1.5, True])
def test_a_schema_url_that_is_no_text_is_named(tmp_path: Path, url: Any) -> None:
    with pytest.raises(CorruptArchiveError, match=r"schema_url of .* is invalid: expected a string"):
        read(save(tmp_path, {**BARE, "schema_url": url}))


@pytest.mark.parametrize("metadata", [[1], "text", 3])
def test_metadata_that_are_no_object_are_named(tmp_path: Path, metadata: Any) -> None:
    with (
        open_archive(save(tmp_path, {**BARE, "metadata": metadata})) as reader,
        pytest.raises(CorruptArchiveError, match=r"metadata of .*x.json are invalid: expected a JSON object"),
    ):
        _ = reader.metadata
