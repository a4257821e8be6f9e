# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._geom._polygon` and `._region`, with shapely as the reference."""

from __future__ import annotations

import copy
import pickle
import re
import typing
from types import SimpleNamespace

import numpy as np
import pydantic
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lsst.images import XY, YX, Bounds, Box, Polygon, Region, RegionSerializationModel
from lsst.images.errors import GeometryError, NoOverlapError
from numpy import array  # noqa: F401  (used by the repr of a polygon in eval)

fast = settings(deadline=None, max_examples=40)
TRIANGLE = Polygon(x_vertices=[0, 10, 5], y_vertices=[0, 0, 9])
HOLED = Region(shapely.box(0, 0, 20, 20).difference(shapely.box(5, 5, 8, 9)))
ISLANDS = Region(shapely.MultiPolygon([shapely.box(0, 0, 3, 3), shapely.box(6, 6, 9.25, 9)]))
REGIONS = [TRIANGLE, HOLED, ISLANDS]


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    """Draw a star-shaped polygon, which never crosses itself."""
    n = draw(st.integers(3, 7))
    radii = draw(st.lists(st.floats(2, 15), min_size=n, max_size=n))
    x0, y0 = draw(st.tuples(st.floats(-10, 10), st.floats(-10, 10)))
    angles = 2 * np.pi * np.arange(n) / n
    return Polygon(x_vertices=x0 + radii * np.cos(angles), y_vertices=y0 + radii * np.sin(angles))


class _Scale:
    """The minimal interface of a transform."""

    def apply_forward(self, *, x: typing.Any, y: typing.Any) -> XY[typing.Any]:
        return XY(2.0 * np.asarray(x) + 1.0, -np.asarray(y))


