# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of coadds of `lsst.cell_coadds` in both directions, with fake modules."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import astropy.units as u
import helpers.afw_fakes as afw
import helpers.afw_fakes_cells as afw_cells
import numpy as np
import numpy.testing as npt
import pytest
from lsst.images import Box, Image, MaskPlane
from lsst.images.cells import (
    CellCoadd,
    CellField,
    CellGridBounds,
    CellIJ,
    CellPointSpreadFunction,
    CoaddProvenance,
)
from lsst.images.errors import LegacyConversionError, MissingOptionalDependencyError


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    afw.install(monkeypatch)


@pytest.fixture
def coadd(shared_data: Path) -> CellCoadd:
    """A coadd with missing cells."""
    whole = CellCoadd.read_fits(shared_data / "examples" / "cell_coadd.fits")
    assert isinstance(whole, CellCoadd) and whole.bounds.missing
    return whole


def present_in(coadd: CellCoadd) -> np.ndarray:
    """Return which pixels belong to existing cells."""
    present = np.zeros(coadd.bbox.shape, dtype=bool)
    for cell in coadd.bounds.cell_indices():
        present[coadd.grid.bbox_of(cell).slice_within(coadd.bbox)] = True
    assert present.any() and not present.all()
    return present


def tract_of(coadd: CellCoadd) -> afw_cells.TractInfo:
    index = afw_cells.Index2D(coadd.patch.index.x, coadd.patch.index.y)
    patch = afw_cells.PatchInfo(coadd.patch.id, coadd.patch.inner_bbox.to_legacy())
    frame: Any = coadd.projection.pixel_frame
    return afw_cells.TractInfo(frame.bbox.to_legacy(), index, patch)


def come_back(coadd: CellCoadd, legacy: Any, **options: Any) -> CellCoadd:
    return CellCoadd.from_legacy_cell_coadd(legacy, tract_info=tract_of(coadd), **options)


def test_to_legacy_without_cell_coadds_error_names_missing_package(coadd: CellCoadd) -> None:
    with pytest.raises(MissingOptionalDependencyError, match=r"lsst\.cell_coadds"):
        coadd.to_legacy_cell_coadd()


def test_cell_coadd_round_trips(stack: None, coadd: CellCoadd) -> None:
    legacy = coadd.to_legacy_cell_coadd()
    assert type(legacy) is afw_cells.MultipleCellCoadd
    assert len(legacy.cells) == len(list(coadd.bounds.cell_indices()))
    back = come_back(coadd, legacy)
    present = present_in(coadd)
    for name in ("image", "variance"):
        npt.assert_array_equal(getattr(back, name).array[present], getattr(coadd, name).array[present])
    assert np.isinf(back.variance.array[~present]).all()
    for name in coadd.mask.schema.names:
        npt.assert_array_equal(back.mask.get(name)[present], coadd.mask.get(name)[present], err_msg=name)
    assert back.mask.get("NO_DATA")[~present].all()
    assert back.mask.schema == coadd.mask.schema
    for name in ("bbox", "unit", "band", "skymap", "tract", "patch", "psf"):
        assert getattr(back, name) == getattr(coadd, name), name

    assert back.projection.pixel_frame == coadd.projection.pixel_frame
    x, y = np.array([6050.0, 6100.0]), np.array([3040.0, 3090.0])
    found, expected = (p.pixel_to_sky(x=x, y=y) for p in (back.projection, coadd.projection))
    assert found.separation(expected).arcsec.max() < 1e-9


def test_cell_components_round_trip(stack: None, coadd: CellCoadd) -> None:
    back = come_back(coadd, coadd.to_legacy_cell_coadd())
    assert back.aperture_corrections == coadd.aperture_corrections != {}
    assert set(back.mask_fractions) == {"rejected"}
    present = present_in(coadd)
    theirs, ours = back.mask_fractions["rejected"].array, coadd.mask_fractions["rejected"].array
    npt.assert_array_equal(theirs[present], ours[present])
    assert len(back.noise_realizations) == len(coadd.noise_realizations) > 0
    for found, expected in zip(back.noise_realizations, coadd.noise_realizations, strict=True):
        npt.assert_array_equal(found.array[present], expected.array[present])
    assert table_of(back.provenance.inputs) == table_of(coadd.provenance.inputs)
    assert polygons_of(back.provenance) == polygons_of(coadd.provenance)
    assert table_of(back.provenance.contributions) == table_of(coadd.provenance.contributions)


