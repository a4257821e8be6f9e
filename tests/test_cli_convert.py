# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the command ``lsst-images convert``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from lsst.images import DifferenceImage, Image, Mask, MaskedImage, VisitImage
from lsst.images.cells import CellCoadd
from lsst.images.cli import cli
from lsst.images.errors import NotAnArchiveError
from lsst.images.io import read

pytestmark = [
    pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning"),
    pytest.mark.filterwarnings("ignore:.*is written without:lsst.images.errors.ImagesWarning"),
]


def run(*args: Any) -> Result:
    return CliRunner().invoke(cli, ["convert", *map(str, args)], catch_exceptions=False)


@pytest.mark.parametrize(
    "name, pytype",
    [
        ("afw/exposure_visit_like_psfex.fits", VisitImage),
        ("afw/maskedimage.fits", MaskedImage),
        ("afw/imageF.fits", Image),
        ("afw/mask_many_planes.fits", Mask),
        ("afw/cell_coadd_small.fits", CellCoadd),
        ("legacy/calexp/obs_base_calexp_oldest.fits.gz", VisitImage),
    ],
)
def test_convert_determines_type_of_file(shared_data: Path, tmp_path: Path, name: str, pytype: type) -> None:
    result = run(shared_data / name, "-o", tmp_path / "new.fits")
    assert result.exit_code == 0, result.output
    assert "exact" in result.output and "not exact" not in result.output, result.output
    new = read(tmp_path / "new.fits")
    assert type(new) is pytype
    old: Any = pytype
    original = old.read_legacy(shared_data / name)
    if pytype is Mask:
        assert new == original or set(new.schema.names) >= set(original.schema.names)
    else:
        image = new if pytype is Image else new.image
        expected = original if pytype is Image else original.image
        np.testing.assert_array_equal(image.array, expected.array)


def test_convert_type_option_selects_type(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "afw/exposure_visit_like.fits"
    result = run(source, "-o", tmp_path / "new.fits", "--type", "difference_image")
    assert result.exit_code == 0, result.output
    assert type(read(tmp_path / "new.fits")) is DifferenceImage


def test_convert_preserve_quantization_copies_compressed_pixels(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "afw/exposure_lossy.fits"
    assert run(source, "-o", tmp_path / "kept.fits").exit_code == 0
    assert run(source, "-o", tmp_path / "new.fits", "--no-preserve-quantization").exit_code == 0
    names = [source, tmp_path / "kept.fits", tmp_path / "new.fits"]
    tables = [fits.open(name, disable_image_compression=True)[1].data for name in names]
    old, kept, new = (table["COMPRESSED_DATA"] for table in tables)
    assert all(np.array_equal(a, b) for a, b in zip(old, kept, strict=True))
    assert len(old) != len(new) or not all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))
    np.testing.assert_array_equal(
        VisitImage.read(tmp_path / "kept.fits").image.array,
        VisitImage.read(tmp_path / "new.fits").image.array,
    )


def test_convert_several_files_with_one_damaged_converts_others(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "text.fits").write_text("This is not a FITS file.")
    good = [shared_data / f"afw/{name}.fits" for name in ("imageF", "maskedimage", "exposure_bare")]
    files = [good[0], tmp_path / "text.fits", *good[1:]]
    report = tmp_path / "report.json"
    result = run(*files, "-o", tmp_path / "new", "-j", 2, "--report", report)
    assert result.exit_code == 1
    assert "1 of 4 files could not be converted" in result.output
    assert "text.fits: NotAnArchiveError" in result.output
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "exposure_bare.fits",
        "imageF.fits",
        "maskedimage.fits",
    ]
    records = json.loads(report.read_text())
    assert [record["source"] for record in records] == [str(file) for file in files]
    assert [record["error"] is None for record in records] == [True, False, True, True]
    assert all(not record["differences"] for record in records)


def test_convert_existing_files_are_skipped(shared_data: Path, tmp_path: Path) -> None:
    files = [shared_data / f"afw/{name}.fits" for name in ("imageF", "imageU")]
    assert run(files[0], "-o", f"{tmp_path}/").exit_code == 0
    before = (tmp_path / "imageF.fits").stat().st_mtime_ns
    result = run(*files, "-o", tmp_path)
    assert result.exit_code == 0 and "exists already" in result.output
    assert (tmp_path / "imageF.fits").stat().st_mtime_ns == before
    assert (tmp_path / "imageU.fits").exists()
    run(files[0], "-o", tmp_path, "--overwrite")
    assert (tmp_path / "imageF.fits").stat().st_mtime_ns != before


