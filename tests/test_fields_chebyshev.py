# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Chebyshev fields: values, rendering, fits."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import astropy.units as u
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from lsst.images import XY, YX, Box, Polygon
from lsst.images.fields import ChebyshevField
from numpy.polynomial import chebyshev

BOX = Box.factory[6:32, -7:26]


def make_field(
    shape: tuple[int, int] = (4, 3), *, box: Box = BOX, seed: int = 1, **kwargs: Any
) -> ChebyshevField:
    return ChebyshevField(box, np.random.default_rng(seed).normal(size=shape), **kwargs)


def reference(field: ChebyshevField, x: Any, y: Any) -> Any:
    """Evaluate with numpy, after the definition of the scaled coordinates."""
    box = field.bounds.bbox
    scaled_x = (2.0 / box.x.size) * (x - (box.x.start + box.x.size / 2 - 0.5))
    scaled_y = (2.0 / box.y.size) * (y - (box.y.start + box.y.size / 2 - 0.5))
    return chebyshev.chebval2d(scaled_x, scaled_y, field.coefficients.T)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 1), (4, 3), (2, 7)])
def test_chebyshev_values_match_numpy(shape: tuple[int, int]) -> None:
    field = make_field(shape)
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-10, 30, 100), rng.uniform(0, 40, 100)
    np.testing.assert_allclose(field(x=x, y=y), reference(field, x, y), rtol=1e-12, atol=1e-12)


def test_chebyshev_domain_corners_are_outer_pixel_edges() -> None:
    field = ChebyshevField(BOX, [[0.0, 0.0], [0.0, 1.0]])
    assert field(x=-7.5, y=5.5) == pytest.approx(1.0)
    assert field(x=25.5, y=5.5) == pytest.approx(-1.0)


def test_chebyshev_orders_match_coefficient_shape() -> None:
    field = make_field((4, 3))
    assert (field.y_order, field.x_order, field.order) == (3, 2, 3)


@given(
    st.integers(-50, 50),
    st.integers(1, 70),
    st.integers(-50, 50),
    st.integers(1, 70),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_chebyshev_render_equals_evaluation(
    y0: int, height: int, x0: int, width: int, shape: tuple[int, int]
) -> None:
    field = make_field(shape)
    box = Box.from_shape((height, width), start=(y0, x0))
    x, y = box.meshgrid()
    image = field.render(box)
    assert image.bbox == box
    np.testing.assert_array_equal(image.array, field(x=x, y=y))
    one = field(x=float(box.x.max), y=float(box.y.min))
    assert image.array[0, -1] == one


def test_chebyshev_render_in_blocks_equals_evaluation() -> None:
    box = Box.factory[0:300, 0:4072]
    field = make_field((7, 7), box=box)
    x, y = box.meshgrid()
    np.testing.assert_array_equal(field.render().array, field(x=x, y=y))


def test_field_render_has_unit_and_box() -> None:
    image = make_field(unit=u.nJy).render()
    assert image.unit == u.nJy
    assert image.bbox == BOX
    assert image.array.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.int16, int])
def test_field_render_casts_like_numpy(dtype: Any) -> None:
    field = make_field() * 100.0
    np.testing.assert_array_equal(field.render(dtype=dtype).array, field.render().array.astype(dtype))


@pytest.mark.parametrize("dtype", [bool, complex, object])
def test_field_render_other_dtypes_raise(dtype: Any) -> None:
    with pytest.raises(TypeError, match="use an integer or float type"):
        make_field().render(dtype=dtype)


def test_field_render_invalid_box_raises() -> None:
    with pytest.raises(TypeError, match="must be a Box"):
        make_field().render((3, 4))  # type: ignore[arg-type]  # the point of the test


def test_chebyshev_bounds_accept_polygon() -> None:
    triangle = Polygon(x_vertices=[0.0, 20.0, 0.0], y_vertices=[0.0, 0.0, 30.0])
    field = ChebyshevField(triangle, [[1.0, 2.0]])
    assert field.bounds is triangle
    assert field.render().bbox == triangle.bbox


def test_chebyshev_is_constant_if_higher_coefficients_are_zero() -> None:
    assert ChebyshevField(BOX, [[2.0, 0.0], [0.0, 0.0]]).is_constant is True
    assert ChebyshevField(BOX, [[0.0]]).is_constant is True
    assert ChebyshevField(BOX, [[2.0, 1e-30]]).is_constant is False


@pytest.mark.parametrize("coefficients", [[1.0, 2.0], 3.0, np.zeros((0, 2)), np.zeros((1, 1, 1))])
def test_chebyshev_coefficients_other_shapes_raise(coefficients: Any) -> None:
    with pytest.raises(ValueError, match="2-d array"):
        ChebyshevField(BOX, coefficients)


def test_chebyshev_coefficients_become_read_only() -> None:
    array = np.ones((2, 2))
    field = ChebyshevField(BOX, array)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        field.coefficients[0, 0] = 2.0


