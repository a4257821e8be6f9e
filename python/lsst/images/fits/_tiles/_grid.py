# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Geometry of tiled images: selection of the tiles that overlap a box."""

from __future__ import annotations

__all__ = ("TileGrid", "TileSelection", "normalize_slices")

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np

from ...errors import BoxIndexError, InvalidParameterError
from ...utils import short_repr

CACHE_SIZE = 4
"""Maximum number of selections in the cache; the planes of an image, and often the cutouts of many files, use
the same one."""


def normalize_slices(
    slices: tuple[slice | EllipsisType, ...] | slice | EllipsisType, shape: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Convert Python slices to bounds.

    Parameters
    ----------
    slices
        Slices with or without an ellipsis; omitted axes are complete.  Steps
        must be positive.
    shape
        Shape of the array that is sliced.

    Returns
    -------
    start, stop, step : `tuple` [ `int`, ... ]
        Bounds along each axis, with ``0 <= start <= stop <= shape``.

    Raises
    ------
    BoxIndexError
        If a slice extends beyond the array.  Unlike slices of sequences, they
        are not clipped, because a smaller result could go unnoticed.
    InvalidParameterError
        If an index is not a slice, or a step is not positive.
    """
    items: list[Any] = list(slices) if isinstance(slices, tuple) else [slices]
    if Ellipsis in items:
        at = items.index(Ellipsis)
        items[at : at + 1] = [slice(None)] * (len(shape) - len(items) + 1)
    if len(items) > len(shape):
        raise BoxIndexError(
            f"{len(items)} slices are too many for an array of shape {short_repr(shape)}; use at most "
            f"{len(shape)}."
        )
    start, stop, step = [0] * len(shape), list(shape), [1] * len(shape)
    for axis, item in enumerate(items):
        if not isinstance(item, slice):
            raise InvalidParameterError(
                f"Invalid image index {short_repr(item)}; expected a slice or an ellipsis."
            )
        size = shape[axis]
        if item.start is not None:
            start[axis] = int(item.start) + (size if item.start < 0 else 0)
        if item.stop is not None:
            stop[axis] = int(item.stop) + (size if item.stop < 0 else 0)
        if item.step is not None:
            step[axis] = int(item.step)
        if step[axis] < 1:
            raise InvalidParameterError(
                f"Step {short_repr(item.step)} of {short_repr(item)} is invalid; it must be positive."
            )
        if not 0 <= start[axis] <= stop[axis] <= size:
            raise BoxIndexError(
                f"{short_repr(item)} is outside axis {axis} of an image of shape {short_repr(shape)}; "
                f"0 <= start <= stop <= {size} is required."
            )
    return tuple(start), tuple(stop), tuple(step)


@dataclass(frozen=True, slots=True)
class TileSelection:
    """The tiles that overlap a box, in the order of their rows in the tile table.

    Every array has one row per tile.
    """

    rows: np.ndarray[Any, np.dtype[np.int64]]
    """Zero-based row in the tile table (shape ``(n,)``)."""

    sizes: np.ndarray[Any, np.dtype[np.int64]]
    """Shape of the tile (shape ``(n, ndim)``); smaller at the edges."""

    inner: np.ndarray[Any, np.dtype[np.int64]]
    """First selected pixel, relative to the tile."""

    inner_stop: np.ndarray[Any, np.dtype[np.int64]]
    """One past the last selected pixel, relative to the tile."""

    outer: np.ndarray[Any, np.dtype[np.int64]]
    """First selected pixel, relative to the box."""

    outer_stop: np.ndarray[Any, np.dtype[np.int64]]
    """One past the last selected pixel, relative to the box."""


class TileGrid:
    """Division of an array into tiles.

    Parameters
    ----------
    shape
        Shape of the array.
    tile
        Shape of a tile; the last ones along each axis may be smaller.
    """

    __slots__ = ("grid", "shape", "stacks", "tile")

    def __init__(self, shape: Sequence[int], tile: Sequence[int]) -> None:
        self.shape = tuple(shape)
        # Tiles are limited to the size of the array.
        self.tile = tuple(map(max, map(min, tile, shape), (1,) * len(self.shape)))
        grid: list[int] = []
        for length, side in zip(self.shape, self.tile, strict=True):
            grid.append(-(-length // side))
        self.grid = tuple(grid)
        self.stacks = max(self.tile[:-1], default=1) == 1 and self.tile[-1] == self.shape[-1]
        """Whether tiles are complete rows, so that consecutive tiles are contiguous in the array (`bool`)."""

    @property
    def size(self) -> int:
        """Number of tiles (`int`)."""
        return math.prod(self.grid)

    def select(self, start: Sequence[int], stop: Sequence[int]) -> TileSelection:
        """Select the tiles that overlap a box.

        Parameters
        ----------
        start, stop
            Bounds of the box along each axis; the box must not be empty.

        Returns
        -------
        `TileSelection`
            The tiles.
        """
        return _select(self.shape, self.tile, self.grid, tuple(start), tuple(stop))

    def whole(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> TileSelection:
        """Select complete tiles.

        Parameters
        ----------
        rows
            Zero-based rows of the tile table, ascending.

        Returns
        -------
        `TileSelection`
            The tiles; ``outer`` is relative to the image.
        """
        if not self.grid:
            raise InvalidParameterError("An image without axes (shape ()) has no tiles.")
        start = np.stack(np.unravel_index(rows, self.grid), axis=1) * np.array(self.tile)
        size = np.minimum(np.array(self.tile), np.array(self.shape) - start)
        return TileSelection(rows, size, np.zeros_like(size), size, start, start + size)


@functools.lru_cache(maxsize=CACHE_SIZE)
def _select(
    shape: tuple[int, ...],
    tile: tuple[int, ...],
    grid: tuple[int, ...],
    start: tuple[int, ...],
    stop: tuple[int, ...],
) -> TileSelection:
    ndim = len(shape)
    rows = np.zeros(1, dtype=np.int64)
    counts: list[int] = []
    for a, b, side in zip(start, stop, tile, strict=True):
        counts.append((b - 1) // side - a // side + 1)
    table = np.empty((4, *counts, ndim), dtype=np.int64)
    for axis, count in enumerate(counts):
        first = start[axis] // tile[axis]
        index = np.arange(first, first + count)
        rows = (rows[:, np.newaxis] * grid[axis] + index).reshape(-1)
        low = index * tile[axis]
        high = np.minimum(low + tile[axis], shape[axis])
        begin = np.maximum(low, start[axis])
        spread = [1] * ndim
        spread[axis] = count
        table[0, ..., axis] = (high - low).reshape(spread)
        table[1, ..., axis] = (begin - low).reshape(spread)
        table[2, ..., axis] = (np.minimum(high, stop[axis]) - low).reshape(spread)
        table[3, ..., axis] = (begin - start[axis]).reshape(spread)
    sizes, inner, inner_stop, outer = table.reshape(4, -1, ndim)
    outer_stop = outer + inner_stop - inner
    for numbers in (rows, sizes, inner, inner_stop, outer, outer_stop):
        numbers.flags.writeable = False
    return TileSelection(rows, sizes, inner, inner_stop, outer, outer_stop)
