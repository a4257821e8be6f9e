# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Spline fields that follow the conventions of afw backgrounds."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import Box
from lsst.images.errors import GeometryError
from lsst.images.fields import SplineField
from lsst.images.io import open_archive, read, write

interpolate = pytest.importorskip("scipy.interpolate")

BOX = Box.factory[0:400, 0:500]


def reference(nodes: np.ndarray, values: np.ndarray, at: float) -> float:
    """Interpolate one curve with SciPy, and extrapolate by the Taylor polynomial."""
    values = values[(ok := np.isfinite(values))]
    nodes = nodes[ok]
    if nodes.size == 1:
        return float(values[0])
    if nodes.size == 2:
        return (
            float(np.interp(at, nodes, values))
            if nodes[0] <= at <= nodes[1]
            else float(values[0] + (at - nodes[0]) * np.diff(values)[0] / np.diff(nodes)[0])
        )
    few = nodes.size < 5
    curve: Any = (
        interpolate.CubicSpline(nodes, values, bc_type="natural")
        if few
        else interpolate.Akima1DInterpolator(nodes, values)
    )
    end = np.clip(at, nodes[0], nodes[-1])
    step = at - end
    return float(curve(end) + curve(end, 1) * step + 0.5 * curve(end, 2) * step**2)


def reference_2d(data: np.ndarray, y_nodes: np.ndarray, x_nodes: np.ndarray, x: float, y: float) -> float:
    used = [j for j in range(data.shape[1]) if np.isfinite(data[:, j]).any()]
    return reference(x_nodes[used], np.array([reference(y_nodes, data[:, j], y) for j in used]), x)


@given(
    shape=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    seed=st.integers(0, 2**31),
    missing=st.integers(0, 4),
)
def test_spline_field_afw_convention_equals_one_dimensional_reference(
    shape: tuple[int, int], seed: int, missing: int
) -> None:
    rng = np.random.default_rng(seed)
    data = rng.normal(size=shape)
    data.reshape(-1)[rng.integers(0, data.size, missing)] = np.nan
    data[0, 0] = 1.0
    y_nodes, x_nodes = (np.cumsum(rng.uniform(5.0, 60.0, n)) for n in shape)
    field = SplineField(BOX, data.copy(), y=y_nodes, x=x_nodes, convention="afw")
    x, y = rng.uniform(-50, 550, 20), rng.uniform(-50, 450, 20)
    expected = [reference_2d(data, y_nodes, x_nodes, *point) for point in zip(x, y, strict=True)]
    np.testing.assert_allclose(field(x=x, y=y), expected, rtol=1e-8, atol=1e-8)


def test_spline_field_conventions_agree_between_nodes_and_differ_beyond_them() -> None:
    rng = np.random.default_rng(4)
    y_nodes, x_nodes = np.linspace(20.0, 380.0, 8), np.linspace(30.0, 470.0, 9)
    data = rng.normal(size=(8, 9))
    ours, theirs = (
        SplineField(BOX, data, y=y_nodes, x=x_nodes, convention=name) for name in ("scipy", "afw")
    )
    assert ours(x=200.0, y=150.0) == pytest.approx(theirs(x=200.0, y=150.0), abs=1e-12)
    assert abs(ours(x=5.0, y=150.0) - theirs(x=5.0, y=150.0)) > 1e-4
    assert abs(ours(x=200.0, y=395.0) - theirs(x=200.0, y=395.0)) > 1e-4
    assert ours != theirs


def test_spline_field_afw_convention_equal_slopes_are_not_smoothed() -> None:
    # Slopes 0, 0, 1, 1: the weights at the middle node are 0/0. The GNU
    # Scientific Library keeps the corner, SciPy rounds it.
    nodes = np.arange(5.0) * 10.0
    data = np.array([[0.0, 0.0, 0.0, 10.0, 20.0]])
    field = SplineField(BOX, data, y=[0.0], x=nodes, convention="afw")
    assert field(x=15.0, y=0.0) == pytest.approx(0.0, abs=1e-12)
    assert field(x=25.0, y=0.0) == pytest.approx(5.0, abs=1e-12)


def test_spline_field_unknown_convention_raises_geometry_error() -> None:
    with pytest.raises(GeometryError, match="convention 'gsl'; expected one of"):
        SplineField(BOX, [[1.0]], y=[0.0], x=[0.0], convention="gsl")  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("convention", ["scipy", "afw"])
@pytest.mark.parametrize("suffix", [".fits", ".json"])
def test_spline_field_convention_survives_files_copies_and_pickling(
    convention: Any, suffix: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    nodes = np.linspace(0.0, 390.0, 10)
    field = SplineField(BOX, rng.normal(size=(10, 10)), y=nodes, x=nodes, convention=convention)
    path = tmp_path / f"field{suffix}"
    write(field, path)
    for other in (
        read(path, SplineField),
        copy.deepcopy(field),
        pickle.loads(pickle.dumps(field)),
        field * 1.0,
    ):
        assert other.convention == convention
        assert other == field
    with open_archive(path) as reader:
        stored = reader.archive.get_raw_tree().get("metadata", {})
    assert ("spline_convention" in stored) is (convention == "afw")
