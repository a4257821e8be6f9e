# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Comparison of tile-compressed images with CFITSIO and astropy."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import astropy.io.fits
import fitsio
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from lsst.images.errors import (
    ArchiveWriteError,
    BoxIndexError,
    CorruptArchiveError,
    ImagesError,
    InvalidArgumentError,
    InvalidParameterError,
)
from lsst.images.fits import FitsFile
from lsst.images.fits._hdus._image_writer import encode_image, encode_primary
from lsst.images.fits._tiles._tile_writer import compress_image, default_tile_shape

TYPES = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
DITHERS = {"NO_DITHER": -1, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}


def pixels(dtype: str, shape: tuple[int, ...], *, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return rng.normal(100, 10, shape).astype(kind)
    limits = np.iinfo(kind)
    return np.clip(rng.normal(50, 20, shape), max(limits.min, -1000), min(limits.max, 1000)).astype(kind)


def with_holes(array: np.ndarray) -> np.ndarray:
    array[..., 2, 5:9] = np.nan
    array[..., 7, :] = np.nan
    array[..., 3, 4] = 0.0
    return array


def file_bytes(*hdus: Any) -> bytes:
    stream = io.BytesIO()
    encode_primary().write(stream)
    for hdu in hdus:
        hdu.write(stream)
    return stream.getvalue()


def by_cfitsio(content: bytes, tmp_path: Path, ext: int = 1) -> np.ndarray:
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    return fitsio.read(str(path), ext=ext)


def by_astropy(content: bytes, ext: int = 1) -> np.ndarray:
    with astropy.io.fits.open(io.BytesIO(content), checksum=True) as file:
        return np.array(file[ext].data)


def assert_same(ours: np.ndarray, other: np.ndarray) -> None:
    assert ours.dtype == other.dtype.newbyteorder("=")
    np.testing.assert_array_equal(ours, other, strict=False)


@pytest.mark.filterwarnings("error::astropy.utils.exceptions.AstropyUserWarning")
@pytest.mark.parametrize(
    "shape, tile", [((37, 300), (1, 300)), ((37, 300), (16, 40)), ((4, 20, 30), (2, 7, 9))]
)
@pytest.mark.parametrize("algorithm", ["GZIP_1", "GZIP_2", "RICE_1", "NOCOMPRESS"])
@pytest.mark.parametrize("dtype", TYPES)
def test_compress_image_lossless_is_read_by_all_readers(
    dtype: str, algorithm: str, shape: tuple[int, ...], tile: tuple[int, ...], tmp_path: Path
) -> None:
    array = pixels(dtype, shape)
    content = file_bytes(compress_image(array, algorithm=algorithm, tile_shape=tile))
    assert_same(FitsFile.open(content).hdu(1).read_image(), array)
    assert_same(array, by_astropy(content))
    # CFITSIO has neither 64-bit integers in tiles nor NOCOMPRESS in this build.
    if dtype not in ("i8", "u8") and algorithm != "NOCOMPRESS":
        assert_same(array, by_cfitsio(content, tmp_path))


def large_tile(kind: str) -> np.ndarray:
    """A tile that is large enough for its bytes to be looked at before they are compressed."""
    rng = np.random.default_rng(4)
    shape = (100, 97)
    if kind.startswith("random"):
        return rng.integers(0, 256, (100, 97 * 4), dtype=np.uint8).view("i4").astype(kind[7:])
    sky = rng.normal(1000, 30, shape)
    return {
        "sky f4": sky.astype("f4"),
        "sky f8": sky,
        "counts f4": sky.round().astype("f4"),
        "counts i2": sky.astype("i2"),
        "variance f4": ((900 + np.maximum(sky - 1000, 0)) / 1.5).astype("f4"),
        "mask i4": np.where(rng.random(shape) < 0.001, 1 << rng.integers(0, 31, shape), 0).astype("i4"),
        "nothing f4": np.zeros(shape, "f4"),
        # Noise that the samples do not see must be kept, too.
        "half i4": np.where(np.arange(97) < 50, rng.integers(-(2**31), 2**31, shape), 0).astype("i4"),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        *("random i4", "random i2", "random i8"),
        *("sky f4", "sky f8", "counts f4", "counts i2", "variance f4", "mask i4", "nothing f4", "half i4"),
    ],
)
@pytest.mark.parametrize("rows", [(slice(None)), slice(0, 90)])
def test_compress_image_large_lossless_tiles_do_not_exceed_zlib(
    kind: str, rows: slice, tmp_path: Path
) -> None:
    array = large_tile(kind)[rows]
    content = file_bytes(compress_image(array, algorithm="GZIP_2", tile_shape=array.shape))
    assert_same(FitsFile.open(content).hdu(1).read_image(), array)
    assert_same(array, by_astropy(content))
    if array.dtype != np.int64:
        assert_same(array, by_cfitsio(content, tmp_path))
    size = array.dtype.itemsize
    planes = np.moveaxis(array.astype(array.dtype.newbyteorder(">")).view(np.uint8).reshape(-1, size), 1, 0)
    usual = len(zlib.compress(planes.tobytes(), 6))
    with FitsFile.open(content) as file:
        assert sum(n for _, n in file.hdu(1).byte_ranges(...)) <= 1.06 * usual + array.nbytes // 500 + 100


