# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Damaged archives: every read returns a record or raises an `ImagesError`."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.images.errors import ImagesError
from lsst.images.fits import FitsFile
from lsst.images.legacy.afw_archive import (
    LegacyArchive,
    open_cell_coadd,
    open_exposure_catalog,
    open_stamps,
    read_backgrounds,
    visit_info_from_cards,
)

# Files with many classes of objects, and the number of damaged copies of each.
FILES = {
    "afw/exposure_coadd.fits": 12,
    "afw/exposure_warpedpsf.fits": 12,
    "afw/exposure_visit_like_kernelpsf.fits": 10,
    "legacy/psf/psfKernel0.fits": 25,
    "legacy/afw/oldTanSipWcs.fits": 25,
    "legacy/transmission/hsc_optics.fits": 15,
    "afw/obj_photocalib.fits": 25,
    "afw/cell_coadd_small_stitched_exposure.fits": 10,
    "legacy/calexp/piff_exp.fits": 10,
}


def open_everything(data: bytes) -> int:
    """Read all objects; return the number of errors."""
    refused = 0
    try:
        with FitsFile.open(data) as file:
            visit_info_from_cards(file.hdu(0).cards)
            archive = LegacyArchive.find(file)
            for number in archive.entries if archive is not None else ():
                try:
                    use(archive.get(number))
                except ImagesError as err:
                    assert str(err)
                    refused += 1
    except ImagesError as err:
        assert str(err)
        refused += 1
    return refused


def use(record: Any) -> None:
    """Decode references recursively."""
    for name in ("ast_text", "bbox", "image", "systems", "polygon"):
        getattr(record, name, None)
    if hasattr(record, "evaluate"):
        with np.errstate(all="ignore"):
            record.evaluate(np.array([3.0]), np.array([4.0]))


def damage(data: bytes, random: np.random.Generator, start: int) -> bytes:
    """Change some bytes, truncate the data, or repeat a part."""
    copy = bytearray(data)
    kind = random.integers(0, 10)
    if kind == 0:
        del copy[random.integers(start, len(copy)) :]
    elif kind == 1:
        a, b = sorted(random.integers(start, len(copy), size=2).tolist())
        copy[a:b] = bytes(b - a)
    else:
        for position in random.integers(start, len(copy), size=random.integers(1, 30)):
            copy[position] = random.integers(0, 256)
    return bytes(copy)


@pytest.mark.parametrize("name", FILES)
def test_archive_get_damaged_file_returns_record_or_images_error(name: str, shared_data: Path) -> None:
    data = (shared_data / name).read_bytes()
    with FitsFile.open(data) as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        index = next(hdu for hdu in file if "AR_NCAT" in hdu.cards)
        start, inside = index.header_address, index.data_address
    assert open_everything(data) == 0
    random = np.random.default_rng(zlib.crc32(name.encode()))
    refused = 0
    for n in range(FILES[name]):
        refused += open_everything(damage(data, random, start if n % 2 else inside))
    assert refused


@pytest.mark.parametrize("name", ["afw/exposure_bare.fits", "afw/obj_photocalib.fits", "afw/imageF.fits"])
def test_read_index_random_numbers_return_record_or_images_error(name: str, shared_data: Path) -> None:
    data = (shared_data / name).read_bytes()
    with FitsFile.open(data) as file:
        index = next((hdu for hdu in file if "AR_NCAT" in hdu.cards), None)
        if index is None or not len(index.read_table()):
            assert open_everything(data) == 0
            return
        address, rows = index.data_address, len(index.read_table())
    for value in (-(2**31), -1, 0, 1, 2**31 - 1):
        for row in range(rows):
            for column in range(5):
                copy = bytearray(data)
                at = address + 148 * row + 4 * column
                copy[at : at + 4] = int(value).to_bytes(4, "big", signed=True)
                open_everything(bytes(copy))


@pytest.mark.parametrize(
    ("name", "opener"),
    [
        ("afw/cell_coadd_small.fits", open_cell_coadd),
        ("legacy/visitsummary/visitSummary_1176.fits", open_exposure_catalog),
        ("legacy/stamps/R04_SW0_donutStamps.fits", open_stamps),
        ("afw/obj_background.fits", read_backgrounds),
    ],
)
def test_openers_damaged_file_return_object_or_images_error(
    name: str, opener: Any, shared_data: Path
) -> None:
    data = (shared_data / name).read_bytes()
    random = np.random.default_rng(len(data))
    for n in range(8):
        try:
            with FitsFile.open(damage(data[: 10**6], random, 0 if n % 2 else 2880)) as file:
                found = opener(file)
                if name.endswith("visitSummary_1176.fits"):
                    list(map(read_record, found))
        except ImagesError as err:
            assert str(err)


def read_record(record: Any) -> None:
    for name in ("wcs", "photo_calib", "valid_polygon", "visit_info"):
        try:
            record.component(name)
        except ImagesError as err:
            assert str(err)
