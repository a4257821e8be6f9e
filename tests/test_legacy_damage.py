# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Damaged files read through the public API: an object, or an `ImagesError` that names the damage."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.images import Box, DifferenceImage, MaskedImage, VisitImage
from lsst.images.cells import CellCoadd
from lsst.images.errors import CorruptArchiveError, ImagesError
from lsst.images.fits import FitsFile
from lsst.images.legacy import open_legacy, read_visit_summary

PARTS = (
    "psf",
    "projection",
    "obs_info",
    "summary_stats",
    "detector",
    "photometric_scaling",
    "aperture_corrections",
    "bounds",
    "band",
)

VALUES = ("NaN", "'*'", "-1", "99999999999999999999")


def replaced(data: bytes, keyword: str, value: str, *, number: int) -> bytes:
    """Change the value of a card of an HDU."""
    with FitsFile.open(data) as file:
        hdu = file.hdu(number)
        first, last = hdu.header_address, hdu.data_address
    for at in range(first, last, 80):
        if data[at : at + 10] == f"{keyword:8}= ".encode():
            return data[: at + 10] + f"{value:>20}".ljust(70).encode() + data[at + 80 :]
    raise AssertionError(f"no {keyword} in HDU {number}")


def use_everything(kind: Any, data: bytes) -> Any:
    """Read a file with all its components."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = kind.read_legacy(io.BytesIO(data))
        except ImagesError as err:
            assert str(err)
            return None
        for name in PARTS:
            try:
                getattr(image, name, None)
            except ImagesError as err:
                assert str(err)
    return image


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    ("number", "keyword"),
    [
        *((0, name) for name in ("AR_HDU", "PSF_ID", "EXPTIME", "TIMESYS", "DATE-AVG", "EXPINFO_V", "EXPID")),
        *((1, name) for name in ("BUNIT", "CRVAL1A", "CRPIX2A", "CTYPE1A", "LTV1", "EXTTYPE", "CRVAL1")),
        *((2, name) for name in ("MP_SAT", "CRVAL2A", "EXTNAME")),
        *((4, name) for name in ("AR_NCAT", "NAXIS2", "TFIELDS", "PCOUNT", "TFORM1")),
        *((5, name) for name in ("NAXIS1", "TTYPE1", "THEAP", "AR_CATN")),
    ],
)
def test_read_legacy_invalid_card_value_returns_object_or_images_error(
    number: int, keyword: str, value: str, shared_data: Path
) -> None:
    data = (shared_data / "afw" / "exposure_visit_like_camdet.fits").read_bytes()
    try:
        damaged = replaced(data, keyword, value, number=number)
    except AssertionError:
        pytest.skip(f"HDU {number} has no {keyword}")
    image = use_everything(VisitImage, damaged)
    if number in (0, 4, 5) and keyword not in ("NAXIS1", "NAXIS2", "PCOUNT", "TFIELDS"):
        # The pixels can be read although the archive is damaged.
        assert image is not None and image.image.array.shape == (204, 200)


def test_read_legacy_invalid_origin_raises_named_error(shared_data: Path) -> None:
    data = (shared_data / "afw" / "exposure_visit_like_camdet.fits").read_bytes()
    with pytest.raises(CorruptArchiveError, match="CRVAL1A = .* must be a finite number") as caught:
        MaskedImage.read_legacy(io.BytesIO(replaced(data, "CRVAL1A", "'*'", number=1)))
    assert any("legacy file" in note for note in caught.value.__notes__)


def test_read_legacy_invalid_box_is_not_reported_as_damage(shared_data: Path) -> None:
    with open_legacy(shared_data / "afw" / "exposure_visit_like_camdet.fits", VisitImage) as reader:
        for box in (Box.factory[-5:10, 0:10], "everything", 7):
            with pytest.raises((ImagesError, TypeError, ValueError)) as caught:
                reader.read(bbox=box)
            assert not isinstance(caught.value, CorruptArchiveError)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("afw/cell_coadd_small.fits", CellCoadd),
        ("afw/exposure_coadd.fits", DifferenceImage),
        ("legacy/afw/exposure-version-2.fits", VisitImage),
        ("legacy/coadd/testCoaddInputs_v1.fits", VisitImage),
    ],
)
def test_read_legacy_random_bytes_return_object_or_images_error(
    name: str, kind: Any, shared_data: Path
) -> None:
    data = (shared_data / name).read_bytes()
    random = np.random.default_rng(7)
    for _ in range(8):
        copy = bytearray(data)
        # Changes of headers have more effects than changes of pixels.
        with FitsFile.open(data) as file:
            hdus = list(file)
            hdu = hdus[random.integers(len(hdus))]
            span = (hdu.header_address, min(hdu.data_address + 2000, len(copy)))
        for position in random.integers(*span, size=random.integers(1, 20)):
            copy[position] = random.integers(32, 127)
        use_everything(kind, bytes(copy))


@pytest.mark.parametrize("value", [0, -1, 2**31 - 1])
def test_read_visit_summary_damaged_file_returns_summary_or_images_error(
    value: int, shared_data: Path
) -> None:
    data = bytearray((shared_data / "legacy/afw/version-1-ExposureCatalog.fits").read_bytes())
    with FitsFile.open(bytes(data)) as file:
        table = file.hdu(1)
        start, width = table.data_address, table.cards.get_int("NAXIS1")
    for at in range(start, start + width - 4, 4):
        copy = bytearray(data)
        copy[at : at + 4] = struct.pack(">i", value)
        for row in read_visit_summary(io.BytesIO(bytes(copy))):
            for name in ("bbox", "projection", "photo_calib", "aperture_corrections", "polygon"):
                try:
                    getattr(row, name)
                except ImagesError as err:
                    assert str(err)
