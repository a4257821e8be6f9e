# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tiles to pixels: only those that are asked for, several at a time."""

from __future__ import annotations

__all__ = ("SERIAL_PIXELS", "DecodePlan", "TileWorker", "read_compressed")

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from .._bytes._byte_source import Buffer, ByteSource
from .._bytes._scratch import Scratch
from .._bytes._thread_pool import partition, pick_threads, run_jobs
from ._codecs import gunzip, gunzip_stack, rice_decode, unshuffle
from ._dequantize import dequantize
from ._dither import Dither
from ._grid import TileSelection
from ._tile_table import CompressedImage, TileRows

_Array = np.ndarray[Any, np.dtype[Any]]

GZIPS = frozenset({"GZIP_1", "GZIP_2"})
"""Codecs of which each tile is one gzip stream."""

Part = tuple[slice, tuple[slice, ...], _Array]
"""Some tiles of a batch, the same part of each, and where it goes (shape ``(n, ...)``)."""

SERIAL_PIXELS = 1 << 19
"""So many pixels are decoded before another thread is of use: with fewer it saves no time, and costs half as
much processor time again."""

FEW_TILES = 8
"""So few tiles without loss are decoded one after the other, where they are
needed: preparing more would cost more than it saves."""

FEW_PIXELS = 1 << 18
"""The same for their pixels."""

MAX_WASTE = 64 * 1024
"""Bytes between tiles that are read along rather than left out."""


def read_compressed(
    image: CompressedImage,
    source: ByteSource,
    start: Sequence[int],
    stop: Sequence[int],
    out: _Array,
    *,
    threads: int | None = None,
) -> None:
    """Read a box of a compressed image.

    Parameters
    ----------
    image
        What the header says.
    source
        The file.
    start, stop
        Bounds of the box, which must lie in the image and not be empty.
    out
        Where the stored numbers go (type ``image.scaling.stored``, C order).
    threads
        Number of threads; by default what `default_threads` says.

    Raises
    ------
    CorruptArchiveError
        If a tile cannot be decoded.
    """
    selection = image.grid.select(start, stop)
    rows = image.read_rows(source, selection.rows)
    few = len(selection.rows) <= FEW_TILES and int(selection.sizes.prod(axis=1).sum()) <= FEW_PIXELS
    if few and image.codec in GZIPS and not image.quantized and rows.size.all():
        if _read_few(image, rows, selection, source, out):
            return
    plan = DecodePlan(image, rows, selection, source, out)
    pixels = _decoded_pixels(image, selection)
    threads = pick_threads(threads, pixels * len(selection.rows), SERIAL_PIXELS)
    run_jobs(TileWorker, plan, *partition(len(selection.rows), math.prod(image.grid.tile), threads))


def _read_few(
    image: CompressedImage, rows: TileRows, selection: TileSelection, source: ByteSource, out: _Array
) -> bool:
    # Some gzipped tiles without loss, one after the other; whether they were all of the usual kind.
    tiles = source.read_many(list(zip(rows.offset.tolist(), rows.size.tolist(), strict=True)))
    itemsize, sizes = image.itemsize, selection.sizes.tolist()
    stage: list[_Array] = []
    for size in sizes:
        stage.append(np.empty(math.prod(size) * itemsize, dtype=np.uint8))
    if not gunzip_stack(tiles, stage):
        return False
    inner, inner_stop = selection.inner.tolist(), selection.inner_stop.tolist()
    outer, outer_stop = selection.outer.tolist(), selection.outer_stop.tolist()
    shuffled: list[tuple[_Array, _Array]] = []
    for i, size in enumerate(sizes):
        box = tuple(map(slice, inner[i], inner_stop[i]))
        target = out[tuple(map(slice, outer[i], outer_stop[i]))]
        if image.codec == "GZIP_1" or itemsize == 1:
            target[...] = stage[i].view(image.scaling.stored.newbyteorder(">")).reshape(size)[box]
        else:
            planes = stage[i].reshape(1, itemsize, *size)[(slice(None), slice(None), *box)]
            shuffled.append((planes, target[np.newaxis]))
    unshuffle(shuffled)
    return True


def _decoded_pixels(image: CompressedImage, selection: TileSelection) -> int:
    # Of a tile; the code of RICE_1 runs forward, and is left after the last pixel wanted.
    tile, axis = image.grid.tile, -1 if image.grid.stacks else 0
    if image.codec != "RICE_1":
        return math.prod(tile)
    return math.prod(tile) // tile[axis] * int(selection.inner_stop[:, axis].max())


