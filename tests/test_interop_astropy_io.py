# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading and writing files with the unified I/O of astropy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import registry
from astropy.nddata import CCDData, NDDataRef
from helpers.exposures import make_cell_coadd, make_visit_image
from lsst.images import Box, Image, MaskedImage, VisitImage
from lsst.images.interop import FORMAT, from_ccddata, register_astropy_io


@pytest.mark.parametrize("extension", ["fits", "json", "sdf"])
@pytest.mark.parametrize("cls", [CCDData, NDDataRef])
@pytest.mark.parametrize("keywords", [{}, {"format": FORMAT}])
def test_ccddata_read_every_container_returns_image(
    tmp_path: Path, extension: str, cls: Any, keywords: dict[str, str]
) -> None:
    if extension == "sdf":
        pytest.importorskip("h5py")
    visit = make_visit_image()
    path = tmp_path / f"visit.{extension}"
    visit.write(path)
    data = cls.read(path, **keywords)
    assert type(data) is cls and np.array_equal(data.data, visit.image.array)
    assert np.array_equal(data.mask, visit.to_ccddata().mask)
    back = from_ccddata(data)
    assert type(back) is VisitImage and back.mask == visit.mask and back.psf == visit.psf


def test_ccddata_read_accepts_bbox_and_mask_planes(tmp_path: Path) -> None:
    visit, box = make_visit_image(), Box.factory[15:20, 25:31]
    visit.write(tmp_path / "visit.fits")
    data = CCDData.read(tmp_path / "visit.fits", format=FORMAT, bbox=box, mask_planes=["BAD"], psf=True)
    assert np.array_equal(data.data, visit[box].image.array)
    assert np.array_equal(data.mask, visit[box].mask.get("BAD")) and data.psf.shape == (21, 21)
    assert from_ccddata(data).bbox == box


def test_ccddata_read_stream_is_recognized_and_left_open(tmp_path: Path) -> None:
    make_visit_image().write(tmp_path / "visit.fits")
    with open(tmp_path / "visit.fits", "rb") as stream:
        assert CCDData.read(stream).shape == make_visit_image().bbox.shape


@pytest.mark.parametrize("make_one", [make_visit_image, make_cell_coadd])
def test_ccddata_write_creates_file_of_package(tmp_path: Path, make_one: Any) -> None:
    whole = make_one()
    data = whole.to_ccddata()
    data.write(tmp_path / "again.fits", format=FORMAT)
    back = type(whole).read(tmp_path / "again.fits")
    assert back.image == whole.image and back.mask == whole.mask and back.psf == whole.psf
    with pytest.raises(FileExistsError):
        data.write(tmp_path / "again.fits", format=FORMAT)


def test_ccddata_read_plain_fits_uses_astropy_reader(tmp_path: Path) -> None:
    CCDData(np.ones((2, 3)), unit="adu").write(tmp_path / "foreign.fits")
    data = CCDData.read(tmp_path / "foreign.fits")
    assert np.array_equal(data.data, np.ones((2, 3))) and type(from_ccddata(data)) is Image
    (tmp_path / "other.json").write_text('{"a": 1}')
    for name in ("foreign.fits", "other.json"):
        with open(tmp_path / name, "rb") as stream:
            found = registry.identify_format("read", CCDData, str(tmp_path / name), stream, [], {})
        assert FORMAT not in found


def test_ccddata_read_mask_file_is_not_recognized(tmp_path: Path) -> None:
    make_visit_image().mask.write(tmp_path / "mask.fits")
    with open(tmp_path / "mask.fits", "rb") as stream:
        found = registry.identify_format("read", CCDData, None, stream, [], {})
    assert FORMAT not in found
    with pytest.raises(TypeError, match="Mask"):
        CCDData.read(tmp_path / "mask.fits", format=FORMAT)


def test_register_astropy_io_runs_once_at_import_of_interop() -> None:
    register_astropy_io()
    register_astropy_io()
    code = (
        "import sys, lsst.images; from lsst.images import MaskedImage;"
        "assert 'astropy.nddata' not in sys.modules, 'too early';"
        "import lsst.images.interop; from astropy.nddata import CCDData; from astropy.io import registry;"
        "registry.get_reader('lsst.images', CCDData); assert 'dask' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_ccddata_read_files_of_other_writers(shared_data: Path) -> None:
    data = CCDData.read(shared_data / "examples" / "masked_image.fits")
    truth = np.load(shared_data / "examples" / "masked_image.fits.truth.npz")
    assert data.shape in {truth[name].shape for name in truth.files}
    assert isinstance(from_ccddata(data), MaskedImage)
