# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pixels to tiles: several at a time, on several threads."""

from __future__ import annotations

__all__ = ("DEFAULT_TILE_SIDE", "compress_image", "default_tile_shape")

import math
import operator
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ArchiveWriteError
from .._bytes._byte_source import Buffer
from .._bytes._thread_pool import partition, pick_threads, run_jobs
from .._headers._card_writer import CardLike
from .._headers._checksum import data_sum
from .._headers._encoded_hdu import EncodedHdu
from .._headers._scaling import STORED, stored_array
from ._codecs import rice_encode
from ._deflate import gzip, gzip_planes
from ._dither import RANDOM_SIZE
from ._grid import TileGrid, TileSelection
from ._quantize import BLANK, quantize

_Array = np.ndarray[Any, np.dtype[Any]]

DEFAULT_TILE_SIDE = 160
"""Side of the square tiles of images that we write.

A box of 256x256 pixels touches at most 3x3 of them, 1.3 MB in an image and its
variance without loss, where tiles of 256 would cost up to 1.5 MB on the wire;
whole images take 0.22 s instead of 0.20 s, and smaller tiles would take longer
(``tests/benchmarks/bench_fits.py --curve``)."""

RICE_TILE_SIDE = 192
"""The same with ``RICE_1``, of which tiles are a third as large on the wire: whole images take 11 % less
time than with sides of 160, boxes 6 %; sides beyond 256 cost boxes more than they save."""

ALGORITHMS = ("GZIP_1", "GZIP_2", "RICE_1", "NOCOMPRESS")
DITHERS = ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2")

RICE_BLOCK = 32
"""Pixels in a Rice block, the default of the standard (section 10.4.1)."""

SERIAL_PIXELS = 1 << 17
"""So many pixels are encoded before another thread is of use."""

MAX_HEAP = 2**31 - 1
"""Bytes of heap beyond which descriptors need 64 bits."""


def default_tile_shape(shape: Sequence[int], algorithm: str = "GZIP_2") -> tuple[int, ...]:
    """Return the tile shape for an image if nobody asks for another.

    Parameters
    ----------
    shape
        Shape of the image, at least one axis.
    algorithm
        What tiles are compressed with.

    Returns
    -------
    `tuple` [ `int`, ... ]
        Squares in the last two axes, single planes in the others.
    """
    side = RICE_TILE_SIDE if algorithm == "RICE_1" else DEFAULT_TILE_SIDE
    if len(shape) == 1:
        return (min(side**2, max(shape[0], 1)),)
    return (1,) * (len(shape) - 2) + (min(side, max(shape[-2], 1)), min(side, max(shape[-1], 1)))


def compress_image(
    array: _Array,
    *,
    algorithm: str = "GZIP_2",
    tile_shape: Sequence[int] | None = None,
    quantize_level: float | None = None,
    dither: str = "SUBTRACTIVE_DITHER_2",
    seed: int = 1,
    threads: int | None = None,
) -> EncodedHdu:
    """Compress an image tile by tile.

    Parameters
    ----------
    array
        Pixels: integers, signed or not, or `float32` or `float64`; any
        strides and byte order.
    algorithm
        ``"GZIP_1"``, ``"GZIP_2"``, ``"RICE_1"`` or ``"NOCOMPRESS"``.  Images
        that ``RICE_1`` cannot hold (64-bit integers, and floating-point pixels
        that are not quantized) use ``GZIP_2``.
    tile_shape
        Shape of a tile; squares by default.
    quantize_level
        If positive, quantization steps per noise standard deviation; if
        negative, minus the step.  `None`, the default, is lossless.
        Integers are never quantized.
    dither
        ``"NO_DITHER"``, ``"SUBTRACTIVE_DITHER_1"`` or
        ``"SUBTRACTIVE_DITHER_2"``, which keeps zeros exact.
    seed
        Where in the random sequence to begin, 1 to 10000; 0 takes it from
        the clock, -1 from the pixels of the first tile.
    threads
        Number of threads; by default what `default_threads` says.

    Returns
    -------
    `EncodedHdu`
        Cards and data; their sums are there already.

    Raises
    ------
    ArchiveWriteError
        If an option or the type of the pixels is not possible.

    Notes
    -----
    FITS Standard 4.0, section 10.  Tiles that cannot be quantized, because
    they do not vary or vary too much, are kept exactly in the column
    ``GZIP_COMPRESSED_DATA``.
    """
    plan = _make_plan(array, algorithm, tile_shape, quantize_level, dither, seed)
    encoder = _Encoder(plan, array)
    count = plan.grid.size
    if not math.prod(plan.grid.shape):
        return encoder.assemble(0)
    threads = pick_threads(threads, array.size, SERIAL_PIXELS)
    jobs = partition(count, math.prod(plan.grid.tile), threads)
    run_jobs(operator.attrgetter("run"), encoder, *jobs)
    return encoder.assemble(count)