def test_convert_unsupported_component_is_reported(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "legacy/afw/archiveImportTest.fits"
    result = run(source, "-o", tmp_path / "new.fits")
    assert result.exit_code == 0, result.output
    assert "psf is left out" in result.output and "DummyPsf" in result.output


def test_convert_coadd_keeps_psf_and_aperture_corrections(shared_data: Path, tmp_path: Path) -> None:
    result = run(shared_data / "afw/exposure_coadd.fits", "-o", tmp_path / "coadd.fits")
    assert result.exit_code == 0, result.output
    assert "left out" not in result.output and "differs" not in result.output, result.output
    assert read(tmp_path / "coadd.fits").aperture_corrections


@pytest.mark.parametrize("extension", ["json", "sdf"])
def test_convert_format_option_selects_container(shared_data: Path, tmp_path: Path, extension: str) -> None:
    result = run(shared_data / "afw/exposure_bare.fits", "-o", f"{tmp_path}/", "--format", extension)
    assert result.exit_code == 0, result.output
    new = read(tmp_path / f"exposure_bare.{extension}")
    assert isinstance(new, VisitImage)


def test_convert_equal_target_names_raise_usage_error(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "afw/imageF.fits", tmp_path / "imageF.fits.gz")
    result = CliRunner().invoke(
        cli,
        [
            "convert",
            str(shared_data / "afw/imageF.fits"),
            str(tmp_path / "imageF.fits.gz"),
            "-o",
            str(tmp_path / "d"),
        ],
    )
    assert result.exit_code == 2 and "would become" in result.output


@pytest.mark.parametrize("kind", ["image", "mask", "masked_image", "visit_image"])
def test_convert_own_file_is_refused_by_name(shared_data: Path, tmp_path: Path, kind: str) -> None:
    source, own = shared_data / "afw/exposure_visit_like.fits", tmp_path / "own.fits"
    assert run(source, "-o", own, "--type", kind).exit_code == 0
    target = tmp_path / "new.fits"
    result = run(own, "-o", target)
    assert result.exit_code == 1 and not target.exists()
    assert f"{own} is a file of lsst.images" in result.output and "exact" not in result.output
    for pytype in (Image, Mask, MaskedImage, VisitImage, CellCoadd):
        with pytest.raises(NotAnArchiveError, match=r"lsst\.images\.read"):
            pytype.read_legacy(own)


def test_convert_without_comparison_does_not_report_exact(shared_data: Path, tmp_path: Path) -> None:
    result = run(shared_data / "afw/imageF.fits", "-o", tmp_path / "new.fits", "--no-compare")
    assert result.exit_code == 0
    assert "not compared" in result.output and "exact" not in result.output


def test_convert_to_type_without_parts_of_file_reports_them(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "afw/exposure_visit_like.fits"
    result = run(source, "-o", tmp_path / "image.fits", "--type", "image")
    assert "not exact" in result.output
    for name in ("mask", "variance", "psf", "detector"):
        assert f"{name} is left out: Image does not have it" in result.output
    result = run(source, "-o", tmp_path / "masked.fits", "--type", "masked_image")
    assert "not exact" in result.output and "psf is left out" in result.output
    assert "mask is left out" not in result.output


@pytest.mark.parametrize("hdu", [1, 2, 3])
@pytest.mark.parametrize("overwrite", [False, True])
def test_convert_source_truncated_in_a_plane_leaves_no_new_target(
    shared_data: Path, tmp_path: Path, hdu: int, overwrite: bool
) -> None:
    source, target = shared_data / "afw/maskedimage.fits", tmp_path / "new.fits"
    with fits.open(source) as hdus:
        info = hdus[hdu].fileinfo()
    (tmp_path / "cut.fits").write_bytes(source.read_bytes()[: info["datLoc"] + 100])
    if overwrite:
        target.write_bytes(b"old")
    result = run(tmp_path / "cut.fits", "-o", target, *(["--overwrite"] if overwrite else []))
    assert result.exit_code == 1, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cut.fits",
        *(["new.fits"] if overwrite else []),
    ]
    assert not overwrite or target.read_bytes() == b"old"