def test_polygon_vertices_are_read_only_copies() -> None:
    given_x = np.array([0.0, 10.0, 5.0])
    polygon = Polygon(x_vertices=given_x, y_vertices=[0, 0, 9])
    given_x[0] = 99.0
    assert polygon.x_vertices.tolist() == [0.0, 10.0, 5.0]
    assert polygon.y_vertices.dtype == np.float64
    assert polygon.n_vertices == 3
    for vertices in (polygon.x_vertices, polygon.y_vertices):
        with pytest.raises(ValueError, match="read-only"):
            vertices[0] = 1.0


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0, 1], [0, 1], "three vertices"),
        ([0, 1, 0], [0, 1, 0], "three vertices"),
        ([0, 1, 2], [0, 1], "equally long"),
        ([[0, 1, 2]], [[0, 1, 2]], "equally long"),
        ([0, 1, np.nan], [0, 1, 0], "must be finite"),
        ([0, 1, 2], [0, np.inf, 0], "must be finite"),
        ([0, 1, 1e40], [0, 1, 0], r"vertex \(x=1e\+40, y=0.0\) .* is outside .* must not exceed 2\*\*52"),
        ([0, 1, 2], [0, -(2.0**53), 0], r"y=-9007199254740992.0\) .* is outside .* must not exceed"),
    ],
)
def test_polygon_invalid_vertices_raise(x: typing.Any, y: typing.Any, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        Polygon(x_vertices=x, y_vertices=y)


def test_region_geometry_without_area_raises() -> None:
    with pytest.raises(TypeError, match="shapely Polygon or MultiPolygon"):
        Region(shapely.Point(0, 0))
    with pytest.raises(AttributeError, match="immutable"):
        HOLED.geometry = None  # type: ignore[attr-defined]


@pytest.mark.parametrize("coordinate", [1e40, -(2.0**53)])
def test_region_vertices_beyond_max_coordinate_raise(coordinate: float) -> None:
    with pytest.raises(GeometryError, match=re.escape(f"vertex (x=6.0, y={coordinate!r})")):
        Region(
            shapely.MultiPolygon(
                [shapely.box(0, 0, 1, 1), shapely.Polygon([(5, 5), (6, 5), (6, coordinate)])]
            )
        )


def test_polygon_from_box_accepts_widest_box() -> None:
    widest = Box.factory[-(2**52) : 2**52, -(2**52) : 2**52]
    assert Polygon.from_box(widest).bbox.contains(widest)


def test_polygon_repeated_closing_vertex_is_dropped() -> None:
    closed = Polygon(x_vertices=[0, 10, 5, 0], y_vertices=[0, 0, 9, 0])
    assert closed.n_vertices == 3
    assert closed == TRIANGLE


def test_polygon_from_box_extends_half_a_pixel() -> None:
    box = Box.factory[2:5, -3:7]
    polygon = Polygon.from_box(box)
    assert polygon.x_vertices.tolist() == [-3.5, -3.5, 6.5, 6.5]
    assert polygon.y_vertices.tolist() == [1.5, 4.5, 4.5, 1.5]
    assert polygon.bbox == box
    assert polygon.area == box.area
    assert polygon.centroid == XY(1.5, 3.0) and type(polygon.centroid) is XY
    assert polygon.try_to_box() == box
    made = box.to_polygon()
    assert type(made) is Polygon and made == polygon


@fast
@given(polygons())
def test_polygon_area_bounds_and_centroid_match_shapely(polygon: Polygon) -> None:
    reference = shapely.Polygon(list(zip(polygon.x_vertices, polygon.y_vertices, strict=True)))
    assert polygon.area == reference.area
    assert polygon.centroid == (reference.centroid.x, reference.centroid.y)
    x_min, y_min, x_max, y_max = reference.bounds
    assert polygon.bbox == Box.from_float_bounds(x_min=x_min, x_max=x_max, y_min=y_min, y_max=y_max)
    assert shapely.from_wkt(str(polygon)).equals_exact(reference)


@fast
@given(polygons())
def test_polygon_round_trips_preserve_vertices(polygon: Polygon) -> None:
    adapter = pydantic.TypeAdapter(Polygon)
    copies = [
        pickle.loads(pickle.dumps(polygon)),
        copy.deepcopy(polygon),
        eval(repr(polygon)),
        polygon.serialize().deserialize(),
        adapter.validate_json(adapter.dump_json(polygon)),
        adapter.validate_python(adapter.dump_python(polygon)),
        Region.from_wkt(polygon.wkt),
        Region(polygon.to_shapely()).try_to_polygon(),
    ]
    for other in copies:
        assert type(other) is Polygon
        np.testing.assert_array_equal(other.x_vertices, polygon.x_vertices)
        np.testing.assert_array_equal(other.y_vertices, polygon.y_vertices)
        assert other == polygon and hash(other) == hash(polygon)


@pytest.mark.parametrize("region", [HOLED, ISLANDS], ids=["holed", "islands"])
def test_region_round_trips_preserve_value(region: Region) -> None:
    adapter = pydantic.TypeAdapter(Region)
    for other in (
        pickle.loads(pickle.dumps(region)),
        eval(repr(region)),
        region.serialize().deserialize(),
        adapter.validate_json(adapter.dump_json(region)),
    ):
        assert type(other) is Region
        assert other == region and hash(other) == hash(region)
    with pytest.raises(pydantic.ValidationError, match="single polygon"):
        pydantic.TypeAdapter(Polygon).validate_json(adapter.dump_json(region))


def test_polygon_repr_keeps_all_digits_and_vertices() -> None:
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    polygon = Polygon(x_vertices=np.cos(angles), y_vertices=np.sin(angles))
    np.testing.assert_array_equal(eval(repr(polygon)).x_vertices, polygon.x_vertices)


@fast
@given(polygons(), st.integers(0, 2**32 - 1))
def test_polygon_contains_matches_shapely(polygon: Polygon, seed: int) -> None:
    x, y = np.random.default_rng(seed).uniform(-25, 25, (2, 50))
    expected = shapely.contains_xy(shapely.Polygon(polygon.to_shapely().exterior), x, y)
    np.testing.assert_array_equal(polygon.contains(x=x, y=y), expected)
    np.testing.assert_array_equal(polygon.contains(XY(x, y)), expected)
    for i in range(3):
        assert polygon.contains(x=x[i], y=y[i]) is bool(expected[i])
        assert polygon.contains(YX(y=y[i], x=x[i])) is bool(expected[i])


def test_region_contains_broadcasts_and_excludes_holes_and_nan() -> None:
    inside = HOLED.contains(x=np.array([[1.0, 6.0, 19.0]]), y=[[1.0], [6.0]])
    np.testing.assert_array_equal(inside, [[True, True, True], [True, False, True]])
    assert HOLED.contains(x=float("nan"), y=1.0) is False
    np.testing.assert_array_equal(HOLED.contains(x=[np.nan, 1.0], y=[1.0, np.nan]), [False, False])
    assert HOLED.contains(x=np.zeros((0, 3)), y=0).shape == (0, 3)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((), {"x": 1}), ((TRIANGLE,), {"x": 1, "y": 1}), (((1, 2),), {}), ((), {"x": "1", "y": 2})],
)
def test_region_contains_invalid_arguments_raise(args: typing.Any, kwargs: typing.Any) -> None:
    with pytest.raises(TypeError, match=r"Region\.contains"):
        TRIANGLE.contains(*args, **kwargs)


