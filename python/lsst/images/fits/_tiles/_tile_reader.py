# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading of boxes of tile-compressed images; only the tiles in a box are decoded."""

from __future__ import annotations

__all__ = ("MAX_SERIAL_PIXELS", "DecodePlan", "TileWorker", "read_compressed")

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._bytes._byte_source import Buffer, ByteSource
from ..._bytes._scratch import Scratch
from ..._bytes._thread_pool import partition, pick_threads, run_jobs
from ...errors import CorruptArchiveError
from ._dequantize import dequantize
from ._dither import Dither
from ._grid import TileSelection
from ._tile_table import CompressedImage, TileRows
from .codecs import FALLBACK_CODECS, DecodedBox, pixels_needed

_Array = np.ndarray[Any, np.dtype[Any]]

MAX_SERIAL_PIXELS = 1 << 19
"""Maximum number of pixels that are decoded without additional threads; below it they save no time, and
cost 50 % more processor time."""

MAX_UNUSED_SIZE = 64 * 1024
"""Maximum number of unused bytes between tiles that are read together with them."""


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
        Description of the image.
    source
        The file.
    start, stop
        Bounds of the box, which must lie in the image and not be empty.
    out
        Output array for the stored numbers (type ``image.scaling.stored``, C order).
    threads
        Number of threads; by default `default_threads`.

    Raises
    ------
    CorruptArchiveError
        If a tile cannot be decoded.
    """
    selection = image.grid.select(start, stop)
    rows = image.read_rows(source, selection.rows)
    plan = DecodePlan(image, rows, selection, source, out)
    pixels = _decoded_pixels(image, selection)
    threads = pick_threads(threads, pixels * len(selection.rows), MAX_SERIAL_PIXELS)
    run_jobs(TileWorker, plan, *partition(len(selection.rows), math.prod(image.grid.tile), threads))


def _decoded_pixels(image: CompressedImage, selection: TileSelection) -> int:
    # Pixels to decode of one tile.
    tile, axis = image.grid.tile, -1 if image.grid.stacks else 0
    if not image.codec.sequential:
        return math.prod(tile)
    return math.prod(tile) // tile[axis] * int(selection.inner_stop[:, axis].max())


class DecodePlan:
    """Data that is shared by all threads that decode tiles into an output array.

    Parameters
    ----------
    image, rows, selection
        The image, the rows of its tile table, and the selected tiles.
    source
        Source of the compressed bytes.
    out
        Output array of the stored type.
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
            # In one call, so that requests are joined and concurrent.
            self.fetched = source.read_many(list(zip(rows.offset.tolist(), rows.size.tolist(), strict=True)))

    def fetch(self, first: int, last: int, scratch: Scratch) -> list[Buffer]:
        """Return the compressed bytes of a range of the selected tiles.

        Parameters
        ----------
        first, last
            Index of the first tile, and one past the index of the last.
        scratch
            Memory that may be used for the result.

        Returns
        -------
        `list` [ `bytes` or `memoryview` ]
            The bytes of each tile.
        """
        if self.fetched is not None:
            return self.fetched[first:last]
        offset, size = self.rows.offset[first:last], self.rows.size[first:last]
        start, stop = int(offset.min()), int((offset + size).max())
        if stop - start > 2 * int(size.sum()) + MAX_UNUSED_SIZE:
            return self.source.read_many(list(zip(offset.tolist(), size.tolist(), strict=True)))
        block = self.source.read_to_scratch(start, stop - start, scratch)
        tiles: list[Buffer] = []
        for begin, length in zip((offset - start).tolist(), size.tolist(), strict=True):
            tiles.append(block[begin : begin + length])
        return tiles


class TileWorker:
    """Decoder of ranges of tiles in one thread.

    Parameters
    ----------
    shared
        Data that is shared by all threads.
    """

    def __init__(self, shared: DecodePlan) -> None:
        self.shared = shared
        self.image = shared.image
        self.scratch = Scratch()

    def __call__(self, job: tuple[int, int]) -> None:
        """Decode a range of the selected tiles: the first, and one past the last."""
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
            # Consecutive tiles of the same shape are decoded together.
            parts: list[DecodedBox] = []
            begin = i
            while i < len(tiles) and sizes[i] == sizes[begin]:
                target = out[tuple(map(slice, outer[i], outer_stop[i]))][np.newaxis]
                place = slice(i - begin, i - begin + 1)
                parts.append((place, tuple(map(slice, inner[i], inner_stop[i])), target))
                i += 1
            self.decode(tiles[begin:i], first + begin, sizes[begin], parts)

    def decode(self, tiles: list[Buffer], first: int, size: list[int], parts: Sequence[DecodedBox]) -> None:
        """Decode tiles of one shape.

        Parameters
        ----------
        tiles
            Compressed bytes.
        first
            Index of the first tile in the selection.
        size
            Shape of a tile.
        parts
            Boxes of the tiles, and their target arrays.
        """
        if not all(tiles):
            self._decode_with_fallback(tiles, first, size, parts)
            return
        codec = self.image.codec
        if not self.image.quantized:
            codec.decode_boxes(tiles, size, parts, self.scratch)
            return
        stage = codec.decode(tiles, size, pixels_needed(parts, size), self.scratch)
        for index, box, target in parts:
            self._dequantize(stage[index], first + index.start if index.start else first, size, box, target)

    def _decode_with_fallback(
        self, tiles: list[Buffer], first: int, size: list[int], parts: Sequence[DecodedBox]
    ) -> None:
        # At least one tile is stored in a fallback column: decode them one by one.
        for index, box, target in parts:
            for k, i in enumerate(range(*index.indices(len(tiles)))):
                if tiles[i]:
                    self.decode([tiles[i]], first + i, size, [(slice(0, 1), box, target[k : k + 1])])
                else:
                    target[k] = self._fallback(first + i, size)[box]

    def _dequantize(
        self, stage: _Array, first: int, size: list[int], box: tuple[slice, ...], target: _Array
    ) -> None:
        image, rows = self.image, self.shared.rows
        values = stage[(slice(None), *box)]
        last = first + len(values)
        assert rows.scale is not None and rows.zero is not None, (
            "read_rows sets these if pixels are quantized"
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
        # Tiles that cannot be quantized are stored without loss in other columns.
        for name, (offset, length) in self.shared.rows.fallback.items():
            if length[i]:
                data = self.shared.source.read(int(offset[i]), int(length[i]))
                codec = FALLBACK_CODECS[name](self.image.scaling.stored)
                pixels: _Array = codec.decode([data], size, math.prod(size), self.scratch)[0]
                return pixels
        raise CorruptArchiveError(
            f"Tile {int(self.shared.selection.rows[i])} has no data in any column of the tile table. "
            "The file is damaged."
        )
