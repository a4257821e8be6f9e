# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the size, the noise and the algorithm of lossy compression, beside astropy and fitsio."""

from __future__ import annotations

import zlib
from pathlib import Path

import astropy.io.fits
import fitsio
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from lsst.images import Box, Image
from lsst.images.errors import InvalidArgumentError
from lsst.images.fits import (
    FitsCompressionAlgorithm,
    FitsCompressionOptions,
    FitsDitherAlgorithm,
    FitsQuantizationOptions,
)
from lsst.images.fits._tiles import _noise, _quantize  # both implementations are compared
from lsst.images.fits._tiles._compiled import tile_loops  # the C loops by themselves
from lsst.images.fits._tiles._smallest import smallest_algorithm  # shapes that no public type has

needs_loops = pytest.mark.skipif(
    tile_loops is None, reason="the package was installed without a C compiler, or LSST_IMAGES_COMPILED=0"
)

LEVEL_16 = FitsQuantizationOptions(dither=FitsDitherAlgorithm.SUBTRACTIVE_DITHER_2, level=16.0, seed=7)


def noisy_sky(shape: tuple[int, int] = (640, 700)) -> np.ndarray:
    rng = np.random.default_rng(11)
    sky = rng.normal(0, 12, shape).astype("f4")
    sky[100:140, 200:240] += 5000
    sky[300:310, 10:20] = np.nan
    sky[400:420, 500:560] = 0
    return sky


def write(array: np.ndarray, path: Path, options: FitsCompressionOptions) -> astropy.io.fits.Header:
    image = Image(array, bbox=Box.from_shape(array.shape))
    image.write_fits(path, compression=options, compression_seed=7)
    with astropy.io.fits.open(path, disable_image_compression=True) as hdus:
        return hdus["IMAGE"].header


def data_size(header: astropy.io.fits.Header) -> int:
    return int(header["NAXIS1"] * header["NAXIS2"] + header["PCOUNT"])


def entropy(array: np.ndarray) -> float:
    """Entropy of the quantized pixels in bits per pixel, with the steps of a file of one tile."""
    steps = np.round(array[np.isfinite(array) & (array != 0)] / (12 / 16))
    _, counts = np.unique(steps, return_counts=True)
    fractions = counts / counts.sum()
    return float(-(fractions * np.log2(fractions)).sum())


@needs_loops
def test_quantized_gzip_2_is_smaller_than_rice_and_close_to_entropy(tmp_path: Path) -> None:
    array = noisy_sky((1200, 1200))
    sizes = {}
    for algorithm in ("GZIP_2", "RICE_1", "SMALLEST"):
        options = FitsCompressionOptions(algorithm=FitsCompressionAlgorithm(algorithm), quantization=LEVEL_16)
        header = write(array, tmp_path / f"{algorithm}.fits", options)
        sizes[algorithm] = data_size(header)
        assert header["ZCMPTYPE"] == ("GZIP_2" if algorithm == "SMALLEST" else algorithm)
    assert sizes["SMALLEST"] == sizes["GZIP_2"] < 0.94 * sizes["RICE_1"]
    assert 8 * sizes["GZIP_2"] / array.size < 1.04 * entropy(array)


