# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Noise estimates from differences between neighbouring pixels."""

from __future__ import annotations

__all__ = ("estimate_noise",)

from typing import Any

import numpy as np

from ._compiled import tile_loops

_Array = np.ndarray[Any, np.dtype[Any]]

# Inverse of the median absolute difference of Gaussian noise of unit width, for
# second, third and fifth order (Stoehr et al. 2007; Pence et al. 2009).
_FACTORS = (1.0483579, 0.6052697, 0.1772048)

MIN_ROW_PIXELS = 9
"""Minimum length of a row: the number of pixels in a fifth-order difference."""


def estimate_noise(stack: _Array, *, holes: bool) -> _Array:
    """Estimate the noise of tiles.

    Parameters
    ----------
    stack
        Pixels of tiles of one size (`float32` or `float64`, shape
        ``(n, rows, columns)``).
    holes
        Whether there may be NaN pixels.

    Returns
    -------
    `numpy.ndarray`
        The smallest nonzero estimate of the three (0 only if the third-order
        one is); shape ``(n,)``.

    Notes
    -----
    The method of the reference implementation (CFITSIO): medians of absolute
    differences of second, third and fifth order along each row, then the median
    of the rows; constant runs of pixels are omitted.  Differences with a NaN are
    omitted as well, whereas CFITSIO removes NaNs before it takes differences; and
    for rows with constant runs, CFITSIO 3.49 to 4.6 mixes differences of other
    rows into the second order, which is not reproduced.  Without constant runs,
    the estimates are bit-identical.
    """
    if stack.shape[2] < MIN_ROW_PIXELS:
        # As in the reference implementation, a tile of very short rows is treated as one row.
        stack = stack.reshape(len(stack), 1, -1)
        if stack.shape[2] < MIN_ROW_PIXELS:
            return np.zeros(len(stack))
    if tile_loops and stack.dtype == np.float32:
        rows = np.empty((len(stack), 3, stack.shape[1]))
        tile_loops.row_medians(stack, rows)
        medians = list(_median_of_rows(rows.reshape(-1, rows.shape[2])).reshape(-1, 3).T)
    else:
        medians = _medians(stack, holes=holes)
    noise = medians[1] * _FACTORS[1]
    for values, factor in ((medians[0], _FACTORS[0]), (medians[2], _FACTORS[2])):
        other = values * factor
        noise = np.where((other != 0) & (other < noise), other, noise)
    return noise


def _medians(stack: _Array, *, holes: bool) -> list[_Array]:
    # Medians of the absolute differences of second, third and fifth order: each of shape (n,).
    v = [stack[:, :, i : stack.shape[2] - 8 + i] for i in range(9)]
    same = stack[:, :, 1:] == stack[:, :, :-1]
    flat = same.any()
    equal = [same[:, :, i : same.shape[2] - 7 + i] for i in range(8)] if flat else []
    quadruple = 4 * stack
    w = [quadruple[:, :, i : stack.shape[2] - 8 + i] for i in (2, 6)]
    # In the order of operations of the reference implementation, in place.
    second = v[4] - v[6]
    third = 2 * v[4]
    third -= v[2]
    third -= v[6]
    fifth = 6 * v[4]
    fifth -= w[0]
    fifth -= w[1]
    fifth += v[0]
    fifth += v[8]
    orders = ((second, 4), (third, 2), (fifth, 2))
    return [
        _median(difference, np.logical_and.reduce(equal[a:6]) if flat else None, holes)
        for difference, a in orders
    ]


def _median(difference: _Array, skip: _Array | None, holes: bool) -> _Array:
    # The lower median of each row, then the median of the rows: shape (n,).
    np.abs(difference, out=difference)
    if skip is not None:
        difference[skip] = np.nan
    elif not holes:
        middle = (difference.shape[2] - 1) // 2
        # Non-negative floats have the same order as their bits, which are compared in half the time.
        difference.view(f"i{difference.itemsize}").partition(middle, axis=2)
        return _median_of_rows(difference[:, :, middle].astype(np.float64))
    # NaNs are sorted to the end; the median is that of the other numbers.
    difference.sort(axis=2)
    good = np.count_nonzero(~np.isnan(difference), axis=2)
    middles = np.maximum((good - 1) // 2, 0)[:, :, np.newaxis]
    # NaN for a row without numbers.
    rows = np.take_along_axis(difference, middles, axis=2)[:, :, 0].astype(np.float64)
    return _median_of_rows(rows)


def _median_of_rows(rows: _Array) -> _Array:
    # The median along the second axis, without NaNs; 0 for nothing but NaNs.
    rows = np.sort(rows, axis=1)
    count = np.count_nonzero(rows == rows, axis=1)
    index = np.arange(len(rows))
    lower, upper = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, rows.shape[1] - 1)
    with np.errstate(invalid="ignore"):
        middle = (rows[index, lower] + rows[index, upper]) / 2
    return np.where(count > 0, middle, 0.0)