class DecodePlan:
    """What all threads share that decode tiles into one output array.

    Parameters
    ----------
    image, rows, selection
        What to decode.
    source
        Where the compressed bytes are.
    out
        The box, of the stored type.
    """

    def __init__(
        self,
        image: CompressedImage,
        rows: TileRows,
        selection: TileSelection,
        source: ByteSource,
        out: _Array,
    ) -> None:
        self.image = image
        self.rows = rows
        self.selection = selection
        self.source = source
        self.out = out
        self.fetched: list[Buffer] | None = None
        if source.remote:
            # All at once, so that requests can be joined and made concurrently.
            self.fetched = source.read_many(list(zip(rows.offset.tolist(), rows.size.tolist(), strict=True)))

    def fetch(self, first: int, last: int, scratch: Scratch) -> list[Buffer]:
        """Return the compressed bytes of some of the selected tiles.

        Parameters
        ----------
        first, last
            Number of the first tile, and one past that of the last.
        scratch
            Memory in which the bytes may be.

        Returns
        -------
        `list` [ `bytes` or `memoryview` ]
            The bytes of each tile.
        """
        if self.fetched is not None:
            return self.fetched[first:last]
        offset, size = self.rows.offset[first:last], self.rows.size[first:last]
        start, stop = int(offset.min()), int((offset + size).max())
        if stop - start > 2 * int(size.sum()) + MAX_WASTE:
            return self.source.read_many(list(zip(offset.tolist(), size.tolist(), strict=True)))
        block = self.source.borrow(start, stop - start, scratch)
        tiles: list[Buffer] = []
        for begin, length in zip((offset - start).tolist(), size.tolist(), strict=True):
            tiles.append(block[begin : begin + length])
        return tiles


