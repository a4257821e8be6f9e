# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the JSON container: conformance to the container interface, and its text."""

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
    # Nested lists do not store the shape of an empty array.
    min_rows = 1
    has_format_version = False


def save(folder: Path, tree: Any) -> Path:
    path = folder / "x.json"
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    return path


def test_write_json_document_is_compact_utf8_tree(tmp_path: Path) -> None:
    write(Bundle(metadata={"é": "日本", "x": float("nan")}), tmp_path / "x.json")
    text = (tmp_path / "x.json").read_bytes().decode()
    assert '"metadata":{"é":"日本","x":NaN}' in text
    assert text.startswith('{"schema_version":"1.0.0","min_read_version":1,')
    assert text.endswith(f'"schema_url":"{URL}"}}')


def test_write_json_arrays_are_nested_lists(tmp_path: Path) -> None:
    write(Bundle(arrays=[("a", np.array([[1, 2], [3, 4]], np.uint16))]), tmp_path / "x.json")
    tree = json.loads((tmp_path / "x.json").read_text())
    assert tree["arrays"] == [{"name": "a", "data": {"data": [[1, 2], [3, 4]], "datatype": "uint16"}}]


def test_write_json_pointers_are_references_to_root(tmp_path: Path) -> None:
    write(Bundle(shared="once"), tmp_path / "x.json")
    tree = json.loads((tmp_path / "x.json").read_text())
    assert tree["shared"] == [{"$ref": "#/indirect/0"}] * 2
    assert [target["text"] for target in tree["indirect"]] == ["once"]


def test_read_json_without_known_schema_raises(tmp_path: Path) -> None:
    with pytest.raises(UnknownSchemaError, match="nonsense"):
        read(save(tmp_path, {"nonsense": 1}))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "3", '{"a": }', '{"a": 1} trailing', '"text"'])
def test_read_json_other_than_object_raises(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotAnArchiveError):
        read(save(tmp_path, text), format="json")


def test_read_json_deep_nesting_raises(tmp_path: Path) -> None:
    with pytest.raises(NotAnArchiveError, match="recursion"):
        read(save(tmp_path, '{"a":' + "[" * 10**8), format="json")


@pytest.mark.parametrize("pointer", ["#/indirect/7", "#/elsewhere/0", "#/indirect/-1", 3, None])
def test_read_json_invalid_pointer_raises(tmp_path: Path, pointer: Any) -> None:
    with pytest.raises(CorruptArchiveError, match="Pointer .* is invalid; expected"):
        read(save(tmp_path, {**BARE, "shared": [{"$ref": pointer}]}))


def test_read_json_array_reference_raises(tmp_path: Path) -> None:
    data = {"source": "fits:IMAGE", "shape": [2], "datatype": "float32"}
    with pytest.raises(ArchiveReadError, match="fits:IMAGE"):
        read(save(tmp_path, {**BARE, "arrays": [{"name": "a", "data": data}]}))


@pytest.mark.parametrize("data", [[[1, 2], [3]], [["one"]], [[1e99]], {"a": 1}, [[None]]])
def test_read_json_invalid_inline_array_raises(tmp_path: Path, data: Any) -> None:
    tree = {**BARE, "arrays": [{"name": "a", "data": {"data": data, "datatype": "uint8"}}]}
    with pytest.raises(ArchiveReadError) as caught:
        read(save(tmp_path, tree))
    assert "uint8" in str(caught.value)
    assert any(str(tmp_path) in note for note in caught.value.__notes__)


def test_read_json_malformed_node_error_names_path(tmp_path: Path) -> None:
    with pytest.raises(CorruptArchiveError, match="arrays/0/name"):
        read(save(tmp_path, {**BARE, "arrays": [{"name": 3, "data": {"data": [], "datatype": "uint8"}}]}))


def test_get_component_with_other_component_damaged_succeeds(tmp_path: Path) -> None:
    tree = {**BARE, "arrays": [{"name": "a", "data": {"data": [1], "datatype": "uint8"}}], "tables": "broken"}
    path = save(tmp_path, tree)
    with open_archive(path) as reader:
        assert reader.get_component("first_array").tolist() == [1]
        with pytest.raises(CorruptArchiveError, match="tables"):
            reader.read()


@pytest.mark.parametrize("place", ["metadata", "arrays", "tables"])
def test_read_json_large_invalid_value_error_is_short(tmp_path: Path, place: str) -> None:
    with pytest.raises(CorruptArchiveError, match=f"at {place}") as caught:
        read(save(tmp_path, {**BARE, place: {"a": [[1]] * 100_000}}))
    assert len(str(caught.value)) < 500


def test_read_json_invalid_list_error_names_first_item(tmp_path: Path) -> None:
    with pytest.raises(CorruptArchiveError, match="at planes/0: .*found .1.[.]\n"):
        mask = {"data": [{"data": [[1]], "datatype": "int32"}], "yx0": [0, 0], "dtype": "uint8"}
        url = "https://images.lsst.io/schemas/mask-1.0.0"
        read(save(tmp_path, {**BARE, **mask, "schema_url": url, "planes": [[1]] * 1000}))


@pytest.mark.parametrize("url", [{"a": 1}, [1], 1.5, True])
def test_read_json_schema_url_not_string_raises(tmp_path: Path, url: Any) -> None:
    with pytest.raises(CorruptArchiveError, match=r"schema_url of .* is invalid: expected a string"):
        read(save(tmp_path, {**BARE, "schema_url": url}))


@pytest.mark.parametrize("metadata", [[1], "text", 3])
def test_reader_metadata_not_object_raises(tmp_path: Path, metadata: Any) -> None:
    with (
        open_archive(save(tmp_path, {**BARE, "metadata": metadata})) as reader,
        pytest.raises(CorruptArchiveError, match=r"metadata of .*x.json are invalid: expected a JSON object"),
    ):
        _ = reader.metadata
