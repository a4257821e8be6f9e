# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of SIP fits as approximations of projections, and of their measured error."""

from __future__ import annotations

import dataclasses
from typing import Any

import astropy.units as u
import numpy as np
import pytest
import starlink.Ast as ast
from astropy.wcs import WCS
from lsst.images import ICRS, Box, GeneralFrame, Projection, Transform
from lsst.images.errors import GeometryError

PIXELS = GeneralFrame(unit=u.pix)
BBOX = Box.factory[-100:3900, 50:4122]


def radial_projection(strength: float = 1e-12) -> Projection[Any]:
    """Return a projection whose distortion is radial about a distant point.

    FITS cannot represent it exactly, because it is not a polynomial in pixels
    relative to the reference point: ``r -> r + strength r^3 + strength^2 r^5 / 10``, in pixels
    from a point outside the box.
    """
    center = ast.ShiftMap([3000.0, -2500.0])
    terms = np.array([[1.0, 1, 1], [strength, 1, 3], [1e5 * strength**2, 1, 5]])
    radial = ast.PolyMap(terms, None, "IterInverse=1,NiterInverse=30,TolInverse=1e-14")
    split = ast.UnitNormMap([0.0, 0.0])
    inverse = split.copy()
    inverse.invert()
    stretch = ast.CmpMap(ast.CmpMap(split, ast.CmpMap(ast.UnitMap(2), radial, False), True), inverse, True)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [359.95, -45.0], [1.0, 1.0]
    wcs.wcs.cd = np.array([[-5.5e-5, 1e-6], [1e-6, 5.5e-5]])
    tangent = Projection.from_fits_wcs(wcs, PIXELS).pixel_to_sky_transform.ast_mapping
    steps = ast.CmpMap(ast.CmpMap(center, stretch, True), tangent.mapping, True)
    return Projection(Transform(PIXELS, ICRS, steps))


@pytest.fixture(scope="module")
def projection() -> Projection[Any]:
    return radial_projection()


def measured(projection: Projection[Any], fits_wcs: WCS, bbox: Box) -> np.ndarray:
    """Return separations in arcsec at random pixels of a box."""
    rng = np.random.default_rng(5)
    x = rng.uniform(bbox.x.min - 0.5, bbox.x.max + 0.5, 4000)
    y = rng.uniform(bbox.y.min - 0.5, bbox.y.max + 0.5, 4000)
    sky = fits_wcs.pixel_to_world(x - bbox.x.start, y - bbox.y.start)
    separation: np.ndarray = sky.separation(projection.pixel_to_sky(x=x, y=y)).arcsec
    return separation


def test_as_fits_wcs_unsupported_distortion_returns_none(projection: Projection[Any]) -> None:
    assert projection.as_fits_wcs(BBOX) is None
    assert projection.as_fits_wcs(BBOX, allow_approximation=True) is None
    assert projection.fits_wcs_error(BBOX) is None


def test_fits_approximation_is_used_and_its_error_is_measured(projection: Projection[Any]) -> None:
    approximation = projection.fit_fits_approximation(BBOX)
    combined = projection.with_fits_approximation(approximation)
    assert combined.fits_approximation == approximation
    assert combined.as_fits_wcs(BBOX) is None
    fits_wcs = combined.as_fits_wcs(BBOX, allow_approximation=True)
    error = combined.fits_wcs_error(BBOX)
    assert error is not None
    separation = measured(projection, fits_wcs, BBOX)
    assert separation.max() <= error.max * 1.05 + 1e-9
    assert np.sqrt(np.mean(separation**2)) == pytest.approx(error.rms, rel=0.2, abs=1e-9)
    assert error.max < 1e-4
    with pytest.raises(dataclasses.FrozenInstanceError):
        error.max = 0.0  # type: ignore[misc]
    assert "arcsec" in str(error)


def test_fit_higher_order_reduces_error(projection: Projection[Any]) -> None:
    errors = []
    for order in (1, 2, 3, 5):
        approximation = projection.fit_fits_approximation(BBOX, order=order)
        error = projection.with_fits_approximation(approximation).fits_wcs_error(BBOX)
        assert error is not None and error.rms <= error.max
        errors.append(error.max)
    assert errors[0] > 4 * errors[1] > 16 * errors[2]
    assert errors[3] < 1e-6
    assert errors == sorted(errors, reverse=True)


