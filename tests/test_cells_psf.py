# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of PSFs and fields with one value per cell."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.exposures import CELL_BOUNDS, CELLS, GRID, MISSING, make_cell_corrections, make_cell_psf
from helpers.marks import containers
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import YX, Box, Image
from lsst.images.cells import CellField, CellGrid, CellGridBounds, CellIJ, CellPointSpreadFunction
from lsst.images.errors import BoundsError, CorruptArchiveError, GeometryError, NotContainedError
from lsst.images.io import open_archive, read
from lsst.images.json import JsonOutputArchive
from lsst.images.models import CellApertureCorrectionMapSerializationModel as MapModel
from lsst.images.serialization import DetachedArchive


def cell_of(x: float, y: float) -> CellIJ:
    """Find a cell pixel by pixel: pixel n covers [n - 0.5, n + 0.5)."""
    rows = {n: i for i in range(6) for n in range(100 + 10 * i, 110 + 10 * i)}
    columns = {n: j for j in range(5) for n in range(200 + 12 * j, 212 + 12 * j)}
    column = next(n for n in range(190, 280) if n - 0.5 <= x < n + 0.5)
    row = next(n for n in range(90, 180) if n - 0.5 <= y < n + 0.5)
    return CellIJ(rows.get(row, -1), columns.get(column, -1))


# The PSF.


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (224, 110),
        (223.5, 109.5),
        (235.5, 115),
        (235.5 - 1e-9, 119.5),
        (np.nextafter(259.5, 0.0), np.nextafter(139.5, 0.0)),
        (212, 125.25),
    ],
)
def test_cell_psf_kernel_image_is_image_of_cell(x: float, y: float) -> None:
    psf, cell = make_cell_psf(), cell_of(x, y)
    kernel = psf.compute_kernel_image(x=x, y=y)
    assert kernel == psf[cell] and kernel.bbox == psf.kernel_bbox == Box.factory[-7:8, -6:7]
    np.testing.assert_array_equal(kernel.array, psf.array[(cell - CELL_BOUNDS.subgrid_start).as_tuple()])
    kernel.array[...] = 0.0
    assert psf.compute_kernel_image(x=x, y=y).array.sum() == pytest.approx(1.0)


@given(x=st.floats(205.0, 265.0), y=st.floats(104.0, 145.0))
def test_cell_psf_array_positions_equal_scalar_positions(x: float, y: float) -> None:
    psf, cell = make_cell_psf(), cell_of(x, y)
    if CELL_BOUNDS.contains_cell(cell):
        assert CELL_BOUNDS.contains(x=x, y=y) and np.all(CELL_BOUNDS.contains(x=[x, x], y=[y, y]))
        stack = psf.compute_kernel_images(x=[x, 250.0], y=[y, 115.0])
        np.testing.assert_array_equal(stack, [psf[cell].array, psf[CellIJ(1, 4)].array])
    else:
        assert not CELL_BOUNDS.contains(x=x, y=y)
        for function in (psf.compute_kernel_image, psf.compute_stellar_image, psf.compute_stellar_bbox):
            with pytest.raises(BoundsError):
                function(x=x, y=y)


@pytest.mark.parametrize("kernel", ["lanczos3", "lanczos5"])
def test_cell_psf_stellar_image_is_shifted_kernel(kernel: str) -> None:
    psf = make_cell_psf(kernel=kernel)
    x, y = 226.3, 113.6
    star = psf.compute_stellar_image(x=x, y=y)
    assert star.bbox == Box.factory[107:122, 220:233] == psf.compute_stellar_bbox(x=x, y=y)
    rows, columns = np.mgrid[107:122, 220:233]
    exact = np.exp(-0.5 * ((rows - y) ** 2 + (columns - x) ** 2) / 1.3**2)
    exact /= exact.sum()
    assert star.array.sum() == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(star.array, exact, atol=1e-2 * exact.max())
    at_pixel = psf.compute_stellar_image(x=226, y=114)
    np.testing.assert_allclose(at_pixel.array, psf[CellIJ(1, 2)].array, rtol=1e-12)
    stack, yx0 = psf.compute_stellar_images(x=[x], y=[y])
    np.testing.assert_array_equal(stack[0], star.array)
    assert (yx0.y[0], yx0.x[0]) == star.bbox.start


