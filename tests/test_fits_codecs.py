# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Registration of tile codecs, and their isolation from the rest of the package."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lsst.images.fits
import numpy as np
import pytest
from lsst.images.errors import ArchiveWriteError, CorruptArchiveError
from lsst.images.fits import FitsFile
from lsst.images.fits._hdus._image_writer import encode_primary  # private: writes minimal files
from lsst.images.fits._tiles import codecs  # private: the registry of codecs
from lsst.images.fits._tiles._tile_writer import compress_image  # private: writes minimal files
from lsst.images.serialization import FitsCompressionAlgorithm

FITS = Path(lsst.images.fits.__file__).parent


class XorCodec(codecs.TileCodec):
    """Codec that inverts all bits of 16-bit integers."""

    algorithm = "XOR_1"
    tile_side = 8

    @classmethod
    def supports(cls, dtype: np.dtype[Any]) -> bool:
        return dtype == np.dtype("i2")

    def cards(self) -> list[tuple[str, float]]:
        return [("MASKBITS", 16)]

    def decode(self, tiles: Sequence[Any], shape: Sequence[int], needed: int, scratch: Any) -> np.ndarray:
        return np.stack([~np.frombuffer(tile, ">i2").reshape(tuple(shape)) for tile in tiles])

    def encode(self, stack: np.ndarray) -> list[bytes]:
        return [(~tile).astype(">i2").tobytes() for tile in stack]


@pytest.fixture
def xor_codec() -> Iterator[None]:
    codecs.register_codec(XorCodec)
    yield
    del codecs._codecs[XorCodec.algorithm]


def file_bytes(array: np.ndarray, algorithm: str) -> bytes:
    stream = io.BytesIO()
    encode_primary().write(stream)
    compress_image(array, algorithm=algorithm).write(stream)
    return stream.getvalue()


@pytest.mark.usefixtures("xor_codec")
def test_registered_codec_writes_and_reads_image() -> None:
    array = np.random.default_rng(5).integers(-32768, 32768, (20, 30), dtype="i2")
    content = file_bytes(array, "XOR_1")
    hdu = FitsFile.open(content).hdu(1)
    assert hdu.values["ZCMPTYPE"] == "XOR_1"
    assert (hdu.values["ZTILE1"], hdu.values["ZTILE2"]) == (8, 8)
    assert (hdu.values["ZNAME1"], hdu.values["ZVAL1"]) == ("MASKBITS", 16)
    np.testing.assert_array_equal(hdu.read_image(), array)
    np.testing.assert_array_equal(hdu.read_image((slice(3, 17), slice(6, 29))), array[3:17, 6:29])
    assert (~array[:8, :8]).astype(">i2").tobytes() in content


@pytest.mark.usefixtures("xor_codec")
def test_registered_codec_unsupported_numbers_use_default_algorithm() -> None:
    array = np.random.default_rng(5).normal(size=(20, 30)).astype("f4")
    hdu = FitsFile.open(file_bytes(array, "XOR_1")).hdu(1)
    assert hdu.values["ZCMPTYPE"] == "GZIP_2"
    np.testing.assert_array_equal(hdu.read_image(), array)


def test_unregistered_algorithm_is_refused() -> None:
    array = np.zeros((20, 30), dtype="i2")
    with pytest.raises(ArchiveWriteError, match="'XOR_1' is not supported for writing; use .*'RICE_1'"):
        compress_image(array, algorithm="XOR_1")
    content = file_bytes(array, "GZIP_1").replace(b"'GZIP_1  '", b"'XOR_1   '")
    with pytest.raises(CorruptArchiveError, match="ZCMPTYPE = 'XOR_1' .* must be one of .*'RICE_1'"):
        FitsFile.open(content).hdu(1).read_image()


@pytest.mark.parametrize("algorithm", ["HCOMPRESS_1", "PLIO_1", "RICE_ONE"])
def test_algorithm_that_cannot_be_written_is_not_offered(algorithm: str) -> None:
    assert algorithm in codecs.algorithm_names()
    assert algorithm not in codecs.algorithm_names(writable=True)


def test_every_public_algorithm_has_a_writable_codec() -> None:
    # SMALLEST stands for one of the others.
    assert set(FitsCompressionAlgorithm) - {"SMALLEST"} <= set(codecs.algorithm_names(writable=True))


def test_algorithm_names_are_compared_in_codecs_only() -> None:
    names = set(codecs.algorithm_names())
    found: list[str] = []
    for path in sorted(FITS.rglob("*.py")):
        if path.parent.name == "codecs":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare | ast.Dict | ast.Set | ast.MatchValue):
                terms = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
                found += [f"{path.name}:{node.lineno}: {term}" for term in terms & names]
    assert not found
