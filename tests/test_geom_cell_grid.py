# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._geom._cell_grid`, compared with loops over all pixels."""

from __future__ import annotations

import copy
import pickle
import typing
from types import SimpleNamespace

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import XY, YX, Bounds, Box, Interval
from lsst.images.cells import CellGrid, CellGridBounds, CellIJ
from lsst.images.errors import GeometryError, NotContainedError

fast = settings(deadline=None, max_examples=40)
GRID = CellGrid(Box.factory[0:100, 0:200], YX(y=10, x=20))
BOUNDS = CellGridBounds(GRID, Box.factory[20:50, 40:140], frozenset({CellIJ(3, 4), CellIJ(2, 2)}))


@st.composite
def cell_bounds(draw: st.DrawFn) -> CellGridBounds:
    ny, nx, cy, cx = (draw(st.integers(1, 5)) for _ in range(4))
    start = YX(draw(st.integers(-9, 9)), draw(st.integers(-9, 9)))
    grid = CellGrid(Box.from_shape((ny * cy, nx * cx), start=start), YX(cy, cx))
    i0, j0 = draw(st.integers(0, ny - 1)), draw(st.integers(0, nx - 1))
    i1, j1 = draw(st.integers(i0 + 1, ny)), draw(st.integers(j0 + 1, nx))
    bbox = Box(Interval(start.y + i0 * cy, start.y + i1 * cy), Interval(start.x + j0 * cx, start.x + j1 * cx))
    cells = st.builds(CellIJ, st.integers(i0, i1 - 1), st.integers(j0, j1 - 1))
    return CellGridBounds(grid, bbox, draw(st.frozensets(cells, max_size=6)))


def test_cell_index_supports_ordering_and_arithmetic() -> None:
    assert CellIJ(1, 2) + CellIJ(3, 4) == CellIJ(4, 6)
    assert CellIJ(1, 2) - CellIJ(3, 4) == CellIJ(-2, -2)
    assert sorted([CellIJ(1, 0), CellIJ(0, 5)])[0] == CellIJ(0, 5)
    assert CellIJ(np.int16(1), 2.0).as_tuple() == (1, 2)  # type: ignore[arg-type]
    assert type(CellIJ(np.int16(1), 2).i) is int  # type: ignore[arg-type]
    assert str(CellIJ(1, 2)) == "(i=1, j=2)"
    with pytest.raises(TypeError):
        CellIJ(1, 2) + 1  # type: ignore[operator]
    with pytest.raises(AttributeError):
        CellIJ(1, 2).i = 3  # type: ignore[misc]
    assert CellIJ.from_legacy(SimpleNamespace(x=np.int16(5), y=np.int16(4))) == CellIJ(i=4, j=5)


def test_grid_indices_count_from_grid_start() -> None:
    grid = CellGrid(Box.factory[-5:25, 7:47], YX(y=10, x=20))
    assert grid.grid_size == CellIJ(3, 2)
    assert grid.bbox_of(CellIJ(0, 1)) == Box.factory[-5:5, 27:47]
    assert grid.index_of(y=-5, x=46) == CellIJ(0, 1)
    assert grid.index_of(y=4.49, x=26.5) == CellIJ(0, 1)
    assert grid.index_of(y=-6, x=47) == CellIJ(-1, 2)
    assert str(GRID) == "[y=0:100, x=0:200], cell_shape=(y=10, x=20)"
    assert eval(repr(grid)) == grid and hash(eval(repr(grid))) == hash(grid)


def test_grid_cell_shape_accepts_xy_and_tuple() -> None:
    assert CellGrid(GRID.bbox, XY(x=20, y=10)) == GRID  # type: ignore[arg-type]
    assert type(CellGrid(GRID.bbox, (10, 20)).cell_shape) is YX  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(7, 20), (10, 30), (0, 20), (10, -1), (2.5, 20)])
def test_grid_uneven_cell_shape_raises(shape: typing.Any) -> None:
    with pytest.raises(GeometryError):
        CellGrid(GRID.bbox, YX(*shape))


def test_grid_from_legacy_accepts_only_zero_padding() -> None:
    def interval(begin: int, end: int) -> SimpleNamespace:
        return SimpleNamespace(begin=begin, end=end)

    legacy = SimpleNamespace(
        padding=0,
        bbox=SimpleNamespace(y=interval(0, 100), x=interval(0, 200)),
        cell_size=SimpleNamespace(x=20, y=10),
    )
    assert CellGrid.from_legacy(legacy) == GRID
    legacy.padding = 3
    with pytest.raises(ValueError, match="padded"):
        CellGrid.from_legacy(legacy)


def test_cell_bounds_partial_or_outside_box_raises() -> None:
    with pytest.raises(GeometryError, match="does not consist of whole cells"):
        CellGridBounds(GRID, Box.factory[20:51, 40:140])
    with pytest.raises(NotContainedError, match="beyond the grid"):
        CellGridBounds(GRID, Box.factory[20:110, 40:140])