@dataclass(frozen=True, slots=True)
class _Plan:
    grid: TileGrid
    algorithm: str
    level: float | None
    dither: int
    seed: int
    stored: np.dtype[Any]
    bitpix: int
    zero: int


def _make_plan(
    array: _Array,
    algorithm: str,
    tile_shape: Sequence[int] | None,
    level: float | None,
    dither: str,
    seed: int,
) -> _Plan:
    if algorithm not in ALGORITHMS:
        raise ArchiveWriteError(
            f"Compression algorithm {algorithm!r} is not known; use one of {ALGORITHMS!r}."
        )
    if dither not in DITHERS:
        raise ArchiveWriteError(f"Dither {dither!r} is not known; use one of {DITHERS!r}.")
    if array.dtype.newbyteorder("=").str[1:] not in STORED:
        raise ArchiveWriteError(f"Pixels of type {array.dtype} cannot stand in a FITS image.")
    if array.ndim == 0:
        raise ArchiveWriteError("An image without axes cannot be compressed.")
    bitpix, zero = STORED[array.dtype.newbyteorder("=").str[1:]]
    floating = bitpix < 0
    if not floating:
        level = None
    elif level is not None and not (math.isfinite(level) and level):
        raise ArchiveWriteError(f"Quantization level {level!r} is not possible; None is lossless.")
    if algorithm == "RICE_1" and ((floating and level is None) or bitpix == 64):
        algorithm = "GZIP_2"
    tile = tuple(tile_shape) if tile_shape is not None else default_tile_shape(array.shape, algorithm)
    if len(tile) != array.ndim or min(tile) < 1:
        raise ArchiveWriteError(f"Tile shape {tile!r} does not suit an image of shape {array.shape!r}.")
    if not -1 <= seed <= RANDOM_SIZE:
        raise ArchiveWriteError(f"Dither seed {seed!r} is not in the range -1 to {RANDOM_SIZE}.")
    method = DITHERS.index(dither)
    if level is not None and method and seed < 1:
        seed = _make_seed(array, tile, seed)
    grid = TileGrid(array.shape, tile)
    stored = np.dtype(f"{'f' if floating else 'i' if bitpix > 8 else 'u'}{abs(bitpix) // 8}")
    return _Plan(grid, algorithm, level, method, max(seed, 1), stored, bitpix, zero)


def _make_seed(array: _Array, tile: tuple[int, ...], seed: int) -> int:
    if seed == 0:
        return time.time_ns() // 1_000_000 % RANDOM_SIZE + 1
    first = np.ascontiguousarray(array[tuple(slice(0, t) for t in tile)])
    return int(first.view(np.uint8).sum(dtype=np.uint64)) % RANDOM_SIZE + 1


