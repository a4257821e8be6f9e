# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Loops in C against the libraries that do the same, and installations without them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import hypothesis.strategies as st
import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from lsst.images.fits import FitsFile
from lsst.images.fits._hdus._image_writer import encode_primary
from lsst.images.fits._tiles._compiled import tile_loops
from lsst.images.fits._tiles._tile_writer import compress_image

ROOT = Path(__file__).resolve().parents[1]
HEAD_BITS = {1: 3, 2: 4, 4: 5}

needs_loops = pytest.mark.skipif(
    tile_loops is None, reason="the package was installed without a C compiler, or LSST_IMAGES_COMPILED=0"
)


@st.composite
def integers_of_all_blocks(draw: st.DrawFn, width: int) -> np.ndarray:
    """Integers of which blocks differ in how much neighbours differ: from nothing to all bits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    steps = []
    for bits in draw(st.lists(st.integers(0, 8 * width), min_size=1, max_size=8)):
        steps.append(rng.integers(0, 2**bits, draw(st.sampled_from([1, 5, 32, 100])), dtype=np.uint64))
        # A single jump among small steps makes a long run of zeros in the code.
        steps[-1][rng.integers(0, len(steps[-1]))] *= draw(st.sampled_from([1, 1000, 10**6]))
    walk = np.cumsum(np.concatenate(steps) * rng.choice([1, -1], sum(map(len, steps))).astype(np.uint64))
    return walk.astype(f"u{width}").view("u1" if width == 1 else f"i{width}")


@needs_loops
@given(data=st.data(), width=st.sampled_from([1, 2, 4]), block=st.sampled_from([1, 7, 16, 32]))
@settings(max_examples=300)
def test_rice_decode_tiles_of_imagecodecs_returns_same_pixels(
    data: st.DataObject, width: int, block: int
) -> None:
    tiles = [data.draw(integers_of_all_blocks(width)) for _ in range(data.draw(st.integers(1, 3)))]
    space = data.draw(st.integers(1, min(map(len, tiles))))
    out = np.full((len(tiles), space + 3), 99, dtype=tiles[0].dtype)
    # The default output buffer of imagecodecs is overrun by short blocks of noise.
    codes = [imagecodecs.rcomp_encode(tile, nblock=block, out=2 * tile.nbytes + 64) for tile in tiles]
    assert tile_loops.rice_decode(codes, out[:, :space], block) == len(tiles)
    for tile, row in zip(tiles, out, strict=True):
        np.testing.assert_array_equal(row[:space], tile[:space])
        assert (row[space:] == 99).all()


@needs_loops
@given(data=st.data(), width=st.sampled_from([1, 2, 4]))
@settings(max_examples=200)
def test_rice_decode_truncated_tile_returns_number_of_good_tiles(data: st.DataObject, width: int) -> None:
    tile = data.draw(integers_of_all_blocks(width))
    code = bytes(imagecodecs.rcomp_encode(tile, nblock=32, out=2 * tile.nbytes + 64))
    # The last byte may be padding, or have been written ahead.
    short = code[: data.draw(st.integers(0, max(0, len(code) - 3)))]
    out = np.empty((3, len(tile)), dtype=tile.dtype)
    if len(short) * 8 < 8 * width + HEAD_BITS[width]:
        assert tile_loops.rice_decode([code, short, code], out, 32) == 1
    good = tile_loops.rice_decode([code, short, code], out, 32)
    assert good in (1, 3)
    if good == 3:
        np.testing.assert_array_equal(out[1], tile)


@needs_loops
@given(code=st.binary(max_size=300), width=st.sampled_from([1, 2, 4]), count=st.integers(0, 500))
@settings(max_examples=500)
def test_rice_decode_random_bytes_agrees_with_imagecodecs(code: bytes, width: int, count: int) -> None:
    out = np.empty((1, count), dtype=f"u{width}")
    assert tile_loops.rice_decode([code], out, 32) in (0, 1)


@needs_loops
@pytest.mark.parametrize(
    "tiles, out, block",
    [
        ([b"0123456789"], np.empty((2, 4), "i4"), 32),
        ([b"0123456789"], np.empty((1, 4), "i4"), 0),
        ([b"0123456789"], np.empty((1, 4), "i8"), 32),
        ([b"0123456789"], np.empty((1, 4), ">i4"), 32),
        ([b"0123456789"], np.empty((1, 8), "i4")[:, ::2], 32),
        ([b"0123456789"], np.empty(4, "i4"), 32),
        ([b"0123456789", 5], np.empty((2, 4), "i4"), 32),
        (b"0123456789", np.empty((10, 4), "i4"), 32),
    ],
)
def test_rice_decode_invalid_arguments_raises(tiles: Any, out: np.ndarray, block: int) -> None:
    with pytest.raises((ValueError, TypeError)):
        tile_loops.rice_decode(tiles, out, block)


@needs_loops
@given(data=st.data(), dtype=st.sampled_from(["i2", "u2", "i4", "u4", "f4", "i8", "f8"]))
def test_unshuffle_any_box_equals_numpy(data: st.DataObject, dtype: str) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=4)))
    kind = np.dtype(dtype)
    pixels = np.random.default_rng(3).integers(0, 256, (*shape, kind.itemsize), np.uint8).view(kind)[..., 0]
    stored = pixels.astype(kind.newbyteorder(">")).view(np.uint8).reshape(*shape, kind.itemsize)
    planes = np.ascontiguousarray(np.moveaxis(stored, -1, 1))
    parts, expected = [], []
    for _ in range(data.draw(st.integers(0, 3))):
        box = tuple(slice(data.draw(st.integers(0, n - 1)), n) for n in shape)
        space = np.zeros([n + 2 for n in shape], kind)
        out = space[tuple(slice(1, 1 + len(range(n)[cut])) for n, cut in zip(shape, box, strict=True))]
        parts.append((planes[(box[0], slice(None), *box[1:])], out))
        expected.append(pixels[box])
    tile_loops.unshuffle(parts)
    for (_, out), truth in zip(parts, expected, strict=True):
        assert out.tobytes() == truth.tobytes()
        assert np.count_nonzero(out.base.view("u1")) == np.count_nonzero(out.copy().view("u1"))


@needs_loops
@pytest.mark.parametrize(
    "parts",
    [
        [(np.zeros((2, 4, 3), "u1"), np.zeros((2, 3), ">f4"))],
        [(np.zeros((2, 4, 3), "u1"), np.zeros((2, 6), "f4")[:, ::2])],
        [(np.zeros((2, 4, 3), "u1"), np.zeros((3, 3), "f4"))],
        [(np.zeros((2, 4, 3), "u1"), np.zeros((2, 4), "f4"))],
        [(np.zeros((2, 4, 3), "u1"), np.zeros((2, 3), "f8"))],
        [(np.zeros((2, 4, 3), "u1"), np.zeros((2, 3, 1), "f4"))],
        [(np.zeros((2, 1, 3), "u1"), np.zeros((2, 3), "u1"))],
        [(np.zeros((2, 4), "u1"), np.zeros(2, "f4"))],
        [(np.zeros((2, 4, 3), "i4"), np.zeros((2, 3), "f4"))],
        [(np.zeros((2, 4, 3), "u1"), np.zeros((2, 3), "f4"))] * 2 + [5],
        [(np.zeros((2, 4, 3), "u1"),)],
        (np.zeros((2, 4, 3), "u1"), np.zeros((2, 3), "f4")),
    ],
)
def test_unshuffle_mismatched_arrays_raises(parts: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        tile_loops.unshuffle(parts)


def scaling(**changes: Any) -> dict[str, Any]:
    """Arguments that `dequantize` accepts, but for some."""
    return {
        "values": np.zeros((2, 3, 4), "i4"),
        "out": np.zeros((2, 3, 4), "f4"),
        "scale": np.ones(2),
        "zero": np.ones(2),
        "blank": np.zeros(2, "i8"),
        "zeros": True,
        "random": np.zeros(10000),
        "seed": np.zeros(2, "i8"),
        "start": 0,
        "step": 4,
    } | changes


@needs_loops
@pytest.mark.parametrize(
    "change",
    [
        {"values": np.zeros((2, 3, 4), "i2")},
        {"values": np.zeros((2, 12), "i4")},
        {"values": np.zeros((2, 3, 5), "i4")},
        {"out": np.zeros((2, 3, 4), ">f4")},
        {"out": np.zeros((2, 3, 8), "f4")[..., ::2]},
        {"scale": np.ones(1)},
        {"zero": np.ones(3)},
        {"blank": np.zeros(1, "i8")},
        {"random": np.zeros(9999)},
        {"seed": np.zeros(0, "i8")},
        {"seed": np.array([0, 10000])},
        {"seed": np.array([-1, 0])},
        {"start": -1},
        {"step": -4},
    ],
)
def test_dequantize_mismatched_arrays_raises(change: dict[str, Any]) -> None:
    tile_loops.dequantize(*scaling().values())
    with pytest.raises(ValueError):
        tile_loops.dequantize(*scaling(**change).values())


@pytest.mark.parametrize("keyword", ["ZBLANK", "ZDITHER0"])
@pytest.mark.parametrize("number", [10**25, -(10**25)])
def test_read_image_out_of_range_zblank_and_zdither0_are_ignored(keyword: str, number: int) -> None:
    array = np.random.default_rng(1).normal(100, 10, (20, 30)).astype("f4")
    array[3, 4] = np.nan
    stream = io.BytesIO()
    encode_primary().write(stream)
    compress_image(array, algorithm="RICE_1", quantize_level=16.0, tile_shape=(20, 30), seed=1).write(stream)
    content = stream.getvalue()
    at = content.index(f"{keyword:8}=".encode())
    card = f"{keyword:8}= {number:>28}".ljust(80).encode()
    found = FitsFile.open(content[:at] + card + content[at + 80 :]).hdu(1).read_image()
    # Pixel (3, 4) is an integer like all others without ZBLANK; another seed moves pixels by a step.
    others = ~np.isnan(array)
    np.testing.assert_allclose(found[others], array[others], atol=2)
    assert np.isnan(found[3, 4]) == (keyword != "ZBLANK")


def test_codecs_without_c_extension_return_same_pixels() -> None:
    names = "images_of_astropy or every_seed or cut_like or random_sequence or blank or damage"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", names, "test_fits_compressed.py"]
    environment = {**os.environ, "LSST_IMAGES_COMPILED": "0"}
    result = subprocess.run(command, env=environment, cwd=ROOT / "tests", capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    look = "from lsst.images.fits._tiles._compiled import tile_loops; print(tile_loops)"
    found = subprocess.run([sys.executable, "-c", look], env=environment, capture_output=True, text=True)
    assert found.stdout == "None\n", found.stderr


@pytest.mark.parametrize("compiler", ["there", "missing"])
def test_build_with_and_without_compiler_succeeds(compiler: str, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    if compiler == "there" and tile_loops is None:
        pytest.skip("no C compiler is installed, or LSST_IMAGES_COMPILED=0")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for name in ("python", "config"):
        copytree(ROOT / name, tmp_path / name, ignore=ignore_patterns("*.so", "__pycache__", "*.egg-info"))
    environment = dict(os.environ) | ({"CC": "/no/compiler"} if compiler == "missing" else {})
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    built = subprocess.run([*pip, "."], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    stable_abi = not sysconfig.get_config_var("Py_GIL_DISABLED")
    assert ("-cp311-abi3-" in wheel.name) == stable_abi
    names = zipfile.ZipFile(wheel).namelist()
    assert "lsst/images/fits/_tiles/_compiled.py" in names
    library = "_tile_loops.abi3." if stable_abi else "_tile_loops."
    assert any(library in name for name in names) == (compiler == "there")