def table_of(table: Any) -> list[tuple[str, ...]]:
    """List rows as texts.

    The vertices of polygons may run either way; fractions
    that are not masked are left out.
    """
    names = [name for name in table.colnames if name not in ("polygon", "unmasked_fraction")]
    return sorted(tuple(f"{name}={row[name]!s}" for name in names) for row in table)


def polygons_of(provenance: CoaddProvenance) -> dict[tuple[int, int], Any]:
    return {(int(row["visit"]), int(row["detector"])): row["polygon"] for row in provenance.inputs}


def test_from_legacy_bbox_converts_part(stack: None, coadd: CellCoadd) -> None:
    cell = next(iter(coadd.bounds.cell_indices()))
    box = coadd.grid.bbox_of(cell)
    part = come_back(coadd, coadd.to_legacy_cell_coadd(), bbox=box)
    assert part.bbox == box == part.bounds.bbox
    npt.assert_array_equal(part.image.array, coadd.image[box].array)


def test_from_legacy_plane_map_renames_planes(stack: None, coadd: CellCoadd) -> None:
    planes = {"NO_DATA": MaskPlane("NOTHING", "no data at all")}
    legacy = coadd.to_legacy_cell_coadd()
    for cell in legacy.cells.values():
        cell.outer.mask.array[...] &= cell.outer.mask.getPlaneBitMask("NO_DATA")
    assert set(come_back(coadd, legacy, plane_map=planes).mask.schema.names) == {"NOTHING"}


def test_to_legacy_double_precision_pixels_are_converted(stack: None, coadd: CellCoadd) -> None:
    image = Image(coadd.image.array.astype("f8"), bbox=coadd.bbox, unit=u.nJy, projection=coadd.projection)
    double = CellCoadd(
        image, mask=coadd.mask, variance=coadd.variance, psf=coadd.psf, patch=coadd.patch, band="r"
    )
    back = come_back(coadd, double.to_legacy_cell_coadd())
    assert back.image.array.dtype == np.float32
    assert getattr(back, "provenance", None) is None and back.aperture_corrections == {}


def test_from_legacy_unit_enumeration_is_converted(stack: None, coadd: CellCoadd) -> None:
    legacy = coadd.to_legacy_cell_coadd()
    units = afw_cells.CoaddUnits
    legacy.common = dataclasses.replace(legacy.common, units=units.chi)
    assert come_back(coadd, legacy).unit == u.dimensionless_unscaled
    legacy.common = dataclasses.replace(legacy.common, units=units.legacy)
    with pytest.raises(LegacyConversionError, match="unit 'legacy'.*nJy"):
        come_back(coadd, legacy)


def test_to_legacy_incompatible_coadd_raises_error(stack: None, coadd: CellCoadd) -> None:
    box = coadd.bbox
    inside = Box.factory[box.y.start + 1 : box.y.stop, box.x.start : box.x.stop]
    with pytest.raises(LegacyConversionError, match="cell grid"):
        coadd[inside].to_legacy_cell_coadd()
    without = CellCoadd(coadd.image, mask=coadd.mask, variance=coadd.variance, psf=coadd.psf)
    with pytest.raises(LegacyConversionError, match="this coadd does not have"):
        without.to_legacy_cell_coadd()
    image = Image(coadd.image.array, bbox=box, unit=u.mJy, projection=coadd.projection)
    wrong = CellCoadd(image, mask=coadd.mask, psf=coadd.psf, patch=coadd.patch)
    with pytest.raises(LegacyConversionError, match="must have the unit nJy; this coadd has mJy"):
        wrong.to_legacy_cell_coadd()


def test_from_legacy_coadd_without_cells_raises_error(stack: None, coadd: CellCoadd) -> None:
    legacy = coadd.to_legacy_cell_coadd()
    legacy.cells.clear()
    with pytest.raises(LegacyConversionError, match="without cells"):
        come_back(coadd, legacy)


