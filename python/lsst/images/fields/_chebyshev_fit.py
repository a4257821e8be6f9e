# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Least-squares fits of two-dimensional Chebyshev polynomials."""

from __future__ import annotations

__all__ = ("fit_chebyshev",)

import numpy as np

from ..errors import GeometryError
from ._points import Float64Array

FIT_BLOCK_SIZE = 1 << 21
"""Number of elements of the design matrix per block (16 MB)."""


def fit_chebyshev(
    data: Float64Array,
    *,
    y: Float64Array,
    x: Float64Array,
    weight: Float64Array | None,
    y_order: int,
    x_order: int,
    triangular: bool,
) -> Float64Array:
    """Fit coefficients by weighted linear least squares.

    Parameters
    ----------
    data
        Values; non-finite values are ignored.
    y, x
        Coordinates scaled to [-1, 1]: of the shape of the data, or 1-d for
        the rows and columns of 2-d data.
    weight
        Factors of the residuals, of the shape of the data, or `None`.
    y_order, x_order
        Highest orders.
    triangular
        Whether the sum of the orders of a term is at most the higher of the two.

    Returns
    -------
    coefficients
        Shape ``(y_order + 1, x_order + 1)``.

    Raises
    ------
    GeometryError
        If shapes do not match, an order is negative, or no value is finite.

    Notes
    -----
    The design matrix is reduced block by block to the triangular factor of its
    QR decomposition.  This needs memory for one block only, and does not square
    the condition number as normal equations would.
    """
    if y_order < 0 or x_order < 0:
        raise GeometryError(f"Orders must not be negative; got y_order={y_order}, x_order={x_order}.")
    x, y = _full_positions(data, x, y)
    if weight is None:
        weight = np.ones_like(data)
    elif weight.shape != data.shape:
        raise GeometryError(f"Weights of shape {weight.shape} do not match data of shape {data.shape}.")
    good = np.isfinite(data) & np.isfinite(weight) & np.isfinite(x) & np.isfinite(y)
    if not good.any():
        raise GeometryError(f"No good data points among {data.size}: no value is finite.")
    highest = max(y_order, x_order)
    p, q = np.indices((y_order + 1, x_order + 1))
    used = p + q <= highest if triangular else np.ones(p.shape, dtype=bool)
    coefficients = np.zeros(p.shape)
    coefficients[used] = _solve(x[good], y[good], data[good], weight[good], p[used], q[used])
    return coefficients


def _full_positions(
    data: Float64Array, x: Float64Array, y: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return positions of the shape of the data."""
    if data.ndim == 2 and y.ndim == x.ndim == 1 and data.shape == (y.size, x.size):
        return np.broadcast_to(x, data.shape), np.broadcast_to(y[:, np.newaxis], data.shape)
    if x.shape == y.shape == data.shape:
        return x, y
    raise GeometryError(
        f"Positions of shapes y={y.shape}, x={x.shape} do not match data of shape {data.shape}; they must "
        "have that shape, or be the 1-d coordinates of its rows and columns."
    )


def _solve(
    x: Float64Array,
    y: Float64Array,
    data: Float64Array,
    weight: Float64Array,
    p: np.ndarray,
    q: np.ndarray,
) -> Float64Array:
    """Solve for the terms of orders p in y and q in x."""
    terms = p.size
    triangle = np.zeros((0, terms + 1))
    rows = max(terms + 1, FIT_BLOCK_SIZE // (terms + 1))
    for start in range(0, data.size, rows):
        block = slice(start, start + rows)
        x_basis = np.polynomial.chebyshev.chebvander(x[block], int(q.max()))
        y_basis = np.polynomial.chebyshev.chebvander(y[block], int(p.max()))
        design = np.column_stack([y_basis[:, p] * x_basis[:, q], data[block]])
        design *= weight[block, np.newaxis]
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, design]), mode="r"))
    solution = np.linalg.lstsq(triangle[:, :terms], triangle[:, terms], rcond=None)[0]
    return np.asarray(solution, dtype=np.float64)