class TileWorker:
    """Decodes ranges of tiles in one thread.

    Parameters
    ----------
    shared
        What to decode.
    """

    def __init__(self, shared: DecodePlan) -> None:
        self.shared = shared
        self.image = shared.image
        self.scratch = Scratch()

    def __call__(self, job: tuple[int, int]) -> None:
        """Decode the selected tiles from the first number up to the second."""
        first, last = job
        out, selection = self.shared.out, self.shared.selection
        tiles = self.shared.fetch(first, last, self.scratch)
        if self.image.grid.stacks:
            box = slice(int(selection.inner[first, -1]), int(selection.inner_stop[first, -1]))
            target = out.reshape(len(selection.rows), -1)[first:last]
            self.decode(tiles, first, [int(selection.sizes[first, -1])], [(slice(None), (box,), target)])
            return
        sizes = selection.sizes[first:last].tolist()
        inner, inner_stop = selection.inner[first:last].tolist(), selection.inner_stop[first:last].tolist()
        outer, outer_stop = selection.outer[first:last].tolist(), selection.outer_stop[first:last].tolist()
        i = 0
        while i < len(tiles):
            # Neighbours of one size go together.
            parts: list[Part] = []
            begin = i
            while i < len(tiles) and sizes[i] == sizes[begin]:
                target = out[tuple(map(slice, outer[i], outer_stop[i]))][np.newaxis]
                place = slice(i - begin, i - begin + 1)
                parts.append((place, tuple(map(slice, inner[i], inner_stop[i])), target))
                i += 1
            self.decode(tiles[begin:i], first + begin, sizes[begin], parts)

    def decode(self, tiles: list[Buffer], first: int, size: list[int], parts: Sequence[Part]) -> None:
        """Decode tiles of one size.

        Parameters
        ----------
        tiles
            Compressed bytes.
        first
            Number of the first tile in the selection.
        size
            Shape of a tile.
        parts
            What is wanted of which tiles, and where it goes.
        """
        if not all(tiles):
            self._decode_rare(tiles, first, size, parts)
            return
        image = self.image
        needed = 0
        for _, box, _ in parts:
            needed = max(needed, box[0].stop)
        needed *= math.prod(size[1:])
        stage, shuffled = self._inflate(tiles, size, needed)
        if shuffled:
            unshuffle([(stage[(index, slice(None), *box)], target) for index, box, target in parts])
            return
        for index, box, target in parts:
            if image.quantized:
                self._dequantize(
                    stage[index], first + index.start if index.start else first, size, box, target
                )
            else:
                target[...] = stage[index][(slice(None), *box)]

    def _decode_rare(self, tiles: list[Buffer], first: int, size: list[int], parts: Sequence[Part]) -> None:
        # Some tile lies in another column: one after the other.
        for index, box, target in parts:
            for k, i in enumerate(range(*index.indices(len(tiles)))):
                if tiles[i]:
                    self.decode([tiles[i]], first + i, size, [(slice(0, 1), box, target[k : k + 1])])
                else:
                    target[k] = self._fallback(first + i, size)[box]

    def _inflate(self, tiles: list[Buffer], size: list[int], needed: int) -> tuple[_Array, bool]:
        # Numbers of shape (n, *size), or shuffled bytes of shape (n, itemsize, *size).
        image, itemsize = self.image, self.image.itemsize
        count, pixels = len(tiles), math.prod(size)
        if image.codec == "RICE_1":
            # The code runs forward, so it can stop at the last pixel wanted.
            stage = self.scratch.array("stage", (count, pixels), "u1" if itemsize == 1 else f"i{itemsize}")
            rice_decode(tiles, stage[:, :needed], image.block)
            return stage.reshape(count, *size), False
        if image.codec == "NOCOMPRESS":
            return np.stack([self._from_bytes(tile, size) for tile in tiles]), False
        stage = self.scratch.array("stage", (count, pixels * itemsize), np.uint8)
        shuffled = image.codec == "GZIP_2" and itemsize > 1
        if not gunzip_stack(tiles, stage):
            shuffle = image.codec == "GZIP_2"
            contents = [gunzip(tile, 8 * pixels) for tile in tiles]
            return np.stack([self._from_bytes(data, size, shuffled=shuffle) for data in contents]), False
        if not shuffled:
            return stage.view(self._big_endian(itemsize)).reshape(count, *size), False
        if image.quantized:
            values = self.scratch.array("values", (count, *size), f"i{itemsize}")
            unshuffle([(stage.reshape(count, itemsize, *size), values)])
            return values, False
        return stage.reshape(count, itemsize, *size), True

    def _dequantize(
        self, stage: _Array, first: int, size: list[int], box: tuple[slice, ...], target: _Array
    ) -> None:
        image, rows = self.image, self.shared.rows
        values = stage[(slice(None), *box)]
        last = first + len(values)
        assert rows.scale is not None and rows.zero is not None, (
            "read_rows fills these if pixels are quantized"
        )
        dither = None
        if image.dither:
            tiles = self.shared.selection.rows[first:last].tolist()
            dither = Dither(tiles, image.seed, size, box, self.scratch)
        dequantize(
            values,
            rows.scale[first:last],
            rows.zero[first:last],
            dither=dither,
            zeros=image.dither == 2,
            blank=rows.blank[first:last] if isinstance(rows.blank, np.ndarray) else rows.blank,
            out=target,
            scratch=self.scratch,
        )

    def _fallback(self, i: int, size: list[int]) -> _Array:
        # Tiles that would not compress well lie in other columns as they are.
        for name, (offset, length) in self.shared.rows.fallback.items():
            if length[i]:
                data = self.shared.source.read(int(offset[i]), int(length[i]))
                if name == "GZIP_COMPRESSED_DATA":
                    data = gunzip(data, 8 * math.prod(size))
                return self._from_bytes(data, size, lossless=True)
        raise CorruptArchiveError(f"Tile {int(self.shared.selection.rows[i])} has no data in any column.")

    def _from_bytes(
        self, data: Buffer, size: list[int], *, shuffled: bool = False, lossless: bool = False
    ) -> _Array:
        # Some writers store tiles in another width than the image's; the length tells.
        pixels = math.prod(size)
        itemsize = len(data) // pixels
        if itemsize not in (1, 2, 4, 8) or itemsize * pixels != len(data):
            raise CorruptArchiveError(f"A tile of {pixels} pixels cannot have {len(data)} bytes.")
        raw = np.frombuffer(data, dtype=np.uint8)
        if shuffled:
            raw = np.ascontiguousarray(raw.reshape(itemsize, pixels).T).reshape(-1)
        return raw.view(self._big_endian(itemsize, lossless=lossless)).reshape(size)

    def _big_endian(self, itemsize: int, *, lossless: bool = False) -> np.dtype[Any]:
        if itemsize == 1:
            return np.dtype("u1")
        floating = self.image.scaling.stored.kind == "f" and itemsize >= 4
        kind = "f" if floating and (lossless or not self.image.quantized) else "i"
        return np.dtype(f">{kind}{itemsize}")
