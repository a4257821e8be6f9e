# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Corners and angles on the sky, color images of three filters and counts of mask planes."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.visualization import make_lupton_rgb
from astropy.wcs import WCS
from helpers.exposures import make_visit_image
from lsst.images import (
    XY,
    Box,
    ColorImage,
    GeneralFrame,
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    Projection,
)
from lsst.images.errors import GeometryError, InvalidArgumentError


def make_wcs(angle: float, dec: float) -> WCS:
    """Return a tangent projection whose y axis has a position angle in degrees."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [45.0, dec]
    wcs.wcs.crpix = [11.0, 21.0]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = np.array([[-cos, sin], [sin, cos]]) * 0.2 / 3600
    wcs.wcs.radesys = "ICRS"
    return wcs


@pytest.mark.parametrize("dec", [0.0, -35.0, 89.999])
@pytest.mark.parametrize("angle", [0.0, 37.0, 200.0])
def test_position_angle_equals_astropy(angle: float, dec: float) -> None:
    wcs = make_wcs(angle, dec)
    projection: Any = Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix))
    found = projection.position_angle(XY(10.0, 20.0))
    assert abs((found.to_value(u.deg) - angle + 180) % 360 - 180) < 1e-5
    high = wcs.pixel_to_world(40.0, 50.5)
    expected = projection.pixel_to_sky(x=40.0, y=50.0).position_angle(high).to_value(u.deg)
    assert abs((projection.position_angle(XY(40.0, 50.0)).value - expected + 180) % 360 - 180) < 0.01


def test_sky_corners_equal_footprint_of_astropy_edges() -> None:
    projection: Any = Projection.from_fits_wcs(make_wcs(20.0, -35.0), GeneralFrame(unit=u.pix))
    image = Image(np.zeros((30, 40)), start=(5, 8), projection=projection)
    expected = make_wcs(20.0, -35.0).pixel_to_world([7.5, 47.5, 47.5, 7.5], [4.5, 4.5, 34.5, 34.5])
    assert image.sky_corners.separation(expected).max() < 1e-6 * u.arcsec


def test_contains_sky_is_true_up_to_outer_edges() -> None:
    visit = make_visit_image()
    projection: Any = visit.projection
    x = np.array([19.6, 19.4, 59.4, 59.6, 30.0, 30.0, 30.0])
    y = np.array([20.0, 20.0, 20.0, 20.0, 9.4, 39.4, 39.6])
    sky = projection.pixel_to_sky(x=x, y=y)
    assert visit.contains_sky(sky).tolist() == [True, False, True, False, False, True, False]
    assert visit.contains_sky(sky.galactic[0])
    opposite = SkyCoord(sky[4].ra + 180 * u.deg, -sky[4].dec)
    assert not visit.contains_sky(opposite)


def test_sky_measurements_without_projection_raise() -> None:
    image = Image(np.zeros((3, 3)))
    with pytest.raises(GeometryError, match="no sky projection"):
        _ = image.sky_corners
    with pytest.raises(GeometryError, match="no sky projection"):
        image.contains_sky(SkyCoord(1, 2, unit="deg"))


def test_color_image_from_images_equals_astropy() -> None:
    rng = np.random.default_rng(3)
    r, g, b = (Image(rng.normal(5, 9, (8, 12)), start=(4, 6)) for _ in range(3))
    found = ColorImage.from_images(
        r, MaskedImage(g, mask_schema=MaskSchema([MaskPlane("A", "a")])), b, stretch=20
    )
    np.testing.assert_array_equal(found.array, make_lupton_rgb(r.array, g.array, b.array, stretch=20, Q=8))
    assert found.bbox == r.bbox
    scaled = [Image(1e4 * image.array, start=(4, 6)) for image in (r, g, b)]
    difference = ColorImage.from_images(*scaled).array.astype(int) - ColorImage.from_images(r, g, b).array
    assert np.abs(difference).max() <= 1


def test_color_image_from_images_nan_and_constant_are_black() -> None:
    zero = Image(np.zeros((4, 5)))
    hole = Image(np.full((4, 5), np.nan))
    assert not ColorImage.from_images(zero, hole, zero).array.any()


def test_color_image_from_images_invalid_arguments_raise() -> None:
    image = Image(np.ones((4, 5)))
    with pytest.raises(GeometryError, match="do not agree"):
        ColorImage.from_images(image, image, Image(np.ones((4, 5)), start=(1, 0)))
    for options in ({"stretch": 0.0}, {"softening": float("nan")}):
        with pytest.raises(InvalidArgumentError, match="positive"):
            ColorImage.from_images(image, image, image, **options)


def test_mask_statistics_count_pixels_of_each_plane() -> None:
    schema = MaskSchema([MaskPlane(name, name) for name in ("A", "B")])
    mask = Mask(schema=schema, bbox=Box.factory[0:4, 0:5])
    mask.set("A", np.arange(20).reshape(4, 5) < 5)
    assert mask.statistics() == {"A": (5, 0.25), "B": (0, 0.0)}
