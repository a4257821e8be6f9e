# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the common behaviour of fields: positions, units, products, sums."""

from __future__ import annotations

import pickle
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from lsst.images import XY, YX, Box, NoOverlapError
from lsst.images.errors import UnitMismatchError
from lsst.images.fields import BaseField, ChebyshevField, ProductField, SplineField, SumField

BOX = Box.factory[0:40, 0:50]
NODES = [0.0, 13.0, 25.0, 39.0]


def make_chebyshev(unit: u.UnitBase | None = None, seed: int = 1, box: Box = BOX) -> ChebyshevField:
    return ChebyshevField(box, np.random.default_rng(seed).normal(size=(2, 3)), unit=unit)


def make_spline(unit: u.UnitBase | None = None) -> SplineField:
    return SplineField(BOX, np.random.default_rng(2).normal(size=(4, 4)), y=NODES, x=NODES, unit=unit)


MAKERS = {
    "chebyshev": make_chebyshev,
    "constant": lambda unit=None: ChebyshevField(BOX, [[2.5]], unit=unit),
    "spline": make_spline,
    "product": lambda unit=None: ProductField([make_chebyshev(), make_spline(unit)]),
    "sum": lambda unit=None: SumField([make_chebyshev(unit), make_spline(unit)]),
}


@pytest.fixture(params=MAKERS)
def maker(request: pytest.FixtureRequest) -> Any:
    return MAKERS[request.param]


def test_field_scalar_position_returns_float(maker: Any) -> None:
    field = maker()
    values = [
        field(x=3, y=4),
        field(x=3.0, y=np.float32(4.0)),
        field(x=np.array(3), y=4),
        field(XY(3, 4)),
        field(YX(y=4, x=3)),
        field.evaluate(x=3, y=4),
    ]
    assert {type(value) for value in values} == {float}
    assert len(set(values)) == 1


@pytest.mark.parametrize(
    ("x", "y", "shape"),
    [
        ([1, 2, 3], 4, (3,)),
        ([1.5], [2.5], (1,)),
        ([[1, 2, 3]], [[4], [5]], (2, 3)),
        (np.arange(3, dtype=np.float32), np.arange(3, dtype=np.uint8), (3,)),
        ([], [], (0,)),
        ([], 3.0, (0,)),
        (np.zeros((2, 0)), np.zeros((1, 1)), (2, 0)),
        ([1, 2, 3], np.ones((2, 1)), (2, 3)),
    ],
)
def test_field_arrays_and_lists_broadcast(maker: Any, x: Any, y: Any, shape: tuple[int, ...]) -> None:
    field = maker()
    values = field(x=x, y=y)
    assert isinstance(values, np.ndarray)
    assert values.dtype == np.float64
    assert values.shape == shape
    points = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    expected = [field(x=a, y=b) for a, b in zip(points[0].ravel(), points[1].ravel(), strict=True)]
    assert values.ravel().tolist() == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_field_non_finite_position_returns_nan(maker: Any, bad: float) -> None:
    field = maker()
    assert np.isnan(field(x=bad, y=1.0))
    values = field(x=[1.0, bad, 2.0], y=[[3.0], [bad]])
    assert np.isnan(values).tolist() == [[False, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((), {"x": 1.0}),
        ((), {"y": 1.0}),
        ((XY(1.0, 2.0),), {"x": 1.0}),
        (((1.0, 2.0),), {}),
        ((), {"x": "1", "y": 2}),
        ((), {"x": 1j, "y": 2}),
        ((), {"x": [None], "y": 2}),
        ((), {"x": True, "y": 2}),
    ],
)
def test_field_invalid_position_raises_type_error(maker: Any, args: Any, kwargs: Any) -> None:
    with pytest.raises(TypeError):
        maker()(*args, **kwargs)


def test_field_incompatible_shapes_raise_value_error(maker: Any) -> None:
    with pytest.raises(ValueError, match="broadcast"):
        maker()(x=[1, 2], y=[1, 2, 3])


def test_field_positions_accept_quantities_in_pixels(maker: Any) -> None:
    field = maker()
    assert field(x=3.0 * u.pix, y=4.0 * u.pix) == field(x=3.0, y=4.0)
    with pytest.raises(UnitMismatchError, match="positions in pixels; got .* in units of s"):
        field(x=3.0 * u.s, y=4.0)


def test_field_quantity_option_returns_quantity(maker: Any) -> None:
    field = maker(u.nJy)
    value = field(x=3, y=4, quantity=True)
    assert value.isscalar
    assert value == field(x=3, y=4) * u.nJy
    assert field(x=[3, 4], y=4, quantity=True).unit == u.nJy