@pytest.mark.parametrize("tile", [(1, 300), (16, 40), (37, 300)])
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("level", [16.0, 4.0, -0.5])
@pytest.mark.parametrize("dither", DITHERS)
@pytest.mark.parametrize(
    "algorithm, dtype", [("RICE_1", "f4"), ("RICE_1", "f8"), ("GZIP_2", "f4"), ("GZIP_1", "f8")]
)
def test_compress_image_quantized_is_bit_identical_in_all_readers(
    algorithm: str, dtype: str, dither: str, level: float, holes: bool, tile: tuple[int, ...], tmp_path: Path
) -> None:
    array = pixels(dtype, (37, 300))
    if holes:
        array = with_holes(array)
    content = file_bytes(
        compress_image(
            array, algorithm=algorithm, tile_shape=tile, quantize_level=level, dither=dither, seed=9990
        )
    )
    ours = FitsFile.open(content).hdu(1).read_image()
    assert_same(ours, by_astropy(content))
    assert_same(ours, by_cfitsio(content, tmp_path))
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(array))
    if dither == "SUBTRACTIVE_DITHER_2":
        assert np.all(ours[array == 0.0] == 0.0)
    step = -level if level < 0 else 10 / level
    assert np.nanmax(np.abs(ours - array)) < step


@pytest.mark.parametrize("tile", [None, (8, 50)])
@pytest.mark.parametrize("compression", ["GZIP_1", "GZIP_2", "RICE_1", "HCOMPRESS_1", "PLIO_1"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4"])
def test_read_image_integer_images_of_astropy_are_exact(dtype: str, compression: str, tile: Any) -> None:
    if compression == "PLIO_1" and dtype in ("u2", "u4"):
        pytest.skip("astropy cannot write PLIO_1 with an offset; test_fits_rare_codecs.py uses CFITSIO")
    if compression == "HCOMPRESS_1" and tile is None:
        tile = (16, 200)
    array = np.abs(pixels(dtype, (40, 200)).astype("i8")).astype(dtype)
    stream = io.BytesIO()
    hdu = astropy.io.fits.CompImageHDU(array, compression_type=compression, tile_shape=tile)
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), hdu]).writeto(stream)
    read = FitsFile.open(stream.getvalue()).hdu(1)
    assert_same(read.read_image(), array)
    assert_same(read.read_image((slice(3, 20), slice(150, 200))), array[3:20, 150:200])


@pytest.mark.parametrize("dither", DITHERS)
@pytest.mark.parametrize("compression", ["GZIP_1", "GZIP_2", "RICE_1", "HCOMPRESS_1"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_read_image_quantized_images_of_astropy_are_bit_identical(
    dtype: str, compression: str, dither: str
) -> None:
    array = pixels(dtype, (48, 320))
    if compression != "HCOMPRESS_1":
        array = with_holes(array)
    stream = io.BytesIO()
    hdu = astropy.io.fits.CompImageHDU(
        array,
        compression_type=compression,
        quantize_level=8.0,
        quantize_method=DITHERS[dither],
        dither_seed=4321,
        tile_shape=(16, 64),
    )
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), hdu]).writeto(stream)
    assert_same(FitsFile.open(stream.getvalue()).hdu(1).read_image(), by_astropy(stream.getvalue()))


