# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Integers that stand for floating-point pixels: scaling and dithering.

Notes
-----
FITS Standard 4.0, section 10.2 and appendix I (the random sequence);
Pence, Seaman & White 2009 (PASP 121, 414) for the reasons.
"""

from __future__ import annotations

__all__ = (
    "BLANK",
    "NULL_VALUE",
    "RANDOM_SIZE",
    "ZERO_VALUE",
    "Dither",
    "dequantize",
    "fill_dither",
    "quantize",
    "random_table",
)

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ._noise import estimate_noise
from ._scratch import Scratch

RANDOM_SIZE = 10000
"""Length of the standard's random sequence."""

FIRST_SPREAD = 500
"""A tile begins among the first so many numbers of the sequence."""

PIECE = 1 << 17
"""Pixels that are scaled at once: longer calls are kinder to other threads, shorter ones to the caches."""

GAP = 8
"""Numbers between the tiles of a piece.  Without them numpy takes all tiles for one row, and copies the
scale of each tile once per pixel, which takes longer than the multiplication."""

NULL_VALUE = -2147483647
"""Integer that the standard's reference writes for an undefined pixel."""

ZERO_VALUE = -2147483646
"""Integer that stands for exactly 0 with ``SUBTRACTIVE_DITHER_2``."""

BLANK = -2147483648
"""Integer that we write for NaN, as astropy does; ``ZBLANK`` says so."""

RESERVED = 10
"""Integers next to `NULL_VALUE` that the reference keeps for special meanings."""

MOST_STEPS = 2.0 * 2147483647.0 - RESERVED
"""Range in steps beyond which a tile is not quantized."""

_Array = np.ndarray[Any, np.dtype[Any]]