def test_field_quantity_without_unit_is_dimensionless(maker: Any) -> None:
    assert maker()(x=3, y=4, quantity=True).unit == u.dimensionless_unscaled


@pytest.mark.parametrize(
    ("multiply", "factor", "unit"),
    [
        (lambda f: f * 2, 2.0, u.nJy),
        (lambda f: 2.0 * f, 2.0, u.nJy),
        (lambda f: np.float32(2) * f, 2.0, u.nJy),
        (lambda f: np.array(2) * f, 2.0, u.nJy),
        (lambda f: f / 4, 0.25, u.nJy),
        (lambda f: f * u.s, 1.0, u.nJy * u.s),
        (lambda f: u.s * f, 1.0, u.nJy * u.s),
        (lambda f: f / u.s, 1.0, u.nJy / u.s),
        (lambda f: f * (2 * u.s), 2.0, u.nJy * u.s),
        (lambda f: (2 * u.s) * f, 2.0, u.nJy * u.s),
        (lambda f: f / (2 * u.s), 0.5, u.nJy / u.s),
        (lambda f: f.multiply_constant(2.0), 2.0, u.nJy),
    ],
)
def test_field_multiplication_by_number_quantity_and_unit(
    maker: Any, multiply: Any, factor: float, unit: Any
) -> None:
    field = maker(u.nJy)
    result = multiply(field)
    assert type(result) is type(field)
    assert result.unit == unit
    assert result.bounds == field.bounds
    assert result(x=3, y=4) == pytest.approx(factor * field(x=3, y=4))


def test_field_multiplication_by_unit_sets_missing_unit(maker: Any) -> None:
    assert (maker() * u.nJy).unit == u.nJy
    assert (maker() / u.s).unit == u.s**-1
    assert (maker() * 2.0).unit is None


@pytest.mark.parametrize("bad", ["2", None, np.arange(3.0), [1.0] * u.nJy, 1j])
def test_field_multiplication_by_other_types_raises(maker: Any, bad: Any) -> None:
    with pytest.raises(TypeError):
        maker() * bad
    with pytest.raises(TypeError):
        bad * maker()


