# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the provenance of coadds."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.exposures import CELL_BOUNDS, make_provenance
from helpers.marks import containers
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import Polygon
from lsst.images.cells import CONTRIBUTION_COLUMNS, INPUT_COLUMNS, CellIJ, CoaddProvenance
from lsst.images.errors import CorruptArchiveError, GeometryError, UnserializableTypeError
from lsst.images.io import open_archive, read
from lsst.images.models import CoaddProvenanceSerializationModel

instruments = pytest.mark.parametrize("names", [("TestCam",), ("TestCam", "AnotherCamera", "Third")])

ALL_CELLS = [CellIJ(i, j) for i in range(6) for j in range(5)]


def rows(table: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in table.iterrows()]


def test_provenance_tables_have_published_columns() -> None:
    inputs = CoaddProvenance.make_empty_input_table(3)
    assert len(inputs) == 3
    assert inputs.colnames == ["instrument", "visit", "detector", "physical_filter", "day_obs", "polygon"]
    assert [inputs[name].dtype for name in ("visit", "detector", "day_obs")] == ["u8", "u2", "u4"]
    contributions = CoaddProvenance.make_empty_contribution_table()
    assert len(contributions) == 0 and len(contributions.colnames) == len(CONTRIBUTION_COLUMNS) == 13
    assert contributions["psf_shape_xx"].unit == u.pix**2 and contributions["weight"].dtype == np.float64
    assert all(contributions[column.name].description for column in CONTRIBUTION_COLUMNS)


@pytest.mark.parametrize("table", ["inputs", "contributions"])
def test_provenance_missing_column_raises(table: str) -> None:
    provenance = make_provenance()
    tables = {"inputs": provenance.inputs, "contributions": provenance.contributions}
    tables[table] = tables[table].copy()
    tables[table].remove_column("visit")
    with pytest.raises(GeometryError, match=rf"{table} lacks the columns \['visit'\]"):
        CoaddProvenance(**tables)


def test_provenance_without_images_raises() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        CoaddProvenance(
            CoaddProvenance.make_empty_input_table(), CoaddProvenance.make_empty_contribution_table()
        )


@given(cells=st.lists(st.sampled_from(ALL_CELLS), max_size=12))
def test_provenance_subset_has_contributions_of_its_cells(cells: list[CellIJ]) -> None:
    provenance = make_provenance(("TestCam", "AnotherCamera"))
    wanted = {cell.as_tuple() for cell in cells}
    expected = [row for row in rows(provenance.contributions) if (row[0], row[1]) in wanted]
    subset = provenance.subset(iter(cells))
    if not expected:
        assert subset is None
        return
    assert repr(rows(subset.contributions)) == repr(expected)
    used = {(row[2], row[3], row[4]) for row in expected}
    assert rows(subset.inputs) == [row for row in rows(provenance.inputs) if row[:3] in used]
    assert subset.contributions["psf_shape_yy"].unit == u.pix**2


def test_provenance_getitem_equals_subset() -> None:
    provenance = make_provenance()
    assert provenance[CellIJ(1, 2)] == provenance.subset([CellIJ(1, 2)])
    assert provenance[CellIJ(2, 3)] is None
    with pytest.raises(TypeError, match="CellIJ"):
        provenance[1, 2]  # type: ignore[index]  # that is the point


def test_provenance_str_contains_number_of_images() -> None:
    provenance = make_provenance()
    assert str(provenance) == "CoaddProvenance(5 input images)"
    one = CoaddProvenance(provenance.inputs[:1], provenance.contributions[:0])
    assert str(one) == "CoaddProvenance(1 input image)" and repr(one) == f"<{one}>"


@pytest.mark.parametrize(
    "duplicate", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy, lambda p: p.copy()]
)
def test_provenance_pickle_and_copy_are_equal(duplicate: Any) -> None:
    provenance = make_provenance()
    other = duplicate(provenance)
    assert other == provenance
    other.inputs["visit"][0] = 1
    assert other != provenance


@containers
@instruments
def test_provenance_file_round_trips(names: tuple[str, ...], extension: str, tmp_path: Path) -> None:
    provenance = make_provenance(names)
    path = tmp_path / f"provenance{extension}"
    provenance.write(path)
    back = read(path, CoaddProvenance)
    assert back == provenance
    for table, columns in ((back.inputs, INPUT_COLUMNS), (back.contributions, CONTRIBUTION_COLUMNS)):
        for column in columns:
            assert table[column.name].dtype == column.dtype and table[column.name].unit == column.unit
    assert [p.n_vertices for p in back.inputs["polygon"]] == [
        p.n_vertices for p in provenance.inputs["polygon"]
    ]
    with open_archive(path) as reader:
        tree = reader.raw_tree
        tables = {table: reader.get_component(table) for table in ("inputs", "contributions")}
        assert CoaddProvenance(**tables) == provenance
    if len(names) == 1:
        assert tree["instrument"] == "TestCam" and tree["physical_filter"] == "r_7"
    else:
        assert tree["instrument"] == {"AnotherCamera": 0, "TestCam": 1, "Third": 2}
        assert tree["physical_filter"] == {"r_13": 0, "r_5": 1, "r_7": 2}
    coded = [column["name"] for column in tree["inputs"]["columns"]]
    assert coded == [
        *(["instrument"] if len(names) > 1 else []),
        *("visit", "detector"),
        *(["physical_filter"] if len(names) > 1 else []),
        *("day_obs", "n_vertices", "x_vertices", "y_vertices"),
    ]


def damaged(tmp_path: Path, change: Any) -> CoaddProvenanceSerializationModel:
    make_provenance(("TestCam", "AnotherCamera")).write(tmp_path / "provenance.json")
    with open_archive(tmp_path / "provenance.json") as reader:
        tree = copy.deepcopy(reader.raw_tree)
        change(tree)
        return reader.model.model_validate(tree).deserialize(reader.archive)


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        (lambda tree: tree.update(instrument={"TestCam": 0}), r"Unknown instrument codes \[1\]"),
        (lambda tree: tree["inputs"]["columns"].pop(1), "lacks the column 'visit'"),
        (lambda tree: tree["inputs"]["columns"].pop(-1), "lacks the column 'y_vertices'"),
    ],
)
def test_read_invalid_provenance_table_raises(change: Any, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(CorruptArchiveError, match=fragment):
        damaged(tmp_path, change)


def test_read_provenance_converts_integer_types(tmp_path: Path) -> None:
    def widen(tree: Any) -> None:
        for table in ("inputs", "contributions"):
            for column in tree[table]["columns"]:
                if column["data"]["datatype"].startswith("uint"):
                    column["data"]["datatype"] = "int64"

    assert damaged(tmp_path, widen) == make_provenance(("TestCam", "AnotherCamera"))


@pytest.mark.parametrize(("column", "value"), [("instrument", 3), ("polygon", "somewhere")])
def test_write_provenance_with_other_types_raises(column: str, value: Any, tmp_path: Path) -> None:
    provenance = make_provenance()
    provenance.inputs[column][0] = value
    with pytest.raises(UnserializableTypeError, match=repr(value)):
        provenance.write(tmp_path / "provenance.json")
    assert not list(tmp_path.iterdir())


def test_provenance_outlines_are_polygons() -> None:
    polygon = make_provenance().inputs["polygon"][1]
    assert isinstance(polygon, Polygon) and polygon.n_vertices in (4, 5)
    assert CELL_BOUNDS.contains_cell(CellIJ(1, 2))
