# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Decoder for ``HCOMPRESS_1`` (FITS Standard 4.0, section 10.4.4), which uses CFITSIO in a child process.

Notes
-----
The decoder of CFITSIO trusts the compressed bytes: damaged ones can end the
process.  The child process receives headers that are generated here, and tiles
whose size has been checked; if it ends, the image is reported as damaged.  It is
started once and takes about 0.2 s to start; after that, a call takes 1 ms more
than in this process.
"""

from __future__ import annotations

__all__ = ("HCompressCodec",)

import importlib.util
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ...._bytes._byte_source import Buffer
from ...._bytes._scratch import Scratch
from ....errors import ArchiveWriteError, CorruptArchiveError, MissingOptionalDependencyError
from ....utils import short_repr
from ..._headers._cards import BLOCK_SIZE, CARD_SIZE, CardValue
from ._cfitsio_process import decode_file
from ._codec import TileCodec

_Array = np.ndarray[Any, np.dtype[Any]]

_TILE_HEADER = struct.Struct(">2sii")
# Magic bytes and shape at the start of a tile.

_MAGIC = b"\xdd\x99"

MIN_TILE_SIZE = 25
"""Bytes of a tile without coefficients: shape, scale, sum of the pixels and three numbers of bit planes."""


class HCompressCodec(TileCodec):
    """Decoder for integers of 1, 2 or 4 bytes in two-dimensional tiles.

    Parameters
    ----------
    numbers
        Type of the numbers in a tile.
    smooth
        Whether to smooth decoded tiles, as the header demands.
    """

    algorithm = "HCOMPRESS_1"
    writable = False
    max_expansion = 1 << 20  # a tile of equal pixels has some 30 bytes, whatever its size

    def __init__(self, numbers: np.dtype[Any], smooth: bool = False) -> None:
        super().__init__(numbers)
        self.smooth = smooth

    @classmethod
    def supports(cls, dtype: np.dtype[Any]) -> bool:
        return dtype.kind in "iu" and dtype.itemsize <= 4

    @classmethod
    def from_cards(cls, values: Mapping[str, CardValue], numbers: np.dtype[Any]) -> Self:
        smooth, i = False, 1
        while (name := values.get(f"ZNAME{i}")) is not None:
            value = values.get(f"ZVAL{i}")
            if str(name).strip().upper() == "SMOOTH":
                smooth = isinstance(value, int | float) and value != 0
            i += 1
        return cls(numbers, smooth)

    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        if importlib.util.find_spec("fitsio") is None:
            raise MissingOptionalDependencyError(
                f"Images compressed with {self.algorithm} require the package 'fitsio'. Install it."
            )
        sides = [n for n in shape if n > 1]
        if len(sides) > 2 or not self.supports(self.numbers):
            raise CorruptArchiveError(
                f"Tiles of shape {short_repr(tuple(shape))} and type {self.numbers} cannot be compressed "
                "with "
                f"{self.algorithm}; two-dimensional tiles of integers of 1, 2 or 4 bytes are expected."
            )
        height, width = [1, 1, *sides][-2:]
        for tile in tiles:
            _check_tile(tile, height, width)
        content = b"".join((_PRIMARY, *self._encode_table(tiles, height, width)))
        result = decode_file(content, len(tiles) * height * width * self.numbers.itemsize, self.algorithm)
        return np.frombuffer(result, dtype=self.numbers).reshape(len(tiles), *shape)

    def _encode_table(self, tiles: Sequence[Buffer], height: int, width: int) -> list[bytes]:
        # A compressed image in which the tiles lie above each other.
        sizes = np.array([len(tile) for tile in tiles], dtype=np.int64)
        rows = np.stack([sizes, np.cumsum(sizes) - sizes], axis=1).astype(">i8").tobytes()
        used = len(rows) + int(sizes.sum())
        header = _header(
            ("XTENSION", "'BINTABLE'"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", 16),
            ("NAXIS2", len(tiles)),
            ("PCOUNT", int(sizes.sum())),
            ("GCOUNT", 1),
            ("TFIELDS", 1),
            ("TTYPE1", "'COMPRESSED_DATA'"),
            ("TFORM1", f"'1QB({sizes.max()})'"),
            ("ZIMAGE", "T"),
            ("ZBITPIX", 8 * self.numbers.itemsize),
            ("ZNAXIS", 2),
            ("ZNAXIS1", width),
            ("ZNAXIS2", height * len(tiles)),
            ("ZTILE1", width),
            ("ZTILE2", height),
            ("ZCMPTYPE", f"'{self.algorithm}'"),
            ("ZNAME1", "'SCALE'"),
            ("ZVAL1", 0),
            ("ZNAME2", "'SMOOTH'"),
            ("ZVAL2", int(self.smooth)),
        )
        return [header, rows, *map(bytes, tiles), bytes(-used % BLOCK_SIZE)]

    def encode(self, stack: _Array) -> list[bytes]:
        raise ArchiveWriteError(f"Images cannot be written with {self.algorithm}.")


def _check_tile(tile: Buffer, height: int, width: int) -> None:
    if len(tile) < MIN_TILE_SIZE:
        raise CorruptArchiveError(
            f"A tile compressed with HCOMPRESS_1 has {len(tile)} bytes; at least {MIN_TILE_SIZE} are needed."
        )
    magic, rows, columns = _TILE_HEADER.unpack_from(tile)
    if magic != _MAGIC or rows <= 0 or columns <= 0 or rows * columns != height * width:
        raise CorruptArchiveError(
            f"A tile compressed with HCOMPRESS_1 starts with {short_repr(magic)} and the shape "
            f"{(rows, columns)}; "
            f"{short_repr(_MAGIC)} and {(height, width)} are expected."
        )


def _header(*cards: tuple[str, str | int]) -> bytes:
    text = "".join(f"{key:<8}= {value:>20}".ljust(CARD_SIZE) for key, value in cards)
    data = (text + "END").encode("ascii")
    return data.ljust(-(-len(data) // BLOCK_SIZE) * BLOCK_SIZE)


_PRIMARY = _header(("SIMPLE", "T"), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", "T"))