@pytest.mark.parametrize("qmethod", [None, "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2"])
@pytest.mark.parametrize("compress", ["GZIP", "GZIP_2", "RICE", "HCOMPRESS"])
def test_read_image_images_of_cfitsio_are_bit_identical(compress: str, qmethod: Any, tmp_path: Path) -> None:
    array = pixels("f4", (50, 400))
    if compress != "HCOMPRESS":
        array = with_holes(array)
        array[20] = 7.0
    path = tmp_path / "x.fits"
    with fitsio.FITS(str(path), "rw") as file:
        file.write(
            array,
            compress=compress,
            qlevel=4,
            qmethod=qmethod,
            dither_seed=17,
            tile_dims=(25, 100) if compress == "HCOMPRESS" else None,
        )
    hdu = FitsFile.open(path).hdu(1)
    expected = fitsio.read(str(path), ext=1)
    assert_same(hdu.read_image(), expected)
    assert_same(hdu.read_image((slice(4, 44), slice(37, 311))), expected[4:44, 37:311])


@pytest.mark.parametrize("shape", [(40, 500), (256, 256), (30, 7), (9, 9)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("flat, tolerance", [(False, 1e-12), (True, 0.2)])
def test_quantize_scales_equal_reference_implementation(
    dtype: str, shape: tuple[int, int], flat: bool, tolerance: float, tmp_path: Path
) -> None:
    array = pixels(dtype, shape, seed=7)
    # Both omit constant runs of pixels, but differently.
    if flat:
        array[: shape[0] // 2, shape[1] // 3 : -2] = 5.0
    path = tmp_path / "x.fits"
    with fitsio.FITS(str(path), "rw") as file:
        file.write(
            array, compress="RICE", qlevel=16, qmethod="SUBTRACTIVE_DITHER_1", tile_dims=shape, dither_seed=5
        )
    theirs = FitsFile.open(path).hdu(1).read_table()
    content = file_bytes(
        compress_image(
            array,
            algorithm="RICE_1",
            tile_shape=shape,
            quantize_level=16.0,
            dither="SUBTRACTIVE_DITHER_1",
            seed=5,
        )
    )
    ours = FitsFile.open(content).hdu(1).read_table()
    np.testing.assert_allclose(ours.column("ZSCALE"), theirs.column("ZSCALE"), rtol=tolerance)
    np.testing.assert_allclose(ours.column("ZZERO"), theirs.column("ZZERO"), rtol=tolerance)


@pytest.mark.parametrize("value", [3.0, np.inf, np.nan])
def test_quantize_constant_tiles_are_lossless(value: float) -> None:
    array = pixels("f4", (4, 64))
    array[1] = value
    array[2, 3] = np.inf
    hdu = compress_image(array, algorithm="RICE_1", quantize_level=16.0, tile_shape=(1, 64))
    content = file_bytes(hdu)
    ours = FitsFile.open(content).hdu(1).read_image()
    np.testing.assert_array_equal(ours[1:3], array[1:3])
    np.testing.assert_array_equal(ours, by_astropy(content))


@given(data=st.data())
def test_read_image_box_equals_slice_of_whole_image(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3), label="shape"))
    tile = tuple(data.draw(st.integers(1, 45), label="tile") for _ in shape)
    dtype = data.draw(st.sampled_from(TYPES), label="dtype")
    algorithm = data.draw(
        st.sampled_from(["GZIP_1", "GZIP_2", "RICE_1", "NOCOMPRESS", None]), label="algorithm"
    )
    level = data.draw(st.sampled_from([None, 16.0, -1.0]), label="level")
    dither = data.draw(st.sampled_from(sorted(DITHERS)), label="dither")
    threads = data.draw(st.integers(1, 3), label="threads")
    array = pixels(dtype, shape)
    if algorithm is None:
        hdu = encode_image(array)
    else:
        hdu = compress_image(
            array, algorithm=algorithm, tile_shape=tile, quantize_level=level, dither=dither, seed=10000
        )
    read = FitsFile.open(file_bytes(hdu)).hdu(1)
    whole = read.read_image(threads=threads)
    if algorithm is None or level is None or np.dtype(dtype).kind != "f":
        np.testing.assert_array_equal(whole, array)
    boxes = []
    for _ in range(3):
        cut = []
        for n in shape:
            a, b = sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)), label="bounds"))
            cut.append(slice(a, b, data.draw(st.integers(1, 3), label="step")))
        boxes.append(tuple(cut))
    for box in boxes:
        np.testing.assert_array_equal(read.read_image(box, threads=threads), whole[box])
        out = np.empty(whole[box].shape[::-1], dtype=whole.dtype).T
        assert read.read_image(box, out=out) is out
        np.testing.assert_array_equal(out, whole[box])
    for found, box in zip(read.read_boxes(boxes, threads=threads), boxes, strict=True):
        np.testing.assert_array_equal(found, whole[box])


