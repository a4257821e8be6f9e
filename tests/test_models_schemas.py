# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation of written files by the published JSON Schema documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.schema_examples import MAKERS
from lsst.images.io import open_archive, read
from lsst.images.plugins import registry

SCHEMAS = Path(__file__).resolve().parents[2] / "shared" / "spec" / "schemas"
EXAMPLES = SCHEMAS.parents[1] / "data" / "examples"

if not SCHEMAS.is_dir():
    pytest.skip(f"the published schemas are not at {SCHEMAS}", allow_module_level=True)
jsonschema = pytest.importorskip("jsonschema")

VERSIONS = {"detector": "1.1.0", "visit_image": "1.1.0", "difference_image": "1.2.0"}
"""Versions of the schemas that are not 1.0.0."""

PUBLISHED = {
    path.parent.name: path.parent / f"{path.parent.name}-{VERSIONS.get(path.parent.name, '1.0.0')}.json"
    for path in SCHEMAS.glob("*/*-1.0.0.json")
}


def validate(tree: dict[str, Any], schema: str) -> None:
    document = json.loads(PUBLISHED[schema].read_text())
    validator = jsonschema.validators.validator_for(document)(document)
    errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message:.200}" for e in validator.iter_errors(tree)]
    assert not errors, errors


@pytest.mark.parametrize("extension", [".fits", ".json"])
@pytest.mark.parametrize("name", MAKERS)
def test_write_matches_published_schema(name: str, extension: str, tmp_path: Path) -> None:
    schema = name.partition(" ")[0].rstrip(",")
    obj, path = MAKERS[name](), tmp_path / f"written{extension}"
    registry.load("lsst.images.io:write")(obj, path, metadata={"one": 1, "nan": float("nan"), "none": None})
    with open_archive(path) as reader:
        tree = reader.raw_tree
        assert reader.info.schema_url.endswith(f"/schemas/{schema}-{VERSIONS.get(schema, '1.0.0')}")
    assert tree["schema_version"] == VERSIONS.get(schema, "1.0.0") and tree["min_read_version"] == 1
    validate(tree, schema)
    assert type(read(path)) is type(obj)


@pytest.mark.parametrize("name", ["visit_image", "visit_image_piff", "difference_image", "cell_coadd"])
def test_write_of_file_by_public_package_keeps_every_field(name: str, tmp_path: Path) -> None:
    source, path = EXAMPLES / f"{name}.fits", tmp_path / "again.fits"
    if not source.exists():
        pytest.skip(f"{source} is not there")
    read(source).write(path)
    with open_archive(source) as reader, open_archive(path) as again:
        old, new = reader.raw_tree, again.raw_tree
        sources = [sorted(array_names(tree)) for tree in (old, new)]
    validate(new, new["schema_url"].rpartition("/")[2].rpartition("-")[0])
    assert set(old) == set(new)
    assert sources[0] == sources[1]


def array_names(node: Any) -> set[str]:
    """Return the sources of the arrays in a tree."""
    if isinstance(node, dict):
        own = {node["source"]} if isinstance(node.get("source"), str) else set()
        return own.union(*map(array_names, node.values()))
    return set().union(*map(array_names, node)) if isinstance(node, list) else set()


def test_published_schemas_are_registered_and_tested() -> None:
    known = registry.datasets()
    assert PUBLISHED.keys() <= known.keys()
    written = {name.partition(" ")[0].rstrip(",") for name in MAKERS}
    # These need external data, or are parts of objects that are written above.
    assert PUBLISHED.keys() - written == {"piff_psf", "psfex_psf", "cell_aperture_correction_map"}
    for schema, spec in known.items():
        model = registry.model_for_schema(schema)
        assert model.SCHEMA_NAME == schema and spec.model.endswith(model.__name__)
        if schema in PUBLISHED:
            assert model.SCHEMA_VERSION == VERSIONS.get(schema, "1.0.0") and model.MIN_READ_VERSION == 1
            document = json.loads(PUBLISHED[schema].read_text())
            ours = model.model_fields.keys() | {"schema_url"}
            assert set(document.get("properties", ())) <= ours
            assert set(document.get("required", ())) <= ours
