# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._geom._set_ops`, `._intersection` and `._serialize`."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import typing

import numpy as np
import pydantic
import pytest
import shapely
from lsst.images import (
    XY,
    YX,
    Bounds,
    Box,
    Interval,  # noqa: F401  (the repr of a box is evaluated)
    Polygon,
    Region,
)
from lsst.images._geom import (  # private: functions behind the operators and the models of bounds
    BoundsSerializationModel,
    IntersectionBounds,
    SerializableBounds,
    deserialize_bounds,
    intersect,
    register_intersection,
    serialize_bounds,
)
from lsst.images.cells import CellGrid, CellGridBounds, CellIJ
from lsst.images.errors import DuplicateRegistrationError, NoOverlapError, UnserializableTypeError
from lsst.images.plugins import BoundsSpec, hookimpl, registry
from numpy import array  # noqa: F401  (the repr of a polygon is evaluated)

BOX = Box.factory[5:40, 5:50]
GRID = CellGrid(Box.factory[0:60, 0:60], YX(y=10, x=20))
CELLS = CellGridBounds(GRID, Box.factory[0:50, 0:60], frozenset({CellIJ(1, 1), CellIJ(3, 0)}))
OTHER_CELLS = CellGridBounds(
    CellGrid(Box.factory[3:51, 3:51], YX(y=8, x=12)), Box.factory[3:51, 3:51], frozenset({CellIJ(2, 1)})
)
TRIANGLE = Polygon(x_vertices=[1.2, 52.7, 20.3], y_vertices=[2.1, 9.9, 57.3])
HOLED = Region(shapely.box(-10, -10, 45.3, 45.3).difference(shapely.box(20.1, 20.1, 30.2, 25.2)))
LAZY = IntersectionBounds(TRIANGLE, CELLS)
ALL = [BOX, CELLS, OTHER_CELLS, TRIANGLE, HOLED, LAZY]
ADAPTER = pydantic.TypeAdapter(BoundsSerializationModel)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(ALL, ALL)))
def test_intersection_contains_common_points_of_operands(a: Bounds, b: Bounds) -> None:
    x, y = np.meshgrid(np.arange(-3, 63), np.arange(-3, 63))
    both = a.intersection(b)
    # The positions are centres of pixels, which are never on the edge of a box.
    np.testing.assert_array_equal(both.contains(x=x, y=y), a.contains(x=x, y=y) & b.contains(x=x, y=y))
    assert both.contains(XY(12.0, 13.0)) is (a.contains(x=12, y=13) and b.contains(x=12, y=13))
    assert a.bbox.contains(both.bbox) and b.bbox.contains(both.bbox)
    assert isinstance(both, Bounds)
    assert intersect(a, b) == both


@pytest.mark.parametrize("bounds", ALL, ids=lambda bounds: type(bounds).__name__)
def test_intersection_with_itself_is_identity(bounds: Bounds) -> None:
    assert bounds.intersection(bounds) == bounds


@pytest.mark.parametrize("bounds", ALL, ids=lambda bounds: type(bounds).__name__)
def test_intersection_disjoint_bounds_raises(bounds: Bounds) -> None:
    distant = Box.factory[1000:1001, 1000:1001]
    for a, b in ((bounds, distant), (distant, bounds), (bounds, distant.to_polygon())):
        with pytest.raises(NoOverlapError, match="do not overlap"):
            a.intersection(b)


@pytest.mark.parametrize("bounds", ALL, ids=lambda bounds: type(bounds).__name__)
@pytest.mark.parametrize("other", [None, 3, "box", (slice(0, 1), slice(0, 1))])
def test_intersection_other_types_raise(bounds: Bounds, other: typing.Any) -> None:
    with pytest.raises(TypeError, match="Bounds"):
        bounds.intersection(other)


def test_intersection_box_and_cells_returns_simplest_form() -> None:
    assert CELLS.intersection(Box.factory[-9:90, -9:90]) is CELLS
    assert CELLS.intersection(Box.factory[1:9, 1:59]) == Box.factory[1:9, 1:59]
    assert CELLS.intersection(Box.factory[40:90, 0:7]) == Box.factory[40:50, 0:7]
    snapped = Box.factory[10:20, -7:40].intersection(CELLS)
    assert snapped == CellGridBounds(GRID, Box.factory[10:20, 0:40], frozenset({CellIJ(1, 1)}))
    assert type(Box.factory[11:20, 0:40].intersection(CELLS)) is IntersectionBounds


