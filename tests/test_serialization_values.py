# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Arrays, tables, units, quantities and times as JSON."""

from __future__ import annotations

import json
from typing import Any

import astropy.table
import astropy.time
import astropy.units as u
import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pydantic
import pytest
from lsst.images.errors import ArchiveReadError, CorruptArchiveError, UnsupportedTableError
from lsst.images.json import JsonInputArchive
from lsst.images.serialization import (
    AnyArrayModel,
    ArrayReferenceModel,
    ArrayReferenceQuantityModel,
    InlineArray,
    InlineArrayModel,
    InlineArrayQuantity,
    InlineArrayQuantityModel,
    NumberType,
    Quantity,
    TableColumnModel,
    TableModel,
    Time,
    Unit,
    format_unit,
    is_integer,
    parse_unit,
    split_quantity,
)

ARCHIVE = JsonInputArchive({})
REFERENCE = {"source": "fits:IMAGE", "shape": [64, 96], "datatype": "float32", "byteorder": "big"}
INLINE = {"data": [[1.0, 2.0], [3.0, 4.0]], "datatype": "float64"}


class Values(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """One field of each kind."""

    array: InlineArray | None = None
    quantities: InlineArrayQuantity | None = None
    unit: Unit | None = None
    quantity: Quantity | None = None
    time: Time | None = None
    any_array: AnyArrayModel | None = None


def through_json(**fields: Any) -> Values:
    return Values.model_validate_json(Values(**fields).model_dump_json())


# Number types.


@pytest.mark.parametrize("number_type", list(NumberType))
def test_number_type_matches_numpy_type(number_type: NumberType) -> None:
    assert np.dtype(number_type.to_numpy()).name == number_type.value
    assert NumberType.from_numpy(np.dtype(number_type.value).newbyteorder(">")) is number_type
    assert is_integer(number_type) == ("int" in number_type.value)


@pytest.mark.parametrize("dtype", ["float16", "complex64", "S3", "U3", "O", "M8[s]", "V4"])
def test_number_type_unsupported_dtype_raises_with_supported_types(dtype: str) -> None:
    with pytest.raises(ValueError, match="float32"):
        NumberType.from_numpy(dtype)


def test_number_type_sub_array_is_split() -> None:
    assert NumberType.from_numpy_with_shape(np.dtype(("i4", (2, 3)))) == (NumberType.int32, (2, 3))
    assert NumberType.from_numpy_with_shape("u1") == (NumberType.uint8, ())
    with pytest.raises(TypeError, match="from_numpy_with_shape"):
        NumberType.from_numpy(np.dtype(("i4", (2, 3))))


def test_require_integer_raises_for_other_types() -> None:
    assert NumberType.int8.require_integer() is NumberType.int8
    for other in (NumberType.bool, NumberType.float32):
        with pytest.raises(TypeError, match=other.value):
            other.require_integer()


# Arrays.


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"value": REFERENCE, "unit": "nJy"}, ArrayReferenceQuantityModel),
        (REFERENCE, ArrayReferenceModel),
        (INLINE, InlineArrayModel),
        ({"value": INLINE, "unit": "nJy"}, InlineArrayQuantityModel),
    ],
)
def test_array_model_forms_are_distinguished(raw: dict[str, Any], kind: type) -> None:
    model = Values.model_validate({"any_array": raw}).any_array
    assert type(model) is kind
    assert json.loads(model.model_dump_json()) == raw
    array, unit = split_quantity(model)
    assert tuple(array.shape) == tuple(model.shape)
    assert unit == (u.nJy if "unit" in raw else None)


def test_array_reference_without_shape_is_read() -> None:
    assert ArrayReferenceModel.model_validate({"source": "x", "datatype": "uint8"}).shape == ()


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(
    st.sampled_from(list(NumberType)).flatmap(
        lambda t: hnp.arrays(t.to_numpy(), hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    )
)
def test_inline_array_round_trip_is_identical(array: np.ndarray) -> None:
    found = through_json(array=array).array
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


def test_inline_array_with_unit_round_trip() -> None:
    values = np.array([[1.5, np.nan], [np.inf, -2]]) * u.Unit("nJy / electron")
    found = through_json(quantities=values).quantities
    assert found is not None
    assert found.unit == values.unit
    np.testing.assert_array_equal(found.value, values.value)


@pytest.mark.parametrize("data", [[[1], [2, 3]], ["x"], ["1"], [1e9], [300], [-1], [None], [1.5]])
def test_inline_array_invalid_values_raises(data: Any) -> None:
    with pytest.raises(pydantic.ValidationError):
        Values.model_validate({"array": {"data": data, "datatype": "uint8"}})
    with pytest.raises(CorruptArchiveError, match="uint8"):
        ARCHIVE.get_array(InlineArrayModel(data=data, datatype="uint8"))


def test_get_array_inline_with_slices() -> None:
    model = InlineArrayModel.from_array(np.arange(12).reshape(3, 4))
    assert ARCHIVE.get_array(model, slices=(slice(1, 3), slice(0, 2))).tolist() == [[4, 5], [8, 9]]


# Units, quantities, times.


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (u.nJy, "nJy"),
        (u.nJy**2, "nJy**2"),
        (u.pixel, "pixel"),
        (u.nJy / u.adu, "nJy.adu**-1"),
        (u.count, "count"),
        (u.electron, "electron"),
        (u.electron**2, "electron2"),
        (u.nJy / u.electron, "nJy / electron"),
        (u.dimensionless_unscaled, ""),
        (u.radian, "rad"),
    ],
)
def test_unit_is_written_as_vounit_or_generic(unit: u.UnitBase, text: str) -> None:
    assert format_unit(unit) == text
    assert parse_unit(text) == unit
    assert through_json(unit=unit).unit == unit


