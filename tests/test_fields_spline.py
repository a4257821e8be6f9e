# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Spline fields: SciPy's Akima interpolation, with gaps."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from lsst.images import Box
from lsst.images.fields import SplineField

BOX = Box.factory[0:400, 0:500]
Y = np.linspace(0.0, 399.0, 9)
X = np.linspace(0.0, 499.0, 10)


def make_data(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(9, 10))


def make_gappy_data() -> np.ndarray:
    data = make_data()
    data[2, 3] = np.nan
    data[:, 5] = np.inf  # a column without any value
    data[1:, 7] = np.nan  # one value
    data[:7, 8] = np.nan  # two values
    return data


def interpolate(nodes: np.ndarray, values: np.ndarray, at: float) -> float:
    """Interpolate one curve with SciPy, after the published rules."""
    scipy_interpolate = pytest.importorskip("scipy.interpolate")
    if nodes.size == 1:
        return float(values[0])
    if nodes.size == 2:
        return float(values[0] + (at - nodes[0]) * (values[1] - values[0]) / (nodes[1] - nodes[0]))
    return float(scipy_interpolate.Akima1DInterpolator(nodes, values, extrapolate=True)(at))


def reference(data: np.ndarray, x: float, y: float) -> float:
    columns = [j for j in range(data.shape[1]) if np.isfinite(data[:, j]).any()]
    values = [interpolate(Y[(ok := np.isfinite(data[:, j]))], data[ok, j], y) for j in columns]
    return interpolate(X[columns], np.array(values), x)


@pytest.mark.parametrize("data", [make_data(), make_gappy_data()], ids=["full", "gaps"])
def test_spline_values_match_scipy(data: np.ndarray) -> None:
    field = SplineField(BOX, data.copy(), y=Y, x=X)
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-100, 600, 60), rng.uniform(-100, 500, 60)
    expected = [reference(data, *point) for point in zip(x, y, strict=True)]
    np.testing.assert_allclose(field(x=x, y=y), expected, rtol=1e-11, atol=1e-11)


def test_spline_equal_slopes_match_scipy() -> None:
    data = np.zeros((9, 10))
    data[4:, :] = 1.0  # flat, step, flat: Akima's weights are 0/0 here
    data[:, 6:] += 2.0
    field = SplineField(BOX, data.copy(), y=Y, x=X)
    for x, y in [(10.0, 150.0), (333.0, 180.0), (300.0, 390.0)]:
        assert field(x=x, y=y) == pytest.approx(reference(data, x, y), abs=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)])
def test_spline_one_or_two_nodes_yield_constant_or_line(shape: tuple[int, int]) -> None:
    data = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    field = SplineField(BOX, data, y=np.arange(shape[0]) * 10.0, x=np.arange(shape[1]) * 10.0)
    expected = (shape[1] * 0.5 if shape[0] > 1 else 0.0) + (0.7 if shape[1] > 1 else 0.0)
    assert field(x=7.0, y=5.0) == pytest.approx(expected)


def test_spline_interpolates_nodes() -> None:
    data = make_data()
    field = SplineField(BOX, data, y=Y, x=X)
    np.testing.assert_allclose(field(x=X[np.newaxis, :], y=Y[:, np.newaxis]), data, atol=1e-13)


@pytest.mark.parametrize("data", [make_data(), make_gappy_data()], ids=["full", "gaps"])
def test_spline_render_equals_evaluation(data: np.ndarray) -> None:
    field = SplineField(BOX, data, y=Y, x=X, unit=u.nJy)
    box = Box.factory[-20:350, 30:520]
    x, y = box.meshgrid()
    image = field.render(box)
    np.testing.assert_array_equal(image.array, field(x=x, y=y))
    np.testing.assert_array_equal(
        image.array.ravel()[::1000], field(x=x.ravel()[::1000], y=y.ravel()[::1000])
    )
    assert image.unit == u.nJy


def test_spline_points_in_blocks_match_single_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsst.images.fields._spline.POINT_BLOCK_SIZE", 40)
    field = SplineField(BOX, make_gappy_data(), y=Y, x=X)
    x, y = np.linspace(0, 499, 33), np.linspace(399, 0, 33)
    assert field(x=x, y=y).tolist() == [field(x=a, y=b) for a, b in zip(x, y, strict=True)]


def test_spline_without_finite_data_raises_on_evaluation() -> None:
    field = SplineField(BOX, np.full((9, 10), np.nan), y=Y, x=X)
    with pytest.raises(ValueError, match="without finite data"):
        field(x=1.0, y=2.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": np.zeros((10, 9))}, "do not match"),
        ({"data": np.zeros(90)}, "do not match"),
        ({"y": Y[::-1]}, "increasing"),
        ({"x": np.zeros(10)}, "increasing"),
        ({"x": X[np.newaxis]}, "1-d array"),
        ({"y": np.full(9, np.nan)}, "increasing"),
        ({"y": []}, "1-d array"),
    ],
)
def test_spline_inconsistent_nodes_and_data_raise(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SplineField(BOX, **{"data": make_data(), "y": Y, "x": X, **changes})


def test_spline_quantity_data_with_explicit_unit_raises() -> None:
    assert SplineField(BOX, make_data() * u.adu, y=Y, x=X).unit == u.adu
    with pytest.raises(TypeError, match="quantity"):
        SplineField(BOX, make_data() * u.adu, y=Y, x=X, unit=u.adu)


def test_spline_arrays_are_read_only() -> None:
    field = SplineField(BOX, make_data(), y=Y.copy(), x=X.copy())
    for array in (field.data, field.x, field.y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


def test_spline_is_constant_if_values_are_equal() -> None:
    data = np.full((9, 10), 2.0)
    data[0, 0] = np.nan
    assert SplineField(BOX, data, y=Y, x=X).is_constant is True
    assert SplineField(BOX, make_data(), y=Y, x=X).is_constant is False


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_spline_copies_are_equal(duplicate: Any) -> None:
    field = SplineField(BOX, make_gappy_data(), y=Y, x=X, unit=u.nJy)
    field(x=1.0, y=1.0)
    assert duplicate(field) == field
    assert duplicate(field)(x=3.0, y=4.0) == field(x=3.0, y=4.0)


def test_spline_equality_compares_content() -> None:
    assert SplineField(BOX, make_data(), y=Y, x=X) == SplineField(BOX, make_data(), y=Y, x=X)
    assert SplineField(BOX, make_data(), y=Y, x=X) != SplineField(BOX, make_data(2), y=Y, x=X)
    assert SplineField(BOX, make_data(), y=Y, x=X) != SplineField(BOX, make_data(), y=Y, x=X + 1.0)
    assert str(SplineField(BOX, make_data(), y=Y, x=X)) == "SplineField 9x10 nodes over [y=0:400, x=0:500]"