def test_intersection_cells_of_same_grid_merges_missing_cells() -> None:
    other = CellGridBounds(GRID, Box.factory[10:60, 20:60], frozenset({CellIJ(4, 2)}))
    assert CELLS.intersection(other) == CellGridBounds(
        GRID, Box.factory[10:50, 20:60], frozenset({CellIJ(1, 1), CellIJ(4, 2)})
    )
    assert type(CELLS.intersection(OTHER_CELLS)) is IntersectionBounds


def test_intersection_lazy_simplifies_one_operand_if_possible() -> None:
    absorbed = LAZY.intersection(BOX)
    assert type(absorbed) is IntersectionBounds
    assert absorbed == IntersectionBounds(TRIANGLE.intersection(BOX), CELLS)
    merged = LAZY.intersection(CellGridBounds(GRID, Box.factory[0:20, 0:60]))
    fewer = CellGridBounds(GRID, Box.factory[0:20, 0:60], frozenset({CellIJ(1, 1)}))
    assert merged == IntersectionBounds(TRIANGLE, fewer)
    nested = LAZY.intersection(OTHER_CELLS)
    assert nested == IntersectionBounds(LAZY, OTHER_CELLS)


def test_intersection_lazy_text_equality_and_pickling() -> None:
    assert str(LAZY) == f"({TRIANGLE}) ∩ ({CELLS})"
    assert repr(LAZY) == f"IntersectionBounds(a={TRIANGLE!r}, b={CELLS!r})"
    assert LAZY.bbox == TRIANGLE.bbox.intersection(CELLS.bbox)
    for other in (eval(repr(LAZY)), pickle.loads(pickle.dumps(LAZY)), copy.deepcopy(LAZY)):
        assert other == LAZY and hash(other) == hash(LAZY)
    assert IntersectionBounds(CELLS, TRIANGLE) == LAZY
    assert LAZY != TRIANGLE
    assert LAZY.contains(x=np.zeros((0, 2)), y=0).shape == (0, 2)
    with pytest.raises(TypeError, match=r"IntersectionBounds\.contains"):
        LAZY.contains(y=1)  # type: ignore[call-overload]


NESTED = IntersectionBounds(LAZY, OTHER_CELLS)


@pytest.mark.parametrize("bounds", [*ALL, NESTED], ids=lambda bounds: type(bounds).__name__)
def test_bounds_serialization_round_trips(bounds: Bounds) -> None:
    serialized = serialize_bounds(bounds)
    assert serialized.deserialize() == bounds
    assert deserialize_bounds(serialized) == bounds
    for value in (serialized, bounds):
        dumped = ADAPTER.dump_json(ADAPTER.validate_python(value))
        assert ADAPTER.validate_json(dumped).deserialize() == bounds
        assert deserialize_bounds(json.loads(dumped)) == bounds
    python = ADAPTER.dump_python(ADAPTER.validate_python(serialized))
    assert ADAPTER.validate_python(python).deserialize() == bounds


@pytest.mark.parametrize("value", [{}, {"y": 1}, {"a": {}}, 5, None, "box", [1, 2]])
def test_deserialize_bounds_invalid_form_raises(value: typing.Any) -> None:
    with pytest.raises(pydantic.ValidationError, match="Expected stored bounds with the members"):
        deserialize_bounds(value)


def test_bounds_validation_errors_refer_to_matching_kind_only() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        ADAPTER.validate_json('{"grid": {}, "bbox": {"y": {"start": 0, "stop": 1}}}')
    assert {error["loc"][0] for error in caught.value.errors()} == {"cells"}


def test_serialize_bounds_other_types_raise() -> None:
    with pytest.raises(UnserializableTypeError, match="register_bounds"):
        serialize_bounds(3)  # type: ignore[arg-type]


def test_bounds_json_schema_lists_builtin_kinds_recursively() -> None:
    schema = ADAPTER.json_schema()
    definitions = schema["$defs"]
    kinds = definitions["BoundsSerializationModel"]["anyOf"]
    assert kinds[0]["title"] == "_SerializedBox"
    assert [kind["$ref"].rpartition("/")[2] for kind in kinds[1:]] == [
        "CellGridBounds",
        "RegionSerializationModel",
        "IntersectionBoundsSerializationModel",
    ]
    operand = definitions["IntersectionBoundsSerializationModel"]["properties"]["a"]
    assert operand == {"$ref": "#/$defs/BoundsSerializationModel"}


