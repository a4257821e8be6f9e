# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Writing of tile-compressed images, on several threads."""

from __future__ import annotations

__all__ = ("DEFAULT_ALGORITHM", "compress_image", "default_tile_shape")

import math
import operator
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._bytes._byte_source import Buffer
from ..._bytes._thread_pool import partition, pick_threads, run_jobs
from ...errors import ArchiveWriteError
from ...utils import short_repr
from .._headers._card_writer import CardLike
from .._headers._checksum import data_sum
from .._headers._columns import MAX_HEAP_32BIT
from .._headers._encoded_hdu import EncodedHdu
from .._headers._scaling import STORED, stored_array
from .._headers._structure import PIXEL_TYPES
from ._dequantize import QUANTIZED
from ._dither import DITHERS, RANDOM_SIZE
from ._grid import TileGrid, TileSelection
from ._quantize import BLANK, quantize
from .codecs import FALLBACK_CODECS, TileCodec, algorithm_names, find_codec

_Array = np.ndarray[Any, np.dtype[Any]]

FALLBACK_COLUMN = "GZIP_COMPRESSED_DATA"
"""Column of tiles that cannot be quantized."""

DEFAULT_ALGORITHM = "GZIP_2"
"""Algorithm of images for which none is chosen, or whose numbers the chosen one does not support."""

MAX_SERIAL_PIXELS = 1 << 17
"""Maximum number of pixels that are encoded without additional threads."""


def default_tile_shape(shape: Sequence[int], algorithm: str = DEFAULT_ALGORITHM) -> tuple[int, ...]:
    """Return the default tile shape of an image.

    Parameters
    ----------
    shape
        Shape of the image, at least one axis.
    algorithm
        Compression algorithm of the tiles.

    Returns
    -------
    `tuple` [ `int`, ... ]
        Squares in the last two axes, length 1 along the others.
    """
    side = _writable_codec(algorithm).tile_side
    if len(shape) == 1:
        return (min(side**2, max(shape[0], 1)),)
    return (1,) * (len(shape) - 2) + (min(side, max(shape[-2], 1)), min(side, max(shape[-1], 1)))


