# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Compare files of other writers and of old schema versions with their expected contents.

The writers of the files recorded checksums, arrays and values in ``*.truth.json``.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from lsst.images import Box, MaskedImage
from lsst.images.cells import CellCoadd, CellIJ
from lsst.images.io import open_archive, read, write

ROOT = Path(__file__).resolve().parents[2] / "shared" / "data"
EXAMPLES = ROOT / "examples"


def find(pattern: str) -> list[Any]:
    """Return the files that match a pattern and have recorded contents, as parameters of a test."""
    files = [
        path.with_name(path.name.removesuffix(".truth.json"))
        for path in sorted(EXAMPLES.glob(f"{pattern}.truth.json"))
    ]
    found = [pytest.param(path, id=str(path.relative_to(EXAMPLES))) for path in files if path.exists()]
    return found or [pytest.param(None, marks=pytest.mark.skip(f"no file in {EXAMPLES} matches {pattern}"))]


def truth_of(path: Path) -> dict[str, Any]:
    """Return the recorded contents of a file."""
    if path.suffix == ".sdf":
        pytest.importorskip("h5py")
    loaded: dict[str, Any] = json.loads(path.with_name(f"{path.name}.truth.json").read_text())
    return loaded


def sha(array: np.ndarray) -> str:
    """Return the SHA-256 of an array in C order and little-endian bytes."""
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    return hashlib.sha256(little.tobytes()).hexdigest()


def box(value: Box) -> dict[str, list[int]]:
    return {"y": [value.y.start, value.y.stop], "x": [value.x.start, value.x.stop]}


def number(value: Any) -> Any:
    return float("nan") if value == "NaN" else value


def check_bounds(found: Any, expected: dict[str, Any]) -> None:
    if expected["kind"] == "Box":
        assert box(found) == {axis: expected[axis] for axis in "yx"}
        return
    assert box(found.bbox) == expected["bbox"]
    if expected["kind"] == "CellGridBounds":
        assert sorted([cell.i, cell.j] for cell in found.missing) == sorted(expected["missing"])
        assert box(found.grid.bbox) == expected["grid_bbox"]
    else:
        assert found.area == pytest.approx(expected["area"], rel=1e-12)


def check_field(field: Any, expected: dict[str, Any]) -> None:
    assert type(field).__name__ == expected["type"] and field.is_constant == expected["is_constant"]
    assert field.unit == (None if expected["unit"] is None else u.Unit(expected["unit"]))
    check_bounds(field.bounds, expected["bounds"])
    for point in expected["points"]:
        assert field(x=point["x"], y=point["y"]) == pytest.approx(
            number(point["value"]), rel=1e-9, nan_ok=True
        )
    for part, record in zip(getattr(field, "operands", ()), expected.get("operands", ()), strict=True):
        check_field(part, record)


def check_plane(plane: Any, expected: dict[str, Any]) -> None:
    assert box(plane.bbox) == expected["bbox"] and sha(plane.array) == expected["sha256_le"]
    assert plane.unit == (None if expected["unit"] is None else u.Unit(expected["unit"]))
    assert plane.array.dtype == expected["dtype"] and plane.array.dtype.isnative