def test_fit_coarse_tolerance_selects_low_order(projection: Projection[Any]) -> None:
    coarse = projection.fit_fits_approximation(BBOX, tolerance=1e4).as_fits_wcs(BBOX)
    assert coarse.sip is None and list(coarse.wcs.ctype) == ["RA---TAN", "DEC--TAN"]
    fine = projection.fit_fits_approximation(BBOX, tolerance=1e-7).as_fits_wcs(BBOX)
    assert fine.sip.a_order > 3


def test_fit_inverse_polynomials_invert_forward_polynomials(projection: Projection[Any]) -> None:
    fits_wcs = projection.fit_fits_approximation(BBOX, order=3).as_fits_wcs(BBOX)
    pixels = np.random.default_rng(6).uniform(1, 4000, (500, 2))
    back = fits_wcs.sip_foc2pix(fits_wcs.sip_pix2foc(pixels, 1), 1)
    assert np.abs(back - pixels).max() < 1e-3


def test_fits_wcs_error_exact_projection_is_rounding() -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [10.0, 20.0], [-5e-5, 5e-5]
    error = Projection.from_fits_wcs(wcs, PIXELS).fits_wcs_error(BBOX)
    assert error is not None
    assert 0.0 <= error.rms <= error.max < 1e-9


def test_fits_wcs_error_known_shift_is_in_arcsec(projection: Projection[Any]) -> None:
    shifted = projection.fit_fits_approximation(BBOX).as_fits_wcs(BBOX)
    shifted.wcs.crval = shifted.wcs.crval + [0.0, 1.0 / 3600]
    wrong = projection.with_fits_approximation(
        Projection.from_fits_wcs(shifted, PIXELS, x0=BBOX.x.start, y0=BBOX.y.start)
    )
    error = wrong.fits_wcs_error(BBOX)
    assert error is not None
    assert error.rms == pytest.approx(1.0, rel=1e-3)
    assert error.max == pytest.approx(1.0, rel=1e-2)


@pytest.mark.parametrize("order", [0, 10, 2.5, "3"])
def test_fit_invalid_order_raises(projection: Projection[Any], order: Any) -> None:
    with pytest.raises(GeometryError, match="1 to 9"):
        projection.fit_fits_approximation(BBOX, order=order)


def test_fit_box_beyond_defined_region_raises() -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = ["RA---SIN", "DEC--SIN"], [10.0, 20.0], [-0.1, 0.1]
    projection = Projection.from_fits_wcs(wcs, PIXELS)
    with pytest.raises(GeometryError, match="is undefined somewhere"):
        projection.fit_fits_approximation(BBOX)
    with pytest.raises(GeometryError, match="hemisphere|undefined"):
        projection.fit_fits_approximation(Box.factory[-560:560, 500:560])


def test_fit_single_pixel_succeeds(projection: Projection[Any]) -> None:
    bbox = Box.factory[7:8, 9:10]
    approximation = projection.fit_fits_approximation(bbox, order=1)
    error = projection.with_fits_approximation(approximation).fits_wcs_error(bbox)
    assert error is not None and error.max < 1e-6


@pytest.mark.parametrize("order", [2, 3, 5])
def test_fit_inverse_polynomials_are_accurate_for_every_order(order: int) -> None:
    strong = radial_projection(5e-12)
    fits_wcs = strong.fit_fits_approximation(BBOX, order=order).as_fits_wcs(BBOX)
    x, y = (grid.ravel().astype(np.float64) for grid in BBOX.meshgrid(17))
    pixels = np.array([x - BBOX.x.start, y - BBOX.y.start])
    undistorted = np.array(fits_wcs.sip_pix2foc(*pixels, 0))
    back = np.array(fits_wcs.sip_foc2pix(*undistorted, 0))
    assert np.abs(back - pixels).max() < 1.5e-4


def test_fits_wcs_error_rms_matches_all_pixels(projection: Projection[Any]) -> None:
    combined = projection.with_fits_approximation(projection.fit_fits_approximation(BBOX, order=1))
    error = combined.fits_wcs_error(BBOX)
    assert error is not None
    separation = measured(projection, combined.as_fits_wcs(BBOX, allow_approximation=True), BBOX)
    spread = np.std(separation**2) / np.sqrt(separation.size)
    assert error.rms**2 == pytest.approx(np.mean(separation**2), abs=4 * spread)
