# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._geom._interval`."""

from __future__ import annotations

import copy
import pickle
import typing
from types import SimpleNamespace

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import Interval, IntervalSliceFactory
from lsst.images.errors import BoxIndexError, GeometryError, NoOverlapError

fast = settings(deadline=None, max_examples=60)
ADAPTER = pydantic.TypeAdapter(Interval)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = draw(st.integers(-30, 30))
    return Interval(start, start + draw(st.integers(1, 30)))


def test_interval_properties_are_consistent() -> None:
    interval = Interval(3, 10)
    assert (interval.min, interval.start, interval.max, interval.stop, interval.size) == (3, 3, 9, 10, 7)
    assert list(interval.range) == interval.arange.tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert interval.center == 6.0
    assert str(interval) == "3:10"
    assert repr(interval) == "Interval(start=3, stop=10)"


@pytest.mark.parametrize(
    "value", [5, np.int16(5), np.uint64(5), np.array(5), 5.0, np.float32(5)], ids=lambda value: repr(value)
)
def test_interval_ends_are_converted_to_int(value: typing.Any) -> None:
    interval = Interval(0, value)
    assert interval == Interval(0, 5)
    assert type(interval.stop) is int
    assert type(interval.size) is int


@pytest.mark.parametrize("value", [2.5, float("nan"), float("inf")])
def test_interval_fractional_ends_raise(value: float) -> None:
    with pytest.raises(GeometryError, match=r"must be an integer.*Round it"):
        Interval(0, value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["7", None, [7], 7j])
def test_interval_non_numeric_ends_raise(value: typing.Any) -> None:
    with pytest.raises(TypeError, match="must be an integer"):
        Interval(0, value)


@pytest.mark.parametrize("stop", [3, 2])
def test_interval_empty_raises_index_error(stop: int) -> None:
    with pytest.raises(BoxIndexError, match="empty") as caught:
        Interval(3, stop)
    assert isinstance(caught.value, IndexError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 2**52 + 1), (-(2**52) - 1, 0), (10**40, 10**40 + 1), (-1e40, 1e40)]
)
def test_interval_beyond_max_coordinate_raises(start: float, stop: float) -> None:
    with pytest.raises(GeometryError, match=r"must not exceed 2\*\*52 = 4503599627370496"):
        Interval(start, stop)  # type: ignore[arg-type]  # floats with integral values
    with pytest.raises(pydantic.ValidationError, match="must not exceed|maximum size"):
        ADAPTER.validate_python({"start": start, "stop": stop})


def test_interval_at_max_coordinate_contains_outermost_pixels() -> None:
    widest = Interval(-(2**52), 2**52)
    assert widest.contains(2.0**52 - 1.5) and not widest.contains(2.0**52)


def test_interval_attribute_assignment_raises() -> None:
    interval = Interval(3, 10)
    with pytest.raises(AttributeError, match="immutable"):
        interval.start = 4
    with pytest.raises(AttributeError, match="immutable"):
        del interval.stop
    assert interval == Interval(3, 10)


def test_interval_from_size_and_hull_return_expected_pixels() -> None:
    assert Interval.from_size(4) == Interval(0, 4)
    assert Interval.from_size(4, start=-2) == Interval(-2, 2)
    assert Interval.hull(3) == Interval(3, 4)
    assert Interval.hull(3, Interval(5, 7), np.int64(-1)) == Interval(-1, 7)


def test_interval_padding_grows_shrinks_and_raises_if_empty() -> None:
    assert Interval(3, 10).padded(2) == Interval(3, 10).dilated_by(2) == Interval(1, 12)
    assert Interval(3, 10).padded(-3) == Interval(6, 7)
    with pytest.raises(IndexError):
        Interval(3, 10).padded(-4)


def test_interval_addition_shifts() -> None:
    assert Interval(3, 10) + 5 == Interval(8, 15)
    assert Interval(3, 10) - np.int32(5) == Interval(-2, 5)
    with pytest.raises(TypeError):
        Interval(3, 10) + "1"  # type: ignore[operator]


def test_interval_linspace_includes_both_end_pixels() -> None:
    interval = Interval(3, 10)
    np.testing.assert_array_equal(interval.linspace(), np.arange(3.0, 10.0))
    np.testing.assert_array_equal(interval.linspace(4), [3.0, 5.0, 7.0, 9.0])
    assert interval.linspace(step=2).tolist() == np.linspace(3, 9, 4).tolist()
    assert interval.linspace().dtype == interval.linspace(2).dtype == np.float64


def test_interval_linspace_invalid_arguments_raise() -> None:
    with pytest.raises(TypeError, match="not both"):
        Interval(3, 10).linspace(3, step=1)
    with pytest.raises(GeometryError, match="positive"):
        Interval(3, 10).linspace(step=0)
    with pytest.raises(GeometryError, match="number of positions of linspace must be positive"):
        Interval(3, 10).linspace(0)


def test_interval_in_is_exact_and_contains_extends_half_a_pixel() -> None:
    interval = Interval(3, 10)
    assert 3 in interval and 10 not in interval and 2.6 not in interval and float("nan") not in interval
    positions = [2.49, 2.5, 3, 9.49, 9.5, float("nan")]
    expected = [False, True, True, True, False, False]
    assert [interval.contains(position) for position in positions] == expected
    np.testing.assert_array_equal(interval.contains(positions), expected)
    np.testing.assert_array_equal(interval.contains(np.array(positions)[:, None])[:, 0], expected)


