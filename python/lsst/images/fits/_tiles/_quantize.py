# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Quantization of floating-point pixels.

Notes
-----
FITS Standard 4.0, section 10.2 and appendix I (the random sequence);
Pence, Seaman & White 2009 (PASP 121, 414) for the method.
"""

from __future__ import annotations

__all__ = ("BLANK", "NULL_VALUE", "quantize")

from typing import Any

import numpy as np

from ._compiled import tile_loops
from ._dequantize import QUANTIZED, ZERO_VALUE
from ._dither import NO_NUMBERS, NO_SEEDS, fill_dither, random_table, seed_indices
from ._noise import estimate_noise

NULL_VALUE = -2147483647
"""Integer that the reference implementation (CFITSIO) writes for an undefined pixel."""

BLANK = -2147483648
"""Value of ``ZBLANK``: the integer that represents NaN in files that we write, as in astropy."""

RESERVED = 10
"""Number of integers next to `NULL_VALUE` that the reference implementation reserves for special values."""

MAX_STEPS = 2.0 * 2147483647.0 - RESERVED
"""Maximum range of pixel values of a quantized tile, in quantization steps."""

_Array = np.ndarray[Any, np.dtype[Any]]


def quantize(
    stack: _Array,
    tiles: _Array,
    *,
    level: float,
    dither: int,
    seed: int,
) -> tuple[_Array, _Array, _Array, _Array, bool]:
    """Quantize floating-point pixels.

    Parameters
    ----------
    stack
        Pixels of tiles of one size (`float32` or `float64`, native, shape
        ``(n, rows, columns)``).
    tiles
        Zero-based numbers of the tiles (shape ``(n,)``).
    level
        If positive, quantization steps per standard deviation of the noise; if
        negative, minus the step.
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
        Whether the tile can be quantized (`bool`, shape ``(n,)``); the values
        of other tiles are undefined.
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
        # The scale of a tile without valid pixels is arbitrary.
        nothing = low > high
        low[nothing], high[nothing], scale[nothing] = 0.0, 0.0, 1.0
        span = (high - low) / scale
        good = (scale > 0) & np.isfinite(scale) & (span <= MAX_STEPS)
        zero = _zero_points(low, high, scale, span, shifted=holes | (dither == 2))
        values = _round(flat, tiles, np.where(good, scale, 0.0), zero, dither, seed)
    return values.reshape(stack.shape), np.where(good, scale, 0.0), np.where(good, zero, 0.0), good, blank


def _range_without_nan(rows: _Array) -> tuple[_Array, _Array]:
    missing = np.isnan(rows)
    return np.where(missing, np.inf, rows).min(axis=1), np.where(missing, -np.inf, rows).max(axis=1)


def _zero_points(low: _Array, high: _Array, scale: _Array, span: _Array, *, shifted: _Array) -> _Array:
    # If zeros or NaNs are represented by special integers, the others start next to
    # these; otherwise at 0, on a multiple of the step, so that compressing again
    # does not change the pixels; or symmetrically around 0 if the range is too large.
    whole = np.trunc(low / scale + 0.5) * scale
    plain = np.where(span < 2147483647.0 - RESERVED, whole, (low + high) / 2)
    return np.where(shifted, low - scale * (NULL_VALUE + RESERVED), plain)


def _round(flat: _Array, tiles: _Array, scale: _Array, zero: _Array, dither: int, seed: int) -> _Array:
    # To the nearest integer, halves away from zero; tiles of scale 0 are left undefined.
    if tile_loops:
        values = np.empty(flat.shape, dtype=QUANTIZED)
        random, seeds = (random_table(), seed_indices(tiles, seed)) if dither else (NO_NUMBERS, NO_SEEDS)
        tile_loops.quantize(flat, values, scale, zero, random, seeds, dither == 2, BLANK)
        return values
    work = np.subtract(flat, zero[:, np.newaxis], dtype=np.float64)
    work /= scale[:, np.newaxis]
    if dither:
        random = np.empty(flat.shape)
        fill_dither(random, tiles.tolist(), seed, 0)
        work += random
        work -= 0.5
    work += np.copysign(0.5, work)
    values = work.astype(QUANTIZED)
    if dither == 2:
        values[flat == 0] = ZERO_VALUE
    values[np.isnan(flat)] = BLANK
    return values