@pytest.mark.parametrize("region", REGIONS, ids=["triangle", "holed", "islands"])
def test_region_contains_itself(region: Region) -> None:
    assert region.contains(region) is True
    assert isinstance(region, Bounds)


@fast
@given(polygons(), polygons())
def test_polygon_set_operations_match_shapely(a: Polygon, b: Polygon) -> None:
    first, second = a.to_shapely(), b.to_shapely()
    assert a.union(b).area == pytest.approx(first.union(second).area)
    assert a.difference(b).area == pytest.approx(first.difference(second).area, abs=1e-9)
    assert a.contains(b) is bool(first.covers(second))
    common = first.intersection(second).area
    assume(common == 0.0 or common > 1e-6)
    if common == 0.0:
        with pytest.raises(NoOverlapError, match="do not overlap"):
            a.intersection(b)
    else:
        assert a.intersection(b).area == pytest.approx(common)
        assert b.intersection(a).area == pytest.approx(common)


def test_region_set_operations_simplify_and_allow_empty_result() -> None:
    assert type(HOLED.union(Region(shapely.box(4, 4, 10, 10)))) is Polygon
    assert type(TRIANGLE.union(Polygon.from_box(Box.factory[40:42, 0:2]))) is Region
    nothing = TRIANGLE.difference(TRIANGLE)
    assert nothing.area == 0.0
    assert nothing == HOLED.difference(HOLED) and hash(nothing) == hash(HOLED.difference(HOLED))
    assert nothing.serialize().deserialize() == nothing
    with pytest.raises(GeometryError, match="empty region"):
        _ = nothing.bbox
    with pytest.raises(NoOverlapError):
        nothing.intersection(nothing)
    with pytest.raises(TypeError, match="expected a Region"):
        TRIANGLE.union(Box.factory[0:1, 0:1])  # type: ignore[arg-type]


def test_polygon_intersection_touching_raises() -> None:
    left, right = Polygon.from_box(Box.factory[0:3, 0:3]), Polygon.from_box(Box.factory[0:3, 3:5])
    with pytest.raises(NoOverlapError):
        left.intersection(right)


def test_polygon_intersection_contained_operand_is_returned() -> None:
    assert TRIANGLE.intersection(Polygon.from_box(Box.factory[-5:20, -5:20])) is TRIANGLE
    assert TRIANGLE.intersection(Box.factory[-5:20, -5:20]) is TRIANGLE
    twin = Polygon(x_vertices=[10, 5, 0], y_vertices=[0, 9, 0])
    assert TRIANGLE.intersection(twin) is TRIANGLE


def test_polygon_intersection_with_box_returns_box_if_exact() -> None:
    tilted = Polygon(x_vertices=[-20, 0, 20, 0], y_vertices=[0, 20, 0, -20])
    box = Box.factory[-2:3, -1:4]
    assert box.intersection(tilted) == tilted.intersection(box) == box
    half = Polygon.from_box(Box.factory[0:4, 0:4])
    assert half.intersection(Box.factory[2:9, 3:9]) == Box.factory[2:4, 3:4]
    cut = tilted.intersection(Box.factory[0:20, 0:20])
    assert type(cut) is Polygon
    assert cut.area == pytest.approx(
        tilted.to_shapely().intersection(shapely.box(-0.5, -0.5, 19.5, 19.5)).area
    )
    with pytest.raises(NoOverlapError):
        tilted.intersection(Box.factory[100:101, 0:1])