def test_chebyshev_equality_compares_content() -> None:
    assert make_field() == make_field()
    assert make_field() != make_field(seed=2)
    assert make_field() != make_field(unit=u.nJy)
    assert make_field() != make_field(box=Box.factory[6:32, -7:27])
    assert make_field() != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(make_field())


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_chebyshev_copies_are_equal_and_read_only(duplicate: Any) -> None:
    field = make_field(unit=u.nJy)
    other = duplicate(field)
    assert other == field
    assert not other.coefficients.flags.writeable


def test_chebyshev_text_contains_order_and_bounds() -> None:
    field = ChebyshevField(Box.factory[0:10, 0:20], [[1.0]])
    assert str(field) == "ChebyshevField order=0 over [y=0:10, x=0:20]"
    assert repr(field) == f"<{field}>"


def test_chebyshev_from_power_series_has_equal_values() -> None:
    box = Box.factory[2000:2400, 1000:1512]
    series = np.array([[0.2, 1e-4, 3e-8], [-5e-5, 2e-8, 0.0], [1e-8, 0.0, 0.0]])
    field = ChebyshevField.from_power_series(box, series, unit=u.nJy)
    rng = np.random.default_rng(3)
    x, y = rng.uniform(1000, 1500, 50), rng.uniform(2000, 2400, 50)
    np.testing.assert_allclose(field(x=x, y=y), np.polynomial.polynomial.polyval2d(y, x, series), rtol=1e-13)
    assert field.unit == u.nJy


@pytest.mark.parametrize("triangular", [False, True])
def test_chebyshev_fit_grid_recovers_coefficients(triangular: bool) -> None:
    coefficients = np.random.default_rng(4).normal(size=(4, 4))
    if triangular:
        coefficients[np.add.outer(range(4), range(4)) > 3] = 0.0
    truth = ChebyshevField(BOX, coefficients)
    fit = ChebyshevField.fit(
        BOX, truth.render().array, 3, y=BOX.y.arange, x=BOX.x.arange, triangular=triangular, unit=u.nJy
    )
    np.testing.assert_allclose(fit.coefficients, coefficients, atol=1e-12)
    assert fit.unit == u.nJy


def test_chebyshev_fit_points_matches_numpy() -> None:
    rng = np.random.default_rng(5)
    x, y, weight = rng.uniform(-7, 25, 300), rng.uniform(6, 31, 300), rng.uniform(0.5, 2, 300)
    data = rng.normal(size=300)
    data[::17] = np.nan
    fit = ChebyshevField.fit(
        BOX, data * u.Jy, y=y, x=x, weight=weight, y_order=1, x_order=2, triangular=False
    )
    good = np.isfinite(data)
    scaled_x, scaled_y = (2 / 33) * (x - 9.0), (2 / 26) * (y - 18.5)
    design = chebyshev.chebvander2d(scaled_y, scaled_x, [1, 2])[good] * weight[good, None]
    expected = np.linalg.lstsq(design, data[good] * weight[good], rcond=None)[0]
    np.testing.assert_allclose(fit.coefficients.ravel(), expected, rtol=1e-10)
    assert fit.unit == u.Jy


def test_chebyshev_fit_in_blocks_matches_single_block(monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.random.default_rng(6).normal(size=BOX.shape)
    arguments: dict[str, Any] = {"y": BOX.y.arange, "x": BOX.x.arange}
    whole = ChebyshevField.fit(BOX, data, 2, **arguments)
    monkeypatch.setattr("lsst.images.fields._chebyshev_fit.FIT_BLOCK_SIZE", 70)
    np.testing.assert_allclose(ChebyshevField.fit(BOX, data, 2, **arguments).coefficients, whole.coefficients)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, TypeError, "either order, or both"),
        ({"order": 1, "x_order": 1, "y_order": 1}, TypeError, "either order, or both"),
        ({"x_order": 1}, TypeError, "either order, or both"),
        ({"order": -1}, ValueError, "must not be negative"),
        ({"order": 1, "x": np.arange(3.0)}, ValueError, "do not match data"),
        ({"order": 1, "weight": np.ones(3)}, ValueError, "do not match data"),
        ({"order": 1, "data": np.full((26, 33), np.nan)}, ValueError, "No good data points"),
        ({"order": 1, "data": np.ones((26, 33)) * u.Jy, "unit": u.Jy}, TypeError, "quantity"),
    ],
)
def test_chebyshev_fit_invalid_arguments_raise(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    defaults = {"data": np.ones((26, 33)), "y": BOX.y.arange, "x": BOX.x.arange}
    with pytest.raises(error, match=words):
        ChebyshevField.fit(BOX, **{**defaults, **arguments})


@pytest.mark.parametrize("point", [XY(3, 8), YX(8, 3)])
def test_chebyshev_call_accepts_xy_and_yx(point: Any) -> None:
    field = make_field()
    assert field(point) == field(x=3, y=8)
