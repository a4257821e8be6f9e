# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""HCOMPRESS_1 and PLIO_1 compared with CFITSIO, with good and with damaged tiles."""

from __future__ import annotations

import io
import os
import subprocess
import sys
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


def cfitsio_bytes(array: np.ndarray, path: Path, **cards: Any) -> bytes:
    """Return a file that CFITSIO compressed, with some cards of the HDU replaced."""
    path.unlink(missing_ok=True)
    compress = cards.pop("compress")
    fitsio.write(str(path), array, compress=compress, tile_dims=cards.pop("tile_dims", (10, 41)))
    content = path.read_bytes()
    if not cards:
        return content
    with astropy.io.fits.open(io.BytesIO(content), disable_image_compression=True) as file:
        start, stop, header = file[1]._header_offset, file[1]._data_offset, file[1].header.copy()
    header.update(cards)
    return content[:start] + header.tostring().encode() + content[stop:]


def compare_with_cfitsio(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    expected = fitsio.read(str(path), ext=1)
    hdu = FitsFile.open(content).hdu(1)
    np.testing.assert_array_equal(hdu.read_image(), expected)
    np.testing.assert_array_equal(hdu.read_image((slice(7, 22), slice(5, 6))), expected[7:22, 5:6])


ARRAY = np.arange(1230).reshape(30, 41)


@pytest.mark.parametrize("compress", ["PLIO", "HCOMPRESS"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4"])
def test_read_image_rare_codec_every_integer_type_equals_cfitsio(
    compress: str, dtype: str, tmp_path: Path
) -> None:
    if compress == "PLIO" and dtype == "u4":
        # CFITSIO refuses to write this type; the file is a signed one with the offset of unsigned pixels.
        content = cfitsio_bytes(ARRAY.astype("i4"), tmp_path / "x.fits", compress=compress, BZERO=2.0**31)
    else:
        content = cfitsio_bytes((ARRAY % 127).astype(dtype), tmp_path / "x.fits", compress=compress)
    assert FitsFile.open(content).hdu(1).dtype == np.dtype(dtype)
    compare_with_cfitsio(content, tmp_path / "x.fits")


def test_read_image_plio_full_range_of_unsigned_16_bit_equals_cfitsio(tmp_path: Path) -> None:
    array = np.linspace(0, 65535, 1230).astype("u2").reshape(30, 41)
    content = cfitsio_bytes(array, tmp_path / "x.fits", compress="PLIO")
    np.testing.assert_array_equal(FitsFile.open(content).hdu(1).read_image(), array)
    np.testing.assert_array_equal(Image.read_legacy(tmp_path / "x.fits").array, array)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
@pytest.mark.parametrize("scale", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("zero", [0.0, 32768.0, -100.0])
def test_read_image_plio_scaled_equals_cfitsio(dtype: str, scale: float, zero: float, tmp_path: Path) -> None:
    array = (ARRAY % 250).astype(dtype)
    content = cfitsio_bytes(array, tmp_path / "x.fits", compress="PLIO", BSCALE=scale, BZERO=zero)
    compare_with_cfitsio(content, tmp_path / "x.fits")


@pytest.mark.parametrize("shape", [(3, 20, 30), (1, 1, 500), (64, 64)])
def test_read_image_plio_sparse_mask_equals_cfitsio(shape: tuple[int, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    array = np.where(rng.random(shape) < 0.05, 1 << rng.integers(0, 24, shape), 0).astype("i4")
    array[..., -7:] = (1 << 24) - 1
    content = cfitsio_bytes(array, tmp_path / "x.fits", compress="PLIO", tile_dims=None)
    np.testing.assert_array_equal(FitsFile.open(content).hdu(1).read_image(), array)
    np.testing.assert_array_equal(fitsio.read(str(tmp_path / "x.fits"), ext=1), array)


@pytest.mark.parametrize("smooth", [0, 1])
@pytest.mark.parametrize("dtype", ["i2", "i4", "f4"])
def test_read_image_hcompress_lossy_equals_cfitsio(smooth: int, dtype: str, tmp_path: Path) -> None:
    array = np.random.default_rng(4).normal(1000, 30, (45, 60)).astype(dtype)
    path = tmp_path / "x.fits"
    with fitsio.FITS(str(path), "rw") as file:
        file.write(
            array,
            compress="HCOMPRESS",
            hcomp_scale=4,
            hcomp_smooth=bool(smooth),
            tile_dims=(15, 60),
            qlevel=4,
        )
    assert FitsFile.open(path).hdu(1).values["ZVAL2"] == smooth
    compare_with_cfitsio(path.read_bytes(), path)


def test_read_image_hcompress_tile_that_raises_a_signal_in_cfitsio_is_named(shared_data: Path) -> None:
    path = shared_data / "bugs" / "16_sigfpe_plio.fits"
    if not path.exists():
        pytest.skip("no shared data")
    with pytest.raises(CorruptArchiveError, match="tile compressed with HCOMPRESS_1 has 3 bytes"):
        FitsFile.open(path).hdu(1).read_image()


def test_read_image_hcompress_process_that_ends_is_replaced(tmp_path: Path) -> None:
    # A directory with a module that ends the process when it is imported instead of fitsio.
    content = cfitsio_bytes(ARRAY.astype("i4"), tmp_path / "x.fits", compress="HCOMPRESS")
    (tmp_path / "fitsio.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGFPE)\n")
    program = (
        "import os, sys\n"
        "from lsst.images.errors import CorruptArchiveError\n"
        "from lsst.images.fits import FitsFile\n"
        "folder, path = sys.argv[1:]\n"
        "hdu = FitsFile.open(path).hdu(1)\n"
        "sys.path.insert(0, folder)\n"
        "try:\n    hdu.read_image()\n"
        "except CorruptArchiveError as err:\n    print(err)\n"
        "sys.path.remove(folder)\n"
        "print(hdu.read_image().sum())\n"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", program, str(tmp_path), str(tmp_path / "x.fits")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    message, total = result.stdout.splitlines()
    assert "CFITSIO ended its process with code -8" in message
    assert int(total) == ARRAY.sum()
    assert FitsFile.open(content).hdu(1).read_image().sum() == ARRAY.sum()


@pytest.mark.parametrize("compress, examples", [("PLIO", 300), ("HCOMPRESS", 8)])
def test_read_image_rare_codec_damaged_bytes_give_pixels_or_named_error(
    compress: str, examples: int, tmp_path: Path
) -> None:
    content = cfitsio_bytes(ARRAY.astype("i4"), tmp_path / "x.fits", compress=compress)
    start = FitsFile.open(content).hdu(1).data_address
    place = st.tuples(st.integers(start, len(content) - 1), st.integers(0, 255))

    @settings(max_examples=examples, deadline=None)
    @given(st.lists(place, min_size=1, max_size=6))
    def check(changes: list[tuple[int, int]]) -> None:
        damaged = bytearray(content)
        for at, value in changes:
            damaged[at] = value
        try:
            pixels = FitsFile.open(bytes(damaged)).hdu(1).read_image()
        except CorruptArchiveError:
            return
        assert pixels.shape == ARRAY.shape

    check()
