# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Akima interpolation, vectorized over curves."""

from __future__ import annotations

__all__ = ("Cubics", "akima", "extended_slopes", "hermite")

import dataclasses

import numpy as np

from ._points import Float64Array

MIN_SLOPE_CHANGE = 1e-9
"""Changes of slope below this fraction of the maximum of a curve are treated as
zero, as in SciPy."""


@dataclasses.dataclass(frozen=True)
class Cubics:
    """Piecewise cubic polynomials with common breakpoints.

    Parameters
    ----------
    starts
        Positions at which the pieces start, increasing, shape ``(pieces,)``.
        The first and last pieces extend to infinity.
    coefficients
        Shape ``(4, ..., pieces)``, lowest power first, in terms of the
        distance from the origin of the piece.
    origins
        Origin of each piece, shape ``(pieces,)``; by default, its start.
    """

    starts: Float64Array
    coefficients: Float64Array
    origins: Float64Array | None = None

    @property
    def _origins(self) -> Float64Array:
        return self.starts if self.origins is None else self.origins

    def with_quadratic_ends(self, last: float) -> Cubics:
        """Replace the polynomials beyond both ends by quadratic ones.

        Parameters
        ----------
        last
            Position of the last node.

        Returns
        -------
        curves
            Equal to these curves between the nodes; beyond the first and the
            last node, the Taylor polynomial of second degree at that node.
        """
        c0, c1, c2, c3 = self.coefficients
        before = self.coefficients[..., :1].copy()
        before[3] = 0.0
        h = last - self._origins[-1]
        end = slice(-1, None)
        after = np.stack(
            [
                _horner([c[..., end] for c in (c0, c1, c2, c3)], np.asarray(h)),
                c1[..., end] + h * (2.0 * c2[..., end] + 3.0 * h * c3[..., end]),
                c2[..., end] + 3.0 * h * c3[..., end],
                np.zeros_like(c0[..., end]),
            ]
        )
        return Cubics(
            np.concatenate([[-np.inf], self.starts, [last]]),
            np.concatenate([before, self.coefficients, after], axis=-1),
            np.concatenate([self._origins[:1], self._origins, [last]]),
        )

    def evaluate_all(self, at: Float64Array) -> Float64Array:
        """Evaluate every curve at the same positions.

        Parameters
        ----------
        at
            Positions of any shape.

        Returns
        -------
        values
            Shape of the curves, followed by that of the positions.
        """
        piece = self._find(at)
        return _horner(list(self.coefficients[..., piece]), at - self._origins[piece])

    def evaluate_each(self, at: Float64Array) -> Float64Array:
        """Evaluate every curve at its own position.

        Parameters
        ----------
        at
            Positions, of a shape that broadcasts with that of the curves and
            has as many dimensions.

        Returns
        -------
        values
            Array of the broadcast shape.
        """
        piece = self._find(at)
        terms = [
            np.take_along_axis(term, piece[..., np.newaxis], axis=-1)[..., 0] for term in self.coefficients
        ]
        return _horner(terms, at - self._origins[piece])

    def _find(self, at: Float64Array) -> np.ndarray:
        return np.clip(np.searchsorted(self.starts, at, side="right") - 1, 0, None)


def akima(nodes: Float64Array, values: Float64Array) -> Cubics:
    """Interpolate curves that are sampled at common nodes.

    Parameters
    ----------
    nodes
        Strictly increasing, shape ``(n,)`` with n > 0.
    values
        Finite values, shape ``(..., n)``.

    Returns
    -------
    curves
        The interpolants: a constant for one node, a line for two.

    Notes
    -----
    Akima, H. 1970, J. ACM 17, 589.  Slopes beyond the ends are extrapolated
    linearly, as in that paper.
    """
    if nodes.size == 1:
        zero = np.zeros_like(values)
        return Cubics(nodes, np.stack([values, zero, zero, zero]))
    slope = np.diff(values) / np.diff(nodes)
    at_node = _slopes_at_nodes(slope)
    return hermite(nodes, values, at_node[..., :-1], at_node[..., 1:])


def hermite(nodes: Float64Array, values: Float64Array, left: Float64Array, right: Float64Array) -> Cubics:
    """Interpolate curves with given derivatives at both ends of each piece.

    Parameters
    ----------
    nodes
        Strictly increasing, shape ``(n,)`` with n > 1.
    values
        Values at the nodes, shape ``(..., n)``.
    left, right
        Derivatives at the start and at the end of each piece, shape
        ``(..., n - 1)``.

    Returns
    -------
    curves
        The cubic polynomials.
    """
    width = np.diff(nodes)
    slope = np.diff(values) / width
    return Cubics(
        nodes[:-1],
        np.stack(
            [
                values[..., :-1],
                left,
                (3.0 * slope - 2.0 * left - right) / width,
                (left + right - 2.0 * slope) / width**2,
            ]
        ),
    )


def _slopes_at_nodes(slope: Float64Array) -> Float64Array:
    """Compute the derivative at each node from the slopes between nodes."""
    if slope.shape[-1] == 1:
        return np.concatenate([slope, slope], axis=-1)
    m = extended_slopes(slope)
    change = np.abs(np.diff(m))
    left, total = change[..., :-2], change[..., :-2] + change[..., 2:]
    # Strict comparison: for a straight line both sides are zero.
    defined = total > MIN_SLOPE_CHANGE * total.max(axis=-1, keepdims=True)
    fraction = np.divide(left, total, out=np.zeros_like(total), where=defined)
    weighted = m[..., 1:-2] + fraction * (m[..., 2:-1] - m[..., 1:-2])
    result: Float64Array = np.where(defined, weighted, 0.5 * (m[..., :-3] + m[..., 3:]))
    return result


def extended_slopes(slope: Float64Array) -> Float64Array:
    """Append two slopes at each end that extrapolate the outermost ones linearly.

    Parameters
    ----------
    slope
        Slopes between nodes, shape ``(..., n)`` with n > 1.

    Returns
    -------
    slopes
        Shape ``(..., n + 4)``.
    """
    first = 2.0 * slope[..., :1] - slope[..., 1:2]
    last = 2.0 * slope[..., -1:] - slope[..., -2:-1]
    before = 2.0 * first - slope[..., :1]
    after = 2.0 * last - slope[..., -1:]
    return np.concatenate([before, first, slope, last, after], axis=-1)


def _horner(terms: list[Float64Array], distance: Float64Array) -> Float64Array:
    """Evaluate cubics, given lowest power first."""
    values: Float64Array = terms[0] + distance * (terms[1] + distance * (terms[2] + distance * terms[3]))
    return values