def test_field_division_by_zero_raises(maker: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        maker() / 0


@pytest.mark.parametrize("name", ["bounds", "unit", "is_constant"])
def test_field_attributes_are_read_only(maker: Any, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(maker(), name, None)


def test_field_pickling_preserves_value_and_hash_raises(maker: Any) -> None:
    field = maker(u.nJy)
    assert pickle.loads(pickle.dumps(field)) == field
    assert repr(field) == f"<{field}>"
    with pytest.raises(TypeError, match="unhashable"):
        hash(field)


def test_fields_of_different_types_are_unequal() -> None:
    fields = [maker() for maker in MAKERS.values()]
    assert [[a == b for a in fields] for b in fields] == np.eye(len(fields), dtype=bool).tolist()


def test_product_field_multiplies_values_and_units() -> None:
    a, b, c = make_chebyshev(u.nJy), make_spline(), make_chebyshev(u.s**-1, seed=3)
    field = ProductField([a, b, c])
    assert field.unit == u.nJy / u.s
    assert field(x=3, y=4) == a(x=3, y=4) * b(x=3, y=4) * c(x=3, y=4)
    assert ProductField([b, b]).unit is None
    assert field.operands == (a, b, c)
    np.testing.assert_array_equal(
        field.render().array, a.render().array * b.render().array * c.render().array
    )


def test_product_field_factor_scales_last_operand() -> None:
    a, b = make_chebyshev(u.nJy), make_spline()
    assert (ProductField([a, b]) * 2.0).operands == (a, b * 2.0)


def test_sum_field_has_unit_of_first_operand() -> None:
    a, b = make_chebyshev(u.rad), make_chebyshev(u.deg, seed=3)
    field = SumField([a, b])
    assert field.unit == u.rad
    assert field(x=3, y=4) == pytest.approx(a(x=3, y=4) + np.deg2rad(b(x=3, y=4)))
    x, y = BOX.meshgrid()
    np.testing.assert_array_equal(field.render().array, field(x=x, y=y))


def test_sum_field_integer_render_is_cast_after_summation() -> None:
    field = SumField([ChebyshevField(BOX, [[2.5]]), ChebyshevField(BOX, [[3.0]])])
    assert field.render(dtype=int).array.tolist() == np.full(BOX.shape, 5).tolist()


@pytest.mark.parametrize(
    "units", [(u.nJy, None), (None, u.nJy), (u.nJy, u.s)], ids=["second", "first", "different"]
)
def test_sum_field_inconvertible_units_raise(units: tuple[Any, Any]) -> None:
    with pytest.raises(u.UnitConversionError):
        SumField([make_chebyshev(unit) for unit in units])


@pytest.mark.parametrize("kind", [ProductField, SumField])
def test_composite_field_disjoint_bounds_raise(kind: Any) -> None:
    other = make_chebyshev(box=Box.factory[10:60, -5:20])
    assert kind([make_chebyshev(), other]).bounds == Box.factory[10:40, 0:20]
    with pytest.raises(NoOverlapError):
        kind([make_chebyshev(), make_chebyshev(box=Box.factory[100:110, 0:10])])
    with pytest.raises(ValueError, match="at least one"):
        kind([])
    with pytest.raises(TypeError, match="must be fields"):
        kind([make_chebyshev(), 3.0])


@pytest.mark.parametrize("kind", [ProductField, SumField])
def test_composite_field_is_constant_if_all_operands_are(kind: Any) -> None:
    constant = ChebyshevField(BOX, [[2.0]])
    assert kind([constant, constant]).is_constant is True
    assert kind([constant, make_chebyshev()]).is_constant is False


class StrangersField(BaseField):
    """A third-party field: the distance from the origin."""

    bounds = BOX
    unit = None
    is_constant = False

    def _evaluate(self, x: Any, y: Any) -> Any:
        return np.hypot(x, y)

    def _scaled(self, factor: float, unit: Any) -> Any:
        raise TypeError("not this one")


def test_third_party_field_requires_five_definitions() -> None:
    field = StrangersField()
    assert field(x=3, y=4) == 5.0
    assert field.render(Box.factory[4:5, 3:4]).array.tolist() == [[5.0]]
    assert ProductField([field, field])(x=[3], y=[4]).tolist() == [25.0]


def test_field_data_quantity_sets_unit_and_conflicts_with_explicit_unit() -> None:
    field = ChebyshevField(BOX, [[1.0, 2.0]] * u.nJy)
    assert field.unit == u.nJy and field == ChebyshevField(BOX, [[1.0, 2.0]], unit=u.nJy)
    assert ChebyshevField.from_power_series(BOX, [[1.0, 2.0]] * u.nJy).unit == u.nJy
    for make in (
        lambda: ChebyshevField(BOX, [[1.0]] * u.nJy, unit=u.nJy),
        lambda: SplineField(BOX, [[1.0]] * u.nJy, y=[0], x=[0], unit=u.nJy),
        lambda: ChebyshevField.fit(BOX, [[1.0]] * u.nJy, 0, y=[0], x=[0], unit=u.nJy),
    ):
        with pytest.raises(TypeError, match="omit the unit"):
            make()


def test_field_unit_accepts_string() -> None:
    assert ChebyshevField(BOX, [[1.0]], unit="nJy").unit == u.nJy
    assert SplineField(BOX, [[1.0]], y=[0], x=[0], unit="nJy")(x=0, y=0, quantity=True) == 1.0 * u.nJy
    with pytest.raises(ValueError, match="did not parse"):
        ChebyshevField(BOX, [[1.0]], unit="bogus")


@pytest.mark.parametrize("bad", [[[1j]], [["a"]], [[None]], [[True]]], ids=repr)
def test_field_non_numeric_values_raise_type_error(bad: Any) -> None:
    for make in (
        lambda: ChebyshevField(BOX, bad),
        lambda: SplineField(BOX, bad, y=[0], x=[0]),
        lambda: ChebyshevField.fit(BOX, bad, 0, y=[0], x=[0]),
    ):
        with pytest.raises(TypeError, match="must be real numbers"):
            make()


def test_field_masked_values_are_missing() -> None:
    masked = np.ma.array([[1.0, 99.0, 3.0]], mask=[[False, True, False]])
    missing = np.array([[1.0, np.nan, 3.0]])
    x = [0.0, 1.0, 2.0]
    assert SplineField(BOX, masked, y=[0.0], x=x) == SplineField(BOX, missing, y=[0.0], x=x)
    assert ChebyshevField.fit(BOX, masked, 1, y=[0.0], x=x) == ChebyshevField.fit(
        BOX, missing, 1, y=[0.0], x=x
    )


def test_field_non_numeric_factors_raise_type_error(maker: Any) -> None:
    for factor in (1j, 1j * u.nJy, u.Quantity(True), [1.0, 2.0] * u.nJy, "2", None):
        with pytest.raises(TypeError):
            maker() * factor


def test_unit_conversion_error_derives_from_images_and_astropy_errors() -> None:
    fields = [ChebyshevField(BOX, [[1.0]], unit=unit) for unit in (u.nJy, u.deg)]
    for caught in (UnitMismatchError, u.UnitConversionError):
        with pytest.raises(caught, match="Cannot add a field in deg to one in nJy"):
            SumField(fields)
