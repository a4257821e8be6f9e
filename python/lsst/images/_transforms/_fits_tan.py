# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Recognize mappings that are exactly a tangent projection, whatever they are made of.

AST does not write some of them as FITS cards, for example a tangent projection
in FK5 coordinates whose axes are parallel to the axes of the sky.
"""

from __future__ import annotations

__all__ = ("tangent_fits_wcs",)

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._geom import Box
from ._ast import AstMapping

if TYPE_CHECKING:
    from astropy.wcs import WCS

FIELD = 0.02
"""Smallest size of the field in which positions are compared, in radians.

The projection of a smaller field does not determine its tangent point.
"""

_N_SAMPLES = 9


def tangent_fits_wcs(mapping: AstMapping, bbox: Box) -> WCS | None:
    """Return the tangent projection that approximates a mapping best.

    Parameters
    ----------
    mapping
        Mapping from absolute pixels to right ascension and declination in
        radians.
    bbox
        Pixels of an array; the first one is FITS pixel (1, 1).

    Returns
    -------
    fits_wcs
        A WCS in ICRS, or `None` if the mapping is not defined in the field.
        The caller checks whether it is equivalent to the mapping.

    Notes
    -----
    In a tangent projection (Calabretta & Greisen 2002, section 5.1.3), the
    direction of pixel ``p = (x, y, 1)`` is parallel to ``M p``, where ``M`` is a
    matrix, and the tangent point is perpendicular to the first two columns of
    ``M``.  ``M`` is the solution of the homogeneous linear equations
    ``v x (M p) = 0``.
    """
    center = np.array([0.5 * (bbox.x.min + bbox.x.max), 0.5 * (bbox.y.min + bbox.y.max)])
    half = _half_width(mapping, bbox, center)
    if not (np.isfinite(half) and half > 0):
        return None
    grid = np.linspace(-1.0, 1.0, _N_SAMPLES)
    u, v = (axis.ravel() for axis in np.meshgrid(grid, grid))
    vectors = _directions(mapping, center[0] + half * u, center[1] + half * v)
    if not np.isfinite(vectors).all():
        return None
    tangent = _tangent_point(np.stack([u, v, np.ones_like(u)]), vectors)
    return None if tangent is None else _linear_fit(u, v, vectors, tangent, center, half, bbox)


def _half_width(mapping: AstMapping, bbox: Box, center: npt.NDArray[np.float64]) -> float:
    """Return half of the width of the field, in pixels."""
    a, b = _directions(mapping, center[0] + np.array([0.0, 1.0]), center[1] + np.array([0.0, 0.0])).T
    scale = float(np.linalg.norm(b - a))
    return max(0.5 * max(bbox.x.size, bbox.y.size), 0.5 * FIELD / scale) if scale > 0 else np.nan


def _directions(
    mapping: AstMapping, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return unit vectors, of shape ``(3, n)``."""
    lon, lat = mapping.apply(x, y)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _tangent_point(
    pixels: npt.NDArray[np.float64], vectors: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64] | None:
    """Return the unit vector of the tangent point."""
    zero = np.zeros_like(vectors[0])
    x, y, z = vectors
    cross = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]])
    equations = np.einsum("ijn,kn->nijk", cross, pixels).reshape(-1, 9)
    matrix = np.linalg.svd(equations, full_matrices=False)[2][-1].reshape(3, 3)
    normal = np.cross(matrix[:, 0], matrix[:, 1])
    length = np.linalg.norm(normal)
    if length == 0.0:
        return None
    tangent: npt.NDArray[np.float64] = normal / length
    sign = np.sign(tangent @ vectors)
    return tangent * sign[0] if sign[0] != 0 and (sign == sign[0]).all() else None


def _linear_fit(
    u: npt.NDArray[np.float64],
    v: npt.NDArray[np.float64],
    vectors: npt.NDArray[np.float64],
    tangent: npt.NDArray[np.float64],
    center: npt.NDArray[np.float64],
    half: float,
    bbox: Box,
) -> WCS | None:
    """Fit the linear part of a projection with a known tangent point."""
    from astropy.wcs import WCS

    lon, lat = np.arctan2(tangent[1], tangent[0]), np.arcsin(np.clip(tangent[2], -1.0, 1.0))
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.cross(tangent, east)
    plane = np.degrees(np.stack([east @ vectors, north @ vectors]) / (tangent @ vectors))
    solution = np.linalg.lstsq(np.stack([u, v, np.ones_like(u)], axis=1), plane.T, rcond=None)[0]
    cd, offset = solution[:2].T / half, solution[2]
    if np.linalg.matrix_rank(cd) < 2:
        return None
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.crval = [np.degrees(lon) % 360.0, np.degrees(lat)]
    wcs.wcs.crpix = center - np.linalg.solve(cd, offset) - [bbox.x.start, bbox.y.start] + 1.0
    wcs.wcs.cd = cd
    wcs.wcs.set()
    return wcs
