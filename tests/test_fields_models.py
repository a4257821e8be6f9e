# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fields and background maps in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from lsst.images import Background, BackgroundMap, Box, Polygon
from lsst.images.errors import CorruptArchiveError, UnknownSchemaError
from lsst.images.fields import BaseField, ChebyshevField, ProductField, SplineField, SumField
from lsst.images.io import read, write
from lsst.images.models import (
    ApertureCorrectionMapSerializationModel,
    BackgroundMapSerializationModel,
    FieldSerializationModel,
    SplineFieldSerializationModel,
)
from lsst.images.serialization import ArchiveTree, DetachedArchive

BOX = Box.factory[0:400, 0:500]
TRIANGLE = Polygon(x_vertices=[0.0, 400.0, 0.0, 0.0], y_vertices=[0.0, 0.0, 300.0, 0.0])


def make_spline(nodes: int, unit: u.UnitBase | None = None) -> SplineField:
    data = np.random.default_rng(1).normal(size=(nodes, nodes))
    data[0, 0] = np.nan
    at = np.linspace(0, 399, nodes)
    return SplineField(BOX, data, y=at, x=at, unit=unit)


CHEBYSHEV = ChebyshevField(BOX, np.random.default_rng(2).normal(size=(3, 2)), unit=u.nJy / u.electron)
FIELDS: dict[str, BaseField] = {
    "chebyshev": CHEBYSHEV,
    "polygon": ChebyshevField(TRIANGLE, [[2.0]]),
    "small spline": make_spline(8),
    "big spline": make_spline(20, u.adu),
    "sum": SumField(
        [make_spline(9, u.adu), make_spline(10, u.adu), ChebyshevField(BOX, [[1.0]], unit=u.adu)]
    ),
    "product": ProductField([CHEBYSHEV, SumField([make_spline(12), make_spline(3)])]),
}


