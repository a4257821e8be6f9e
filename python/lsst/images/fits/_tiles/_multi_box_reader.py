# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading of several boxes of a tile-compressed image; each tile is decoded once."""

from __future__ import annotations

__all__ = ("read_boxes",)

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._bytes._byte_source import ByteSource
from ..._bytes._thread_pool import partition, pick_threads, run_jobs
from ._tile_reader import MAX_SERIAL_PIXELS, DecodePlan, TileWorker
from ._tile_table import CompressedImage

_Array = np.ndarray[Any, np.dtype[Any]]

_Box = tuple[Sequence[int], Sequence[int]]
"""Start and stop along each axis."""

_Use = tuple[int, tuple[slice, ...], tuple[slice, ...]]
"""Index of a box, slices of the tile, and slices of the box."""


def read_boxes(
    image: CompressedImage,
    source: ByteSource,
    boxes: Sequence[_Box],
    outs: Sequence[_Array],
    *,
    threads: int | None = None,
) -> None:
    """Read several boxes of a compressed image.

    Parameters
    ----------
    image
        Description of the image.
    source
        The file.
    boxes
        Bounds of each box, which must lie in the image and not be empty.
    outs
        Output array for the stored numbers of each box.
    threads
        Number of threads; by default `default_threads`.

    Raises
    ------
    CorruptArchiveError
        If a tile cannot be decoded.
    """
    if not boxes:
        return
    uses: defaultdict[int, list[_Use]] = defaultdict(list)
    for number, (start, stop) in enumerate(boxes):
        found = image.grid.select(start, stop)
        columns = (found.inner, found.inner_stop, found.outer, found.outer_stop)
        for row, a, b, c, d in zip(found.rows.tolist(), *(x.tolist() for x in columns), strict=True):
            uses[row].append((number, tuple(map(slice, a, b)), tuple(map(slice, c, d))))
    selection = image.grid.whole(np.array(sorted(uses), dtype=np.int64))
    plan = DecodePlan(image, image.read_rows(source, selection.rows), selection, source, outs[0])
    count, pixels = len(selection.rows), math.prod(image.grid.tile)
    threads = pick_threads(threads, count * pixels, MAX_SERIAL_PIXELS)
    run_jobs(_BoxWorker, (plan, uses, outs), *partition(count, pixels, threads))


class _BoxWorker(TileWorker):
    """Decoder of complete tiles that copies the pixels of each box.

    Parameters
    ----------
    order
        Shared data, boxes that use each tile, and output arrays.
    """

    def __init__(self, order: tuple[DecodePlan, defaultdict[int, list[_Use]], Sequence[_Array]]) -> None:
        super().__init__(order[0])
        self.uses, self.outs = order[1:]

    def __call__(self, job: tuple[int, int]) -> None:
        """Decode a range of the selected tiles: the first, and one past the last."""
        first, last = job
        tiles = self.shared.fetch(first, last, self.scratch)
        selection = self.shared.selection
        rows, sizes = selection.rows[first:last].tolist(), selection.sizes[first:last].tolist()
        dtype = self.image.scaling.stored
        if self.image.grid.stacks:
            block = self.scratch.array("tile", (last - first, *sizes[0]), dtype)
            flat = block.reshape(last - first, -1)
            self.decode(tiles, first, sizes[0][-1:], [(slice(None), (slice(0, sizes[0][-1]),), flat)])
            for row, pixels in zip(rows, block, strict=True):
                self._distribute(row, pixels)
            return
        for i, (row, tile, size) in enumerate(zip(rows, tiles, sizes, strict=True), start=first):
            uses = self.uses[row]
            parts = [(slice(0, 1), inner, self.outs[n][outer][np.newaxis]) for n, inner, outer in uses]
            if sum(target.size for _, _, target in parts) <= math.prod(size):
                self.decode([tile], i, size, parts)
                continue
            # Overlapping boxes: the tile is decoded once and copied.
            pixels = self.scratch.array("tile", (1, *size), dtype)
            self.decode([tile], i, size, [(slice(0, 1), tuple(slice(0, n) for n in size), pixels)])
            self._distribute(row, pixels[0])

    def _distribute(self, row: int, pixels: _Array) -> None:
        for number, inner, outer in self.uses[row]:
            self.outs[number][outer] = pixels[inner]
