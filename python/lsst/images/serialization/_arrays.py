# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Arrays as JSON: by reference into the container, or inline."""

from __future__ import annotations

__all__ = (
    "AnyArrayModel",
    "ArrayModel",
    "ArrayReferenceModel",
    "ArrayReferenceQuantityModel",
    "InlineArray",
    "InlineArrayModel",
    "InlineArrayQuantity",
    "InlineArrayQuantityModel",
    "dump_inline_array",
    "split_quantity",
)

from typing import Annotated, Any, Literal, TypeAlias

import astropy.units as u
import numpy as np
import pydantic

from ..utils import short_repr
from ._numbers import NumberType
from ._units import Unit, format_unit


class ArrayReferenceModel(pydantic.BaseModel):
    """An array that is stored elsewhere in the container."""

    source: str | int
    shape: tuple[int, ...] = ()
    datatype: NumberType
    byteorder: Literal["big"] = "big"

    def with_units(self, unit: u.UnitBase) -> ArrayReferenceQuantityModel:
        """Attach a unit.

        Parameters
        ----------
        unit
            The unit.
        """
        return ArrayReferenceQuantityModel(value=self, unit=unit)


class InlineArrayModel(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """An array whose elements are stored in the tree, as nested lists."""

    data: Any
    datatype: NumberType

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        shape, node = [], self.data
        while isinstance(node, list):
            shape.append(len(node))
            node = node[0] if node else None
        return tuple(shape)

    @classmethod
    def from_array(cls, array: np.ndarray) -> InlineArrayModel:
        """Create a model from an array.

        Parameters
        ----------
        array
            Any shape, of a type of `NumberType`.
        """
        return cls(data=array.tolist(), datatype=NumberType.from_numpy(array.dtype))

    def to_array(self) -> np.ndarray:
        """Return the array.

        Raises
        ------
        ValueError
            If the nested lists are ragged, or contain values that the type cannot
            represent.
        """
        try:
            array = np.asarray(self.data, dtype=self.datatype.to_numpy())
            # Numpy truncates fractions, and converts any number but zero to True.
            if array.dtype.kind in "iub" and not np.array_equal(array, found := np.asarray(self.data)):
                raise ValueError(f"it holds {short_repr(found[array != found].flat[0])}")
        except (OverflowError, TypeError) as err:
            raise ValueError(str(err)) from err
        return array

    def with_units(self, unit: u.UnitBase) -> InlineArrayQuantityModel:
        """Attach a unit.

        Parameters
        ----------
        unit
            The unit.
        """
        return InlineArrayQuantityModel(value=self, unit=unit)


class ArrayReferenceQuantityModel(pydantic.BaseModel):
    """A stored array with a unit."""

    value: ArrayReferenceModel
    unit: Unit

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.value.shape


class InlineArrayQuantityModel(pydantic.BaseModel):
    """An inline array with a unit."""

    value: InlineArrayModel
    unit: Unit

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.value.shape


ArrayModel: TypeAlias = ArrayReferenceModel | InlineArrayModel
"""An array without a unit, in either form."""

AnyArrayModel: TypeAlias = Annotated[
    ArrayReferenceQuantityModel | ArrayReferenceModel | InlineArrayModel | InlineArrayQuantityModel,
    pydantic.Field(union_mode="left_to_right"),
]
"""An array in any of the four forms, which differ in their members."""


def split_quantity(
    model: ArrayReferenceQuantityModel | ArrayReferenceModel | InlineArrayModel | InlineArrayQuantityModel,
) -> tuple[ArrayReferenceModel | InlineArrayModel, u.UnitBase | None]:
    """Separate the array from its unit.

    Parameters
    ----------
    model
        Any of the four forms.

    Returns
    -------
    array, unit
        The unit is `None` for the forms that have none.
    """
    if isinstance(model, ArrayReferenceQuantityModel | InlineArrayQuantityModel):
        return model.value, model.unit
    return model, None


def dump_inline_array(array: np.ndarray) -> dict[str, Any]:
    """Return the JSON form of an inline array.

    Parameters
    ----------
    array
        Any shape, of a type of `NumberType`.
    """
    return {"data": array.tolist(), "datatype": NumberType.from_numpy(array.dtype).value}


def _validate_inline(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    return InlineArrayModel.model_validate(value).to_array()


def _validate_inline_quantity(value: Any) -> u.Quantity:
    if isinstance(value, u.Quantity):
        return value
    model = InlineArrayQuantityModel.model_validate(value)
    return u.Quantity(model.value.to_array(), model.unit, copy=False)


def _dump_inline_quantity(value: u.Quantity) -> dict[str, Any]:
    return {"value": dump_inline_array(value.value), "unit": format_unit(value.unit)}


InlineArray = Annotated[
    np.ndarray,
    pydantic.PlainValidator(_validate_inline, json_schema_input_type=InlineArrayModel),
    pydantic.PlainSerializer(dump_inline_array, return_type=dict[str, Any]),
]
"""Annotation of a model field that contains an array written inline."""

InlineArrayQuantity = Annotated[
    u.Quantity,
    pydantic.PlainValidator(_validate_inline_quantity, json_schema_input_type=InlineArrayQuantityModel),
    pydantic.PlainSerializer(_dump_inline_quantity, return_type=dict[str, Any]),
]
"""Annotation of a model field that contains a quantity array written inline."""
