# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""All functions of positions accept and reject the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from lsst.images import XY, YX, BoundsError, Box, GeneralFrame, Polygon, Projection, Transform
from lsst.images._geom import IntersectionBounds  # private: the type of a deferred intersection
from lsst.images.cells import CellGrid, CellGridBounds
from lsst.images.convolution_kernels import ImageBasisConvolutionKernel
from lsst.images.errors import GeometryError, ImagesError, UnitMismatchError
from lsst.images.fields import ChebyshevField, ProductField, SplineField, SumField
from lsst.images.psfs import (
    GaussianPointSpreadFunction,
    KernelPointSpreadFunction,
    PSFExPointSpreadFunction,
)

PIXELS = GeneralFrame(unit=u.pix)
BOX = Box.factory[0:60, 0:80]
CELLS = CellGridBounds(grid=CellGrid(bbox=BOX, cell_shape=YX(y=20, x=20)), bbox=BOX)
TRIANGLE = Polygon(x_vertices=[0.0, 70.0, 0.0], y_vertices=[0.0, 0.0, 50.0])


def make_projection() -> Projection[Any]:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [50.0, -20.0], [40.0, 30.0], [-5e-5, 5e-5]
    return Projection.from_fits_wcs(wcs, PIXELS)


CHEBYSHEV = ChebyshevField(BOX, [[1.0, 0.2], [0.3, 0.0]])
SPLINE = SplineField(BOX, [[1.0, 2.0, 0.0], [3.0, 4.0, 2.0]], y=[0.0, 59.0], x=[0.0, 30.0, 79.0])
SHEAR = Transform.affine(PIXELS, PIXELS, [[1.0, 0.2], [0.0, 1.0]])
PROJECTION = make_projection()
STAMP = np.outer([1.0, 2.0, 1.0], [1.0, 3.0, 1.0])[np.newaxis]

BOUNDS: dict[str, Callable[..., Any]] = {
    "Box": BOX.contains,
    "Polygon": TRIANGLE.contains,
    "cells": CELLS.contains,
    "intersection": IntersectionBounds(TRIANGLE, CELLS).contains,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ChebyshevField": CHEBYSHEV,
    "SplineField": SPLINE,
    "SumField": SumField([CHEBYSHEV, SPLINE]),
    "ProductField": ProductField([CHEBYSHEV, SPLINE]),
    "pixel_to_sky": lambda *args, **kwargs: PROJECTION.pixel_to_sky(*args, **kwargs).ra.rad,
    "view": lambda x, y: PROJECTION.as_astropy(BOX).pixel_to_world_values(x, y)[0],
    "kernel": ImageBasisConvolutionKernel(STAMP, [CHEBYSHEV]).compute_kernel_images,
}
TRANSFORMS: dict[str, Callable[..., Any]] = {
    "apply_forward": lambda *args, **kwargs: SHEAR.apply_forward(*args, **kwargs).x,
    "apply_inverse": lambda *args, **kwargs: SHEAR.apply_inverse(*args, **kwargs).x,
}
PSFS: dict[str, Callable[..., Any]] = {
    "Gaussian": GaussianPointSpreadFunction(1.5, BOX, 5).compute_kernel_images,
    "kernel PSF": KernelPointSpreadFunction(STAMP, [CHEBYSHEV], BOX).compute_kernel_images,
    "PSFEx": PSFExPointSpreadFunction(
        STAMP.astype(np.float32), BOX, pixel_step=0.8, degree=[], offsets=[], scales=[]
    ).compute_kernel_images,
}
PIXELS_ONLY = BOUNDS | FUNCTIONS | PSFS
EVERYTHING = PIXELS_ONLY | TRANSFORMS

everything = pytest.mark.parametrize("name", EVERYTHING)


@everything
@pytest.mark.parametrize(
    "bad",
    [
        "3",
        ["3"],
        True,
        [True],
        1j,
        [1j],
        [None],
        [[1.0], [2.0, 3.0]],
        {},
        Decimal(3),
        np.datetime64("2026-01-02T03:04:05"),
    ],
    ids=repr,
)
def test_positions_non_numeric_raise_type_error(name: str, bad: Any) -> None:
    for x, y in ((bad, 3.0), (3.0, bad)):
        with pytest.raises(TypeError, match="real numbers"):
            EVERYTHING[name](x=x, y=y)


@everything
def test_positions_incompatible_shapes_raise_geometry_error(name: str) -> None:
    with pytest.raises(GeometryError, match="broadcast"):
        EVERYTHING[name](x=[1.0, 2.0], y=[1.0, 2.0, 3.0])