@pytest.mark.parametrize("path", find("old_versions/*/*"))
def test_read_old_schema_version_returns_recorded_contents(path: Path) -> None:
    truth = truth_of(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        obj = read(path)
    assert type(obj).__name__ == truth["type"]
    assert list(box(obj.bbox).values()) == truth["bbox"]
    if not truth.get("lossy"):
        for name in ("image", "variance"):
            if f"{name}_sha256_le" in truth:
                assert sha(getattr(obj, name).array) == truth[f"{name}_sha256_le"]
    if "mask" in truth:
        assert sha(obj.mask.array) == truth["mask"]["array_sha256_le"]
        planes = [None if plane is None else [plane.name, plane.description] for plane in obj.mask.schema]
        assert planes == [None if plane is None else plane[:2] for plane in truth["mask"]["planes"]]
    for point in truth.get("sky_points") or []:
        sky = obj.projection.pixel_to_sky(x=point["x"], y=point["y"])
        assert sky.ra.deg == pytest.approx(point["ra_deg"], abs=1e-10)
        assert sky.dec.deg == pytest.approx(point["dec_deg"], abs=1e-10)
    for name, value in (truth.get("obs_info") or {}).items():
        if isinstance(value, int | str):
            assert getattr(obj.obs_info, name) == value
    for name, value in (truth.get("summary_stats") or {}).items():
        assert getattr(obj.summary_stats, name) == pytest.approx(number(value), nan_ok=True)
    if isinstance(obj, CellCoadd):
        check_old_coadd(obj, truth["cell"])


def check_old_coadd(coadd: CellCoadd, truth: dict[str, Any]) -> None:
    assert list(box(coadd.grid.bbox).values()) == truth["grid_bbox"]
    assert list(coadd.grid.cell_shape) == truth["cell_shape_yx"]
    assert sorted([cell.i, cell.j] for cell in coadd.bounds.missing) == truth["missing"]
    assert sha(coadd.psf.array) == truth["psf_sha256_le"]
    assert sha(coadd.mask_fractions["rejected"].array) == truth["mask_fraction_sha"]
    assert sha(coadd.noise_realizations[0].array) == truth["noise_sha"]
    assert coadd.patch.id == truth["patch"]["id"] and list(coadd.patch.index) == truth["patch"]["index_yx"]
    inputs, contributions = coadd.provenance.inputs, coadd.provenance.contributions
    assert list(inputs["visit"]) == truth["provenance"]["visits"]
    assert list(inputs["detector"]) == truth["provenance"]["detectors"]
    assert list(contributions["weight"]) == truth["provenance"]["weights"]
    # Files of some versions do not contain this column; its values are NaN then.
    assert all(np.isnan(value) or 0 <= value <= 1 for value in contributions["unmasked_fraction"])


@pytest.mark.parametrize("path", find("[!c]*[fsn]"))
def test_read_planes_equal_recorded_contents(path: Path) -> None:
    truth = truth_of(path)
    obj = read(path)
    if not isinstance(obj, MaskedImage):
        pytest.skip("the file does not contain a masked image")
    for name in ("image", "variance"):
        check_plane(getattr(obj, name), truth[name])
    assert sha(obj.mask.array) == truth["mask"]["array"]["sha256_le"]
    np.testing.assert_equal(
        dict(obj.metadata.native), {key: number(value) for key, value in truth["metadata"].items()}
    )
    subset = truth.get("subset_read") or {}
    if "image" in subset:
        bbox = Box.factory[slice(*subset["bbox"]["y"]), slice(*subset["bbox"]["x"])]
        part = read(path, bbox=bbox)
        for name in ("image", "mask", "variance"):
            assert sha(getattr(part, name).array) == subset[name]
            with open_archive(path) as reader:
                assert sha(reader.get_component(name, bbox=bbox).array) == subset[name]
        if "bounds" in subset:
            check_bounds(part.bounds, subset["bounds"])


@pytest.mark.parametrize("path", [*find("visit_image*"), *find("difference_image*")])
def test_read_visit_image_components_equal_recorded_contents(path: Path) -> None:
    truth = truth_of(path)
    obj = read(path)
    check_bounds(obj.bounds, truth["bounds"])
    assert obj.band == truth["band"] and obj.physical_filter == truth["physical_filter"]
    if truth["photometric_scaling"] is None:
        assert obj.photometric_scaling is None
    else:
        check_field(obj.photometric_scaling, truth["photometric_scaling"])
    assert list(obj.aperture_corrections) == list(truth["aperture_corrections"])
    for name, expected in truth["aperture_corrections"].items():
        check_field(obj.aperture_corrections[name], expected)
    subtracted = obj.backgrounds.subtracted
    assert (None if subtracted is None else subtracted.name) == truth["backgrounds"]["subtracted"]
    for name, expected in truth["backgrounds"]["items"].items():
        assert obj.backgrounds[name].description == expected["description"]
        check_field(obj.backgrounds[name].field, expected["field"])
    detector = truth["detector"]
    for name in ("instrument", "visit", "name", "id", "type", "serial", "pixel_size", "physical_type"):
        assert getattr(obj.detector, name) == detector[name], name
    assert box(obj.detector.bbox) == detector["bbox"]
    assert [a.name for a in obj.detector.amplifiers] == [a["name"] for a in detector["amplifiers"]]
    for name, value in truth["summary_stats"].items():
        expected = [number(v) for v in value] if isinstance(value, list) else number(value)
        np.testing.assert_array_equal(getattr(obj.summary_stats, name), expected)


@pytest.mark.parametrize("path", find("difference_image*"))
def test_read_difference_image_kernel_and_templates_equal_recorded_contents(path: Path) -> None:
    truth = truth_of(path)
    obj = read(path)
    assert sha(obj.kernel.basis) == truth["kernel"]["basis"]["sha256_le"]
    assert box(obj.kernel.kernel_bbox) == truth["kernel"]["kernel_bbox"]
    for field, expected in zip(obj.kernel.spatial, truth["kernel"]["spatial"], strict=True):
        check_field(field, expected)
    for template, expected in zip(obj.templates, truth["templates"], strict=True):
        for name in ("skymap", "tract", "patch", "dataset_run", "psf_shape_flag"):
            assert getattr(template, name) == expected[name]
        assert str(template.dataset_id) == expected["dataset_id"]
        for axes in ("xx", "yy", "xy"):
            value = number(expected[f"psf_shape_{axes}"])
            assert getattr(template, f"psf_shape_{axes}") == pytest.approx(value, nan_ok=True)
        assert template.bounds.area == pytest.approx(expected["bounds"]["area"])


@pytest.mark.parametrize("path", find("cell_coadd*"))
def test_read_cell_coadd_equals_recorded_contents(path: Path) -> None:
    truth = truth_of(path)
    coadd = read(path)
    for name in ("image", "variance"):
        check_plane(getattr(coadd, name), truth[name])
    check_bounds(coadd.bounds, truth["bounds"])
    assert (coadd.skymap, coadd.tract, coadd.band) == (truth["skymap"], truth["tract"], truth["band"])
    assert sha(coadd.psf.array) == truth["psf"]["array"]["sha256_le"]
    for cell in truth["psf"]["cells"]:
        assert coadd.psf[CellIJ(cell["i"], cell["j"])].array.sum() == pytest.approx(cell["sum"], rel=1e-14)
    for plane, expected in zip(coadd.noise_realizations, truth["noise_realizations"], strict=True):
        check_plane(plane, expected)
    for name, expected in truth["mask_fractions"].items():
        check_plane(coadd.mask_fractions[name], expected)
    for name, expected in truth["aperture_corrections"].items():
        field = coadd.aperture_corrections[name]
        check_bounds(field.bounds, expected["bounds"])
        for value in expected["values"]:
            assert field.value_in_cell(CellIJ(value["i"], value["j"])) == value["value"]
    for name, expected in truth["backgrounds"]["items"].items():
        check_field(coadd.backgrounds[name].field, expected["field"])
    assert (
        coadd.patch.id == truth["patch"]["id"] and box(coadd.patch.inner_bbox) == truth["patch"]["inner_bbox"]
    )
    check_provenance(coadd, truth["provenance"])


def check_provenance(coadd: CellCoadd, truth: dict[str, Any]) -> None:
    for name, table in (
        ("inputs", coadd.provenance.inputs),
        ("contributions", coadd.provenance.contributions),
    ):
        assert set(table.colnames) == set(truth[name]["columns"])
        for row, expected in zip(table, truth[name]["rows"], strict=True):
            for column, value in expected.items():
                if column == "polygon":
                    assert row[column].area == pytest.approx(value["area"])
                else:
                    np.testing.assert_equal(row[column], number(value))


@pytest.mark.parametrize("path", find("cell_coadd*"))
def test_read_cell_coadd_box_equals_recorded_contents(path: Path) -> None:
    subset = truth_of(path)["subset_read"]
    part = read(path, bbox=Box.factory[slice(*subset["bbox"]["y"]), slice(*subset["bbox"]["x"])])
    for name in ("image", "mask", "variance"):
        assert sha(getattr(part, name).array) == subset[name]
    check_bounds(part.bounds, subset["cell_bounds"])
    assert sha(part.psf.array) == subset["psf_array"]
    assert len(part.provenance.inputs) == subset["provenance_n_inputs_distinct"]
    assert len(part.provenance.contributions) == subset["provenance_n_contributions"]
    assert sha(part.mask_fractions["rejected"].array) == subset["mask_fractions"]["rejected"]


@pytest.mark.parametrize(
    ("name", "pytype", "text"),
    [
        ("visit_image-1.0.0-dp1.json", "VisitImage", "VisitImage(Image([y=0:16, x=0:16], float32)"),
        ("cell_coadd-1.0.0-as_shipped.json", "CellCoadd", "CellCoadd([y=48:60, x=36:48], tract=9813)"),
        ("detector.json", "Detector", "Detector 'R21_S11' (LSSTCam)"),
    ],
)
def test_read_json_of_real_data_returns_all_components(name: str, pytype: str, text: str) -> None:
    path = ROOT / "images" / name
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    obj = read(path)
    assert type(obj).__name__ == pytype and str(obj).startswith(text)
    with open_archive(path) as reader:
        for component in reader.component_names:
            found = reader.get_component(component)
            assert found is not None or component in ("photometric_scaling", "obs_info")


def test_read_real_visit_image_returns_known_values() -> None:
    path = ROOT / "images" / "visit_image-1.0.0-dp1.json"
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    visit = read(path)
    corrections = visit.aperture_corrections
    assert corrections["base_CompensatedTophatFlux_12_instFlux"](x=8.0, y=8.0) == 1.0121677389384383
    assert visit.obs_info.visit_id == 2024110800246 and visit.detector.name == "R22_S00"
    assert visit.bounds == visit.bbox and visit.metadata == {"id": 45508261376}


@pytest.mark.parametrize(
    ("name", "instruments"),
    [("examples43/difference_image.json", None), ("examples/difference_image.fits", {"UNKNOWN"})],
)
def test_template_info_instrument_absent_in_older_files_is_unknown(
    name: str, instruments: set[str] | None, tmp_path: Path
) -> None:
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    image = read(path)
    if instruments is None:
        stored = json.loads(path.read_text())["templates"]
        instruments = {template["instrument"] for template in stored}
    assert {template.instrument for template in image.templates} == instruments
    image.write(tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["schema_version"] == "1.2.0"
    assert {template["instrument"] for template in again["templates"]} == instruments


EXAMPLES_43 = [
    pytest.param(path.with_name(path.name.removesuffix(".truth.json")), id=path.name)
    for path in sorted((ROOT / "examples43").glob("*.truth.json"))
] or [pytest.param(None, marks=pytest.mark.skip(f"no file in {ROOT / 'examples43'}"))]


def member_paths(node: Any, path: str = "") -> set[str]:
    """Return the paths of all members of a raw tree, without indices of items."""
    if isinstance(node, list):
        return set().union(*(member_paths(item, f"{path}/#") for item in node[:3]))
    if not isinstance(node, dict):
        return set()
    return {f"{path}/{k}" for k in node}.union(*(member_paths(v, f"{path}/{k}") for k, v in node.items()))


@pytest.mark.parametrize("path", EXAMPLES_43)
def test_write_of_file_by_public_package_gives_same_object(path: Path, tmp_path: Path) -> None:
    if path.suffix == ".sdf":
        pytest.importorskip("h5py")
    obj = read(path)
    write(obj, tmp_path / path.name)
    again = read(tmp_path / path.name)
    # JSON files contain all arrays and tables.
    texts = [write(o, tmp_path / f"{n}_.json").model_dump_json() for n, o in enumerate((obj, again))]
    assert texts[0] == texts[1]
    if hasattr(obj, "image") and path.suffix != ".json":
        assert dict(obj.metadata.external) == dict(again.metadata.external)
    with open_archive(path) as reader, open_archive(tmp_path / path.name) as rewritten:
        lost = member_paths(reader.raw_tree) - member_paths(rewritten.raw_tree)
    # Butler information belongs to the old file; NDF tables are arrays by reference.
    assert [p for p in lost if not p.startswith("/butler_info") and not p.endswith("/data/data")] == []
