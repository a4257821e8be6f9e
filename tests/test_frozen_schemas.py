# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Released schemas do not change, and agree with the published ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest
from lsst.images.errors import DuplicateRegistrationError, FrozenSchemaError
from lsst.images.plugins import registry
from lsst.images.serialization import (
    ArchiveInfo,
    ArchiveTree,
    available_schema_classes,
    check_frozen_schemas,
    class_for_schema,
    dump_schema,
    frozen_schema_path,
    is_development_version,
    migration,
    parameterize_tree,
    public_type_for_schema,
    register_schema_class,
    schema_dependencies,
    tree_class_for_info,
    write_frozen_schemas,
)

FROZEN = Path(__file__).parents[1] / "doc" / "schemas"
OTHERS = Path(__file__).parents[2] / "shared" / "spec" / "schemas"


class InnerModel(ArchiveTree, schema="test.frozen_inner", version="1.0.0.dev2"):
    value: int


class OuterModel(ArchiveTree, schema="test.frozen_outer", version="2.1.0"):
    """An outer tree.

    Parameters
    ----------
    inner
        Not in the document.
    """

    inner: InnerModel
    description: str = ""


@pytest.fixture
def clean_registry() -> Iterator[None]:
    yield
    registry.reset()


def test_released_schemas_equal_frozen_documents() -> None:
    assert check_frozen_schemas(FROZEN) == [], "write_frozen_schemas('doc/schemas') writes missing ones"


def test_development_schemas_are_not_frozen() -> None:
    frozen = {path.stem for path in FROZEN.rglob("*.json")}
    released = {
        f"{cls.SCHEMA_NAME}-{cls.SCHEMA_VERSION}"
        for cls in available_schema_classes()
        if not is_development_version(cls.SCHEMA_VERSION)
    }
    assert released <= frozen
    assert not any(".dev" in name for name in frozen)


@pytest.mark.parametrize("path", sorted(OTHERS.rglob("*.json")) or [None], ids=lambda p: p and p.stem)
def test_schema_fields_equal_published_schema(path: Path | None) -> None:
    if path is None:
        pytest.skip("the published schemas are not here")
    theirs = json.loads(path.read_text())
    if "$ref" in theirs:
        theirs = theirs["$defs"][theirs["$ref"].rpartition("/")[2]]
    name, _, version = path.stem.rpartition("-")
    model = class_for_schema(name)
    newest = max(other.stem.rpartition("-")[2] for other in path.parent.glob("*.json"))
    assert model is not None and model.SCHEMA_VERSION == newest
    ours = dump_schema(model)
    assert ours["$id"] == f"https://images.lsst.io/schemas/{name}-{newest}" and ours["title"] == name
    if version == newest:
        assert set(ours["properties"]) == set(theirs["properties"])
    else:
        assert set(ours["properties"]) >= set(theirs["properties"])
    # Fields that the published schema requires may be optional here.  A field that it does not
    # require is required here only if the object cannot be read without it.
    useless_without = {"product_field": {"operands"}, "sum_field": {"operands"}}
    assert set(ours.get("required", ())) <= set(theirs.get("required", ())) | useless_without.get(name, set())


def test_dump_schema_references_nested_schemas(clean_registry: None) -> None:
    schema = dump_schema(OuterModel)
    assert schema["$id"] == "https://images.lsst.io/schemas/test.frozen_outer-2.1.0"
    assert schema["title"] == "test.frozen_outer" and schema["description"] == "An outer tree."
    inner = schema["$defs"]["InnerModel"]
    assert inner["x-lsst-schema-url"].endswith("/test.frozen_inner-1.0.0.dev2")
    assert schema_dependencies(OuterModel) == {InnerModel}


def test_schema_dependencies_include_nested_models_and_bases() -> None:
    model = class_for_schema("difference_image")
    assert model is not None
    names = {cls.SCHEMA_NAME for cls in schema_dependencies(model)}
    assert {"visit_image", "image", "sky_projection", "transform", "detector", "camera_frame_set"} <= names