def test_provenance_to_legacy_returns_maps_by_input_and_cell(stack: None, coadd: CellCoadd) -> None:
    provenance = coadd.provenance
    legacy = coadd.to_legacy_cell_coadd()
    assert table_of(CoaddProvenance.from_legacy(legacy).inputs) == table_of(provenance.inputs)
    polygons = provenance.to_legacy_polygon_map()
    assert {type(key) for key in polygons} == {afw_cells.ObservationIdentifiers}
    by_cell = provenance.to_legacy_cell_coadd_inputs(list(polygons))
    cell = next(iter(coadd.bounds.cell_indices()))
    found = by_cell[cell.to_legacy()]
    assert {type(item) for item in found.values()} == {afw_cells.CoaddInputs}
    assert len(found) == len(provenance[cell].inputs)


def test_to_legacy_exposure_has_components(stack: None, coadd: CellCoadd) -> None:
    exposure = coadd.to_legacy()
    assert exposure.getBBox().x.begin == coadd.bbox.x.start
    assert exposure.info.getFilter().bandLabel == "r"
    assert exposure.info.getPhotoCalib().getCalibrationMean() == 1.0
    assert exposure.metadata["BUNIT"] == "nJy"
    assert CellPointSpreadFunction.from_legacy(exposure.info.getPsf()) == coadd.psf
    sky = exposure.info.getWcs().pixelToSky(10.0, 20.0)
    expected = coadd.projection.pixel_to_sky(x=10.0, y=20.0)
    assert sky[0].asRadians() == pytest.approx(expected.ra.rad, abs=1e-15)


def test_psf_from_legacy_is_limited_to_bounds(stack: None, coadd: CellCoadd) -> None:
    cell = next(iter(coadd.bounds.cell_indices()))
    bounds = CellGridBounds(coadd.grid, coadd.grid.bbox_of(cell), frozenset())
    part = CellPointSpreadFunction.from_legacy(coadd.psf.to_legacy(), bounds)
    assert part == coadd.psf[bounds.bbox]


def test_cell_without_aperture_correction_has_nan_in_lsst_cell_coadds(stack: None, coadd: CellCoadd) -> None:
    name, whole = next(iter(coadd.aperture_corrections.items()))
    first, *others = whole.bounds.cell_indices()
    bounds = CellGridBounds(whole.bounds.grid, whole.bounds.bbox, whole.bounds.missing | {first})
    coadd.aperture_corrections[name] = CellField(bounds, whole.array)
    legacy = coadd.to_legacy_cell_coadd()
    found = legacy.stitch().ap_corr_map[name].gc
    assert np.isnan(found[afw_cells.Index2D(first.j, first.i)])
    assert all(found[afw_cells.Index2D(cell.j, cell.i)] == whole.value_in_cell(cell) for cell in others)
    back = come_back(coadd, legacy).aperture_corrections
    assert not back[name].bounds.contains_cell(first) and set(back) == set(coadd.aperture_corrections)
    stitched = coadd.aperture_corrections[name].to_legacy_aperture_correction()
    assert np.isnan(stitched.gc[afw_cells.Index2D(first.j, first.i)])


def test_cell_without_aperture_correction_in_lsst_cell_coadds_is_missing(
    stack: None, coadd: CellCoadd
) -> None:
    legacy = coadd.to_legacy_cell_coadd()
    index, cell = list(legacy.cells.items())[1]
    name = next(iter(cell.aperture_correction_map))
    del cell.aperture_correction_map[name]
    with pytest.raises(KeyError):
        _ = legacy.stitch().ap_corr_map
    field = come_back(coadd, legacy).aperture_corrections[name]
    assert not field.bounds.contains_cell(CellIJ(int(index.y), int(index.x)))
    present = [CellIJ(int(key.y), int(key.x)) for key in legacy.cells if key != index]
    expected = coadd.aperture_corrections[name]
    assert all(field.value_in_cell(cell) == expected.value_in_cell(cell) for cell in present)