def test_cell_bounds_properties_describe_subgrid() -> None:
    assert (BOUNDS.subgrid_start, BOUNDS.subgrid_stop) == (CellIJ(2, 2), CellIJ(5, 7))
    assert BOUNDS.subgrid_size == CellIJ(3, 5)
    assert BOUNDS.missing_boxes() == [Box.factory[20:30, 40:60], Box.factory[30:40, 80:100]]
    assert str(BOUNDS) == f"[y=20:50, x=40:140] in grid ({GRID}), missing={{(i=2, j=2), (i=3, j=4)}}"
    assert str(CellGridBounds(GRID, GRID.bbox)) == f"{GRID.bbox} in grid ({GRID})"
    assert isinstance(BOUNDS, Bounds)
    assert BOUNDS.serialize().deserialize() == BOUNDS


def test_cell_bounds_missing_cells_outside_box_are_ignored() -> None:
    assert CellGridBounds(GRID, BOUNDS.bbox, BOUNDS.missing | {CellIJ(0, 0), CellIJ(-1, 3)}) == BOUNDS


@fast
@given(cell_bounds())
def test_cell_bounds_contains_matches_loop_at_centres_and_edges(bounds: CellGridBounds) -> None:
    outer = bounds.bbox.padded(2)
    y = np.arange(outer.y.start, outer.y.stop, 0.5)[:, None]
    x = np.arange(outer.x.start, outer.x.stop, 0.5)[None, :]
    covered = {
        (row, column)
        for cell in bounds.cell_indices()
        for row in bounds.grid.bbox_of(cell).y.range
        for column in bounds.grid.bbox_of(cell).x.range
    }
    expected = np.array(
        [[(int(np.floor(v + 0.5)), int(np.floor(u + 0.5))) in covered for u in x[0]] for v in y[:, 0]]
    )
    np.testing.assert_array_equal(bounds.contains(x=x, y=y), expected)
    np.testing.assert_array_equal(bounds.contains(YX(y, x)), expected)
    for (row, column), answer in list(np.ndenumerate(expected))[::7]:
        assert bounds.contains(x=x[0, column], y=y[row, 0]) is bool(answer)


@fast
@given(cell_bounds())
def test_cell_indices_are_sorted_and_exclude_missing(bounds: CellGridBounds) -> None:
    listed = list(bounds.cell_indices())
    assert listed == sorted(listed)
    assert all(map(bounds.contains_cell, listed))
    assert not any(map(bounds.contains_cell, bounds.missing))
    area = sum(bounds.grid.bbox_of(cell).area for cell in listed)
    assert area + sum(box.area for box in bounds.missing_boxes()) == bounds.bbox.area
    assert not bounds.contains_cell(bounds.subgrid_stop)


def test_cell_bounds_contains_nan_and_empty_arrays() -> None:
    assert BOUNDS.contains(x=float("nan"), y=35) is False
    np.testing.assert_array_equal(BOUNDS.contains(x=[np.nan, 45], y=35), [False, True])
    assert BOUNDS.contains(x=[], y=[]).shape == (0,)
    with pytest.raises(TypeError, match=r"CellGridBounds\.contains"):
        BOUNDS.contains(x=1)  # type: ignore[call-overload]


def test_cell_bounds_getitem_returns_overlapping_cells() -> None:
    part = BOUNDS[Box.factory[29:31, 59:61]]
    assert part.bbox == Box.factory[20:40, 40:80]
    assert part.missing == {CellIJ(2, 2)}
    assert BOUNDS[BOUNDS.bbox] == BOUNDS
    with pytest.raises(ValueError, match="does not lie within"):
        BOUNDS[Box.factory[19:31, 59:61]]
    with pytest.raises(TypeError, match="Box"):
        BOUNDS[CellIJ(2, 2)]  # type: ignore[index]


@fast
@given(cell_bounds())
def test_cell_bounds_copies_and_serialization_preserve_value(bounds: CellGridBounds) -> None:
    adapter = pydantic.TypeAdapter(CellGridBounds)
    for other in (
        pickle.loads(pickle.dumps(bounds)),
        copy.deepcopy(bounds),
        eval(repr(bounds)),
        adapter.validate_json(adapter.dump_json(bounds)),
        adapter.validate_python(adapter.dump_python(bounds)),
    ):
        assert other == bounds and hash(other) == hash(bounds)


def test_cell_bounds_validation_accepts_older_form() -> None:
    stored = {
        "grid": {
            "bbox": {"y": {"start": 0, "stop": 100}, "x": {"start": 0, "stop": 200}},
            "cell_shape": [10, 20],
        },
        "bbox": {"y": {"start": 20, "stop": 50}, "x": {"start": 40, "stop": 140}},
    }
    adapter = pydantic.TypeAdapter(CellGridBounds)
    assert adapter.validate_python(stored) == CellGridBounds(GRID, BOUNDS.bbox)
    assert adapter.dump_python(BOUNDS)["missing"] == [{"i": 2, "j": 2}, {"i": 3, "j": 4}]
    assert adapter.dump_python(BOUNDS)["grid"]["cell_shape"] == {"y": 10, "x": 20}