def test_write_frozen_schemas_writes_only_missing_documents(tmp_path: Path) -> None:
    written = write_frozen_schemas(tmp_path)
    image = class_for_schema("image")
    assert image is not None and frozen_schema_path(tmp_path, image) in written
    assert frozen_schema_path(tmp_path, image) == tmp_path / "image" / "image-1.0.0.json"
    assert write_frozen_schemas(tmp_path) == [] and check_frozen_schemas(tmp_path) == []
    frozen_schema_path(tmp_path, image).unlink()
    assert [fault.endswith("image-1.0.0.json: missing") for fault in check_frozen_schemas(tmp_path)] == [True]


@pytest.mark.parametrize("change", ["prose", "definition", "type", "member", "required"])
def test_check_frozen_schemas_ignores_descriptions(tmp_path: Path, change: str) -> None:
    write_frozen_schemas(tmp_path)
    path = tmp_path / "mask" / "mask-1.0.0.json"
    schema: dict[str, Any] = json.loads(path.read_text())
    before = copy.deepcopy(schema)
    if change == "prose":
        schema["description"] = schema["properties"]["dtype"]["title"] = "Other words."
    elif change == "definition":
        schema = json.loads(json.dumps(schema).replace("ArrayReferenceModel", "StoredArrayModel"))
    elif change == "type":
        schema["properties"]["schema_version"]["type"] = "integer"
    elif change == "member":
        del schema["properties"]["planes"]
    else:
        schema["required"].remove("dtype")
    assert schema != before
    path.write_text(json.dumps(schema))
    faults = check_frozen_schemas(tmp_path)
    if change in ("prose", "definition"):
        assert faults == []
        return
    assert faults == [f"{path}: finalized schema changed; bump SCHEMA_VERSION"]
    with pytest.raises(FrozenSchemaError, match="bump SCHEMA_VERSION"):
        write_frozen_schemas(tmp_path)


def test_write_frozen_schemas_with_development_dependency_raises(
    tmp_path: Path, clean_registry: None
) -> None:
    register_schema_class(InnerModel)
    register_schema_class(OuterModel)
    assert available_schema_classes(__name__) == [InnerModel, OuterModel]
    with pytest.raises(FrozenSchemaError, match=r"frozen_outer contains .*frozen_inner-1\.0\.0\.dev2"):
        write_frozen_schemas(tmp_path, __name__)
    assert list(tmp_path.iterdir()) == []


# Registration in this process.


def test_schema_registered_twice_raises(clean_registry: None) -> None:
    assert class_for_schema("test.frozen_inner") is None and public_type_for_schema("image") is not None
    info = ArchiveInfo.from_schema_url(InnerModel.SCHEMA_URL, format_version=1)
    with pytest.raises(RuntimeError, match="No registered schema 'test.frozen_inner' for x.fits"):
        tree_class_for_info(info, "x.fits")
    assert register_schema_class(InnerModel) is register_schema_class(InnerModel)
    assert tree_class_for_info(info, "x.fits") is class_for_schema("test.frozen_inner") is InnerModel
    assert public_type_for_schema("test.frozen_inner") is dict
    assert parameterize_tree(InnerModel, int) is InnerModel

    class Rival(ArchiveTree, schema="test.frozen_inner", version="1.0.0"):
        pass

    with pytest.raises(DuplicateRegistrationError, match="already registered"):
        register_schema_class(Rival)


def test_migration_upgrades_one_version_and_is_unique(clean_registry: None) -> None:
    @migration("test.frozen_outer", 1)
    def rename(tree: dict[str, Any]) -> dict[str, Any]:
        tree["inner"] = tree.pop("content")
        return tree

    raw = {"schema_version": "1.0.0", "content": {"schema_version": "1.0.0", "value": 3}}
    assert OuterModel.model_validate(raw).inner.value == 3
    assert "content" in raw
    with pytest.raises(RuntimeError, match="already registered"):
        migration("test.frozen_outer", 1)(rename)
    registry.reset()
    with pytest.raises(pydantic.ValidationError):
        OuterModel.model_validate(raw)


def test_model_construct_has_versions_of_its_class_unless_given() -> None:
    for schema in registry.datasets():
        model = registry.model_for_schema(schema)
        for tree in (model.model_construct(), model.model_construct(_fields_set=None, metadata={})):
            assert tree.schema_version == model.SCHEMA_VERSION
            assert tree.min_read_version == model.MIN_READ_VERSION
            assert tree.schema_url.endswith(f"/{schema}-{tree.schema_version}")
        assert model.model_construct(schema_version="0.9.0").schema_version == "0.9.0"
