# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""FITS approximations of sky projections that FITS cannot represent exactly.

For a fixed tangent point, a tangent projection with SIP polynomials is linear
in its coefficients, so it is fitted by linear least squares, without
iterations or initial values.

Source: Shupe et al. 2005 (ASP 347, 491).
"""

from __future__ import annotations

__all__ = ("FitsWcsAccuracy", "fit_tan_sip", "measure_fits_wcs")

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._geom import Box
from ..errors import GeometryError
from ..utils import short_repr
from ._sphere import ARCSEC, separations, unit_vectors
from ._transform import Transform

if TYPE_CHECKING:
    from astropy.wcs import WCS

MAX_ORDER = 9
"""Highest degree of a SIP polynomial."""

_INVERSE_TOLERANCE = 1e-4
"""Target maximum deviation of the inverse polynomials, in pixels."""

_N_FIT = 40
"""Points along each axis of the grid for fits; many more than coefficients."""

_N_MEASURE = 41
"""Points along each axis of the grid for measurements, which differs from the
grid for fits."""


@dataclasses.dataclass(frozen=True)
class FitsWcsAccuracy:
    """The deviation of a FITS WCS from the sky projection it approximates.

    Parameters
    ----------
    max
        Maximum distance on the sky over all pixels, in arcsec.
    rms
        Root mean square of the distance over all pixels, in arcsec.
    """

    max: float
    rms: float

    def __str__(self) -> str:
        return f"max {self.max:.3g} arcsec, rms {self.rms:.3g} arcsec"


def measure_fits_wcs(pixel_to_sky: Transform[Any, Any], fits_wcs: WCS, bbox: Box) -> FitsWcsAccuracy:
    """Measure the deviation of a FITS WCS from a transform over an array.

    Parameters
    ----------
    pixel_to_sky
        Transform from absolute pixels to ICRS.
    fits_wcs
        WCS in ICRS of an array of the pixels of ``bbox``.
    bbox
        Pixels of the array.

    Returns
    -------
    accuracy
        The deviation; infinite if one of the mappings is undefined somewhere
        in the array.
    """
    x, y = _grid(bbox, _N_MEASURE)
    ra, dec = pixel_to_sky.apply_forward(x=x, y=y)
    world = np.radians(fits_wcs.all_pix2world(np.stack([x - bbox.x.start, y - bbox.y.start], axis=-1), 0))
    distance = separations(ra, dec, world[:, fits_wcs.wcs.lng], world[:, fits_wcs.wcs.lat]) / ARCSEC
    distance = np.where(np.isnan(distance), np.inf, distance)
    # The trapezoidal rule: points on the edges have half the weight.
    weight = np.ones(_N_MEASURE)
    weight[[0, -1]] = 0.5
    mean_square = np.average(distance**2, weights=np.outer(weight, weight).ravel())
    return FitsWcsAccuracy(max=float(distance.max()), rms=float(np.sqrt(mean_square)))


def fit_tan_sip(
    pixel_to_sky: Transform[Any, Any], bbox: Box, *, order: int | None = None, tolerance: float = 1e-4
) -> WCS:
    """Fit a tangent projection with SIP polynomials to a transform.

    Parameters
    ----------
    pixel_to_sky
        Transform from absolute pixels to ICRS.
    bbox
        Pixels of an array; the first one is FITS pixel (1, 1).
    order
        Degree of the polynomials; by default, the lowest degree whose maximum
        deviation is below ``tolerance``, or the best one if none is.
    tolerance
        Target maximum deviation in arcsec.

    Returns
    -------
    fits_wcs
        An `astropy.wcs.WCS` in ICRS, with forward and inverse polynomials if
        the order is 2 or more.

    Raises
    ------
    GeometryError
        If the order is not within 1 to 9, or the transform is undefined
        somewhere in the box.
    """
    if order is not None:
        if order not in range(1, MAX_ORDER + 1):
            raise GeometryError(
                f"Invalid order {short_repr(order)} of a SIP polynomial; expected 1 to {MAX_ORDER}, or None."
            )
        return _fit(pixel_to_sky, bbox, order)
    best: tuple[float, WCS] | None = None
    for candidate in range(1, MAX_ORDER + 1):
        wcs = _fit(pixel_to_sky, bbox, candidate)
        error = measure_fits_wcs(pixel_to_sky, wcs, bbox).max
        if best is None or error < best[0]:
            best = (error, wcs)
        if error <= tolerance:
            break
    assert best is not None
    return best[1]


def _fit(pixel_to_sky: Transform[Any, Any], bbox: Box, order: int) -> WCS:
    from astropy.wcs import WCS, Sip

    center = np.array([0.5 * (bbox.x.min + bbox.x.max), 0.5 * (bbox.y.min + bbox.y.max)])
    x, y = _chebyshev_grid(bbox, _N_FIT)
    ra, dec = pixel_to_sky.apply_forward(x=x, y=y)
    crval = np.array(pixel_to_sky.apply_forward(x=float(center[0]), y=float(center[1])))
    if not (np.isfinite(ra).all() and np.isfinite(dec).all() and np.isfinite(crval).all()):
        raise GeometryError(
            f"Cannot fit a FITS WCS to {pixel_to_sky}: it is undefined somewhere in {bbox}; "
            "pass a smaller box."
        )
    plane = _tangent_plane(ra, dec, crval)
    pixels = np.stack([x, y], axis=-1) - center
    powers = _powers(order)
    scale = float(np.abs(pixels).max())
    coefficients = _solve(pixels, plane, powers, scale)
    # The linear terms are the CD matrix; SIP is what remains, in pixels.
    cd = coefficients[:2].T
    sip = np.linalg.solve(cd, coefficients.T).T
    wcs = WCS(naxis=2)
    crpix = center - [bbox.x.start, bbox.y.start] + 1.0
    wcs.wcs.crpix = crpix
    wcs.wcs.crval = np.degrees(crval)
    wcs.wcs.cd = np.degrees(cd)
    wcs.wcs.radesys = "ICRS"
    suffix = "-SIP" if order > 1 else ""
    wcs.wcs.ctype = [f"RA---TAN{suffix}", f"DEC--TAN{suffix}"]
    if order > 1:
        forward = [_matrix(sip[2:, axis], powers[2:], order) for axis in range(2)]
        undistorted = _design(pixels, powers, 1.0) @ sip
        wcs.sip = Sip(*forward, *_inverse(undistorted, pixels, order, scale), crpix)
    wcs.pixel_shape = (bbox.x.size, bbox.y.size)
    wcs.wcs.set()
    return wcs


def _inverse(
    undistorted: npt.NDArray[Any], pixels: npt.NDArray[Any], order: int, scale: float
) -> list[npt.NDArray[np.float64]]:
    """Fit the polynomials of the inverse mapping.

    The inverse of a polynomial is not a polynomial, so degrees above ``order``
    are tried until the deviation is small enough.
    """
    for candidate in range(order, MAX_ORDER + 1):
        powers = _powers(candidate)
        coefficients = _solve(undistorted, pixels - undistorted, powers, scale)
        left = pixels - undistorted - _design(undistorted, powers, 1.0) @ coefficients
        if np.abs(left).max() <= _INVERSE_TOLERANCE:
            break
    return [_matrix(coefficients[:, axis], powers, candidate) for axis in range(2)]


def _grid(bbox: Box, n: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a uniform grid that includes the outer edges of the pixels, flattened."""
    columns = np.linspace(bbox.x.min - 0.5, bbox.x.max + 0.5, n)
    rows = np.linspace(bbox.y.min - 0.5, bbox.y.max + 0.5, n)
    x, y = np.meshgrid(columns, rows)
    return x.ravel(), y.ravel()


