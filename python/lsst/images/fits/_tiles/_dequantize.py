# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Integers that stand for floating-point pixels back to these.

Notes
-----
FITS Standard 4.0, section 10.2.
"""

from __future__ import annotations

__all__ = ("QUANTIZED", "ZERO_VALUE", "dequantize")

import math
from typing import Any

import numpy as np

from .._bytes._scratch import Scratch
from ._compiled import tile_loops
from ._dither import Dither

PIECE = 1 << 17
"""Pixels that are scaled at once: longer calls are kinder to other threads, shorter ones to the caches."""

GAP = 8
"""Numbers between the tiles of a piece.  Without them numpy takes all tiles for one row, and copies the
scale of each tile once per pixel, which takes longer than the multiplication."""

QUANTIZED = np.dtype("i4")
"""Native type of quantized pixels."""

ZERO_VALUE = -2147483646
"""Integer that stands for exactly 0 with ``SUBTRACTIVE_DITHER_2``."""

NO_BLANK = 1 << 32
"""What no pixel can be."""

NO_RANDOM = np.empty(0), np.empty(0, dtype=np.int64), 0, 0
"""What `Dither.sequence` would be of pixels without dither."""

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
    if tile_loops and values.dtype == np.int32 and math.prod(values.shape[1:-2]) == 1:
        shape = len(values), values.shape[-2] if values.ndim > 2 else 1, values.shape[-1]
        # A number that no pixel can be, as from a damaged header, is as good as none.
        number = blank if isinstance(blank, int) and -NO_BLANK < blank < NO_BLANK else NO_BLANK
        blanks = blank if isinstance(blank, np.ndarray) else np.full(len(values), number)
        random = dither.sequence if dither else NO_RANDOM
        tile_loops.dequantize(values.reshape(shape), out.reshape(shape), scale, zero, blanks, zeros, *random)
        return
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