def test_serializable_bounds_alias_is_accepted_as_field_type() -> None:
    class Model(pydantic.BaseModel):
        bounds: SerializableBounds | None = None

    model = Model(bounds=TRIANGLE)
    assert Model.model_validate_json(model.model_dump_json()).bounds.deserialize() == TRIANGLE
    assert Model().model_dump() == {"bounds": None}


class _Circle:
    """Third-party bounds."""

    def __init__(self, x: float, y: float, radius: float) -> None:
        self.x, self.y, self.radius = x, y, radius

    @property
    def bbox(self) -> Box:
        return Box.from_float_bounds(
            x_min=self.x - self.radius,
            x_max=self.x + self.radius,
            y_min=self.y - self.radius,
            y_max=self.y + self.radius,
        )

    def contains(
        self, point: typing.Any = None, /, *, x: typing.Any = None, y: typing.Any = None
    ) -> typing.Any:
        x, y = (point.x, point.y) if point is not None else (x, y)
        inside = (np.asarray(x) - self.x) ** 2 + (np.asarray(y) - self.y) ** 2 < self.radius**2
        return inside if np.ndim(inside) else bool(inside)

    def intersection(self, other: typing.Any, /) -> typing.Any:
        return intersect(self, other)

    def serialize(self) -> _CircleModel:
        return _CircleModel(x=self.x, y=self.y, radius=self.radius)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Circle) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class _CircleModel(pydantic.BaseModel):
    x: float
    y: float
    radius: float

    def deserialize(self) -> _Circle:
        return _Circle(self.x, self.y, self.radius)


class _BigCircle(_Circle):
    """Third-party bounds with a registered intersection function for boxes."""


class _Circles:
    """A plugin that declares circles."""

    @staticmethod
    @hookimpl
    def register_bounds() -> list[BoundsSpec]:
        return [
            BoundsSpec(
                pytype=f"{__name__}:_Circle",
                model=f"{__name__}:_CircleModel",
                members=frozenset({"x", "y", "radius"}),
            )
        ]


@pytest.fixture
def clean_registry() -> typing.Iterator[None]:
    yield
    registry.unregister("circles")
    registry.unregister("more circles")


def test_intersection_third_party_bounds_uses_registered_function_or_is_lazy() -> None:
    circle = _Circle(20, 20, 10)
    assert isinstance(circle, Bounds)
    both = BOX.intersection(circle)
    assert type(both) is IntersectionBounds
    assert both.contains(x=20, y=20) is True and both.contains(x=20, y=31) is False
    register_intersection(_BigCircle, Box, lambda big, box: box)
    assert BOX.intersection(_BigCircle(20, 20, 99)) is BOX
    assert _BigCircle(20, 20, 99).intersection(BOX) is BOX
    assert type(_BigCircle(20, 20, 99).intersection(TRIANGLE)) is IntersectionBounds


def test_register_intersection_duplicate_pair_raises_unless_replaced() -> None:
    class Left(_Circle):
        pass

    class Right(_Circle):
        pass

    register_intersection(Left, Right, lambda left, right: left)
    for pair in ((Left, Right), (Right, Left)):
        with pytest.raises(DuplicateRegistrationError, match="already registered"):
            register_intersection(*pair, lambda a, b: a)
    left, right = Left(0, 0, 9), Right(0, 0, 9)
    assert intersect(right, left) is left
    register_intersection(Right, Left, lambda right, left: right, replace=True)
    assert intersect(left, right) is right


def test_bounds_serialization_third_party_type_requires_declaration(clean_registry: None) -> None:
    circle = _Circle(20, 20, 10)
    with pytest.raises(UnserializableTypeError, match="register_bounds"):
        serialize_bounds(circle)
    before = ADAPTER.json_schema()
    registry.register(_Circles, name="circles")
    both = IntersectionBounds(circle, CELLS)
    for bounds in (circle, both):
        dumped = ADAPTER.dump_json(ADAPTER.validate_python(bounds))
        assert ADAPTER.validate_json(dumped).deserialize() == bounds
        assert deserialize_bounds(serialize_bounds(bounds)) == bounds
        assert ADAPTER.validate_python(ADAPTER.dump_python(serialize_bounds(bounds))).deserialize() == bounds
    assert deserialize_bounds({"y": {"start": 0, "stop": 1}, "x": {"start": 0, "stop": 1}}).bbox.area == 1
    assert ADAPTER.json_schema() == before
    with pytest.raises(DuplicateRegistrationError, match="radius"):
        registry.register(_Circles(), name="more circles")
        serialize_bounds(circle)
