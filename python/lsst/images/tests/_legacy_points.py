# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of points and sky positions from and to `lsst.geom`."""

from __future__ import annotations

__all__ = ("arrays_to_legacy_points", "legacy_coords_to_astropy", "legacy_points_to_xy_array")

import importlib
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from .._geom import XY


def legacy_points_to_xy_array(legacy_points: list[Any]) -> XY[np.ndarray]:
    """Convert points.

    Parameters
    ----------
    legacy_points
        Objects of `lsst.geom.Point2D` or `lsst.geom.Point2I`.

    Returns
    -------
    points
        Their coordinates.
    """
    return XY(np.array([point.x for point in legacy_points]), np.array([point.y for point in legacy_points]))


def legacy_coords_to_astropy(legacy_coords: list[Any]) -> SkyCoord:
    """Convert sky positions.

    Parameters
    ----------
    legacy_coords
        Objects of `lsst.geom.SpherePoint`.

    Returns
    -------
    sky
        ICRS coordinates.
    """
    ra = [point[0].asRadians() for point in legacy_coords]
    dec = [point[1].asRadians() for point in legacy_coords]
    return SkyCoord(ra, dec, unit=u.rad, frame="icrs")


def arrays_to_legacy_points(x: np.ndarray, y: np.ndarray) -> list[Any]:
    """Convert coordinates to points.

    Parameters
    ----------
    x, y
        The coordinates.

    Returns
    -------
    points
        Objects of `lsst.geom.Point2D`.
    """
    geom = importlib.import_module("lsst.geom")
    pairs = zip(np.ravel(x).tolist(), np.ravel(y).tolist(), strict=True)
    return [geom.Point2D(float(a), float(b)) for a, b in pairs]
