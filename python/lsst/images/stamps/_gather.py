# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Copying of many small windows of an array."""

from __future__ import annotations

__all__ = ("gather",)

import numpy as np

CHUNK_PIXELS = 1 << 21
"""Pixels that are copied at a time: the copy fits into the processor cache."""


def gather(
    array: np.ndarray, start: np.ndarray, out: np.ndarray, rows: np.ndarray, shape: tuple[int, int]
) -> None:
    """Copy windows of an array into rows of another.

    Parameters
    ----------
    array
        Pixels (shape ``(y, x)``, or ``(y, x, bytes)``).
    start
        First row and column of each window (shape ``(n, 2)``).
    out
        Output array (shape ``(m, h, w)``, or ``(m, h, w, bytes)``).
    rows
        Rows of ``out`` (shape ``(n,)``).
    shape
        Numbers of rows and columns of a window.
    """
    if array.ndim == 3:
        for k in range(array.shape[2]):
            gather(array[..., k], start, out[..., k], rows, shape)
        return
    windows = np.lib.stride_tricks.sliding_window_view(array, shape)
    step = max(1, CHUNK_PIXELS // (shape[0] * shape[1]))
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        out[rows[part]] = windows[start[part, 0], start[part, 1]]
