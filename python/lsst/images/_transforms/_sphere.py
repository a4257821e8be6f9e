# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Spherical geometry that is accurate for small and large angles."""

from __future__ import annotations

__all__ = (
    "ARCSEC",
    "icrs_radians",
    "offset_positions",
    "separations",
    "tangent_axes",
    "unit_vectors",
    "y_axis_angle",
)

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
import numpy.typing as npt

from ..errors import GeometryError

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord

ARCSEC = math.radians(1.0 / 3600.0)
"""One arcsecond in radians."""


def icrs_radians(sky: SkyCoord) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return right ascension and declination of positions in any frame.

    Parameters
    ----------
    sky
        Positions on the sky.

    Returns
    -------
    lon, lat
        ICRS coordinates in radians.

    Raises
    ------
    GeometryError
        If their frame does not convert to ICRS, for example AltAz without a
        location and a time.
    """
    from astropy.coordinates import ICRS, ConvertError, UnitSphericalRepresentation

    try:
        data = sky.transform_to(ICRS()).represent_as(UnitSphericalRepresentation)
    except (ConvertError, AttributeError, ValueError) as err:
        # Astropy raises various errors for frame attributes that are None.
        raise GeometryError(
            f"Cannot convert positions in the frame {sky.frame.name!r} to ICRS: {sky!r:.200}"
        ) from err
    return data.lon.to_value(u.rad), data.lat.to_value(u.rad)


def unit_vectors(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert positions to unit vectors.

    Parameters
    ----------
    lon, lat
        Longitudes and latitudes in radians, of one shape.

    Returns
    -------
    vectors
        Cartesian coordinates on the last axis, of length 3.
    """
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    cos_lat = np.cos(lat)
    return np.stack([np.cos(lon) * cos_lat, np.sin(lon) * cos_lat, np.sin(lat)], axis=-1)


def tangent_axes(
    lon: npt.ArrayLike, lat: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the unit vectors that point to the east and to the north.

    Parameters
    ----------
    lon, lat
        Longitudes and latitudes in radians, of one shape.

    Returns
    -------
    east, north
        Cartesian coordinates on the last axis, of length 3.
    """
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    sin, cos = np.sin(lon), np.cos(lon)
    east = np.stack([-sin, cos, np.zeros_like(lon)], axis=-1)
    return east, np.stack([-np.sin(lat) * cos, -np.sin(lat) * sin, np.cos(lat)], axis=-1)


def separations(lon_a: Any, lat_a: Any, lon_b: Any, lat_b: Any) -> npt.NDArray[np.float64]:
    """Return great-circle distances.

    Parameters
    ----------
    lon_a, lat_a, lon_b, lat_b
        Longitudes and latitudes in radians, of one shape.

    Returns
    -------
    separations
        Distances in radians.

    Notes
    -----
    Uses the haversine formula, which is accurate for small distances.
    """
    lon_a, lat_a, lon_b, lat_b = (np.asarray(v, dtype=np.float64) for v in (lon_a, lat_a, lon_b, lat_b))
    haversine = (
        np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    )
    result: npt.NDArray[np.float64] = 2.0 * np.arcsin(np.sqrt(np.minimum(haversine, 1.0)))
    return result


def offset_positions(
    lon: float, lat: float, angles: npt.NDArray[np.float64], distance: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return positions on a circle.

    Parameters
    ----------
    lon, lat
        Longitude and latitude of the center in radians.
    angles
        Position angles in radians, from north through east.
    distance
        Radius of the circle in radians.

    Returns
    -------
    lon, lat
        Longitudes and latitudes in radians.
    """
    sin_d, cos_d = math.sin(distance), math.cos(distance)
    # Cartesian axes: z towards the pole, x in the meridian of the center.
    x = cos_d * math.cos(lat) - sin_d * math.sin(lat) * np.cos(angles)
    y = sin_d * np.sin(angles)
    z = cos_d * math.sin(lat) + sin_d * math.cos(lat) * np.cos(angles)
    return lon + np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))


def y_axis_angle(apply: Callable[..., Any], x: float, y: float) -> float:
    """Return the position angle of the y axis of pixels.

    Parameters
    ----------
    apply
        Mapping of pixels ``x`` and ``y`` to longitude and latitude in radians.
    x, y
        Position in pixels.

    Returns
    -------
    angle
        Degrees from north through east, from 0 to 360.
    """
    east, north = tangent_axes(*apply(x=x, y=y))
    ends = unit_vectors(*apply(x=np.full(2, x), y=y + np.array([-0.5, 0.5])))
    along = ends[1] - ends[0]
    return float(np.degrees(np.arctan2(along @ east, along @ north)) % 360.0)