def compress_image(
    array: _Array,
    *,
    algorithm: str = DEFAULT_ALGORITHM,
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
        ``"GZIP_1"``, ``"GZIP_2"``, ``"RICE_1"``, ``"NOCOMPRESS"`` or another
        registered algorithm.  Images with numbers that the algorithm does not
        support (for ``RICE_1``: 64-bit integers, and floating-point pixels that
        are not quantized) use ``GZIP_2``.
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
        Start of the random sequence, 1 to 10000; 0 derives it from the
        clock, -1 from the pixels of the first tile.
    threads
        Number of threads; by default `default_threads`.

    Returns
    -------
    `EncodedHdu`
        Cards and data, with checksums of the data.

    Raises
    ------
    ArchiveWriteError
        If an option is invalid, or FITS does not support the type of the pixels.

    Notes
    -----
    FITS Standard 4.0, section 10.  Tiles that cannot be quantized, because
    their pixels are constant or their range is too large, are stored without
    loss in the column ``GZIP_COMPRESSED_DATA``.
    """
    plan = _make_plan(array, algorithm, tile_shape, quantize_level, dither, seed)
    encoder = _Encoder(plan, array)
    count = plan.grid.size
    if not math.prod(plan.grid.shape):
        return encoder.assemble(0)
    threads = pick_threads(threads, array.size, MAX_SERIAL_PIXELS)
    jobs = partition(count, math.prod(plan.grid.tile), threads)
    run_jobs(operator.attrgetter("run"), encoder, *jobs)
    return encoder.assemble(count)


@dataclass(frozen=True, slots=True)
class _Plan:
    grid: TileGrid
    codec: TileCodec
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
    codec = _writable_codec(algorithm)
    if dither not in DITHERS:
        raise ArchiveWriteError(
            f"Dither method {short_repr(dither)} is unknown; use one of {short_repr(DITHERS)}."
        )
    if array.dtype.newbyteorder("=").str[1:] not in STORED:
        raise ArchiveWriteError(f"FITS images do not support pixels of type {array.dtype}.")
    if array.ndim == 0:
        raise ArchiveWriteError("An image without axes (shape ()) cannot be compressed.")
    bitpix, zero = STORED[array.dtype.newbyteorder("=").str[1:]]
    floating = bitpix < 0
    if not floating:
        level = None
    elif level is not None and not (math.isfinite(level) and level):
        raise ArchiveWriteError(
            f"Quantization level {short_repr(level)} is invalid; it must be finite and not 0, or None for "
            "lossless."
        )
    stored = np.dtype(PIXEL_TYPES[bitpix])
    numbers = stored if level is None else QUANTIZED
    if not codec.supports(numbers):
        codec = _writable_codec(DEFAULT_ALGORITHM)
    tile = tuple(tile_shape) if tile_shape is not None else default_tile_shape(array.shape, codec.algorithm)
    if len(tile) != array.ndim or min(tile) < 1:
        raise ArchiveWriteError(
            f"Tile shape {short_repr(tile)} is invalid for an image of shape {short_repr(array.shape)}; "
            "it must have one positive number per axis."
        )
    if not -1 <= seed <= RANDOM_SIZE:
        raise ArchiveWriteError(
            f"Dither seed {short_repr(seed)} is invalid; it must be in the range -1 to {RANDOM_SIZE}."
        )
    method = DITHERS.index(dither)
    if level is not None and method and seed < 1:
        seed = _make_seed(array, tile, seed)
    grid = TileGrid(array.shape, tile)
    return _Plan(grid, codec(numbers), level, method, max(seed, 1), stored, bitpix, zero)


def _writable_codec(algorithm: str) -> type[TileCodec]:
    codec = find_codec(algorithm)
    if codec is None or not codec.writable:
        raise ArchiveWriteError(
            f"Compression algorithm {short_repr(algorithm)} is not supported for writing; "
            f"use one of {algorithm_names(writable=True)}."
        )
    return codec


def _make_seed(array: _Array, tile: tuple[int, ...], seed: int) -> int:
    if seed == 0:
        return time.time_ns() // 1_000_000 % RANDOM_SIZE + 1
    first = np.ascontiguousarray(array[tuple(slice(0, t) for t in tile)])
    return int(first.view(np.uint8).sum(dtype=np.uint64)) % RANDOM_SIZE + 1


class _Encoder:
    """Encoder of one image, which collects the compressed tiles.

    Parameters
    ----------
    plan
        Options of the compression.
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
        """Encode a range of tiles: the first, and one past the last."""
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
            self._store_quantized(values, first)
            return
        exact = FALLBACK_CODECS[FALLBACK_COLUMN](plan.stored)
        for i, is_good in enumerate(good.tolist()):
            if is_good:
                self._store_quantized(values[i : i + 1], first + i)
            else:
                self._keep(exact.encode(native[i].reshape(1, -1))[0], first + i)

    def _store(self, stack: _Array, first: int) -> None:
        # Native numbers, one tile per row.
        for i, data in enumerate(self.plan.codec.encode(stack.reshape(len(stack), -1)), start=first):
            self._keep(data, i)

    def _store_quantized(self, stack: _Array, first: int) -> None:
        encoded = self.plan.codec.encode_quantized(stack.reshape(len(stack), -1))
        for i, data in enumerate(encoded, start=first):
            self._keep(data, i)

    def _keep(self, data: Buffer, i: int) -> None:
        self.main[i] = data
        self.sums[i] = data_sum(data)

    def assemble(self, count: int) -> EncodedHdu:
        """Return the tile table, followed by the tiles."""
        plan = self.plan
        sizes = np.fromiter(map(len, self.main), dtype=np.int64, count=count)
        offsets = np.cumsum(sizes) - sizes
        heap = int(sizes.sum())
        wide = heap > MAX_HEAP_32BIT
        pair = (">i8" if wide else ">i4", (2,))
        letter = "1QB" if wide else "1PB"
        fields: list[Any] = [("COMPRESSED_DATA", *pair)]
        if plan.level is not None:
            fields += [(FALLBACK_COLUMN, *pair), ("ZSCALE", ">f8"), ("ZZERO", ">f8")]
        table = np.zeros(count, dtype=fields)
        forms = []
        for name, chosen in (("COMPRESSED_DATA", ~self.exact), (FALLBACK_COLUMN, self.exact)):
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
        ("ZCMPTYPE", plan.codec.algorithm, "compression algorithm"),
        ("ZBITPIX", plan.bitpix, "data type of the image"),
        ("ZNAXIS", len(grid.shape), "number of axes of the image"),
    ]
    cards += [(f"ZNAXIS{i}", n) for i, n in enumerate(reversed(grid.shape), start=1)]
    cards += [(f"ZTILE{i}", n) for i, n in enumerate(reversed(grid.tile), start=1)]
    parameters = plan.codec.cards()
    if plan.bitpix < 0:
        parameters.append(("NOISEBIT", 0.0 if plan.level is None else float(plan.level)))
    for i, (name, value) in enumerate(parameters, start=1):
        cards += [(f"ZNAME{i}", name), (f"ZVAL{i}", value)]
    if plan.level is not None and plan.dither:
        cards.append(("ZQUANTIZ", DITHERS[plan.dither], "quantization"))
        cards.append(("ZDITHER0", plan.seed, "start of the random sequence"))
    if blank:
        cards.append(("ZBLANK", BLANK, "integer that represents NaN"))
    if plan.zero:
        cards += [("BSCALE", 1), ("BZERO", plan.zero, "offset of unsigned integers")]
    return cards