@everything
def test_positions_missing_or_duplicate_arguments_raise_type_error(name: str) -> None:
    for args, kwargs in (((), {}), ((), {"x": 1.0}), ((XY(1.0, 2.0),), {"x": 1.0}), ((XY,), {})):
        with pytest.raises(TypeError):
            EVERYTHING[name](*args, **kwargs)


@pytest.mark.parametrize("name", PIXELS_ONLY)
def test_positions_quantities_require_pixel_units(name: str) -> None:
    call = PIXELS_ONLY[name]
    np.testing.assert_array_equal(call(x=[3.0, 5.0] * u.pix, y=4.0 * u.pix), call(x=[3.0, 5.0], y=4.0))
    np.testing.assert_array_equal(call(x=u.Quantity(3.0), y=4), call(x=3.0, y=4.0))
    with pytest.raises(UnitMismatchError, match="requires positions in pixels; got .* in units of deg"):
        call(x=[3.0, 5.0] * u.deg, y=4.0)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform_apply_quantities_raise_and_name_other_method(name: str) -> None:
    with pytest.raises(TypeError, match=f"Use {name}_q for quantities"):
        TRANSFORMS[name](x=3.0 * u.pix, y=4.0)


@everything
def test_positions_equivalent_forms_yield_equal_results(name: str) -> None:
    call = EVERYTHING[name]
    x, y = np.array([3.0, 20.0, 41.0]), np.array([7.0, 6.0, 5.0])
    expected = call(x=x, y=y)
    assert len(expected) == 3
    forms: list[tuple[Any, Any]] = [
        (x.tolist(), tuple(y.tolist())),
        (x.astype(int), y.astype(np.uint8)),
        (x.astype(np.float32), y.astype(">f8")),
        (np.repeat(x, 2)[::2], y[::-1][::-1]),
        (np.ma.array(x), y),
    ]
    for one, other in forms:
        np.testing.assert_array_equal(call(x=one, y=other), expected)
    for i in range(3):
        for scalar in (float(x[i]), int(x[i]), np.float32(x[i]), np.array(x[i])):
            found = call(x=scalar, y=y[i])
            assert np.ndim(found) == np.ndim(expected) - 1
            np.testing.assert_allclose(found, expected[i], rtol=1e-15)
    grid = call(x=x[np.newaxis, :], y=y[:, np.newaxis])
    np.testing.assert_allclose([grid[i][i] for i in range(3)], expected, rtol=1e-15)


@everything
def test_positions_empty_arrays_yield_empty_results(name: str) -> None:
    for x, y, shape in (([], [], (0,)), (np.zeros((0, 3)), 1.0, (0, 3)), ([], [[1.0], [2.0]], (2, 0))):
        assert np.shape(EVERYTHING[name](x=x, y=y))[: len(shape)] == shape


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_positions_non_finite_are_outside_bounds_and_yield_nan(bad: float) -> None:
    for contains in BOUNDS.values():
        assert contains(x=bad, y=1.0) is False
        assert contains(x=[1.0, bad], y=[1.0, 1.0]).tolist() == [True, False]
    for call in (FUNCTIONS | TRANSFORMS).values():
        assert np.isnan(call(x=bad, y=bad)).all()
        assert np.isnan(call(x=[1.0, bad], y=[1.0, bad])[1]).all()
        assert np.isfinite(call(x=[1.0, bad], y=[1.0, bad])[0]).all()
    for call in PSFS.values():
        with pytest.raises(BoundsError, match="not defined"):
            call(x=[1.0, bad], y=1.0)


def test_positions_masked_elements_are_treated_as_nan() -> None:
    x = np.ma.array([1.0, 2.0], mask=[False, True])
    for contains in BOUNDS.values():
        assert contains(x=x, y=1.0).tolist() == [True, False]
    for call in (FUNCTIONS | TRANSFORMS).values():
        values = call(x=x, y=1.0)
        assert np.isfinite(values[0]).all() and np.isnan(values[1]).all()
    for call in PSFS.values():
        with pytest.raises(BoundsError):
            call(x=x, y=1.0)


def test_position_errors_derive_from_images_error_and_value_error() -> None:
    assert issubclass(GeometryError, (ImagesError)) and issubclass(GeometryError, ValueError)
    assert issubclass(UnitMismatchError, ImagesError) and issubclass(UnitMismatchError, ValueError)
