# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of small files that declare, or decompress to, much more than they contain."""

from __future__ import annotations

import gzip
import io
import resource
import struct
from collections.abc import Callable
from pathlib import Path

import astropy.io.fits
import numpy as np
import pytest
from helpers.exposures import make_visit_image
from lsst.images import Image, VisitImage
from lsst.images.errors import ArchiveReadError, CorruptArchiveError, ImagesError, InvalidParameterError
from lsst.images.fits import FitsFile
from lsst.images.io import open_archive, read
from lsst.images.limits import ALWAYS_ALLOWED_SIZE, MAX_EXPANSION_VARIABLE, max_size

MAX_GROWTH = 1 << 20
"""Memory in KiB by which reading a hostile file may increase the maximum of the process."""


def gzip_bomb(path: Path) -> Path:
    """Write a file of 0.6 MB that decompresses to 600 MB."""
    with gzip.open(path / "bomb.json.gz", "wb", compresslevel=1) as stream:
        stream.write(b'{"a": "')
        for _ in range(600):
            stream.write(bytes(1_000_000))
    return path / "bomb.json.gz"


def zstd_bomb(path: Path) -> Path:
    """Write a Zstandard frame that declares 10 GB in its header."""
    content = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 10**10) + b"\x03\x00\x00a"
    (path / "bomb.fits.zst").write_bytes(content)
    return path / "bomb.fits.zst"


def zstd_frame(blocks: int, byte: bytes = b"a") -> bytes:
    """Make a Zstandard frame without a size, of blocks of 128 KiB that repeat one byte (RFC 8878)."""
    size = 131072
    found = b"\x28\xb5\x2f\xfd\x00\x38"
    for i in range(blocks):
        found += ((i + 1 == blocks) | 1 << 1 | size << 3).to_bytes(3, "little") + byte
    return found


def zstd_bomb_without_size(path: Path) -> Path:
    """Write 40 kB that decompress to 1.3 GB, and do not declare it."""
    (path / "blocks.json.zst").write_bytes(zstd_frame(10_000))
    return path / "blocks.json.zst"


def huge_dataset(path: Path) -> Path:
    """Write an NDF that declares 10^6 times 10^6 pixels, of which none is stored."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path / "huge.sdf", "w") as file:
        file.attrs["CLASS"] = np.bytes_("NDF")
        group = file.create_group("DATA_ARRAY")
        group.create_dataset("DATA", shape=(10**6, 10**6), dtype="<f4", chunks=(64, 64))
    return path / "huge.sdf"


def huge_chunk(path: Path) -> Path:
    """Write an NDF with compressed chunks of 2 GB, of which the library decompresses one as a whole."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path / "chunk.sdf", "w") as file:
        file.attrs["CLASS"] = np.bytes_("NDF")
        group = file.create_group("DATA_ARRAY")
        group.create_dataset(
            "DATA",
            shape=(5, 5),
            maxshape=(None, None),
            dtype="<f4",
            chunks=(2**14, 2**15),
            compression="gzip",
        )
    return path / "chunk.sdf"


