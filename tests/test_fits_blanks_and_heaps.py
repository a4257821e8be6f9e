# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Blank values of scaled integers and array descriptors, compared with astropy and CFITSIO."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import astropy.io.fits
import fitsio
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from lsst.images import Image
from lsst.images.errors import CorruptArchiveError
from lsst.images.fits import FitsFile


def with_cards(content: bytes, cards: dict[str, Any]) -> bytes:
    """Return a file with some cards of its first extension replaced."""
    with astropy.io.fits.open(io.BytesIO(content), disable_image_compression=True) as file:
        start, stop, header = file[1]._header_offset, file[1]._data_offset, file[1].header.copy()
    header.update(cards)
    return content[:start] + header.tostring().encode() + content[stop:]


def integers(codec: str | None, dtype: str) -> bytes:
    """Return a file with an image whose pixel (3, 4) has the lowest value of its type."""
    array = np.full((20, 30), 117, dtype)
    array[3, 4] = np.iinfo(dtype).min
    array[5] = np.arange(30)
    hdu: Any = astropy.io.fits.ImageHDU(array)
    if codec is not None:
        hdu = astropy.io.fits.CompImageHDU(array, compression_type=codec, tile_shape=(10, 30))
    stream = io.BytesIO()
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), hdu]).writeto(stream)
    return stream.getvalue()


CODECS = ("GZIP_1", "GZIP_2", "RICE_1", "NOCOMPRESS", "HCOMPRESS_1", "PLIO_1")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
@pytest.mark.parametrize("keyword", ["ZBLANK", "BLANK"])
@pytest.mark.parametrize("form", [int, float])
def test_read_image_scaled_integers_with_blank_card_are_nan(
    codec: str, dtype: str, keyword: str, form: type, tmp_path: Path
) -> None:
    # PLIO_1 holds no negative numbers.
    blank = 0 if codec == "PLIO_1" else int(np.iinfo(dtype).min)
    content = integers(codec, dtype) if codec != "PLIO_1" else plio_integers(dtype)
    content = with_cards(content, {"BSCALE": 0.25, "BZERO": 8000.0, keyword: form(blank)})
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    pixels = FitsFile.open(content).hdu(1).read_image()
    assert np.isnan(pixels[3, 4])
    assert not np.isnan(pixels[4]).any()
    # CFITSIO uses BLANK of plain images only, and this build has no NOCOMPRESS.
    if codec != "NOCOMPRESS" and keyword == "ZBLANK":
        np.testing.assert_array_equal(np.isnan(pixels), np.isnan(fitsio.read(str(path), ext=1)))
    # astropy ignores a blank value of 0.
    if form is int and blank != 0:
        with astropy.io.fits.open(path) as file:
            np.testing.assert_array_equal(pixels, file[1].data)
    np.testing.assert_array_equal(Image.read_legacy(path).array, pixels)


def plio_integers(dtype: str) -> bytes:
    array = np.full((20, 30), 117, dtype)
    array[3, 4] = 0
    stream = io.BytesIO()
    hdu = astropy.io.fits.CompImageHDU(array, compression_type="PLIO_1", tile_shape=(10, 30))
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), hdu]).writeto(stream)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8"])
@pytest.mark.parametrize("form", [int, float])
def test_read_image_uncompressed_scaled_integers_with_blank_card_are_nan(dtype: str, form: type) -> None:
    if dtype == "i8" and form is float:
        pytest.skip("astropy writes 15 digits of floating-point numbers, too few for this value")
    blank = int(np.iinfo(dtype).min)
    content = with_cards(integers(None, dtype), {"BSCALE": 0.25, "BZERO": 8000.0, "BLANK": form(blank)})
    pixels = FitsFile.open(content).hdu(1).read_image()
    assert np.isnan(pixels[3, 4]) and not np.isnan(pixels[4]).any()


def test_read_image_zblank_takes_precedence_over_blank_as_in_cfitsio(tmp_path: Path) -> None:
    cards = {"BSCALE": 0.25, "BZERO": 8000.0, "ZBLANK": -32768, "BLANK": 117}
    content = with_cards(integers("RICE_1", "i2"), cards)
    (tmp_path / "x.fits").write_bytes(content)
    pixels = FitsFile.open(content).hdu(1).read_image()
    np.testing.assert_array_equal(pixels, fitsio.read(str(tmp_path / "x.fits"), ext=1))
    assert np.isnan(pixels).sum() == 1


@pytest.mark.parametrize("value", ["text", True, 10**30, 1.5])
@pytest.mark.parametrize("keyword", ["THEAP", "ZBLANK", "ZDITHER0", "BLANK", "ZSCALE"])
def test_read_image_card_of_wrong_type_gives_pixels_or_named_error(keyword: str, value: Any) -> None:
    content = with_cards(integers("RICE_1", "i2"), {"BSCALE": 0.25, "BZERO": 8000.0, keyword: value})
    try:
        pixels = FitsFile.open(content).hdu(1).read_image()
    except CorruptArchiveError as err:
        assert keyword in str(err)
    else:
        np.testing.assert_array_equal(pixels[4], np.full(30, 0.25 * 117 + 8000))