@pytest.mark.parametrize("algorithm", ["GZIP_2", "RICE_1", "SMALLEST"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_quantized_files_are_equal_in_all_readers(algorithm: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    array = noisy_sky().astype(dtype)
    write(
        array,
        path,
        FitsCompressionOptions(algorithm=FitsCompressionAlgorithm(algorithm), quantization=LEVEL_16),
    )
    ours = Image.read_fits(path).array
    with astropy.io.fits.open(path) as hdus:
        np.testing.assert_array_equal(hdus["IMAGE"].data, ours)
    with fitsio.FITS(str(path)) as hdus:
        np.testing.assert_array_equal(hdus["IMAGE"].read(), ours)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(array))
    np.testing.assert_array_equal(ours == 0, array == 0)


def test_smallest_algorithm_of_smooth_integers_is_rice(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    array = np.cumsum(rng.integers(-3, 4, (600, 600)), axis=1).astype("i4") * 1000 + 10**6
    array += rng.integers(-400, 400, array.shape, dtype="i4")
    sizes = {}
    for algorithm in FitsCompressionAlgorithm:
        header = write(array, tmp_path / f"{algorithm}.fits", FitsCompressionOptions(algorithm=algorithm))
        sizes[algorithm.value] = data_size(header)
        np.testing.assert_array_equal(Image.read_fits(tmp_path / f"{algorithm}.fits").array, array)
    assert sizes["SMALLEST"] == min(sizes["RICE_1"], sizes["GZIP_2"])
    assert header["ZCMPTYPE"] == min(("GZIP_2", "RICE_1"), key=sizes.__getitem__)


@pytest.mark.parametrize("shape", [(1,), (5,), (1, 1), (3, 300), (300, 3)])
def test_smallest_algorithm_accepts_small_images(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    assert smallest_algorithm(array) == "GZIP_2"


@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.1])
def test_for_noise_increases_noise_by_fraction(fraction: float, tmp_path: Path) -> None:
    array = np.random.default_rng(3).normal(0, 1, (1500, 1500)).astype("f4")
    write(array, tmp_path / "a.fits", FitsCompressionOptions.for_noise(fraction))
    error = Image.read_fits(tmp_path / "a.fits").array - array
    # The errors are independent of the pixels: their variances are added.
    increase = np.sqrt(1 + np.var(error, dtype="f8")) - 1
    # The estimate of the noise is the smallest of three, about 1 % low.
    assert 0.95 * fraction < increase < 1.002 * fraction


@pytest.mark.parametrize("fraction", [0, -1, 1.5, float("nan"), 1e-9])
def test_for_noise_invalid_fraction_raises(fraction: float) -> None:
    with pytest.raises(InvalidArgumentError, match="fraction from 1e-06 to 1"):
        FitsCompressionOptions.for_noise(fraction)


@needs_loops
@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.sampled_from(["noise", "constant", "sparse", "narrow"])),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 4),
    st.integers(0, 2**32),
)
def test_deflate_is_decompressed_by_zlib(parts: list[tuple[int, str]], rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    makers = {
        "noise": lambda n: rng.integers(0, 256, n),
        "constant": lambda n: np.full(n, rng.integers(0, 256)),
        "sparse": lambda n: (rng.random(n) < 0.02) * 7,
        "narrow": lambda n: rng.geometric(0.3, n) % 256,
    }
    planes = np.stack(
        [np.concatenate([makers[kind](n) for n, kind in parts]).astype("u1") for _ in range(rows)]
    )
    assert zlib.decompress(tile_loops.deflate(planes), -zlib.MAX_WBITS) == planes.tobytes()


@needs_loops
def test_deflate_limits_code_lengths_and_long_blocks() -> None:
    counts = [1, 1]
    while len(counts) < 24:
        counts.append(counts[-1] + counts[-2])
    plane = np.repeat(np.arange(len(counts), dtype="u1"), counts)
    np.random.default_rng(2).shuffle(plane)
    # Huffman codes of Fibonacci numbers are as long as there are symbols; deflate allows 15 bits.
    for planes in (plane[np.newaxis], np.random.default_rng(2).integers(0, 256, (2, 200_000), dtype="u1")):
        assert zlib.decompress(tile_loops.deflate(planes), -zlib.MAX_WBITS) == planes.tobytes()


@st.composite
def float_tiles(draw: st.DrawFn) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(9, 90)))
    stack = rng.normal(0, 10.0 ** draw(st.integers(-20, 15)), shape).astype("f4")
    for odd in draw(st.lists(st.sampled_from(["whole", "nan", "stars", "runs", "zeros", "constant"]))):
        where = rng.random(shape) < 0.1
        if odd == "whole":
            stack = np.round(stack)
        elif odd == "stars":
            stack[where] *= 1e6
        elif odd == "runs":
            stack[:, ::2] = 3
        elif odd == "constant":
            stack[0] = 4
        else:
            stack[where] = np.nan if odd == "nan" else 0
    return stack


@needs_loops
@given(float_tiles(), st.sampled_from([16.0, 1.0, -0.25]), st.sampled_from([0, 1, 2]))
def test_quantize_without_c_extension_is_identical(stack: np.ndarray, level: float, dither: int) -> None:
    tiles = np.arange(len(stack)) + 9990
    compiled = _quantize.quantize(stack, tiles, level=level, dither=dither, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_quantize, "tile_loops", None)
        patch.setattr(_noise, "tile_loops", None)
        plain = _quantize.quantize(stack, tiles, level=level, dither=dither, seed=3)
    good = compiled[3]
    np.testing.assert_array_equal(compiled[0][good], plain[0][good])
    for ours, theirs in zip(compiled[1:], plain[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