@given(
    tile=st.tuples(st.integers(1, 130), st.integers(1, 130)),
    seed=st.integers(1, 10000),
    dither=st.sampled_from(sorted(DITHERS)),
)
@settings(max_examples=20)
def test_read_image_every_seed_and_tiling_equals_astropy(
    tile: tuple[int, int], seed: int, dither: str
) -> None:
    array = pixels("f4", (130, 130), seed=seed)
    content = file_bytes(
        compress_image(
            array, algorithm="RICE_1", tile_shape=tile, quantize_level=16.0, dither=dither, seed=seed
        )
    )
    np.testing.assert_array_equal(FitsFile.open(content).hdu(1).read_image(), by_astropy(content))


@given(data=st.data())
@settings(max_examples=60)
def test_read_image_any_image_of_astropy_is_cut_like_astropy(data: st.DataObject) -> None:
    codec = data.draw(
        st.sampled_from(["GZIP_1", "GZIP_2", "RICE_1", "NOCOMPRESS", "HCOMPRESS_1", "PLIO_1"]), label="codec"
    )
    flat = codec == "HCOMPRESS_1"
    shape = tuple(data.draw(st.lists(st.integers(9, 50), min_size=2, max_size=2 if flat else 3)))
    tile = tuple(data.draw(st.integers(4 if flat else 1, n), label="tile") for n in shape)
    if flat:
        # Tiles of HCOMPRESS_1 must not become shorter than four pixels at the edges.
        tile = tuple(n if n % t and n % t < 4 else t for n, t in zip(shape, tile, strict=True))
    kinds = ["u1", "i2"] if codec == "PLIO_1" else ["u1", "i2", "i4", "f4", "f8"]
    dtype = data.draw(st.sampled_from(kinds), label="dtype")
    array = pixels(dtype, shape)
    if codec == "PLIO_1":
        array = np.abs(array)
    hdu = astropy.io.fits.CompImageHDU(
        array,
        compression_type=codec,
        tile_shape=tile,
        quantize_level=data.draw(st.sampled_from([4.0, 16.0, -0.5]), label="level"),
        quantize_method=data.draw(st.sampled_from(sorted(DITHERS.values())), label="dither"),
        dither_seed=data.draw(st.integers(1, 10000), label="seed"),
    )
    stream = io.BytesIO()
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), hdu]).writeto(stream)
    expected = by_astropy(stream.getvalue())
    read = FitsFile.open(stream.getvalue()).hdu(1)
    assert_same(read.read_image(threads=data.draw(st.integers(1, 2), label="threads")), expected)
    cut = tuple(
        slice(*sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)), label="bounds")))
        for n in shape
    )
    assert_same(read.read_image(cut), expected[cut])


@pytest.mark.parametrize("dither", ["SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2"])
@pytest.mark.parametrize("width", [9500, 9999, 10000, 10001, 20500])
def test_dither_rows_as_long_as_random_sequence_equals_reference(
    width: int, dither: str, tmp_path: Path
) -> None:
    # The position of the end of the random sequence in a row depends on its start.
    array = pixels("f4", (40, width))
    content = file_bytes(
        compress_image(
            array, algorithm="RICE_1", tile_shape=(1, width), quantize_level=4.0, dither=dither, seed=9980
        )
    )
    hdu = FitsFile.open(content).hdu(1)
    expected = by_cfitsio(content, tmp_path)
    assert_same(hdu.read_image(), expected)
    assert_same(hdu.read_image((slice(3, 30), slice(8000, 9490))), expected[3:30, 8000:9490])


