# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of quantized integers to floating-point pixels.

Notes
-----
FITS Standard 4.0, section 10.2.
"""

from __future__ import annotations

__all__ = ("QUANTIZED", "ZERO_VALUE", "dequantize")

import math
from typing import Any

import numpy as np

from ..._bytes._scratch import Scratch
from ._compiled import tile_loops
from ._dither import NO_NUMBERS, NO_SEEDS, Dither

PIECE_PIXELS = 1 << 17
"""Pixels that are converted at a time: larger pieces reduce lock contention, smaller ones fit into the
processor cache."""

ROW_PADDING = 8
"""Unused numbers between the tiles of a piece.  Without them, numpy merges the tiles into one row, and
broadcasts the scale to each pixel, which takes longer than the multiplication."""

QUANTIZED = np.dtype("i4")
"""Native type of quantized pixels."""

ZERO_VALUE = -2147483646
"""Integer that represents exactly 0 with ``SUBTRACTIVE_DITHER_2``."""

NO_BLANK = 1 << 32
"""Value for the C loop if no integer represents NaN; outside the range of `int32`."""

NO_RANDOM = NO_NUMBERS, NO_SEEDS, 0, 0
"""Value in place of `Dither.sequence` for pixels without dithering."""

_Array = np.ndarray[Any, np.dtype[Any]]


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
    """Convert quantized integers to floating-point pixels.

    Parameters
    ----------
    values
        Integers of ``n`` tiles (`int32`, shape ``(n, ...)``).
    scale, zero
        ``ZSCALE`` and ``ZZERO`` of each tile (`float64`, shape ``(n,)``).
    dither
        Random numbers that were added; `None` for ``NO_DITHER``.
    zeros
        Whether `ZERO_VALUE` represents 0 (``SUBTRACTIVE_DITHER_2``).
    blank
        Integer that represents NaN, one for all tiles or one per tile; `None` if
        no integer does.
    out
        Output array (`float32` or `float64`, shape of ``values``).
    scratch
        Scratch memory.

    Notes
    -----
    Operations are in double precision and in the order of the reference
    implementation (CFITSIO), so that results are bit-identical.
    """
    if tile_loops and values.dtype == np.int32 and math.prod(values.shape[1:-2]) == 1:
        shape = len(values), values.shape[-2] if values.ndim > 2 else 1, values.shape[-1]
        # Numbers outside the range of int32, as in damaged headers, are ignored.
        number = blank if isinstance(blank, int) and -NO_BLANK < blank < NO_BLANK else NO_BLANK
        blanks = blank if isinstance(blank, np.ndarray) else np.full(len(values), number)
        random = dither.sequence if dither else NO_RANDOM
        tile_loops.dequantize(values.reshape(shape), out.reshape(shape), scale, zero, blanks, zeros, *random)
        return
    spread = (len(values),) + (1,) * (values.ndim - 1)
    scale, zero = scale.reshape(spread), zero.reshape(spread)
    if isinstance(blank, np.ndarray):
        blank = blank.reshape(spread)
    # Each piece consists of several small tiles, or of a part of a large one.
    axis = 0 if len(values) > 1 or values.ndim == 1 else 1
    step = max(1, PIECE_PIXELS * values.shape[axis] // max(values.size, 1))
    for first in range(0, values.shape[axis], step):
        part = slice(first, first + step)
        cut = part if axis == 0 else (slice(None), part)
        of_tile = part if axis == 0 else slice(None)
        shape = values[cut].shape
        size = math.prod(shape[1:])
        rows = scratch.array("work", (shape[0], size + ROW_PADDING), np.float64)
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
        # No special integers: one pass in place of two.
        return
    if zeros:
        out[values == ZERO_VALUE] = 0.0
    if blank is not None:
        out[values == blank] = np.nan
