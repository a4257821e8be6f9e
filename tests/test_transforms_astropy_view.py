# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the APE 14 view through the high-level API of astropy."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.nddata import NDDataRef
from astropy.wcs import WCS
from astropy.wcs.utils import fit_wcs_from_points
from astropy.wcs.wcsapi import BaseHighLevelWCS, BaseLowLevelWCS, SlicedLowLevelWCS
from lsst.images import Box, GeneralFrame, Projection, ProjectionAstropyView, SkyProjectionAstropyView

BBOX = Box.factory[1000:1200, -50:50]


@pytest.fixture(scope="module")
def wcs() -> WCS:
    """The view of the projection for an array of the pixels of the box."""
    result = WCS(naxis=2)
    result.wcs.ctype, result.wcs.crval, result.wcs.crpix = ["RA---TAN", "DEC--TAN"], [0.0, 30.0], [10.0, 20.0]
    result.wcs.cd = [[-5e-5, 1e-5], [1e-5, 5e-5]]
    return result


@pytest.fixture(scope="module")
def projection(wcs: WCS) -> Projection[Any]:
    return Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix), x0=BBOX.x.start, y0=BBOX.y.start)


@pytest.fixture(scope="module")
def view(projection: Projection[Any]) -> ProjectionAstropyView:
    return projection.as_astropy(BBOX)


def test_astropy_view_implements_wcs_interfaces(view: ProjectionAstropyView) -> None:
    assert isinstance(view, BaseLowLevelWCS) and isinstance(view, BaseHighLevelWCS)
    assert view.low_level_wcs is view
    assert SkyProjectionAstropyView is ProjectionAstropyView
    assert (view.pixel_n_dim, view.world_n_dim) == (2, 2)
    assert (view.array_shape, view.pixel_shape) == ((200, 100), (100, 200))
    assert view.pixel_bounds == ((-0.5, 99.5), (-0.5, 199.5))
    assert view.pixel_axis_names == ("x", "y")
    assert view.world_axis_names == ("ra", "dec")
    assert view.world_axis_physical_types == ("pos.eq.ra", "pos.eq.dec")
    assert view.world_axis_units == ("rad", "rad")
    assert view.serialized_classes is False
    np.testing.assert_array_equal(view.axis_correlation_matrix, np.ones((2, 2), dtype=bool))


def test_astropy_view_pixels_are_relative_to_box(
    view: ProjectionAstropyView, wcs: WCS, projection: Projection[Any]
) -> None:
    x, y = np.meshgrid([0.0, 99.0, 50.5], [0.0, 199.0])
    sky = view.pixel_to_world(x, y)
    assert sky.shape == (2, 3)
    assert sky.separation(wcs.pixel_to_world(x, y)).arcsec.max() < 1e-9
    np.testing.assert_allclose(view.world_to_pixel(sky), [x, y], atol=1e-8)
    absolute = projection.as_astropy()
    assert absolute.pixel_to_world(-50, 1000) == view.pixel_to_world(0, 0)
    np.testing.assert_allclose(absolute.world_to_pixel(view.pixel_to_world(0, 0)), (-50, 1000), atol=1e-8)


def test_astropy_view_scalars_return_scalars_and_arrays_broadcast(view: ProjectionAstropyView) -> None:
    ra, dec = view.pixel_to_world_values(3, 4)
    assert np.ndim(ra) == np.ndim(dec) == 0
    x, y = view.world_to_pixel_values(ra, dec)
    assert np.ndim(x) == np.ndim(y) == 0
    assert (x, y) == pytest.approx((3, 4), abs=1e-8)
    assert view.pixel_to_world_values([[1, 2, 3]], [[1], [2]])[0].shape == (2, 3)


def test_astropy_view_converts_other_celestial_frames(view: ProjectionAstropyView) -> None:
    sky = view.pixel_to_world(3, 4)
    np.testing.assert_allclose(view.world_to_pixel(sky.galactic), (3, 4), atol=1e-7)
    row, column = view.world_to_array_index(SkyCoord(sky.ra, sky.dec))
    assert (row, column) == (4, 3)


def test_astropy_view_without_box_is_unbounded(projection: Projection[Any]) -> None:
    view = projection.as_astropy()
    assert view.array_shape is None and view.pixel_shape is None and view.pixel_bounds is None
    assert str(view) == "ProjectionAstropyView(unbounded → ICRS)"
    assert "Array shape" not in repr(view)


def test_astropy_view_repr_and_str_contain_box(view: ProjectionAstropyView) -> None:
    assert str(view) == "ProjectionAstropyView([y=1000:1200, x=-50:50] → ICRS)"
    lines = repr(view).splitlines()
    assert lines[1] == "World axes: ICRS (ra, dec)"
    assert lines[2] == "Array shape (y, x): (200, 100)"
    assert lines[3].startswith("Pixel (0, 0): 00h00m0")


def test_astropy_view_works_with_astropy_tools(view: ProjectionAstropyView) -> None:
    data = NDDataRef(np.zeros((200, 100)), wcs=view)
    sliced = data[10:20, 5:9]
    assert isinstance(sliced.wcs.low_level_wcs, SlicedLowLevelWCS)
    assert sliced.wcs.pixel_to_world(0, 0).separation(view.pixel_to_world(5, 10)).arcsec < 1e-9
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 99, 5), np.linspace(0, 199, 5)))
    fitted = fit_wcs_from_points((x, y), view.pixel_to_world(x, y))
    assert fitted.pixel_to_world(50, 60).separation(view.pixel_to_world(50, 60)).arcsec < 1e-3
