# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._geom._box`, `._bounds` and `._coords`."""

from __future__ import annotations

import copy
import json
import pickle
import typing
from types import SimpleNamespace

import astropy.units as u
import numpy as np
import pydantic
import pytest
from astropy.coordinates import Angle, SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import XY, YX, Bounds, Box, Interval, SerializableXY, SerializableYX
from lsst.images.errors import BoxIndexError, GeometryError, NoOverlapError

fast = settings(deadline=None, max_examples=60)
ADAPTER = pydantic.TypeAdapter(Box)
BOX = Box.factory[3:8, -2:10]


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    y0, x0 = draw(st.tuples(st.integers(-20, 20), st.integers(-20, 20)))
    ny, nx = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    return Box(Interval(y0, y0 + ny), Interval(x0, x0 + nx))


def pixels(box: Box) -> set[tuple[int, int]]:
    return {(y, x) for y in box.y.range for x in box.x.range}


def test_pairs_swap_order_and_map_values() -> None:
    assert XY(1, 2).yx == YX(2, 1) and type(XY(1, 2).yx) is YX
    assert YX(1, 2).xy == XY(2, 1) and type(YX(1, 2).xy) is XY
    assert YX(y=1, x=2).map(float) == (1.0, 2.0) and type(YX(1, 2).map(str)) is YX
    assert XY(1, 2).map(str) == ("1", "2") and type(XY(1, 2).map(str)) is XY
    assert XY(1, 2) == YX(1, 2) and XY(1, 2) + XY(3, 4) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("annotation", "pair", "names"),
    [
        (XY, XY(1, 2), ["x", "y"]),
        (YX, YX(1, 2), ["y", "x"]),
        (SerializableXY[int], XY(1, 2), ["x", "y"]),
        (SerializableYX[int], YX(1, 2), ["y", "x"]),
    ],
)
def test_pairs_serialize_as_objects_and_validate_from_lists(
    annotation: typing.Any, pair: typing.Any, names: list[str]
) -> None:
    adapter = pydantic.TypeAdapter(annotation)
    assert adapter.dump_python(pair) == dict(zip(names, (1, 2), strict=True))
    assert json.loads(adapter.dump_json(pair)) == dict(zip(names, (1, 2), strict=True))
    for form in (pair, {"y": pair.y, "x": pair.x}, [1, 2]):
        assert adapter.validate_python(form) == pair
        assert type(adapter.validate_python(form)) is type(pair)
    assert adapter.validate_json("[1, 2]") == pair
    by_order = adapter.json_schema()["anyOf"]
    assert by_order[1]["minItems"] == by_order[1]["maxItems"] == 2


@pytest.mark.parametrize("form", [XY(1, 2), (1, 2), [1], [1, 2, 3], {"y": 1}, YX("a", 1), "12"])
def test_pairs_validation_wrong_order_or_type_raises(form: typing.Any) -> None:
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(SerializableYX[int]).validate_python(form)


def test_box_properties_are_consistent() -> None:
    assert BOX.min == BOX.start == YX(3, -2)
    assert (BOX.max, BOX.stop, BOX.shape, BOX.area) == (YX(7, 9), YX(8, 10), YX(5, 12), 60)
    assert all(type(pair) is YX for pair in (BOX.min, BOX.max, BOX.start, BOX.stop, BOX.shape))
    assert BOX.bbox is BOX
    assert str(BOX) == "[y=3:8, x=-2:10]"
    assert repr(BOX) == "Box(y=Interval(start=3, stop=8), x=Interval(start=-2, stop=10))"
    assert list(BOX.boundary()) == [(3, -2), (3, 9), (7, 9), (7, -2)]


@pytest.mark.parametrize("arguments", [((0, 5), Interval(0, 4)), (Interval(0, 5), slice(0, 4)), (1, 2)])
def test_box_constructor_other_types_raise(arguments: typing.Any) -> None:
    with pytest.raises(TypeError, match="Interval"):
        Box(*arguments)


def test_box_attribute_assignment_raises() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        BOX.y = Interval(0, 1)
    with pytest.raises(AttributeError, match="immutable"):
        del BOX.x


def test_box_from_shape_respects_order_of_pairs() -> None:
    expected = Box.factory[0:5, 0:4]
    assert Box.from_shape((5, 4)) == Box.from_shape(np.zeros((5, 4)).shape) == expected
    assert Box.from_shape(np.array([5, 4])) == Box.from_shape(XY(x=4, y=5)) == expected
    assert Box.from_shape([5, 4], start=XY(x=2, y=1)) == Box.from_shape([5, 4], start=[1, 2])
    assert Box.from_shape([5, 4], start=[1, 2]) == Box.factory[1:6, 2:6]