def test_cell_psf_resampling_kernels_differ() -> None:
    three, five = (
        make_cell_psf(kernel=f"lanczos{n}").compute_stellar_image(x=226.5, y=113.5) for n in (3, 5)
    )
    assert three.bbox == five.bbox and not np.array_equal(three.array, five.array)


def test_cell_psf_box_index_selects_overlapping_cells() -> None:
    psf = make_cell_psf(kernel="lanczos3")
    part = psf[Box.factory[119:121, 230:237]]
    assert part.bounds == CellGridBounds(GRID, Box.factory[110:130, 224:248], {CellIJ(2, 3)})
    np.testing.assert_array_equal(part.array, psf.array[0:2, 1:3])
    assert part.resampling_kernel == "lanczos3" and not np.shares_memory(part.array, psf.array)
    assert part.compute_kernel_image(x=230, y=119) == psf.compute_kernel_image(x=230, y=119)


def test_cell_psf_invalid_index_raises() -> None:
    psf = make_cell_psf()
    with pytest.raises(BoundsError, match=r"\(i=2, j=3\) is missing"):
        psf[CellIJ(2, 3)]
    for cell in (CellIJ(0, 1), CellIJ(-1, 1), CellIJ(4, 1), CellIJ(1, 5)):
        with pytest.raises(BoundsError, match="out of bounds"):
            psf[cell]
    with pytest.raises(TypeError, match="Box or a CellIJ"):
        psf[1:3]  # type: ignore[call-overload]  # that is the point
    with pytest.raises(NotContainedError):
        psf[GRID.bbox]


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 3, 5, 5), (3, 4, 5, 4)])
def test_cell_psf_invalid_array_shape_raises(shape: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError):
        CellPointSpreadFunction(np.zeros(shape), CELL_BOUNDS)
    with pytest.raises(ValueError, match="warping kernel 'sinc'"):
        make_cell_psf(kernel="sinc")


@pytest.mark.parametrize("duplicate", [lambda p: pickle.loads(pickle.dumps(p)), copy.copy, copy.deepcopy])
def test_cell_psf_pickle_and_copy_are_equal(duplicate: Any) -> None:
    psf = make_cell_psf(kernel="lanczos3")
    assert duplicate(psf) == psf
    assert psf != make_cell_psf(kernel="lanczos5")


@containers
def test_cell_psf_file_round_trips(extension: str, tmp_path: Path) -> None:
    psf = make_cell_psf(kernel="lanczos3")
    path = tmp_path / f"psf{extension}"
    psf.write(path)
    assert read(path) == psf
    box = Box.factory[119:121, 230:237]
    assert read(path, CellPointSpreadFunction, bbox=box) == psf[box]
    with open_archive(path) as reader:
        np.testing.assert_array_equal(reader.get_component("array"), psf.array)


# Fields.


def test_cell_field_value_by_cell_and_by_position() -> None:
    field = CellField(CELL_BOUNDS, np.arange(12.0).reshape(3, 4), unit=u.nJy)
    assert field.value_in_cell(CellIJ(3, 2)) == 9.0
    assert field.quantity_in_cell(CellIJ(3, 2)) == 9.0 * u.nJy
    assert field(x=224.0, y=130.0) == 9.0 and field(x=247.5 - 1e-9, y=129.5) == 10.0
    found = field(x=[200.0, 224.0, 225.0, 259.4, 261.0, np.nan], y=np.full(6, 111.0))
    np.testing.assert_array_equal(found, [np.nan, 1.0, 1.0, 3.0, np.nan, np.nan])
    assert np.isnan(field(x=225.0, y=60.0)) and np.isnan(field(x=240.0, y=125.0))