@functools.cache
def random_table() -> _Array:
    """Return the random sequence that every FITS implementation shares.

    Returns
    -------
    `numpy.ndarray`
        10000 numbers in [0, 1) (`float64`, each a `float32` value).

    Notes
    -----
    The generator is that of Park & Miller 1988 (CACM 31, 1192), whose
    10000th seed, 1043618065, is checked by the standard.
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
    # Where in the table a tile begins, for each number that chooses it.
    return list(map(int, random_table() * FIRST_SPREAD))


def fill_dither(out: _Array, tiles: Iterable[int], seed: int, start: int) -> None:
    """Fill in the random numbers of some pixels of some tiles.

    Parameters
    ----------
    out
        Where they go (`float64`, shape ``(n, pixels)``).
    tiles
        Zero-based number of each tile.
    seed
        Value of ``ZDITHER0``, 1 to 10000.
    start
        First pixel, counted within each tile.
    """
    for row, numbers in _random_rows(out, tiles, seed, start):
        row[...] = numbers


def _random_rows(
    rows: _Array, tiles: Iterable[int], seed: int, start: int
) -> Iterator[tuple[_Array, _Array]]:
    # Stretches of each row, and the numbers that belong to them.
    table, firsts, count = random_table(), _first_numbers(), rows.shape[1]
    for row, tile in zip(rows, tiles, strict=True):
        first = firsts[(tile + seed - 1) % RANDOM_SIZE] + start
        if first + count <= RANDOM_SIZE:
            # Rows of an image are short: one stretch is enough.
            yield row, table[first : first + count]
            continue
        for at, numbers in _random_pieces(tile, seed, start, count):
            yield row[at : at + len(numbers)], numbers


def _random_pieces(tile: int, seed: int, start: int, count: int) -> Iterator[tuple[int, _Array]]:
    # Stretches of the table, and at which of the wanted pixels each begins.
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
        # At the end of the table a tile goes on where the next seed says.
        at = (at + 1) % RANDOM_SIZE


class Dither:
    """Random numbers that were added to the pixels of a box of each of some tiles.

    Parameters
    ----------
    tiles
        Zero-based number of each tile.
    seed
        Value of ``ZDITHER0``.
    size
        Shape of a tile.
    box
        Part of each tile.
    scratch
        Memory to work in.
    """

    def __init__(
        self, tiles: list[int], seed: int, size: Sequence[int], box: tuple[slice, ...], scratch: Scratch
    ) -> None:
        self._tiles = tiles
        self._seed = seed
        self._row = tuple(size[1:])
        self._slab = math.prod(size[1:])
        self._start = box[0].start * self._slab
        self._columns = box[1:]
        self._whole = all(b.stop - b.start == n for b, n in zip(box[1:], size[1:], strict=True))
        self._scratch = scratch

    def subtract(self, work: _Array, tiles: slice, first: int) -> None:
        """Take the numbers away from pixels.

        Parameters
        ----------
        work
            Pixels (`float64`, shape ``(n, rows, ...)``, each tile in C order).
        tiles
            Which of the tiles they belong to.
        first
            First row, counted within the box.
        """
        start = self._start + first * self._slab
        if self._whole:
            flat = work.reshape(len(work), -1)
            for row, numbers in _random_rows(flat, self._tiles[tiles], self._seed, start):
                row -= numbers
            return
        random = self._scratch.array("dither", (len(work), work.shape[1] * self._slab), np.float64)
        fill_dither(random, self._tiles[tiles], self._seed, start)
        work -= random.reshape(len(work), -1, *self._row)[(slice(None), slice(None), *self._columns)]


def dequantize(
    values: _Array,
    scale: _Array,
    zero: _Array,
    *,
    dither: Dither | None,
    zeros: bool,
    blank: _Array | int | None,
    out: _Array,
    scratch: Scratch,
) -> None:
    """Turn quantized integers back into floating-point pixels.

    Parameters
    ----------
    values
        Integers of ``n`` tiles (`int32`, shape ``(n, ...)``).
    scale, zero
        ``ZSCALE`` and ``ZZERO`` of each tile (`float64`, shape ``(n,)``).
    dither
        Random numbers that were added; `None` for ``NO_DITHER``.
    zeros
        Whether `ZERO_VALUE` stands for 0 (``SUBTRACTIVE_DITHER_2``).
    blank
        Integer that stands for NaN, one or one per tile; `None` if there is
        none.
    out
        Where the pixels go (`float32` or `float64`, shape of ``values``).
    scratch
        Memory to work in.

    Notes
    -----
    The order of the operations, in double precision, is that of the
    standard's reference implementation, so that not even the last bit differs.
    """
    spread = (len(values),) + (1,) * (values.ndim - 1)
    scale, zero = scale.reshape(spread), zero.reshape(spread)
    if isinstance(blank, np.ndarray):
        blank = blank.reshape(spread)
    # Pieces that stay in the cache: of several short tiles, or of one large one.
    axis = 0 if len(values) > 1 or values.ndim == 1 else 1
    step = max(1, PIECE * values.shape[axis] // max(values.size, 1))
    for first in range(0, values.shape[axis], step):
        part = slice(first, first + step)
        cut = part if axis == 0 else (slice(None), part)
        of_tile = part if axis == 0 else slice(None)
        shape = values[cut].shape
        size = math.prod(shape[1:])
        rows = scratch.array("work", (shape[0], size + GAP), np.float64)
        work = rows[:, :size].reshape(shape)
        work[...] = values[cut]
        if dither is not None:
            dither.subtract(work, of_tile, 0 if axis == 0 else first)
            work += 0.5
        work *= scale[of_tile]
        work += zero[of_tile]
        out[cut] = work
        _put_special(values[cut], zeros, blank[of_tile] if isinstance(blank, np.ndarray) else blank, out[cut])


def _put_special(values: _Array, zeros: bool, blank: _Array | int | None, out: _Array) -> None:
    plain = not isinstance(blank, np.ndarray) and (blank is None or blank <= ZERO_VALUE)
    if not values.size or (plain and values.min() > ZERO_VALUE):
        # Nothing special is there: one quick look instead of two masks.
        return
    if zeros:
        out[values == ZERO_VALUE] = 0.0
    if blank is not None:
        out[values == blank] = np.nan


def quantize(
    stack: _Array,
    tiles: _Array,
    *,
    level: float,
    dither: int,
    seed: int,
) -> tuple[_Array, _Array, _Array, _Array, bool]:
    """Turn floating-point pixels into integers that compress well.

    Parameters
    ----------
    stack
        Pixels of tiles of one size (`float32` or `float64`, native, shape
        ``(n, rows, columns)``).
    tiles
        Zero-based numbers of the tiles (shape ``(n,)``).
    level
        If positive, steps per noise standard deviation; if negative, minus the
        step.
    dither
        0, 1 or 2, for ``NO_DITHER``, ``SUBTRACTIVE_DITHER_1`` and ``_2``.
    seed
        ``ZDITHER0``.

    Returns
    -------
    values : `numpy.ndarray`
        Integers (`int32`, shape of ``stack``).
    scale, zero : `numpy.ndarray`
        ``ZSCALE`` and ``ZZERO`` of each tile (`float64`, shape ``(n,)``).
    good : `numpy.ndarray`
        Whether the tile could be quantized (`bool`, shape ``(n,)``); values of
        others mean nothing.
    blank : `bool`
        Whether NaN pixels were replaced by `BLANK`.
    """
    flat = stack.reshape(len(stack), -1)
    low, high = flat.min(axis=1).astype(np.float64), flat.max(axis=1).astype(np.float64)
    holes = np.isnan(low)
    blank = bool(holes.any())
    if blank:
        low[holes], high[holes] = _range_without_nan(flat[holes])
    with np.errstate(all="ignore"):
        scale = estimate_noise(stack, holes=blank) / level if level > 0 else np.full(len(stack), -level)
        # Of a tile without any pixel, any scale will do.
        nothing = low > high
        low[nothing], high[nothing], scale[nothing] = 0.0, 0.0, 1.0
        span = (high - low) / scale
        good = (scale > 0) & np.isfinite(scale) & (span <= MOST_STEPS)
        scale = np.where(good, scale, 1.0)
        zero = _zero_points(low, high, scale, span, shifted=holes | (dither == 2))
        values = _round(flat, tiles, scale, zero, dither, seed)
    if dither == 2:
        values[flat == 0] = ZERO_VALUE
    if blank:
        values[np.isnan(flat)] = BLANK
    return values.reshape(stack.shape), np.where(good, scale, 0.0), np.where(good, zero, 0.0), good, blank


def _range_without_nan(rows: _Array) -> tuple[_Array, _Array]:
    missing = np.isnan(rows)
    return np.where(missing, np.inf, rows).min(axis=1), np.where(missing, -np.inf, rows).max(axis=1)


def _zero_points(low: _Array, high: _Array, scale: _Array, span: _Array, *, shifted: _Array) -> _Array:
    # Where zeros or NaNs have integers of their own, the others begin next to
    # these; else at 0, on a multiple of the step so that a second compression
    # changes nothing; or around 0 if the range needs the sign.
    whole = np.trunc(low / scale + 0.5) * scale
    plain = np.where(span < 2147483647.0 - RESERVED, whole, (low + high) / 2)
    return np.where(shifted, low - scale * (NULL_VALUE + RESERVED), plain)


def _round(flat: _Array, tiles: _Array, scale: _Array, zero: _Array, dither: int, seed: int) -> _Array:
    work = np.subtract(flat, zero[:, np.newaxis], dtype=np.float64)
    work /= scale[:, np.newaxis]
    if dither:
        random = np.empty(flat.shape)
        fill_dither(random, tiles.tolist(), seed, 0)
        work += random
        work -= 0.5
    # To the nearest integer, halves away from zero.
    work += np.copysign(0.5, work)
    return work.astype(np.int32)