def test_box_from_shape_invalid_sequences_raise() -> None:
    with pytest.raises(ValueError, match="Invalid sequence for shape"):
        Box.from_shape([5])
    with pytest.raises(ValueError, match="Invalid sequence for start"):
        Box.from_shape([5, 4], start=[1, 2, 3])
    with pytest.raises(TypeError):
        Box.from_shape(5)  # type: ignore[arg-type]


def test_box_from_float_bounds_rounds_to_nearest_pixel_and_inwards_on_edges() -> None:
    assert Box.from_float_bounds(x_min=4.6, x_max=9.4, y_min=-0.5, y_max=2.5) == Box.factory[0:3, 5:10]
    assert Box.from_float_bounds(x_min=0, x_max=0, y_min=-3.4, y_max=-3.4) == Box.factory[-3:-2, 0:1]
    with pytest.raises(GeometryError, match="finite"):
        Box.from_float_bounds(x_min=0, x_max=float("nan"), y_min=0, y_max=1)


class _TangentPlane:
    """A projection with a scale of one degree per pixel."""

    def sky_circle_bounds(self, center: SkyCoord, radius: Angle) -> tuple[float, float, float, float]:
        x, y, r = center.icrs.ra.deg, center.icrs.dec.deg, radius.deg
        return x - r, x + r, y - r, y + r


def test_box_from_sky_circle_uses_bounds_of_projection() -> None:
    center = SkyCoord(10 * u.deg, 20 * u.deg)
    radius = Angle(2.2 * u.deg)
    expected = Box.factory[18:23, 8:13]
    assert Box.from_sky_circle(_TangentPlane(), center, radius) == expected
    assert Box.from_sky_circle(sky_projection=_TangentPlane(), center=center, radius=radius) == expected


def test_box_from_sky_circle_arrays_raise() -> None:
    center = SkyCoord(10 * u.deg, 20 * u.deg)
    with pytest.raises(ValueError, match="scalar SkyCoord"):
        Box.from_sky_circle(_TangentPlane(), SkyCoord([1, 2] * u.deg, [1, 2] * u.deg), Angle(1 * u.deg))
    with pytest.raises(ValueError, match="scalar Angle"):
        Box.from_sky_circle(_TangentPlane(), center, Angle([1, 2] * u.deg))


def test_box_factory_accepts_slices_as_pairs_and_rejects_other_keys() -> None:
    assert Box.factory[1:2, 3:4] == Box.factory[XY(slice(3, 4), slice(1, 2))]
    assert Box.factory[YX(slice(1, 2), slice(3, 4))] == Box.factory[1:2, 3:4]
    for key in (slice(1, 2), (slice(1, 2),), (slice(1, 2),) * 3, 3):
        with pytest.raises(TypeError, match="two slices"):
            Box.factory[key]  # type: ignore[index]
    with pytest.raises(TypeError, match="slice"):
        BOX.local[0, 1]  # type: ignore[index]


def test_box_meshgrid_returns_positions_of_box_shape() -> None:
    grid = BOX.meshgrid()
    assert type(grid) is XY and grid.x.shape == BOX.shape
    np.testing.assert_array_equal(grid.x[0], BOX.x.arange)
    np.testing.assert_array_equal(grid.y[:, 0], BOX.y.arange)
    assert BOX.meshgrid(3).x.shape == (3, 3)
    assert BOX.meshgrid([3, 4]).x.shape == BOX.meshgrid(YX(y=4, x=3)).x.shape == (4, 3)
    assert BOX.meshgrid(step=2).x.shape == (3, 6)


def test_box_meshgrid_invalid_arguments_raise() -> None:
    with pytest.raises(TypeError, match="not both"):
        BOX.meshgrid(3, step=2)
    for n in ([1, 2, 3], "ab", object()):
        with pytest.raises(ValueError, match="Invalid value for n"):
            BOX.meshgrid(n)  # type: ignore[arg-type]


