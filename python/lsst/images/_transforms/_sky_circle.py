# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pixel bounds of circles on the sky."""

from __future__ import annotations

__all__ = ("circle_bounds",)

import math
from typing import Any

import astropy.units as u
import numpy as np
import numpy.typing as npt

from ..errors import GeometryError
from ..utils import short_repr
from ._sphere import icrs_radians, offset_positions
from ._transform import Transform

_N_FIRST = 128
"""Number of points on the circle in the first round of the search."""

_N_REFINED = 33
"""Number of points in each refinement around an extreme."""

_ROUNDS = 6
"""Number of refinements.  Each narrows the interval by a factor of 16; the
coordinate is quadratic around its extreme, so the error decreases by 256."""


def circle_bounds(
    pixel_to_sky: Transform[Any, Any], center: Any, radius: Any
) -> tuple[float, float, float, float]:
    """Return the extremes of the pixel coordinates of a circle.

    Parameters
    ----------
    pixel_to_sky
        Transform from absolute pixels to ICRS.
    center
        Scalar `~astropy.coordinates.SkyCoord`.
    radius
        Scalar angle.

    Returns
    -------
    x_min, x_max, y_min, y_max
        Extremes in absolute pixels.

    Raises
    ------
    GeometryError
        If an argument is invalid, or the projection is undefined somewhere on
        the circle or at its center.

    Notes
    -----
    The mapping is continuous and one-to-one where it is defined, so the
    extremes over the disc are on its edge.
    """
    lon, lat, distance = _parse(center, radius)
    angles = np.linspace(0.0, 2.0 * math.pi, _N_FIRST, endpoint=False)
    edge = _edge(pixel_to_sky, lon, lat, angles, distance)
    inside = np.array(pixel_to_sky.apply_inverse(x=np.array(lon), y=np.array(lat)))
    if not (np.isfinite(edge).all() and np.isfinite(inside).all()):
        raise GeometryError(
            f"The circle of {math.degrees(distance)} deg around ra={math.degrees(lon)}, "
            f"dec={math.degrees(lat)} deg extends beyond the region where the projection is defined; "
            "pass a smaller radius."
        )
    # Minima of x, -x, y and -y.
    signed = np.stack([edge[0], -edge[0], edge[1], -edge[1]])
    best = angles[signed.argmin(axis=1)]
    lowest = signed.min(axis=1)
    step = angles[1]
    for _ in range(_ROUNDS):
        nearby = best[:, np.newaxis] + np.linspace(-step, step, _N_REFINED)
        x, y = _edge(pixel_to_sky, lon, lat, nearby, distance)
        signed = np.stack([x[0], -x[1], y[2], -y[3]])
        best = np.take_along_axis(nearby, signed.argmin(axis=1)[:, np.newaxis], axis=1)[:, 0]
        lowest = np.minimum(lowest, signed.min(axis=1))
        step *= 2.0 / (_N_REFINED - 1)
    return float(lowest[0]), float(-lowest[1]), float(lowest[2]), float(-lowest[3])


def _edge(
    pixel_to_sky: Transform[Any, Any],
    lon: float,
    lat: float,
    angles: npt.NDArray[np.float64],
    distance: float,
) -> npt.NDArray[np.float64]:
    """Return the pixel coordinates of points on the circle; x and y are on the first axis."""
    ra, dec = offset_positions(lon, lat, angles, distance)
    return np.array(pixel_to_sky.apply_inverse(x=ra, y=dec))


def _parse(center: Any, radius: Any) -> tuple[float, float, float]:
    if not getattr(center, "isscalar", False) or not hasattr(center, "transform_to"):
        raise GeometryError(
            f"The center of a sky circle must be a scalar SkyCoord; got {short_repr(center)}."
        )
    if not isinstance(radius, u.Quantity) or not radius.isscalar or not radius.unit.is_equivalent(u.rad):
        raise GeometryError(f"The radius of a sky circle must be a scalar Angle; got {short_repr(radius)}.")
    distance = float(radius.to_value(u.rad))
    if not 0.0 <= distance < math.pi:
        raise GeometryError(
            f"The radius of a sky circle must be between 0 and 180 deg; got {short_repr(radius)}."
        )
    lon, lat = icrs_radians(center)
    return float(lon), float(lat), distance
