# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Random numbers for the dithering of quantized pixels.

Notes
-----
FITS Standard 4.0, section 10.2 and appendix I (the random sequence).
"""

from __future__ import annotations

__all__ = (
    "DITHERS",
    "NO_NUMBERS",
    "NO_SEEDS",
    "RANDOM_SIZE",
    "Dither",
    "fill_dither",
    "random_table",
    "seed_indices",
)

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..._bytes._scratch import Scratch

DITHERS = ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2")
"""Values of ``ZQUANTIZ``, in the order of the methods 0, 1 and 2."""

RANDOM_SIZE = 10000
"""Length of the standard's random sequence."""

START_RANGE = 500
"""Number of positions in the random sequence at which a tile may start."""

_Array = np.ndarray[Any, np.dtype[Any]]


NO_NUMBERS, NO_SEEDS = np.empty(0), np.empty(0, dtype=np.int64)
"""Random sequence, and indices of its seeds, for the C loops without dithering."""


@functools.cache
def random_table() -> _Array:
    """Return the random sequence of the FITS standard.

    Returns
    -------
    `numpy.ndarray`
        10000 numbers in [0, 1) (`float64`, each a `float32` value).

    Notes
    -----
    The generator is that of Park & Miller 1988 (CACM 31, 1192), whose
    10000th seed is 1043618065 (test value of the standard).
    """
    multiplier, modulus = 16807.0, 2147483647.0
    seed = 1.0
    values = np.empty(RANDOM_SIZE, dtype=np.float32)
    for i in range(RANDOM_SIZE):
        product = multiplier * seed
        seed = product - modulus * int(product / modulus)
        values[i] = seed / modulus
    table = values.astype(np.float64)
    table.flags.writeable = False
    return table


@functools.cache
def _first_numbers() -> list[int]:
    # Start position in the table for each of its numbers.
    return list(map(int, random_table() * START_RANGE))


def seed_indices(tiles: Any, seed: int) -> _Array:
    """Find the numbers that select the start positions of tiles.

    Parameters
    ----------
    tiles
        Zero-based number of each tile (shape ``(n,)``).
    seed
        Value of ``ZDITHER0``.

    Returns
    -------
    `numpy.ndarray`
        Indices in the random sequence (`int64`, shape ``(n,)``).
    """
    return (np.asarray(tiles, dtype=np.int64) + (seed - 1) % RANDOM_SIZE) % RANDOM_SIZE


def fill_dither(out: _Array, tiles: Iterable[int], seed: int, start: int) -> None:
    """Fill an array with the random numbers of pixels of tiles.

    Parameters
    ----------
    out
        Output array (`float64`, shape ``(n, pixels)``).
    tiles
        Zero-based number of each tile.
    seed
        Value of ``ZDITHER0``, 1 to 10000.
    start
        First pixel, relative to each tile.
    """
    for row, numbers in _random_rows(out, tiles, seed, start):
        row[...] = numbers


def _random_rows(
    rows: _Array, tiles: Iterable[int], seed: int, start: int
) -> Iterator[tuple[_Array, _Array]]:
    # Runs of each row, and their random numbers.
    table, firsts, count = random_table(), _first_numbers(), rows.shape[1]
    for row, tile in zip(rows, tiles, strict=True):
        first = firsts[(tile + seed - 1) % RANDOM_SIZE] + start
        if first + count <= RANDOM_SIZE:
            # The usual case for short tiles: the numbers are contiguous in the table.
            yield row, table[first : first + count]
            continue
        for at, numbers in _random_pieces(tile, seed, start, count):
            yield row[at : at + len(numbers)], numbers


def _random_pieces(tile: int, seed: int, start: int, count: int) -> Iterator[tuple[int, _Array]]:
    # Runs of the table, and the index of the pixel at which each starts.
    table, firsts = random_table(), _first_numbers()
    at = (tile + seed - 1) % RANDOM_SIZE
    skip, filled = start, 0
    while filled < count:
        first = firsts[at]
        size = RANDOM_SIZE - first
        if skip >= size:
            skip -= size
        else:
            numbers = table[first + skip : first + skip + count - filled]
            yield filled, numbers
            filled, skip = filled + len(numbers), 0
        # At the end of the table, the sequence continues at the start position of the next seed.
        at = (at + 1) % RANDOM_SIZE


class Dither:
    """Random numbers that were added to the pixels of a box of several tiles.

    Parameters
    ----------
    tiles
        Zero-based number of each tile.
    seed
        Value of ``ZDITHER0``.
    size
        Shape of a tile.
    box
        Box within each tile.
    scratch
        Scratch memory.
    """

    def __init__(
        self, tiles: list[int], seed: int, size: Sequence[int], box: tuple[slice, ...], scratch: Scratch
    ) -> None:
        self._tiles = tiles
        self._seed = seed
        self._size = size
        self._box = box
        self._scratch = scratch

    @property
    def sequence(self) -> tuple[_Array, _Array, int, int]:
        """Arguments of the C loop: the table, the index of the number that selects the start position of
        each tile (`int64`, shape ``(n,)``), the first pixel of the box relative to a tile, and the number
        of pixels between rows.
        """
        seeds = seed_indices(self._tiles, self._seed)
        start = 0
        for cut, length in zip(self._box, self._size, strict=True):
            start = start * length + cut.start
        return random_table(), seeds, start, self._size[-1]

    def subtract(self, work: _Array, tiles: slice, first: int) -> None:
        """Subtract the random numbers from pixels.

        Parameters
        ----------
        work
            Pixels (`float64`, shape ``(n, rows, ...)``, each tile in C order).
        tiles
            Indices of the tiles of these pixels.
        first
            First row, relative to the box.
        """
        size, box = self._size, self._box
        slab = math.prod(size[1:])
        start = (box[0].start + first) * slab
        if work.shape[2:] == tuple(size[1:]):
            flat = work.reshape(len(work), -1)
            for row, numbers in _random_rows(flat, self._tiles[tiles], self._seed, start):
                row -= numbers
            return
        random = self._scratch.array("dither", (len(work), work.shape[1] * slab), np.float64)
        fill_dither(random, self._tiles[tiles], self._seed, start)
        work -= random.reshape(len(work), -1, *size[1:])[(slice(None), slice(None), *box[1:])]