def test_cell_field_render_equals_evaluation_at_pixel_centres() -> None:
    field = make_cell_corrections()["base_CModel"]
    box = Box.factory[105:143, 209:262]
    y, x = np.mgrid[105:143, 209:262]
    rendered = field.render(box)
    np.testing.assert_array_equal(rendered.array, field(x=x, y=y))
    np.testing.assert_array_equal(np.isfinite(rendered.array), field.bounds.contains(x=x, y=y))


def test_cell_field_arithmetic_keeps_cells() -> None:
    field = CellField(CELL_BOUNDS, np.full((3, 4), 2.0))
    scaled = 3.0 * field * u.nJy
    assert scaled.unit == u.nJy and scaled.bounds == CELL_BOUNDS
    assert scaled.value_in_cell(CellIJ(1, 2)) == 6.0 and np.isnan(scaled.array[0, 0])
    assert not field.is_constant and CellField(CellGridBounds(GRID, CELLS), np.ones((3, 4))).is_constant


def test_cell_field_missing_and_outside_cells_raise_different_messages() -> None:
    field = make_cell_corrections()["base_CModel"]
    with pytest.raises(BoundsError, match="is missing"):
        field.value_in_cell(CellIJ(3, 2))
    with pytest.raises(BoundsError, match="out of bounds"):
        field.quantity_in_cell(CellIJ(-1, 2))
    with pytest.raises(GeometryError, match="expected that of its cells"):
        CellField(CELL_BOUNDS, np.zeros((4, 3)))
    assert pickle.loads(pickle.dumps(field)) == field


# Maps of fields.


def test_aperture_corrections_round_trip_keeps_missing_cells() -> None:
    fields = make_cell_corrections()
    tree = MapModel.serialize(fields, make_archive())
    assert tree.bounds == CELL_BOUNDS
    assert [column.name for column in tree.table.columns] == ["cell_i", "cell_j", *fields]
    found = np.array([tree.table.columns[n].data.data for n in (0, 1)]).T.tolist()
    assert found == [list(cell.as_tuple()) for cell in CELL_BOUNDS.cell_indices()]
    assert tree.deserialize(Inline()) == fields


def make_archive() -> Any:
    return JsonOutputArchive.create(io.BytesIO()).nested("aperture_corrections")


class Inline(DetachedArchive):
    """An archive for trees with inline tables."""

    def get_structured_array(self, model: Any) -> Any:
        return model.inline_array()


def test_aperture_corrections_empty_map_has_no_tree() -> None:
    assert MapModel.serialize({}, make_archive()) is None


def test_aperture_corrections_inconsistent_fields_raise() -> None:
    field = make_cell_corrections()["base_PsfFlux"]
    coarse = CellGridBounds(CellGrid(GRID.bbox, YX(20, 12)), Box.factory[100:140, 212:260])
    fewer = CellGridBounds(GRID, Box.factory[110:130, 212:260], MISSING)
    for other, fragment in (
        (CellField(coarse, np.ones((2, 4))), "do not have a consistent grid"),
        (CellField(fewer, np.ones((2, 4))), "do not have a consistent bounding box"),
        (field * u.nJy, "must not have units"),
    ):
        with pytest.raises(ValueError, match=fragment):
            MapModel.serialize({"a": field, "b": other}, make_archive())


def test_read_aperture_corrections_of_other_cells_raises() -> None:
    tree = MapModel.serialize(make_cell_corrections(), make_archive())
    raw = tree.model_dump(mode="json")
    raw["bounds"]["missing"] = []
    with pytest.raises(CorruptArchiveError, match="10 rows .* 12 cells"):
        MapModel.model_validate(raw).deserialize(Inline())
    raw["table"]["columns"] = raw["table"]["columns"][1:]
    with pytest.raises(CorruptArchiveError, match="cell_i"):
        MapModel.model_validate(raw).deserialize(Inline())


def test_cell_psf_cell_index_returns_image() -> None:
    assert isinstance(make_cell_psf()[CellIJ(1, 2)], Image)