class _Encoder:
    """Encodes ranges of tiles, and keeps them.

    Parameters
    ----------
    plan
        What to do.
    array
        The image.
    """

    def __init__(self, plan: _Plan, array: _Array) -> None:
        self.plan = plan
        self.array = array
        count = plan.grid.size if math.prod(plan.grid.shape) else 0
        self.main: list[Buffer] = [b""] * count
        self.sums = [0] * count
        self.exact = np.zeros(count, dtype=bool)
        self.scale = np.zeros(count)
        self.zero = np.zeros(count)
        self.blank = False
        self.selection: TileSelection | None = None
        if count:
            self.selection = plan.grid.select([0] * array.ndim, array.shape)
            self.starts = self.selection.outer.tolist()
            self.stops = self.selection.outer_stop.tolist()

    def run(self, job: tuple[int, int]) -> None:
        """Encode the tiles from the first number up to the second."""
        first, last = job
        shape = self.array.shape
        if self.plan.grid.stacks:
            rows = [np.unravel_index(range(first, last), shape[:-1])] if len(shape) > 1 else [()]
            stack = self.array[rows[0]] if len(shape) > 1 else self.array[np.newaxis]
            self._encode(stack.reshape(last - first, 1, -1), first)
            return
        for i in range(first, last):
            tile = self.array[tuple(map(slice, self.starts[i], self.stops[i]))]
            self._encode(tile.reshape(1, -1, tile.shape[-1]), i)

    def _encode(self, stack: _Array, first: int) -> None:
        plan = self.plan
        if plan.level is None:
            self._store(stored_array(stack, plan.stored), first)
            return
        native = np.ascontiguousarray(stack, dtype=plan.stored)
        tiles = np.arange(first, first + len(stack))
        values, scale, zero, good, blank = quantize(
            native, tiles, level=plan.level, dither=plan.dither, seed=plan.seed
        )
        last = first + len(stack)
        self.scale[first:last], self.zero[first:last], self.exact[first:last] = scale, zero, ~good
        if blank:
            self.blank = True
        if good.all():
            self._store(values, first)
            return
        for i, is_good in enumerate(good.tolist()):
            if is_good:
                self._store(values[i : i + 1], first + i)
            else:
                self._keep(gzip(native[i].astype(native.dtype.newbyteorder(">"))), first + i)

    def _store(self, stack: _Array, first: int) -> None:
        # Native numbers of the stored type, one tile in each row.
        itemsize = stack.dtype.itemsize
        flat = stack.reshape(len(stack), -1)
        if self.plan.algorithm == "RICE_1":
            for i, tile in enumerate(flat, start=first):
                self._keep(rice_encode(tile, RICE_BLOCK), i)
            return
        swapped = flat if itemsize == 1 else flat.astype(flat.dtype.newbyteorder(">"))
        content = swapped.view(np.uint8)
        pack: Callable[[_Array], bytes] = operator.methodcaller("tobytes")
        if self.plan.algorithm == "GZIP_2" and itemsize > 1:
            content = np.ascontiguousarray(content.reshape(len(flat), -1, itemsize).transpose(0, 2, 1))
            pack = gzip_planes
        elif self.plan.algorithm != "NOCOMPRESS":
            pack = gzip
        for i, tile in enumerate(content, start=first):
            self._keep(pack(tile), i)

    def _keep(self, data: Buffer, i: int) -> None:
        self.main[i] = data
        self.sums[i] = data_sum(data)

    def assemble(self, count: int) -> EncodedHdu:
        """Put the tile table in front of the tiles."""
        plan = self.plan
        sizes = np.fromiter(map(len, self.main), dtype=np.int64, count=count)
        offsets = np.cumsum(sizes) - sizes
        heap = int(sizes.sum())
        wide = heap > MAX_HEAP
        pair = (">i8" if wide else ">i4", (2,))
        letter = "1QB" if wide else "1PB"
        fields: list[Any] = [("COMPRESSED_DATA", *pair)]
        if plan.level is not None:
            fields += [("GZIP_COMPRESSED_DATA", *pair), ("ZSCALE", ">f8"), ("ZZERO", ">f8")]
        table = np.zeros(count, dtype=fields)
        forms = []
        for name, chosen in (("COMPRESSED_DATA", ~self.exact), ("GZIP_COMPRESSED_DATA", self.exact)):
            if name in (table.dtype.names or ()):
                table[name][:, 0] = np.where(chosen, sizes, 0)
                table[name][:, 1] = np.where(chosen, offsets, 0)
                forms.append(f"{letter}({int(sizes.max(where=chosen, initial=0))})")
        if plan.level is not None:
            table["ZSCALE"], table["ZZERO"] = self.scale, self.zero
            forms += ["1D", "1D"]
        rows = table.tobytes()
        cards = _table_cards(table, forms, heap) + _image_cards(plan, self.blank)
        return EncodedHdu(cards, [rows, *self.main], [data_sum(rows), *self.sums], plan.grid.tile)


def _table_cards(table: _Array, forms: list[str], heap: int) -> list[CardLike]:
    names = table.dtype.names or ()
    cards: list[CardLike] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", table.dtype.itemsize, "bytes in a row"),
        ("NAXIS2", len(table), "number of tiles"),
        ("PCOUNT", heap, "bytes of compressed tiles"),
        ("GCOUNT", 1, "number of groups"),
        ("TFIELDS", len(names), "number of columns"),
    ]
    for i, (name, form) in enumerate(zip(names, forms, strict=True), start=1):
        cards += [(f"TTYPE{i}", name), (f"TFORM{i}", form)]
    return cards


def _image_cards(plan: _Plan, blank: bool) -> list[CardLike]:
    grid = plan.grid
    cards: list[CardLike] = [
        ("ZIMAGE", True, "this is a compressed image"),
        ("ZCMPTYPE", plan.algorithm, "compression algorithm"),
        ("ZBITPIX", plan.bitpix, "data type of the image"),
        ("ZNAXIS", len(grid.shape), "number of axes of the image"),
    ]
    cards += [(f"ZNAXIS{i}", n) for i, n in enumerate(reversed(grid.shape), start=1)]
    cards += [(f"ZTILE{i}", n) for i, n in enumerate(reversed(grid.tile), start=1)]
    parameters: list[tuple[str, float]] = []
    if plan.algorithm == "RICE_1":
        parameters += [("BLOCKSIZE", RICE_BLOCK), ("BYTEPIX", 4 if plan.bitpix < 0 else plan.bitpix // 8)]
    if plan.bitpix < 0:
        parameters.append(("NOISEBIT", 0.0 if plan.level is None else float(plan.level)))
    for i, (name, value) in enumerate(parameters, start=1):
        cards += [(f"ZNAME{i}", name), (f"ZVAL{i}", value)]
    if plan.level is not None and plan.dither:
        cards.append(("ZQUANTIZ", DITHERS[plan.dither], "quantization"))
        cards.append(("ZDITHER0", plan.seed, "where the random sequence begins"))
    if blank:
        cards.append(("ZBLANK", BLANK, "integer that stands for NaN"))
    if plan.zero:
        cards += [("BSCALE", 1), ("BZERO", plan.zero, "offset of unsigned integers")]
    return cards