def tile_table(path: Path, shape: tuple[int, int], tile: tuple[int, int], shared: bool, heap: int) -> Path:
    """Write an image compressed with PLIO_1 whose tiles are empty lists of pixels."""
    rows = (shape[0] // tile[0]) * (shape[1] // tile[1])
    cell = np.array([0, 7, -100, 7, 0, 0, 0], dtype=">i2")
    table = np.array([(7, 0 if shared else 14 * i) for i in range(rows)], dtype=">i4")
    hdu = astropy.io.fits.BinTableHDU.from_columns(
        [astropy.io.fits.Column("COMPRESSED_DATA", "1PI(7)", array=[cell[:1]] * rows)]
    )
    cards = {"ZIMAGE": True, "ZCMPTYPE": "PLIO_1", "ZBITPIX": 32, "ZNAXIS": 2}
    cards |= {"ZNAXIS1": shape[1], "ZNAXIS2": shape[0], "ZTILE1": tile[1], "ZTILE2": tile[0]}
    header = hdu.header
    header.update(cards)
    header["PCOUNT"] = heap
    data = table.tobytes() + cell.tobytes().ljust(heap, b"\0")
    stream = io.BytesIO()
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU()]).writeto(stream)
    content = stream.getvalue() + header.tostring().encode() + data
    (path / "tiles.fits").write_bytes(content.ljust(-(-len(content) // 2880) * 2880, b"\0"))
    return path / "tiles.fits"


def large_plio_tile(path: Path) -> Path:
    return tile_table(path, (2**14, 2**14), (2**14, 2**14), shared=False, heap=200_000)


def shared_heap_range(path: Path) -> Path:
    return tile_table(path, (2000, 2000), (1, 2000), shared=True, heap=20_000)


def read_plane(path: Path) -> object:
    with FitsFile.open(path) as file:
        return file.hdu(1).read_image((slice(0, 2000), slice(0, 2)))


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (gzip_bomb, read),
        (gzip_bomb, VisitImage.read),
        (zstd_bomb, read),
        (zstd_bomb_without_size, read),
        (huge_dataset, Image.read),
        (huge_chunk, Image.read),
        (large_plio_tile, read_plane),
        (shared_heap_range, read_plane),
    ],
)
def test_read_declared_size_beyond_limit_is_refused(
    make: Callable[[Path], Path], use: Callable[[Path], object], tmp_path: Path
) -> None:
    path = make(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CorruptArchiveError, match="allowed for a file of|overlap"):
        use(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH


def test_max_size_setting_allows_larger_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = huge_dataset(tmp_path)
    monkeypatch.setenv(MAX_EXPANSION_VARIABLE, "inf")
    assert max_size(1) == float("inf")
    with open_archive(path) as reader:
        assert reader.get_component("bbox").area == 10**12
    monkeypatch.setenv(MAX_EXPANSION_VARIABLE, "3")
    assert max_size(10**9) == 3 * 10**9
    assert max_size(1000) == ALWAYS_ALLOWED_SIZE
    for text in ("many", "-1", "nan"):
        monkeypatch.setenv(MAX_EXPANSION_VARIABLE, text)
        with pytest.raises(InvalidParameterError, match=MAX_EXPANSION_VARIABLE):
            max_size(1)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_read_compressed_file_is_equal(suffix: str, tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    image = make_visit_image()
    path = tmp_path / "visit.fits"
    image.write(path)
    encode = gzip.compress if suffix == ".gz" else imagecodecs.zstd_encode
    (tmp_path / f"visit.fits{suffix}").write_bytes(encode(path.read_bytes()))
    found = read(tmp_path / f"visit.fits{suffix}")
    np.testing.assert_array_equal(found.image.array, image.image.array)


def test_zstd_frame_without_size_is_decompressed(tmp_path: Path) -> None:
    content = zstd_frame(30, b"{")
    (tmp_path / "a.json.zst").write_bytes(content)
    # 4 MB of braces are not a JSON tree, but they are decompressed.
    with pytest.raises(ArchiveReadError, match="Not a JSON file"):
        read(tmp_path / "a.json.zst")
    (tmp_path / "b.json.zst").write_bytes(content[:-3])
    with pytest.raises(CorruptArchiveError, match="damaged zstd file"):
        read(tmp_path / "b.json.zst")


@pytest.mark.parametrize("keyword", ["A_ORDER", "B_ORDER", "AP_ORDER", "BP_ORDER"])
@pytest.mark.parametrize("order", [10**12, 5000, -1, "two"])
def test_read_legacy_huge_sip_order_costs_only_the_projection(
    keyword: str, order: object, tmp_path: Path, shared_data: Path
) -> None:
    path = tmp_path / "image.fits"
    with astropy.io.fits.open(shared_data / "examples" / "legacy" / "synthetic_afw_visit_rice.fits") as hdus:
        header = hdus[1].header
        header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
        for name in ("A_ORDER", "B_ORDER", "AP_ORDER", "BP_ORDER"):
            header[name] = 2
        header[keyword] = order
        astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(np.zeros((8, 9), "f4"), header)]).writeto(path)
    image = Image.read_legacy(path)
    assert image.array.shape == (8, 9)
    try:
        assert image.projection is None
    except ImagesError as err:
        assert keyword in str(err)