def test_read_image_blank_column_is_applied_per_tile() -> None:
    array = pixels("f4", (6, 64))
    hdu = compress_image(
        array, algorithm="RICE_1", tile_shape=(1, 64), quantize_level=4.0, dither="NO_DITHER"
    )
    plain = FitsFile.open(file_bytes(hdu)).hdu(1)
    table, decoded = plain.read_table(), plain.read_image()
    steps = (decoded - table.column("ZZERO")[:, np.newaxis]) / table.column("ZSCALE")[:, np.newaxis]
    blanks = np.rint(steps[:, 5]).astype(">i4")
    kind = [("c", ">i4", 2), ("g", ">i4", 2), ("s", ">f8"), ("z", ">f8")]
    old = np.frombuffer(hdu.data[0], dtype=kind)
    rows = np.empty(len(old), dtype=[*kind, ("b", ">i4")])
    for name in ("c", "g", "s", "z"):
        rows[name] = old[name]
    rows["b"] = blanks
    hdu.data, hdu.sums = [rows.tobytes(), *hdu.data[1:]], None
    changed = {"NAXIS1": rows.dtype.itemsize, "TFIELDS": 5}
    hdu.cards = [(card[0], changed[card[0]]) if card[0] in changed else card for card in hdu.cards]
    hdu.cards += [("TTYPE5", "ZBLANK"), ("TFORM5", "1J")]
    content = file_bytes(hdu)
    ours = FitsFile.open(content).hdu(1).read_image()
    np.testing.assert_array_equal(ours, np.where(np.rint(steps) == blanks[:, np.newaxis], np.nan, decoded))
    assert np.isnan(ours[:, 5]).all()
    assert_same(ours, by_astropy(content))


def test_read_image_aliases_and_old_descriptor_formats_are_accepted() -> None:
    content = file_bytes(compress_image(pixels("i4", (20, 30)), algorithm="RICE_1"))
    table = FitsFile.open(content).hdu(1).values["TFORM1"]
    assert isinstance(table, str) and table.startswith("1PB(")
    short = f"'{table}'".encode()
    for old, new in ((b"'RICE_1  '", b"'RICE_ONE'"), (short, short.replace(b"'1PB", b"'PB") + b" ")):
        assert content.count(old) == 1
        content = content.replace(old, new)
    np.testing.assert_array_equal(FitsFile.open(content).hdu(1).read_image(), pixels("i4", (20, 30)))


def test_read_image_64_bit_descriptors_are_accepted() -> None:
    hdu = compress_image(pixels("i4", (20, 30)), algorithm="RICE_1", tile_shape=(5, 30))
    hdu.data = [np.frombuffer(hdu.data[0], dtype=">i4").astype(">i8").tobytes(), *hdu.data[1:]]
    hdu.sums = None
    hdu.cards = [
        ("NAXIS1", 16) if card[0] == "NAXIS1" else ("TFORM1", "1QB(99)") if card[0] == "TFORM1" else card
        for card in hdu.cards
    ]
    np.testing.assert_array_equal(by_astropy(file_bytes(hdu)), pixels("i4", (20, 30)))
    np.testing.assert_array_equal(FitsFile.open(file_bytes(hdu)).hdu(1).read_image(), pixels("i4", (20, 30)))


def test_read_image_scale_and_zero_cards_replace_columns() -> None:
    array = pixels("f4", (8, 64))
    hdu = compress_image(
        array, algorithm="RICE_1", tile_shape=(8, 64), quantize_level=-0.25, dither="SUBTRACTIVE_DITHER_1"
    )
    content = file_bytes(hdu)
    table = FitsFile.open(content).hdu(1).read_table()
    expected = FitsFile.open(content).hdu(1).read_image()
    for i, name in ((3, "ZSCALE"), (4, "ZZERO")):
        hdu.cards.append((name, float(table.column(name)[0])))
        hdu.cards[hdu.cards.index((f"TTYPE{i}", name))] = (f"TTYPE{i}", f"UNUSED{i}")
    np.testing.assert_array_equal(FitsFile.open(file_bytes(hdu)).hdu(1).read_image(), expected)