@pytest.mark.parametrize("text", ["furlong per fortnight", "nJy**", "((", 3, ["nJy"], "m " * 501])
def test_unit_invalid_text_raises(text: Any) -> None:
    with pytest.raises(pydantic.ValidationError):
        Values.model_validate({"unit": text})


@pytest.mark.parametrize("value", [0.0, -1.5e-300, float("inf")])
def test_quantity_round_trip(value: float) -> None:
    assert through_json(quantity=value * u.rad).quantity == value * u.rad
    dumped = json.loads(Values(quantity=value * u.rad).model_dump_json())["quantity"]
    assert dumped == {"value": value, "unit": "rad"}


def test_time_round_trip_keeps_nanoseconds_and_scale() -> None:
    for scale in ("utc", "tai"):
        time = astropy.time.Time("2025-05-20T05:31:00.123456789", scale=scale, precision=9)
        found = through_json(time=time).time
        assert found.scale == scale
        assert abs((found - time).to_value("ns")) < 0.01


def test_time_other_scale_is_converted_to_tai() -> None:
    time = astropy.time.Time("2025-05-20T05:31:00", scale="tt")
    found = through_json(time=time).time
    assert found.scale == "tai"
    assert abs((found - time).to_value("ns")) < 1


# Tables.


def test_table_of_first_releases_is_read() -> None:
    old = {
        "source": "fits:PROVENANCE",
        "columns": [
            {"name": "visit", "datatype": "uint64", "description": "ID of the visit."},
            {"name": "corners", "datatype": "float64", "shape": [4], "unit": "pixel"},
        ],
        "meta": {"a": 1},
    }
    table = TableModel.model_validate(old)
    assert [column.data.source for column in table.columns] == ["fits:PROVENANCE[1]", "fits:PROVENANCE[2]"]
    assert [column.cell_shape for column in table.columns] == [(), (4,)]
    assert table.columns[1].unit == u.pixel
    assert table.meta == {"a": 1}


def test_table_variable_length_column_raises_with_its_name() -> None:
    column = {"name": "ragged", "datatype": "uint8", "is_variable_length": True}
    with pytest.raises(pydantic.ValidationError, match="ragged"):
        TableModel.model_validate({"source": "fits:X", "columns": [column]})


@pytest.mark.parametrize("columns", [5, None, ["a"], [{"name": "no type"}]])
def test_table_of_first_releases_malformed_columns_raises(columns: Any) -> None:
    with pytest.raises(pydantic.ValidationError, match="columns of the table are malformed"):
        TableModel.model_validate({"source": "fits:X", "columns": columns})


@pytest.mark.parametrize("column", [["a", "b"], [None, {}], [b"x", b"y"]])
def test_table_non_numeric_column_raises_with_its_name(column: list[Any]) -> None:
    array = astropy.table.Table({"odd": np.array(column, dtype=np.asarray(column).dtype)}).as_array()
    with pytest.raises(UnsupportedTableError, match="'odd'"):
        TableModel.from_structured_array(array, source=None)
    with pytest.raises(NotImplementedError):
        TableModel.from_structured_array(array, source=None)


def test_column_json_omits_empty_fields() -> None:
    array = np.zeros(1, dtype=[("a", "i4"), ("b", "f8", (2,))])
    table = TableModel.from_structured_array(
        array, source="fits:X[{}]", units={"b": u.nJy}, descriptions={"b": "Flux."}
    )
    assert json.loads(table.model_dump_json()) == {
        "columns": [
            {
                "data": {"source": "fits:X[1]", "shape": [], "datatype": "int32", "byteorder": "big"},
                "name": "a",
            },
            {
                "data": {"source": "fits:X[2]", "shape": [2], "datatype": "float64", "byteorder": "big"},
                "name": "b",
                "description": "Flux.",
                "unit": "nJy",
            },
        ]
    }


@pytest.mark.parametrize(
    "columns",
    [
        [
            {"data": {"data": [1, 2], "datatype": "uint8"}, "name": "a"},
            {"data": {"data": [1], "datatype": "uint8"}, "name": "b"},
        ],
        [{"data": {"data": ["x"], "datatype": "uint8"}, "name": "a"}],
        [{"data": {"data": 3, "datatype": "uint8"}, "name": "a"}],
    ],
    ids=["lengths", "strings", "scalar"],
)
def test_inline_table_inconsistent_columns_raises(columns: list[Any]) -> None:
    with pytest.raises(CorruptArchiveError, match="'a'"):
        ARCHIVE.get_table(TableModel.model_validate({"columns": columns}))


def test_table_duplicate_column_names_raises() -> None:
    column = {"data": {"data": [1], "datatype": "uint8"}, "name": "twin"}
    with pytest.raises(pydantic.ValidationError, match="twin"):
        TableModel.model_validate({"columns": [column, column]})


def test_table_column_differs_from_model_raises_with_its_name() -> None:
    table = astropy.table.Table({"a": np.zeros(3, np.float32)})
    right = TableColumnModel(data=ArrayReferenceModel(source="x", datatype="float32"), name="a", unit=u.nJy)
    right.update_table(table)
    assert table["a"].unit == u.nJy
    for wrong, message in (
        (right.model_copy(update={"name": "b"}), "no column 'b'"),
        (right.model_copy(update={"data": ArrayReferenceModel(source="x", datatype="int16")}), "int16"),
        (
            right.model_copy(
                update={"data": ArrayReferenceModel(source="x", shape=(2,), datatype="float32")}
            ),
            r"\(2,\)",
        ),
    ):
        with pytest.raises(ArchiveReadError, match=message):
            wrong.update_table(table)