@pytest.mark.parametrize("scalar", [4, 4.0, np.float32(4), np.int8(4), np.array(4)])
def test_interval_contains_scalar_returns_bool(scalar: typing.Any) -> None:
    assert Interval(3, 10).contains(scalar) is True


def test_interval_contains_empty_array_returns_empty_array() -> None:
    inside = Interval(3, 10).contains(np.zeros((0, 2)))
    assert inside.shape == (0, 2) and inside.dtype == bool
    assert Interval(3, 10).contains([]).shape == (0,)


@pytest.mark.parametrize("value", ["4", None, [None], 4j])
def test_interval_contains_non_numeric_raises_type_error(value: typing.Any) -> None:
    with pytest.raises(TypeError, match="real numbers"):
        Interval(3, 10).contains(value)


@fast
@given(intervals(), intervals())
def test_interval_intersection_commutes_and_matches_sets_of_pixels(a: Interval, b: Interval) -> None:
    expected = set(a.range) & set(b.range)
    if expected:
        assert a.intersection(b) == b.intersection(a)
        assert set(a.intersection(b).range) == expected
    else:
        for first, second in ((a, b), (b, a)):
            with pytest.raises(NoOverlapError, match="do not overlap"):
                first.intersection(second)
    assert a.contains(b) is (set(b.range) <= set(a.range))


@fast
@given(intervals(), intervals())
def test_interval_slice_within_selects_same_pixels_or_raises(a: Interval, b: Interval) -> None:
    if set(a.range) <= set(b.range):
        np.testing.assert_array_equal(b.arange[a.slice_within(b)], a.arange)
        assert b.local[a.slice_within(b)] == a
    else:
        with pytest.raises(BoxIndexError, match="does not lie within"):
            a.slice_within(b)


ends = st.one_of(st.none(), st.integers(-40, 40))


@fast
@given(intervals(), ends, ends)
def test_interval_local_slices_match_numpy(interval: Interval, start: int | None, stop: int | None) -> None:
    expected = interval.arange[start:stop]
    if len(expected):
        np.testing.assert_array_equal(interval.local[start:stop].arange, expected)
    else:
        with pytest.raises(BoxIndexError, match="Local slice .* is empty"):
            interval.local[start:stop]


@fast
@given(intervals(), ends, ends)
def test_interval_absolute_slices_outside_parent_raise(
    interval: Interval, start: int | None, stop: int | None
) -> None:
    first = interval.start if start is None else start
    end = interval.stop if stop is None else stop
    if interval.start <= first < end <= interval.stop:
        assert interval.absolute[start:stop] == Interval(first, end)
    else:
        with pytest.raises(IndexError):
            interval.absolute[start:stop]


@pytest.mark.parametrize("factory", [Interval.factory, Interval(3, 20).absolute, Interval(3, 20).local])
def test_interval_factory_slices_with_steps_raise(factory: IntervalSliceFactory) -> None:
    assert factory[3:5:1].size == 2
    with pytest.raises(ValueError, match="non-unit step"):
        factory[3:5:2]
    with pytest.raises(TypeError, match="slice"):
        factory[3]  # type: ignore[index]


def test_interval_factory_without_parent_starts_at_zero_and_requires_stop() -> None:
    assert Interval.factory[:4] == Interval(0, 4)
    assert Interval.factory[-2:4] == Interval(-2, 4)
    with pytest.raises(IndexError, match="requires a stop"):
        Interval.factory[3:]


@pytest.mark.parametrize("key", [slice(30, None), slice(-1, 10)])
def test_interval_local_empty_slice_raises(key: slice) -> None:
    with pytest.raises(IndexError):
        Interval(3, 20).local[key]


@fast
@given(intervals())
def test_interval_copies_and_serialization_preserve_value(interval: Interval) -> None:
    assert pickle.loads(pickle.dumps(interval)) == interval
    assert copy.copy(interval) == copy.deepcopy(interval) == interval
    assert eval(repr(interval)) == interval
    assert ADAPTER.validate_json(ADAPTER.dump_json(interval)) == interval
    assert ADAPTER.validate_python(ADAPTER.dump_python(interval)) == interval
    assert hash(copy.copy(interval)) == hash(Interval(interval.start, interval.stop))


def test_interval_equality_requires_exact_type() -> None:
    class Special(Interval):
        __slots__ = ()

    assert Interval(3, 10) != Special(3, 10)
    assert Special(3, 10) == Special(3, 10)
    assert Interval(3, 10).__eq__((3, 10)) is False


def test_interval_serialized_form_has_start_and_stop() -> None:
    assert ADAPTER.dump_python(Interval(3, 10)) == {"start": 3, "stop": 10}
    assert ADAPTER.validate_python(Interval(3, 10)) == Interval(3, 10)
    schema = ADAPTER.json_schema()
    assert schema["required"] == ["start", "stop"]
    assert {name: member["type"] for name, member in schema["properties"].items()} == {
        "start": "integer",
        "stop": "integer",
    }
    with pytest.raises(pydantic.ValidationError, match="empty"):
        ADAPTER.validate_python({"start": 3, "stop": 3})


def test_interval_contains_annotations_resolve() -> None:
    for function in (Interval.contains, *typing.get_overloads(Interval.contains)):
        assert "other" in typing.get_type_hints(function)


def test_interval_from_legacy_reads_begin_and_end() -> None:
    assert Interval.from_legacy(SimpleNamespace(begin=3, end=10)) == Interval(3, 10)