def test_read_image_uncompressed_fallback_column_is_read() -> None:
    array = pixels("f4", (2, 32))
    hdu = compress_image(array, algorithm="GZIP_2", tile_shape=(1, 32), quantize_level=4.0)
    raw = array.astype(">f4").tobytes()
    rows = np.frombuffer(
        hdu.data[0], dtype=[("c", ">i4", 2), ("g", ">i4", 2), ("s", ">f8"), ("z", ">f8")]
    ).copy()
    rows["c"][:] = 0
    rows["g"][:] = [[32, 0], [32, 128]]
    hdu.data, hdu.sums = [rows.tobytes(), raw], None
    cards = dict(enumerate(hdu.cards))
    for k, card in cards.items():
        if card[:2] == ("TTYPE2", "GZIP_COMPRESSED_DATA"):
            cards[k] = ("TTYPE2", "UNCOMPRESSED_DATA")
        elif card[0] == "TFORM2":
            cards[k] = ("TFORM2", "1PE(32)")
        elif card[0] == "PCOUNT":
            cards[k] = ("PCOUNT", len(raw))
    hdu.cards = list(cards.values())
    np.testing.assert_array_equal(FitsFile.open(file_bytes(hdu)).hdu(1).read_image(), array)


def test_compress_image_number_of_threads_does_not_change_file(monkeypatch: pytest.MonkeyPatch) -> None:
    array = pixels("f4", (800, 700))
    one, many = (
        file_bytes(
            compress_image(array, algorithm="RICE_1", quantize_level=16.0, tile_shape=(64, 64), threads=n)
        )
        for n in (1, 4)
    )
    assert one == many
    monkeypatch.setenv("LSST_IMAGES_THREADS", "3")
    np.testing.assert_array_equal(
        FitsFile.open(one).hdu(1).read_image(), FitsFile.open(one).hdu(1).read_image(threads=1)
    )
    monkeypatch.setenv("LSST_IMAGES_THREADS", "none")
    with pytest.raises(InvalidArgumentError, match="LSST_IMAGES_THREADS='none'"):
        FitsFile.open(one).hdu(1).read_image()


def test_compress_image_seed_from_clock_or_pixels() -> None:
    array = pixels("f4", (20, 30))
    for seed in (0, -1):
        content = file_bytes(compress_image(array, algorithm="RICE_1", quantize_level=16.0, seed=seed))
        found = FitsFile.open(content).hdu(1).values["ZDITHER0"]
        assert isinstance(found, int) and 1 <= found <= 10000
        np.testing.assert_array_equal(FitsFile.open(content).hdu(1).read_image(), by_astropy(content))


def test_default_tile_shape_is_square_within_image() -> None:
    assert default_tile_shape((4000, 4072)) == (160, 160)
    assert default_tile_shape((5, 100, 4000)) == (1, 100, 160)
    assert default_tile_shape((10,)) == (10,)
    assert default_tile_shape((4000, 150), "RICE_1") == (192, 150)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"algorithm": "ZIP"}, "'ZIP'"),
        ({"dither": "SOME"}, "'SOME'"),
        ({"tile_shape": (4,)}, r"\(4,\)"),
        ({"tile_shape": (0, 4)}, r"\(0, 4\)"),
        ({"quantize_level": 0.0}, "0.0"),
        ({"quantize_level": float("nan")}, "nan"),
        ({"seed": 10001}, "10001"),
    ],
)
def test_compress_image_invalid_option_raises(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchiveWriteError, match=message):
        compress_image(pixels("f4", (8, 8)), **change)


@pytest.mark.parametrize("dtype", ["f2", "bool", "c8"])
def test_encode_unsupported_pixel_type_raises(dtype: str) -> None:
    for encode in (compress_image, encode_image):
        with pytest.raises(ArchiveWriteError, match="FITS images do not support pixels of type"):
            encode(np.zeros((3, 3), dtype=dtype))