def test_box_contains_positions_within_half_a_pixel() -> None:
    assert BOX.contains(y=2.5, x=9.49) is True
    assert BOX.contains(XY(x=9.5, y=3)) is False
    assert BOX.contains(YX(y=np.float64(3), x=np.int64(0))) is True
    assert BOX.contains(x=float("nan"), y=3) is False
    np.testing.assert_array_equal(BOX.contains(x=[9.49, 9.5, np.nan], y=3), [True, False, False])
    np.testing.assert_array_equal(
        BOX.contains(x=np.array([[0, 20]]), y=np.array([[0], [5]])), [[False, False], [True, False]]
    )
    assert BOX.contains(x=[], y=[]).shape == (0,)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((), {"x": 1}),
        ((BOX,), {"x": 1, "y": 1}),
        ((XY(1, 1),), {"x": 1}),
        (((1, 2),), {}),
        ((Interval(0, 1),), {}),
        ((3,), {}),
    ],
)
def test_box_contains_incomplete_or_mixed_arguments_raise(args: typing.Any, kwargs: typing.Any) -> None:
    with pytest.raises(TypeError, match=r"Box\.contains"):
        BOX.contains(*args, **kwargs)


@fast
@given(boxes(), boxes())
def test_box_intersection_commutes_and_matches_sets_of_pixels(a: Box, b: Box) -> None:
    expected = pixels(a) & pixels(b)
    if expected:
        assert a.intersection(b) == b.intersection(a)
        assert pixels(a.intersection(b)) == expected
    else:
        for first, second in ((a, b), (b, a)):
            with pytest.raises(NoOverlapError, match="do not overlap"):
                first.intersection(second)
    assert a.contains(b) is (pixels(b) <= pixels(a))
    assert a.intersection(a) is a


@fast
@given(boxes(), boxes())
def test_box_slice_within_selects_same_pixels_or_raises(a: Box, b: Box) -> None:
    if pixels(a) <= pixels(b):
        slices = a.slice_within(b)
        assert type(slices) is YX
        np.testing.assert_array_equal(b.meshgrid().x[slices], a.meshgrid().x)
        np.testing.assert_array_equal(b.meshgrid().y[slices], a.meshgrid().y)
        assert b.local[slices] == a
        assert b.absolute[a.y.start : a.y.stop, a.x.start : a.x.stop] == a
    else:
        with pytest.raises(BoxIndexError, match="does not lie within") as caught:
            a.slice_within(b)
        assert isinstance(caught.value, IndexError)


@fast
@given(boxes(), st.integers(0, 5))
def test_box_padding_is_reversible(box: Box, padding: int) -> None:
    padded = box.padded(padding)
    assert padded == box.dilated_by(padding)
    assert padded.padded(-padding) == box
    assert padded.contains(box)


@fast
@given(boxes())
def test_box_copies_and_serialization_preserve_value(box: Box) -> None:
    assert pickle.loads(pickle.dumps(box)) == box
    assert copy.copy(box) == copy.deepcopy(box) == box
    assert eval(repr(box)) == box
    assert ADAPTER.validate_json(ADAPTER.dump_json(box)) == box
    assert ADAPTER.validate_python(ADAPTER.dump_python(box)) == box
    assert ADAPTER.validate_python({"y": box.y, "x": box.x}) == box
    assert box.serialize().deserialize() is box
    assert Box.deserialize(box) is box
    assert hash(box) == hash(pickle.loads(pickle.dumps(box)))


def test_box_serialized_form_has_y_before_x() -> None:
    assert ADAPTER.dump_json(BOX) == b'{"y":{"start":3,"stop":8},"x":{"start":-2,"stop":10}}'
    assert ADAPTER.json_schema()["required"] == ["y", "x"]
    with pytest.raises(pydantic.ValidationError, match="empty"):
        ADAPTER.validate_json('{"y":{"start":3,"stop":3},"x":{"start":-2,"stop":10}}')


def test_box_equality_requires_exact_type() -> None:
    assert BOX != (BOX.y, BOX.x)
    assert BOX.__eq__(None) is False
    assert BOX != BOX.padded(1)


def test_box_is_instance_and_subclass_of_bounds() -> None:
    assert isinstance(BOX, Bounds) and issubclass(Box, Bounds)
    assert not isinstance(BOX.y, Bounds) and not issubclass(Interval, Bounds)
    assert not issubclass(Bounds, Box)


@pytest.mark.parametrize("function", [Box.contains, Bounds.contains])
def test_contains_annotations_resolve(function: typing.Any) -> None:
    overloads = typing.get_overloads(function)
    assert overloads
    for one in (function, *overloads):
        assert "return" in typing.get_type_hints(one)


def test_box_from_legacy_reads_both_intervals() -> None:
    legacy = SimpleNamespace(x=SimpleNamespace(begin=-2, end=10), y=SimpleNamespace(begin=3, end=8))
    assert Box.from_legacy(legacy) == BOX


def test_box_from_shape_zero_size_raises() -> None:
    with pytest.raises(BoxIndexError, match="empty"):
        Box.from_shape((5, 0))
