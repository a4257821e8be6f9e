# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reduce arrays by square blocks of pixels, with little memory."""

from __future__ import annotations

__all__ = ("block_means", "block_unions")

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..errors import InvalidArgumentError

MAX_CHUNK_SIZE = 2**20
"""Largest number of pixels that are reduced at once."""


def block_means(array: np.ndarray, factor: int) -> npt.NDArray[np.floating]:
    """Average the finite pixels of each block.

    Parameters
    ----------
    array
        Real numbers, of shape ``(ny, nx)``.
    factor
        Rows and columns of a block.  Blocks at the end of an axis contain
        fewer pixels if its length is not a multiple of this.

    Returns
    -------
    means
        NaN for blocks without finite pixels.  Floating-point arrays are not
        copied if the factor is 1.

    Raises
    ------
    InvalidArgumentError
        If the numbers are complex.
    """
    if array.dtype.kind == "c":
        raise InvalidArgumentError(
            "An image of complex numbers cannot be plotted; plot an image of their absolute values."
        )
    is_single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    dtype = np.dtype(np.float32 if is_single else np.float64)
    if factor == 1:
        return array.astype(dtype, copy=False)
    result = np.empty(tuple(-(-size // factor) for size in array.shape), dtype)
    for rows, chunk in _chunks(array, factor):
        result[rows] = _finite_means(chunk, factor, dtype)
    return result


def _finite_means(chunk: np.ndarray, factor: int, dtype: np.dtype) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        sums = _block_sums(chunk, factor, dtype)
    finite = np.isfinite(sums)
    sizes = np.multiply.outer(
        _segment_sums(np.ones(chunk.shape[0]), factor), _segment_sums(np.ones(chunk.shape[1]), factor)
    ).astype(dtype)
    if finite.all():
        return np.asarray(sums / sizes)
    is_finite = np.isfinite(chunk)
    counts = _block_sums(is_finite, factor, np.dtype(np.float32))
    means = _block_sums(np.where(is_finite, chunk, 0), factor, np.dtype(np.float64))
    np.divide(means, counts, out=means, where=counts > 0)
    means[counts == 0] = np.nan
    return np.where(finite, sums / sizes, means)


def _block_sums(chunk: np.ndarray, factor: int, dtype: np.dtype) -> np.ndarray:
    columns = np.arange(0, chunk.shape[1], factor)
    rows = np.arange(0, chunk.shape[0], factor)
    # Whole rows are added first, which is the fast direction.
    partial = np.add.reduceat(chunk, rows, axis=0, dtype=dtype)
    return np.asarray(np.add.reduceat(partial, columns, axis=1))


def _segment_sums(values: np.ndarray, factor: int) -> np.ndarray:
    return np.asarray(np.add.reduceat(values, np.arange(0, len(values), factor)))


def block_unions(flags: np.ndarray, factor: int) -> np.ndarray:
    """Combine the flags of each block with a logical OR.

    Parameters
    ----------
    flags
        Integers of shape ``(ny, nx, n)``.
    factor
        Rows and columns of a block, as for `block_means`.

    Returns
    -------
    unions
        Flags that are set in any pixel of the block.
    """
    if factor == 1:
        return flags
    ny, nx, n = flags.shape
    result = np.empty((-(-ny // factor), -(-nx // factor), n), flags.dtype)
    columns = np.arange(0, nx, factor)
    for rows, chunk in _chunks(flags, factor):
        partial = np.bitwise_or.reduceat(chunk, np.arange(0, len(chunk), factor), axis=0)
        result[rows] = np.bitwise_or.reduceat(partial, columns, axis=1)
    return result


def _chunks(array: np.ndarray, factor: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield whole blocks of rows, and the rows of the result."""
    step = max(1, MAX_CHUNK_SIZE // (array.shape[1] * factor))
    for first in range(0, -(-array.shape[0] // factor), step):
        yield slice(first, first + step), array[first * factor : (first + step) * factor]
