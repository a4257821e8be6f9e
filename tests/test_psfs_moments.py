# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Second moments of PSFs, compared with galsim and analytic values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from lsst.images import Box
from lsst.images.errors import BoundsError
from lsst.images.psfs import GaussianPointSpreadFunction, KernelPointSpreadFunction, PointSpreadFunction

BOX = Box.factory[0:200, 0:300]
galsim = pytest.importorskip("galsim")

PROFILES = {
    "gaussian": lambda: galsim.Gaussian(sigma=1.8).shear(g1=0.2, g2=-0.1),
    "moffat": lambda: galsim.Moffat(beta=2.8, fwhm=4.0).shear(g1=-0.05, g2=0.12),
    "kolmogorov": lambda: galsim.Kolmogorov(fwhm=3.5).shift(0.3, -0.2),
    "double": lambda: galsim.Gaussian(sigma=1.5) + 0.2 * galsim.Gaussian(sigma=4).shear(g1=0.3),
}


def make_psf(profile: str) -> tuple[PointSpreadFunction, np.ndarray]:
    drawn = PROFILES[profile]().drawImage(nx=35, ny=35, scale=1.0).array.astype(np.float64)
    return KernelPointSpreadFunction((drawn / drawn.sum())[np.newaxis], None, BOX), drawn


@pytest.mark.parametrize("profile", PROFILES)
def test_compute_moments_adaptive_equals_galsim(profile: str) -> None:
    psf, drawn = make_psf(profile)
    found = psf.compute_moments(x=10.0, y=20.0).adaptive
    strict = galsim.hsm.HSMParams(convergence_threshold=1e-10)
    expected = galsim.hsm.FindAdaptiveMom(galsim.Image(drawn, xmin=-17, ymin=-17), hsmparams=strict)
    assert found.sigma == pytest.approx(expected.moments_sigma, rel=1e-6)
    shape = expected.observed_shape
    assert (found.e1, found.e2) == pytest.approx((shape.e1, shape.e2), abs=1e-6)
    centroid = expected.moments_centroid
    assert (found.x, found.y) == pytest.approx((centroid.x, centroid.y), abs=1e-6)


@pytest.mark.parametrize("profile", PROFILES)
def test_compute_moments_unweighted_equals_galsim(profile: str) -> None:
    psf, drawn = make_psf(profile)
    found = psf.compute_moments(x=10.0, y=20.0)
    expected = galsim.utilities.unweighted_moments(galsim.Image(drawn, xmin=-17, ymin=-17))
    for name, theirs in (("x", "Mx"), ("y", "My"), ("xx", "Mxx"), ("yy", "Myy"), ("xy", "Mxy")):
        assert getattr(found.unweighted, name) == pytest.approx(expected[theirs], abs=1e-6), name
    assert found.effective_area == pytest.approx(drawn.sum() ** 2 / (drawn**2).sum())


def test_compute_moments_of_gaussian_are_its_parameters() -> None:
    psf = GaussianPointSpreadFunction(2.5, bounds=BOX, stamp_size=41)
    x, y = np.meshgrid([1.0, 2.0, 50.0], [3.0, 100.0])
    found = psf.compute_moments(x=x, y=y)
    for moments in (found.adaptive, found.unweighted):
        assert moments.sigma.shape == (2, 3)
        np.testing.assert_allclose(moments.sigma, 2.5, rtol=1e-6)
        np.testing.assert_allclose(moments.fwhm, 2.5 * math.sqrt(8 * math.log(2)), rtol=1e-6)
        np.testing.assert_allclose([moments.e1, moments.e2], 0.0, atol=1e-9)
    np.testing.assert_allclose(found.effective_area, 4 * math.pi * 2.5**2, rtol=1e-6)


def test_compute_moments_of_image_without_a_peak_are_nan() -> None:
    kernel = np.full((9, 9), 0.0)
    kernel[0, 0] = kernel[8, 8] = 1.0
    kernel[4, 4] = -1.0
    psf = KernelPointSpreadFunction(kernel[np.newaxis], None, BOX)
    assert np.isnan(psf.compute_moments(x=1.0, y=1.0).adaptive.sigma)


def test_compute_moments_outside_the_bounds_raises() -> None:
    with pytest.raises(BoundsError):
        GaussianPointSpreadFunction(2.5, bounds=BOX, stamp_size=11).compute_moments(x=[1.0, 500.0], y=1.0)