def _chebyshev_grid(bbox: Box, n: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a grid of Chebyshev nodes, which is denser at the edges.

    With it, a least-squares fit is close to the minimax fit.
    """
    nodes = np.sin(np.linspace(-0.5 * np.pi, 0.5 * np.pi, n))
    middle = 0.5 * (bbox.x.min + bbox.x.max), 0.5 * (bbox.y.min + bbox.y.max)
    x, y = np.meshgrid(middle[0] + nodes * 0.5 * bbox.x.size, middle[1] + nodes * 0.5 * bbox.y.size)
    return x.ravel(), y.ravel()


def _powers(order: int) -> npt.NDArray[np.int64]:
    """Return the powers of x and y of all terms, linear terms first."""
    rows = [(total - q, q) for total in range(1, order + 1) for q in range(total + 1)]
    return np.array(rows)


def _solve(
    points: npt.NDArray[Any],
    values: npt.NDArray[Any],
    powers: npt.NDArray[np.int64],
    scale: float,
) -> npt.NDArray[np.float64]:
    """Fit polynomials without constant term, one per column of values.

    Coordinates are divided by ``scale`` for the fit, to preserve precision.
    """
    solution = np.linalg.lstsq(_design(points, powers, scale), values, rcond=None)[0]
    result: npt.NDArray[np.float64] = solution / scale ** powers.sum(axis=1)[:, np.newaxis]
    return result


def _design(points: npt.NDArray[Any], powers: npt.NDArray[np.int64], scale: float) -> npt.NDArray[np.float64]:
    """Return the values of all terms at all points, one column per term."""
    scaled = points / scale
    result: npt.NDArray[np.float64] = scaled[:, :1] ** powers[:, 0] * scaled[:, 1:] ** powers[:, 1]
    return result


def _matrix(
    coefficients: npt.NDArray[Any], powers: npt.NDArray[np.int64], order: int
) -> npt.NDArray[np.float64]:
    """Return coefficients in the SIP layout, indexed [power of x, power of y]."""
    result = np.zeros((order + 1, order + 1))
    result[powers[:, 0], powers[:, 1]] = coefficients
    return result


def _tangent_plane(
    ra: npt.NDArray[np.float64], dec: npt.NDArray[np.float64], crval: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Project positions onto the tangent plane at ``crval``.

    Coordinates increase to the east and north, in radians.
    """
    lon, lat = crval
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    up = unit_vectors(lon, lat)
    north = np.cross(up, east)
    vectors = unit_vectors(ra, dec)
    depth = vectors @ up
    if depth.min() <= 0.0:
        raise GeometryError(
            "Cannot fit a tangent projection: the pixels cover more than a hemisphere; pass a smaller box."
        )
    return np.stack([vectors @ east, vectors @ north], axis=-1) / depth[:, np.newaxis]
