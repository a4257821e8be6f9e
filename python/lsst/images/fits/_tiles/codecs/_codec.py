# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Interface of the codecs of tile-compressed images."""

from __future__ import annotations

__all__ = (
    "MAX_GZIP_ITEMSIZE",
    "DecodedBox",
    "TileCodec",
    "big_endian",
    "numbers_from_bytes",
    "pixels_needed",
)

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from ...._bytes._byte_source import Buffer
from ...._bytes._scratch import Scratch
from ....errors import CorruptArchiveError
from ..._headers._cards import CardValue
from ..._headers._scaling import Scaling

_Array = np.ndarray[Any, np.dtype[Any]]

DecodedBox = tuple[slice, tuple[slice, ...], _Array]
"""Indices of some tiles of a batch, the box to copy from each of them, and the
target array (shape ``(n, ...)``)."""

MAX_GZIP_ITEMSIZE = 8
"""Largest number of bytes of one pixel; limits the size of a decompressed tile."""


class TileCodec(ABC):
    """Codec of one compression algorithm, for tiles with numbers of one type.

    Parameters
    ----------
    numbers
        Native type of the numbers in a tile: the stored pixels, or `int32`
        for quantized floating-point pixels.
    """

    algorithm: ClassVar[str]
    """Value of ``ZCMPTYPE``."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other values of ``ZCMPTYPE`` that are accepted when reading."""

    writable: ClassVar[bool] = True
    """Whether `encode` is implemented."""

    max_expansion: ClassVar[int] = 4096
    """Maximum number of pixels per compressed byte (deflate reaches 1032 bytes per byte).

    Headers that promise more are rejected before memory is allocated."""

    sequential: ClassVar[bool] = False
    """Whether decoding can stop after the last needed pixel of a tile."""

    tile_side: ClassVar[int] = 160
    """Default side of square tiles, in pixels.

    A box of 256x256 pixels touches at most 3x3 tiles of 160 pixels, 1.3 MB in
    an image and its variance without loss; tiles of 256 pixels cost up to
    1.5 MB of transfer.  Whole images take 0.22 s instead of 0.20 s, and smaller
    tiles take longer (``tests/benchmarks/bench_fits.py --curve``)."""

    def __init__(self, numbers: np.dtype[Any]) -> None:
        self.numbers = numbers

    @classmethod
    def supports(cls, dtype: np.dtype[Any]) -> bool:
        """Return whether numbers of a type can be compressed.

        Parameters
        ----------
        dtype
            Native type of the numbers.
        """
        return True

    @classmethod
    def from_cards(cls, values: Mapping[str, CardValue], numbers: np.dtype[Any]) -> Self:
        """Make the codec that a header describes.

        Parameters
        ----------
        values
            Values of the header cards.
        numbers
            Native type of the numbers in a tile, unless cards of the
            algorithm specify another one.

        Raises
        ------
        CorruptArchiveError
            If a parameter of the algorithm is invalid.
        """
        return cls(numbers)

    @classmethod
    def adjust_scaling(cls, scaling: Scaling, values: Mapping[str, CardValue]) -> Scaling:
        """Return the scaling of the numbers that `decode` returns.

        Parameters
        ----------
        scaling
            Scaling according to the standard.
        values
            Values of the header cards.
        """
        return scaling

    def cards(self) -> list[tuple[str, float]]:
        """Return names and values of the algorithm's parameters (``ZNAMEn``, ``ZVALn``)."""
        return []

    @abstractmethod
    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        """Decode tiles of one shape.

        Parameters
        ----------
        tiles
            Compressed bytes, none of them empty.
        shape
            Shape of each tile, in pixels.
        needed
            Number of leading pixels of each tile that are used; sequential
            codecs leave the others undefined.
        scratch
            Memory for the result.

        Returns
        -------
        `numpy.ndarray`
            Numbers of either byte order, shape ``(len(tiles), *shape)``; valid
            until the next call with the same ``scratch``.

        Raises
        ------
        CorruptArchiveError
            If a tile is damaged.
        """

    def decode_boxes(
        self,
        tiles: Sequence[Buffer],
        shape: Sequence[int],
        boxes: Sequence[DecodedBox],
        scratch: Scratch,
    ) -> None:
        """Decode tiles of one shape, and copy boxes of them to their targets.

        Parameters
        ----------
        tiles, shape, scratch
            See `decode`.
        boxes
            Boxes and target arrays; these have the stored type of the image.

        Raises
        ------
        CorruptArchiveError
            If a tile is damaged.
        """
        stage = self.decode(tiles, shape, pixels_needed(boxes, shape), scratch)
        for index, box, target in boxes:
            target[...] = stage[index][(slice(None), *box)]

    @abstractmethod
    def encode(self, stack: _Array) -> list[bytes]:
        """Compress tiles.

        Parameters
        ----------
        stack
            Native, contiguous numbers, one tile per row (shape ``(n, npix)``).

        Returns
        -------
        `list` [ `bytes` ]
            Compressed bytes of each tile.
        """

    def encode_quantized(self, stack: _Array) -> list[bytes]:
        """Compress tiles of quantized pixels, whose low-order bits are noise.

        Parameters
        ----------
        stack
            Native, contiguous numbers, one tile per row (`int32`, shape ``(n, npix)``).

        Returns
        -------
        `list` [ `bytes` ]
            Compressed bytes of each tile; by default, those of `encode`.
        """
        return self.encode(stack)


def pixels_needed(boxes: Sequence[DecodedBox], shape: Sequence[int]) -> int:
    """Return the number of leading pixels of a tile that contain all boxes.

    Parameters
    ----------
    boxes
        Boxes of tiles.
    shape
        Shape of a tile.
    """
    rows = 0
    for _, box, _ in boxes:
        rows = max(rows, box[0].stop)
    return rows * math.prod(shape[1:])


def big_endian(numbers: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type in the byte order of FITS files.

    Parameters
    ----------
    numbers
        The native type.
    """
    return numbers.newbyteorder(">")


def numbers_from_bytes(
    data: Buffer, shape: Sequence[int], numbers: np.dtype[Any], *, shuffled: bool = False
) -> _Array:
    """Interpret the decompressed bytes of one tile.

    Parameters
    ----------
    data
        The bytes.
    shape
        Shape of the tile.
    numbers
        Expected type of the numbers.  Some writers store numbers of another
        size, which is then derived from the length of ``data``.
    shuffled
        Whether the bytes are sorted by significance.

    Returns
    -------
    `numpy.ndarray`
        Big-endian numbers, shape ``shape``.

    Raises
    ------
    CorruptArchiveError
        If the length is not a possible size of a tile.
    """
    pixels = math.prod(shape)
    itemsize = len(data) // pixels
    if itemsize not in (1, 2, 4, 8) or itemsize * pixels != len(data):
        raise CorruptArchiveError(
            f"A tile of {pixels} pixels has {len(data)} bytes after decompression; "
            "1, 2, 4 or 8 bytes per pixel are allowed. The file is damaged."
        )
    raw = np.frombuffer(data, dtype=np.uint8)
    if shuffled:
        raw = np.ascontiguousarray(raw.reshape(itemsize, pixels).T).reshape(-1)
    kind = "u" if itemsize == 1 else "f" if numbers.kind == "f" and itemsize >= 4 else "i"
    return raw.view(f">{kind}{itemsize}").reshape(tuple(shape))
