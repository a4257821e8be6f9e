# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion to HDU lists that astropy reads."""

from __future__ import annotations

import io
import warnings
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS
from helpers.exposures import make_cell_coadd, make_projection, make_visit_image
from hypothesis import example, given
from hypothesis import strategies as st
from lsst.images import (
    Box,
    ColorImage,
    GeneralFrame,
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
)
from lsst.images.fits import read_yx0

BOX = Box.factory[-3:4, 2000:2009]
FRAME = GeneralFrame(unit=u.pix)


def through_bytes(hdus: fits.HDUList) -> fits.HDUList:
    """Write and read; warnings of astropy are errors."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hdus.writeto(stream, output_verify="exception")
    stream.seek(0)
    return fits.open(stream, lazy_load_hdus=False)


@pytest.mark.parametrize("make_one", [make_visit_image, make_cell_coadd])
def test_to_hdulist_masked_image_has_three_image_hdus(make_one: Any) -> None:
    image = make_one()
    hdus = through_bytes(image.to_hdulist())
    assert [hdu.name for hdu in hdus] == ["PRIMARY", "IMAGE", "MASK", "VARIANCE"]
    assert not any(isinstance(hdu, fits.BinTableHDU | fits.CompImageHDU) for hdu in hdus)
    assert np.array_equal(hdus["IMAGE"].data, image.image.array)
    assert np.array_equal(hdus["VARIANCE"].data, image.variance.array)
    assert u.Unit(hdus["IMAGE"].header["BUNIT"]) == image.unit
    assert u.Unit(hdus["VARIANCE"].header["BUNIT"]) == image.unit**2
    for hdu in hdus[1:]:
        assert read_yx0(hdu.header) == image.bbox.start
        y, x = np.mgrid[0 : image.bbox.y.size, 0 : image.bbox.x.size]
        expected = image.projection.pixel_to_sky(x=x + image.bbox.x.start, y=y + image.bbox.y.start)
        assert WCS(hdu.header).pixel_to_world(x, y).separation(expected).arcsec.max() < 1e-9
        absolute = WCS(hdu.header, key="A").all_pix2world([[1.0, 1.0]], 1)[0]
        assert tuple(absolute) == (image.bbox.x.start, image.bbox.y.start)


@example(names=["N", "n"], seed=0)
@given(
    names=st.lists(
        st.text(min_size=1, max_size=90) | st.from_regex(r"[A-Z_]{1,40}", fullmatch=True),
        unique=True,
        max_size=70,
    ),
    seed=st.integers(0, 99),
)
def test_to_hdulist_mask_cards_name_all_planes(names: list[str], seed: int) -> None:
    schema = MaskSchema([MaskPlane(name, f"About {name}\nand more.") for name in names])
    rng = np.random.default_rng(seed)
    mask = Mask(0, schema=schema, bbox=BOX)
    for name in names:
        mask.set(name, rng.random(BOX.shape) < 0.4)
    hdus = through_bytes(mask.to_hdulist())[1:]
    assert len(hdus) == max(1, -(-len(names) // 31))
    found: list[str] = []
    for number, hdu in enumerate(hdus, start=1):
        assert (hdu.name, hdu.ver) == ("MASK", number) and hdu.data.dtype.newbyteorder("=") == np.int32
        bits = [int(card[4:]) for card in hdu.header if card.startswith("MSKN")]
        here: set[str] = set()
        for bit in bits:
            assert hdu.header[f"MSKM{bit:04d}"] == 1 << bit
            name = names[len(found)]
            found.append(name)
            assert np.array_equal((hdu.data & (1 << bit)) != 0, mask.get(name))
            if name.isascii() and name.isprintable() and name == name.rstrip():
                assert hdu.header[f"MSKN{bit:04d}"] == name
            # FITS keywords are case-blind: of names alike but for case the first has the card.
            if name.replace("_", "A").isalpha() and name.isascii() and len(name) <= 27:
                assert (hdu.header[f"MP_{name}"] == bit) == (name.upper() not in here)
                here.add(name.upper())
    assert found == names


@given(
    metadata=st.dictionaries(
        st.text(min_size=1) | st.from_regex(r"[A-Za-z_ .-]{1,35}", fullmatch=True) | st.just("NAXIS1"),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=200),
    )
)
def test_to_hdulist_any_metadata_gives_valid_header(metadata: dict[str, Any]) -> None:
    image = Image(np.arange(6, dtype=np.int16).reshape(2, 3), metadata=metadata)
    hdus = through_bytes(image.to_hdulist())
    assert np.array_equal(hdus["IMAGE"].data, image.array)


def test_to_hdulist_simple_metadata_is_in_primary_header() -> None:
    metadata = {"AIRMASS": 1.25, "note": "it's seen", "N": 3, "bad": float("nan"), "deep": {"a": 1}}
    header = through_bytes(Image(0.0, bbox=BOX, metadata=metadata).to_hdulist())[0].header
    assert header["AIRMASS"] == 1.25 and header["note"] == "it's seen" and header["N"] == 3
    assert "bad" not in header and "deep" not in header


@pytest.mark.parametrize(
    "keyword",
    ["BZERO", "THEAP", "TFORM1", "ZIMAGE", "CTYPE1", "crval1", "CD1_2", "A_ORDER", "DATASUM"],
)
def test_to_hdulist_metadata_does_not_describe_structure_or_wcs(keyword: str) -> None:
    header = Image(0.0, bbox=BOX, metadata={keyword: 3, "AIRMASS": 1.25}).to_hdulist()[0].header
    assert keyword not in header and header["AIRMASS"] == 1.25


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "?"])
def test_to_hdulist_real_pixel_types_keep_values(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    assert np.array_equal(through_bytes(Image(array).to_hdulist())["IMAGE"].data, array)


def test_to_hdulist_complex_pixels_raises() -> None:
    with pytest.raises(TypeError, match="complex"):
        Image(np.ones((2, 3), dtype=complex)).to_hdulist()


def test_to_hdulist_color_image_has_three_hdus() -> None:
    array = np.arange(63 * 3, dtype=np.uint8).reshape(7, 9, 3)
    hdus = through_bytes(ColorImage(array, bbox=BOX, projection=make_projection(FRAME)).to_hdulist())
    assert [hdu.name for hdu in hdus] == ["PRIMARY", "RED", "GREEN", "BLUE"]
    assert np.array_equal(hdus["GREEN"].data, array[..., 1]) and "CRVAL1" in hdus["GREEN"].header


def test_ccddata_read_hdulist_returns_planes(tmp_path: Any) -> None:
    image = make_visit_image()
    image.to_hdulist().writeto(tmp_path / "plain.fits")
    data = CCDData.read(tmp_path / "plain.fits", format="fits", hdu="IMAGE", hdu_mask=None)
    assert np.array_equal(data.data, image.image.array) and data.unit == image.unit
    assert MaskedImage.from_ccddata(data).bbox == image.bbox