def test_polygon_try_to_box_unaligned_rectangle_returns_polygon() -> None:
    region = Polygon(x_vertices=[0, 0, 3, 3], y_vertices=[0, 3, 3, 0])
    assert region.try_to_box() is region
    assert TRIANGLE.try_to_box() is TRIANGLE
    assert HOLED.try_to_polygon() is HOLED and TRIANGLE.try_to_polygon() is TRIANGLE


def test_polygon_set_operations_repair_self_intersections() -> None:
    bow_tie = Polygon(x_vertices=[0, 4, 0, 4], y_vertices=[0, 4, 4, 0])
    common = bow_tie.intersection(Polygon(x_vertices=[-9, -9, 9, 9], y_vertices=[2, 9, 9, 2]))
    assert common.area == pytest.approx(4.0)
    assert bow_tie == bow_tie.serialize().deserialize()


def test_polygon_equality_ignores_order_of_vertices() -> None:
    assert Polygon(x_vertices=[5, 10, 0], y_vertices=[9, 0, 0]) == TRIANGLE
    assert Polygon(x_vertices=[0, 5, 10, 5], y_vertices=[0, 0, 0, 9]) == TRIANGLE
    assert Polygon(x_vertices=[0, 10, 5.5], y_vertices=[0, 0, 9]) != TRIANGLE
    assert TRIANGLE != Box.factory[0:1, 0:1]


@pytest.mark.parametrize("wkt", ["POINT (1 2)", "LINESTRING (0 0, 1 1)", "nonsense", "POLYGON ((0 0, 1 1))"])
def test_region_from_wkt_other_geometries_raise(wkt: str) -> None:
    with pytest.raises(ValueError, match=r"[Ww]ell-known text"):
        Region.from_wkt(wkt)


@pytest.mark.parametrize("region", [*REGIONS, TRIANGLE.difference(TRIANGLE)], ids=str)
def test_region_wkt_of_short_numbers_matches_shapely(region: Region) -> None:
    assert region.wkt == region.to_shapely().wkt


def test_region_transform_maps_vertices_in_order() -> None:
    mapped = TRIANGLE.transform(_Scale())
    assert type(mapped) is Polygon
    assert mapped.x_vertices.tolist() == [1.0, 21.0, 11.0]
    assert mapped.y_vertices.tolist() == [0.0, 0.0, -9.0]
    assert HOLED.transform(_Scale()).area == pytest.approx(2 * HOLED.area)
    assert type(HOLED.transform(_Scale())) is Region
    assert Box.factory[0:4, 0:4].transform(_Scale()).area == 32.0


def test_region_serialized_form_is_geojson() -> None:
    assert TRIANGLE.serialize().model_dump(mode="json") == {
        "type": "Polygon",
        "coordinates": [[[0.0, 0.0], [10.0, 0.0], [5.0, 9.0], [0.0, 0.0]]],
    }
    for region in REGIONS:
        reference = shapely.geometry.mapping(region.to_shapely())
        stored = region.serialize().model_dump()
        assert stored["type"] == reference["type"]
        assert shapely.geometry.shape(stored).equals(region.to_shapely())
    open_ring = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [5, 9]]]}
    assert RegionSerializationModel.model_validate(open_ring).deserialize() == TRIANGLE


@pytest.mark.parametrize(
    "coordinates", [[[[0, 0]]], [[[[0, 0], [1, 1], [2, 0]]]], [[[0, 0], [1, 1], [2, 0]], [[0, 0]]]]
)
def test_region_deserialize_invalid_coordinates_raise(coordinates: typing.Any) -> None:
    model = RegionSerializationModel(type="Polygon", coordinates=coordinates)
    with pytest.raises(GeometryError, match="Invalid coordinates of a stored Polygon"):
        model.deserialize()


def test_region_json_schema_is_that_of_serialization_model() -> None:
    expected = RegionSerializationModel.model_json_schema()
    for pytype in (Region, Polygon):
        assert pydantic.TypeAdapter(pytype).json_schema() == expected


def test_polygon_from_legacy_drops_closing_vertex() -> None:
    points = [SimpleNamespace(x=float(x), y=float(y)) for x, y in ((0, 0), (5, 9), (10, 0), (0, 0))]
    polygon = Polygon.from_legacy(SimpleNamespace(getVertices=lambda: points))
    assert polygon.n_vertices == 3
    assert polygon == TRIANGLE
