# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Random sky projections for tests, and a comparison of two of them."""

from __future__ import annotations

__all__ = (
    "assert_projections_equal",
    "assert_sky_projections_equal",
    "make_random_projection",
    "make_random_sky_projection",
)

from typing import Any

import numpy as np
from astropy.wcs import WCS

from .._geom import Box
from .._transforms import Frame, Projection

_PIXEL_SCALE = 0.2 / 3600.0
"""Degrees per pixel."""


def make_random_projection(rng: np.random.Generator, pixel_frame: Frame, bbox: Box) -> Projection[Any]:
    """Make a tangent-plane projection with random sky position, orientation and reference pixel.

    Parameters
    ----------
    rng
        Source of random numbers.
    pixel_frame
        Frame of the pixels.
    bbox
        Box that contains the reference pixel.

    Returns
    -------
    projection
        Pixel scale of about 0.2 arcsec; FITS headers can represent it exactly.
    """
    angle = rng.uniform(0.0, 2.0 * np.pi)
    scale = _PIXEL_SCALE * rng.uniform(0.95, 1.05)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [rng.uniform(0.0, 360.0), np.degrees(np.arcsin(rng.uniform(-0.99, 0.99)))]
    wcs.wcs.crpix = [rng.uniform(axis.min, axis.max) + 1.0 for axis in (bbox.x, bbox.y)]
    wcs.wcs.cd = scale * np.array([[-np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Projection.from_fits_wcs(wcs, pixel_frame)


def assert_projections_equal(
    a: Projection[Any] | None, b: Projection[Any] | None, expect_identity: bool | None = None
) -> None:
    """Assert that two projections are equal.

    Parameters
    ----------
    a, b
        Projections or `None`.
    expect_identity
        Whether they must be the same object (`True`) or different objects
        (`False`); not checked by default.

    Raises
    ------
    AssertionError
        If they differ.
    """
    if expect_identity is not None:
        assert (a is b) is expect_identity, f"{a!r} and {b!r} are {'one' if a is b else 'two'}."
    assert a == b, f"{a!r} differs from {b!r}."


assert_sky_projections_equal = assert_projections_equal
make_random_sky_projection = make_random_projection