@pytest.mark.parametrize("extension", ["json", "fits"])
@pytest.mark.parametrize("name", FIELDS)
def test_field_round_trip_preserves_value(name: str, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"field.{extension}"
    write(FIELDS[name], path)
    back = read(path)
    assert type(back) is type(FIELDS[name])
    assert back == FIELDS[name]
    assert back(x=3.3, y=4.4) == FIELDS[name](x=3.3, y=4.4)


@pytest.mark.parametrize("extension", ["json", "fits"])
def test_background_map_round_trip_preserves_value(extension: str, tmp_path: Path) -> None:
    backgrounds = BackgroundMap([Background(name, field, name) for name, field in FIELDS.items()], "sum")
    path = tmp_path / f"backgrounds.{extension}"
    write(backgrounds, path)
    assert read(path, BackgroundMap) == backgrounds


def dump(field: Any, tmp_path: Path, schema: str) -> dict[str, Any]:
    write(field, tmp_path / f"{schema}.json")
    tree: dict[str, Any] = json.loads((tmp_path / f"{schema}.json").read_text())
    return tree


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("chebyshev", "chebyshev_field"),
        ("polygon", "chebyshev_field"),
        ("small spline", "spline_field"),
        ("big spline", "spline_field"),
        ("sum", "sum_field"),
        ("product", "product_field"),
    ],
)
def test_field_trees_match_published_schemas(
    name: str, schema: str, tmp_path: Path, shared_data: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = shared_data.parent / "spec" / "schemas" / schema / f"{schema}-1.0.0.json"
    published = json.loads(document.read_text())
    tree = dump(FIELDS[name], tmp_path, schema)
    jsonschema.Draft202012Validator(published).validate(tree)
    members = (
        published.get("properties") or published["$defs"][published["$ref"].split("/")[-1]]["properties"]
    )
    assert set(members) - {"metadata", "butler_info", "indirect"} == set(tree) - {"schema_url"}


def test_spline_model_stores_up_to_64_nodes_inline(tmp_path: Path) -> None:
    for nodes, inline in ((8, True), (9, False)):
        path = tmp_path / f"{nodes}.fits"
        tree = write(make_spline(nodes), path)
        assert isinstance(tree, SplineFieldSerializationModel)
        assert hasattr(tree.data, "data") is inline


class Holder(ArchiveTree, schema="test.holder", version="1.0.0"):
    """A model with a field for any type of field."""

    field: FieldSerializationModel


@pytest.mark.parametrize("name", FIELDS)
def test_field_trees_without_schema_are_identified_by_field_type(name: str, tmp_path: Path) -> None:
    def strip(node: Any) -> Any:
        if isinstance(node, list):
            return [strip(item) for item in node]
        if isinstance(node, dict):
            stamps = {"schema_url", "schema_version", "min_read_version"}
            return {key: strip(value) for key, value in node.items() if key not in stamps}
        return node

    tree = strip(dump(FIELDS[name], tmp_path, "field"))
    model = Holder.model_validate({"field": tree})
    assert model.field.SCHEMA_NAME == f"{type(FIELDS[name]).__name__.removesuffix('Field').lower()}_field"


def test_field_of_unknown_type_raises_on_use() -> None:
    tree = {"schema_url": "https://example.org/schemas/wavelet-1.0.0", "levels": 3}
    model = Holder.model_validate({"field": tree})
    with pytest.raises(UnknownSchemaError, match="wavelet"):
        model.field.deserialize(DetachedArchive())
    assert model.model_dump()["field"] == tree


@pytest.mark.parametrize(
    ("schema", "changes"),
    [
        ("chebyshev", {"coefficients": {"data": [1.0, 2.0], "datatype": "float64"}}),
        ("small spline", {"x": {"data": [1.0, 2.0], "datatype": "float64"}}),
        ("sum", {"operands": []}),
        ("product", {"operands": []}),
    ],
)
def test_field_model_invalid_tree_raises_corrupt_archive_error(
    schema: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    tree = {**dump(FIELDS[schema], tmp_path, "field"), **changes}
    with pytest.raises(CorruptArchiveError, match="is invalid: "):
        Holder.model_validate({"field": tree}).field.deserialize(DetachedArchive())


def test_field_model_missing_member_raises(tmp_path: Path) -> None:
    tree = dump(CHEBYSHEV, tmp_path, "field")
    del tree["bounds"]
    with pytest.raises(CorruptArchiveError, match="bounds"):
        Holder.model_validate({"field": tree}).field.deserialize(DetachedArchive())


def test_background_map_model_unknown_subtracted_raises() -> None:
    with pytest.raises(CorruptArchiveError, match="'sky' does not exist; expected one of"):
        BackgroundMapSerializationModel(subtracted="sky").deserialize(DetachedArchive())


# Files of the pipelines.


class InlineArchive(DetachedArchive):
    """Return the tree of a JSON file."""

    def get_array(self, model: Any, *, slices: Any = ...) -> Any:
        return model.to_array()[slices]


@pytest.fixture(scope="module")
def visit(shared_data: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tree of a visit image, and reference values of another reader."""
    path = shared_data / "examples" / "visit_image.json"
    return json.loads(path.read_text()), json.loads(path.with_suffix(".json.truth.json").read_text())


def check_truth(field: Any, truth: dict[str, Any]) -> None:
    assert type(field).__name__ == truth["type"]
    assert (None if field.unit is None else str(field.unit)) == truth["unit"]
    assert field.is_constant is truth["is_constant"]
    assert [field.bounds.bbox.y.start, field.bounds.bbox.y.stop] == truth["bounds"]["y"]
    for point in truth["points"]:
        assert field(x=point["x"], y=point["y"]) == pytest.approx(point["value"], rel=1e-13, abs=1e-14)
    for operand, expected in zip(getattr(field, "operands", ()), truth.get("operands", ()), strict=True):
        check_truth(operand, expected)


def test_photometric_scaling_of_file_matches_truth(visit: Any) -> None:
    tree, truth = visit
    model = Holder.model_validate({"field": tree["photometric_scaling"]})
    check_truth(model.field.deserialize(DetachedArchive()), truth["photometric_scaling"])


def test_aperture_corrections_of_file_match_truth(visit: Any) -> None:
    tree, truth = visit
    model = ApertureCorrectionMapSerializationModel.model_validate(tree["aperture_corrections"])
    corrections = model.deserialize(DetachedArchive())
    assert list(corrections) == list(truth["aperture_corrections"])
    for name, field in corrections.items():
        check_truth(field, truth["aperture_corrections"][name])


def test_backgrounds_of_file_match_truth(visit: Any) -> None:
    tree, truth = visit
    backgrounds = BackgroundMapSerializationModel.model_validate(tree["backgrounds"]).deserialize(
        InlineArchive()
    )
    assert backgrounds.subtracted is not None
    assert backgrounds.subtracted.name == truth["backgrounds"]["subtracted"]
    assert list(backgrounds) == list(truth["backgrounds"]["items"])
    for name, background in backgrounds.items():
        assert background.description == truth["backgrounds"]["items"][name]["description"]
        check_truth(background.field, truth["backgrounds"]["items"][name]["field"])


def test_chebyshev_fields_match_afw(shared_data: Path) -> None:
    truth = json.loads((shared_data / "afw" / "objects_truth.json").read_text())["obj_chebyshev"]
    field = ChebyshevField(Box.factory[2000:2400, 1000:1512], truth["coeffs"])
    x, y, values = np.array(truth["samples"]).T
    np.testing.assert_allclose(field(x=x, y=y), values, rtol=1e-13)