@pytest.mark.parametrize(
    "box",
    [(slice(0, 21),), (slice(-21, 3),), (slice(5, 4),), (slice(0, 5),) * 3, (slice(0, 1), slice(30, 31))],
)
def test_read_image_box_outside_image_raises(box: tuple[slice, ...]) -> None:
    hdu = FitsFile.open(file_bytes(compress_image(pixels("f4", (20, 30))))).hdu(1)
    with pytest.raises(BoxIndexError, match="20, 30"):
        hdu.read_image(box)


def test_read_image_mismatched_out_raises() -> None:
    hdu = FitsFile.open(file_bytes(compress_image(pixels("f4", (20, 30))))).hdu(1)
    with pytest.raises(InvalidParameterError, match="needed"):
        hdu.read_image(out=np.empty((20, 30), dtype="f8"))
    with pytest.raises(InvalidParameterError, match="Invalid image index 3"):
        hdu.read_image((3,))  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm, level", [("GZIP_1", None), ("GZIP_2", None), ("RICE_1", 16.0)])
def test_read_image_damaged_tile_raises_with_hdu(algorithm: str, level: float | None) -> None:
    content = bytearray(
        file_bytes(compress_image(pixels("f4", (50, 90)), algorithm=algorithm, quantize_level=level))
    )
    hdu = FitsFile.open(bytes(content)).hdu(1)
    start, size = hdu.byte_ranges()[0]
    # A tile whose size in the table is too small, and one outside the heap.
    short = (size - size // 2).to_bytes(4, "big")
    content[hdu.data_address : hdu.data_address + 4] = short
    with pytest.raises(CorruptArchiveError, match="HDU 1"):
        FitsFile.open(bytes(content)).hdu(1).read_image()
    content[hdu.data_address : hdu.data_address + 4] = (2**31 - 1).to_bytes(4, "big")
    with pytest.raises(CorruptArchiveError, match="2147483647 bytes"):
        FitsFile.open(bytes(content)).hdu(1).read_image()


@given(noise=st.binary(min_size=1, max_size=200), at=st.integers(0, 10**6))
@settings(max_examples=60)
def test_read_image_random_damage_raises_only_package_errors(noise: bytes, at: int) -> None:
    content = bytearray(
        file_bytes(
            compress_image(
                pixels("f4", (64, 64)), algorithm="RICE_1", quantize_level=16.0, tile_shape=(8, 64)
            )
        )
    )
    at %= len(content) - len(noise)
    content[at : at + len(noise)] = noise
    try:
        for hdu in FitsFile.open(bytes(content)):
            if hdu.kind in ("image", "compressed_image") and hdu.shape:
                hdu.read_image()
            elif hdu.kind == "table":
                table = hdu.read_table()
                for k in range(len(table.names)):
                    table.column(k)
    except ImagesError as err:
        assert str(err)


@pytest.mark.parametrize("shape, tile", [((45, 50), (16, 16)), ((5, 20, 30), (2, 7, 9)), ((40, 33), (1, 33))])
@pytest.mark.parametrize("dtype", TYPES)
def test_read_image_few_tiles_equals_read_boxes(
    dtype: str, shape: tuple[int, ...], tile: tuple[int, ...]
) -> None:
    array = pixels(dtype, shape)
    hdus = [compress_image(array, algorithm=name, tile_shape=tile) for name in ("GZIP_1", "GZIP_2")]
    hdu_numbers = range(1, len(hdus) + 1)
    with FitsFile.open(file_bytes(*hdus)) as file:
        # A tile in the middle, and those of the last corner, which are smaller.
        for start in (
            tuple(n - 1 for n in tile),
            tuple(n - n % t - 2 for n, t in zip(shape, tile, strict=True)),
        ):
            box = tuple(slice(a, a + 3) for a in map(max, start, (0,) * len(shape)))
            box = tuple(slice(s.start, min(s.stop, n)) for s, n in zip(box, shape, strict=True))
            for number in hdu_numbers:
                assert_same(file.hdu(number).read_image(box), array[box])
                assert_same(file.hdu(number).read_image(), array)
