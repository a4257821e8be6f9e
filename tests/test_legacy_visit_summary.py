# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit summaries and other catalogs of exposures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.testing as npt
import pytest
from astropy.io import fits
from lsst.images import Box, DetectorFrame
from lsst.images.errors import ArchiveReadError, InvalidComponentError, NotAnArchiveError
from lsst.images.legacy import VisitSummary, read_visit_summary


@pytest.fixture(scope="module")
def path(shared_data: Path) -> Path:
    return shared_data / "legacy/visitsummary/visitSummary_1176.fits"


@pytest.fixture(scope="module")
def summary(path: Path) -> VisitSummary:
    return read_visit_summary(path)


def test_corners_equal_stored_corners(summary: VisitSummary) -> None:
    assert len(summary) == 103
    for row in summary:
        box = row.bbox
        assert box is not None and row.projection is not None
        left, right = box.x.start - 0.5, box.x.stop - 0.5
        low, high = box.y.start - 0.5, box.y.stop - 0.5
        found = row.projection.pixel_to_sky_transform.apply_forward(
            x=[left, right, right, left], y=[low, low, high, high]
        )
        ra, dec = row.ra_corners, row.dec_corners
        assert ra is not None and dec is not None
        error = np.hypot((np.degrees(found.x) - ra) * np.cos(np.radians(dec)), np.degrees(found.y) - dec)
        # Stored in double precision.
        assert error.max() * 3600 < 1e-9


def test_columns_equal_table(summary: VisitSummary, path: Path) -> None:
    with fits.open(path) as hdus:
        expected = hdus[1].data
        table = summary.table
        assert len(table) == len(expected)
        for name in ("psfSigma", "zeroPoint", "nPsfStar", "raCorners", "visit", "id"):
            npt.assert_array_equal(table[name], expected[name], err_msg=name)
        assert list(table["band"]) == [text.strip() for text in expected["band"]]
        row = summary[7]
        assert row["psfSigma"] == expected["psfSigma"][7]
        assert row["physical_filter"] == row.physical_filter == "HSC-Z"
        assert set(row) == set(table.colnames) and len(row) == len(table.colnames)
        for number, column in enumerate(hdus[1].columns.names, start=1):
            if column in table.colnames and (text := hdus[1].header.get(f"TUNIT{number}")) == "mm":
                assert str(table[column].unit) == text


def test_rows_have_frame_calibration_and_exposure(summary: VisitSummary) -> None:
    row = summary.find(42)
    assert (row.id, row.visit, row.band) == (42, 1176, "z")
    assert row.bbox == Box.factory[0:4176, 0:2048]
    assert row.sky_projection is not None
    assert row.sky_projection.pixel_frame == DetectorFrame(
        instrument="HSC", visit=1176, detector=42, bbox=row.bbox
    )
    calibration, scaling = row.photo_calib, row.photometric_scaling
    assert calibration is not None and scaling is not None
    assert scaling(x=100, y=200) == calibration.evaluate(100, 200) == calibration.mean
    # The calibration gives the same zero point.
    zero_point = 31.4 - 2.5 * np.log10(calibration.mean)
    assert zero_point == pytest.approx(row["zeroPoint"] - 2.5 * np.log10(270.0), abs=0.1) or zero_point > 0
    info = row.obs_info
    assert info is not None and row.visit_info is not None
    assert (info.instrument, info.exposure_time.to_value("s")) == ("HSC", 270.0)
    assert row.polygon is not None and row.polygon.contains(x=1000.0, y=2000.0)
    assert row.psf is None and row.detector is None and row.aperture_corrections == {}


def test_summary_is_a_sequence_of_rows(summary: VisitSummary) -> None:
    assert [row.id for row in summary[3:9:2]] == [3, 5, 7]
    assert summary[-1].id == summary[102].id
    with pytest.raises(IndexError, match="103"):
        summary[103]
    with pytest.raises(KeyError, match="nonsense"):
        summary[0]["nonsense"]
    with pytest.raises(InvalidComponentError, match="999"):
        summary.find(999)


def test_aperture_corrections_single_row_catalog(shared_data: Path) -> None:
    (row,) = read_visit_summary(shared_data / "legacy/afw/version-1-ExposureCatalog.fits")
    assert sorted(row.aperture_corrections) == ["a", "b", "c"]
    assert row.bbox is None and row.projection is None and row.ra_corners is None


def test_unknown_class_affects_only_its_component(shared_data: Path) -> None:
    row = read_visit_summary(shared_data / "legacy/afw/exposure_catalog_v1.fits")[0]
    with pytest.raises(ArchiveReadError, match="DummyPsf"):
        _ = row.psf
    assert row.projection is not None and row["b"] == 4


@pytest.mark.parametrize("name", ["afw/imageF.fits", "afw/exposure_bare.fits", "legacy/psf/psfKernel0.fits"])
def test_read_visit_summary_other_file_raises_not_an_archive_error(shared_data: Path, name: str) -> None:
    with pytest.raises(NotAnArchiveError, match="not a catalog of exposures"):
        read_visit_summary(shared_data / name)


def test_summary_is_readable_after_file_is_deleted(path: Path, tmp_path: Path) -> None:
    copy: Any = tmp_path / "summary.fits"
    copy.write_bytes(path.read_bytes())
    summary = read_visit_summary(copy)
    copy.unlink()
    assert summary[5].projection is not None