def test_read_image_descriptors_of_2_to_4_gib_are_unsigned(tmp_path: Path) -> None:
    array = np.arange(40, dtype=">i4").reshape(4, 10)
    tiles = [gzip.compress(row.tobytes()) for row in array]
    offsets = [0, 2**31 + 100, 3 * 2**30, 2**32 - 100]
    cards = {
        "XTENSION": "BINTABLE",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": 8,
        "NAXIS2": 4,
        "PCOUNT": 2**32,
        "GCOUNT": 1,
        "TFIELDS": 1,
        "TTYPE1": "COMPRESSED_DATA",
        "TFORM1": "1PB(60)",
        "ZIMAGE": True,
        "ZBITPIX": 32,
        "ZNAXIS": 2,
        "ZNAXIS1": 10,
        "ZNAXIS2": 4,
        "ZTILE1": 10,
        "ZTILE2": 1,
        "ZCMPTYPE": "GZIP_1",
    }
    path = tmp_path / "sparse.fits"
    with path.open("wb") as stream:
        stream.write(astropy.io.fits.PrimaryHDU().header.tostring().encode())
        stream.write(astropy.io.fits.Header(cards).tostring().encode())
        start = stream.tell()
        pairs = [[len(tile), offset] for tile, offset in zip(tiles, offsets, strict=True)]
        stream.write(np.array(pairs, ">u4").tobytes())
        for tile, offset in zip(tiles, offsets, strict=True):
            stream.seek(start + 32 + offset)
            stream.write(tile)
        stream.truncate(start + -(-(32 + 2**32) // 2880) * 2880)
    np.testing.assert_array_equal(fitsio.read(str(path), ext=1), array)
    with FitsFile.open(path) as file:
        np.testing.assert_array_equal(file.hdu(1).read_image(), array)
        np.testing.assert_array_equal(file.hdu(1).read_image((slice(2, 3), slice(1, 9))), array[2:3, 1:9])
    path.unlink()


@given(st.integers(0, 2**32 - 1), st.lists(st.booleans(), min_size=10, max_size=10))
@settings(deadline=None)
def test_read_image_offsets_of_empty_tiles_are_ignored(offset: int, flat: list[bool]) -> None:
    array = np.random.default_rng(0).normal(0, 1, (10, 50)).astype("f4")
    array[np.array(flat)] = 7.5  # tiles without noise are stored in GZIP_COMPRESSED_DATA
    stream = io.BytesIO()
    hdu = astropy.io.fits.CompImageHDU(array, compression_type="RICE_1", tile_shape=(1, 50))
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), hdu]).writeto(stream)
    content = bytearray(stream.getvalue())
    with astropy.io.fits.open(io.BytesIO(content), disable_image_compression=True) as file:
        start, row_size = file[1]._data_offset, file[1].header["NAXIS1"]
        names = file[1].columns.names
    expected = astropy.io.fits.getdata(io.BytesIO(content))
    table = np.frombuffer(content[start : start + 10 * row_size], ">u4").reshape(10, -1).copy()
    for column, name in enumerate(names[:2]):
        if name.endswith("DATA"):
            table[table[:, 2 * column] == 0, 2 * column + 1] = offset
    content[start : start + 10 * row_size] = table.tobytes()
    hdu_read = FitsFile.open(bytes(content)).hdu(1)
    np.testing.assert_array_equal(hdu_read.read_image(), expected)
    np.testing.assert_array_equal(hdu_read.read_image((slice(2, 9), slice(7, 31))), expected[2:9, 7:31])


@pytest.mark.parametrize("form", ["P", "Q"])
@pytest.mark.parametrize("code", ["J", "A", "L", "D"])
def test_read_table_offset_of_empty_array_is_ignored(form: str, code: str) -> None:
    element = {"J": "i4", "A": "S1", "L": bool, "D": "f8"}[code]
    values = np.empty(3, dtype=object)
    for row, count in enumerate((3, 0, 5)):
        values[row] = np.ones(count, dtype=element) if code != "A" else "x" * count
    column = astropy.io.fits.Column(name="a", format=f"{form}{code}()", array=values)
    stream = io.BytesIO()
    table = astropy.io.fits.BinTableHDU.from_columns([column])
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), table]).writeto(stream)
    content = bytearray(stream.getvalue())
    hdu = FitsFile.open(bytes(content)).hdu(1)
    expected = hdu.read_table().column("a")
    numbers = np.frombuffer(
        content, ">u4" if form == "P" else ">i8", count=6, offset=hdu.data_address
    ).reshape(3, 2)
    numbers = numbers.copy()
    assert numbers[1, 0] == 0
    numbers[1, 1] = 10**8
    content[hdu.data_address : hdu.data_address + numbers.nbytes] = numbers.tobytes()
    found = FitsFile.open(bytes(content)).hdu(1).read_table().column("a")
    assert [len(value) for value in found] == [3, 0, 5]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
