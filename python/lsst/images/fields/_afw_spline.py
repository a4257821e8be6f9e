# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Interpolation of background grids as `lsst.afw.math` does it."""

from __future__ import annotations

__all__ = ("afw_spline",)

import numpy as np

from ._akima import Cubics, akima, extended_slopes, hermite
from ._points import Float64Array

MIN_AKIMA_NODES = 5
"""Minimum number of nodes for which afw uses an Akima spline."""


def afw_spline(nodes: Float64Array, values: Float64Array) -> Cubics:
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
        An Akima spline through five nodes or more, a natural cubic spline
        through three or four, a line through two, a constant for one.

    Notes
    -----
    This is the rule ``REDUCE_INTERP_ORDER`` of `lsst.afw.math.Background`.
    Beyond the outermost nodes afw uses the Taylor polynomial of second degree
    at that node.  afw interpolates with the GNU Scientific Library (Galassi,
    M. et al., section "1D Interpolation Types"), whose Akima spline differs
    from SciPy's where neighbouring slopes are equal: it is not smoothed
    there.
    """
    if nodes.size < 3:
        curves = akima(nodes, values)
    elif nodes.size < MIN_AKIMA_NODES:
        curves = _natural(nodes, values)
    else:
        curves = _gsl_akima(nodes, values)
    return curves.with_quadratic_ends(float(nodes[-1]))


def _natural(nodes: Float64Array, values: Float64Array) -> Cubics:
    """Interpolate with natural cubic splines, whose curvature is zero at the outermost nodes."""
    width = np.diff(nodes)
    slope = np.diff(values) / width
    inner = np.diag(2.0 * (width[:-1] + width[1:]))
    inner += np.diag(width[1:-1], 1) + np.diag(width[1:-1], -1)
    half_curvature = np.zeros_like(values)
    half_curvature[..., 1:-1] = 3.0 * np.diff(slope) @ np.linalg.inv(inner)
    left, right = half_curvature[..., :-1], half_curvature[..., 1:]
    terms = [
        values[..., :-1],
        slope - width * (2.0 * left + right) / 3.0,
        left,
        (right - left) / (3.0 * width),
    ]
    return Cubics(nodes[:-1], np.stack(terms))


def _gsl_akima(nodes: Float64Array, values: Float64Array) -> Cubics:
    """Interpolate with Akima splines by the rules of the GNU Scientific Library."""
    slope = np.diff(values) / np.diff(nodes)
    m = extended_slopes(slope)
    change = np.abs(np.diff(m))
    before, total = change[..., :-2], change[..., :-2] + change[..., 2:]
    defined = total > 0.0
    fraction = np.divide(before, total, out=np.zeros_like(total), where=defined)
    at_node = (1.0 - fraction) * m[..., 1:-2] + fraction * m[..., 2:-1]
    # Where the weights are 0/0, each piece keeps its own slope up to the node,
    # and the piece that starts there is straight.
    left = np.where(defined[..., :-1], at_node[..., :-1], slope)
    right = np.where(defined[..., 1:] & defined[..., :-1], at_node[..., 1:], slope)
    return hermite(nodes, values, left, right)
