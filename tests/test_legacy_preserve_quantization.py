# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of compressed planes that are written again without decoding them."""

from __future__ import annotations

from pathlib import Path

import fitsio
import numpy as np
import pytest
from astropy.io import fits
from lsst.images import Image
from lsst.images.io import read, write

CODECS = ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS")
CFITSIO_CODECS = CODECS[:-1]
OFFSETS = {"u1": 0, "i1": 0, "i2": 0, "i4": 0, "u2": 40_000, "u4": 3_000_000_000, "f4": 0, "f8": 0}


def write_compressed(path: Path, pixels: np.ndarray, codec: str, **cards: float) -> None:
    """Write a compressed image with astropy, then change cards of the table."""
    tile = (1,) * (pixels.ndim - 2) + (16, pixels.shape[-1])
    fits.CompImageHDU(pixels, compression_type=codec, tile_shape=tile).writeto(path)
    with fits.open(path, mode="update", disable_image_compression=True) as hdus:
        hdus[1].header.update(cards)


def assert_kept(path: Path, new: Path, codec: str) -> np.ndarray:
    """Read an image, write it, and compare it with the readings of astropy and CFITSIO."""
    image = Image.read_legacy(path, preserve_quantization=True)
    truth = fits.getdata(path, 1)
    write(image, new)
    back = read(new, Image)
    assert back.array.dtype == truth.dtype.newbyteorder("=")
    for pixels in (image.array, back.array, fits.getdata(new, "IMAGE")):
        np.testing.assert_array_equal(pixels, truth.reshape(back.array.shape))
    with fits.open(new, disable_image_compression=True) as hdus:
        assert hdus["IMAGE"].header["ZCMPTYPE"] == codec
    if codec in CFITSIO_CODECS and truth.dtype.itemsize < 8:
        with fitsio.FITS(new) as hdus:
            np.testing.assert_array_equal(hdus["IMAGE"].read(), back.array)
    return truth


# Astropy does not write wide unsigned integers or real numbers with PLIO_1.
COMBINATIONS = [
    (dtype, codec)
    for dtype in OFFSETS
    for codec in CODECS
    if codec != "PLIO_1" or dtype in ("u1", "i1", "i2", "i4")
]


@pytest.mark.parametrize(("dtype", "codec"), COMBINATIONS)
def test_preserve_quantization_all_types_pixels_are_unchanged(tmp_path: Path, dtype: str, codec: str) -> None:
    pixels = (np.arange(40 * 50).reshape(40, 50) % 101 + OFFSETS[dtype]).astype(dtype)
    write_compressed(tmp_path / "old.fits", pixels, codec)
    assert_kept(tmp_path / "old.fits", tmp_path / "new.fits", codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
@pytest.mark.parametrize("blank", ["ZBLANK", "BLANK"])
def test_preserve_quantization_scaled_integers_keep_scale_offset_and_blank(
    tmp_path: Path, dtype: str, codec: str, blank: str
) -> None:
    pixels = (np.arange(40 * 50).reshape(40, 50) % 101).astype(dtype)
    cards = {"BSCALE": 0.5, "BZERO": 7.25, blank: 3}
    write_compressed(tmp_path / "old.fits", pixels, codec, **cards)
    image = Image.read_legacy(tmp_path / "old.fits", preserve_quantization=True)
    write(image, tmp_path / "new.fits")
    back = read(tmp_path / "new.fits", Image).array
    truth = np.where(pixels == 3, np.nan, 0.5 * pixels + 7.25)
    np.testing.assert_array_equal(image.array, truth)
    np.testing.assert_array_equal(back, truth)
    old, new = (fits.getdata(tmp_path / name, 1) for name in ("old.fits", "new.fits"))
    np.testing.assert_array_equal(old, new)


def test_preserve_quantization_image_with_degenerate_axis_has_two_axes(tmp_path: Path) -> None:
    pixels = np.arange(40 * 50, dtype=np.uint16).reshape(1, 40, 50) + 40_000
    write_compressed(tmp_path / "old.fits", pixels, "RICE_1")
    assert_kept(tmp_path / "old.fits", tmp_path / "new.fits", "RICE_1")
    assert fits.getdata(tmp_path / "new.fits", "IMAGE").shape == (40, 50)
