# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models of fields."""

from __future__ import annotations

__all__ = (
    "ChebyshevFieldSerializationModel",
    "FieldSerializationModel",
    "ProductFieldSerializationModel",
    "SplineFieldSerializationModel",
    "SumFieldSerializationModel",
)

from typing import Annotated, Any, Literal, Self, TypeAlias

import pydantic

from .._geom import BoundsSerializationModel, serialize_bounds
from ..fields import BaseField, ChebyshevField, ProductField, SplineField, SumField
from ..serialization import (
    SCHEMA_URL_BASE,
    ArchiveTree,
    ArrayModel,
    InlineArray,
    InlineArrayModel,
    InputArchive,
    OutputArchive,
    Polymorphic,
    Unit,
    split_quantity,
)
from ..serialization._fields import Series
from ._corruption import reading

CONVENTION_KEY = "spline_convention"
"""Metadata key of a spline's tree; absent for the convention of the schema, SciPy's."""

MAX_INLINE_NODES = 64
"""Maximum number of spline nodes that are stored in the tree."""

_SCHEMAS = {
    "CHEBYSHEV": "chebyshev_field",
    "SPLINE": "spline_field",
    "PRODUCT": "product_field",
    "SUM": "sum_field",
}


def _stamp(data: Any) -> Any:
    """Add the schema to a field of the first releases, which lacks it.

    Sums and products have the same fields, so ``field_type`` determines it.
    """
    if isinstance(data, dict) and "schema_url" not in data and data.get("field_type") in _SCHEMAS:
        return {**data, "schema_url": f"{SCHEMA_URL_BASE}/{_SCHEMAS[data['field_type']]}-1.0.0"}
    return data


FieldSerializationModel: TypeAlias = Annotated[Polymorphic[BaseField], pydantic.BeforeValidator(_stamp)]
"""Annotation of a model field that holds a field of any kind."""


class ChebyshevFieldSerializationModel(ArchiveTree, schema="chebyshev_field", version="1.0.0"):
    """Serialization model of `~lsst.images.fields.ChebyshevField`."""

    bounds: BoundsSerializationModel
    coefficients: InlineArray
    unit: Unit | None = None
    field_type: Literal["CHEBYSHEV"] = "CHEBYSHEV"

    @classmethod
    def serialize(cls, obj: ChebyshevField, archive: OutputArchive) -> Self:
        return cls(bounds=serialize_bounds(obj.bounds), coefficients=obj.coefficients, unit=obj.unit)

    def deserialize(self, archive: InputArchive) -> ChebyshevField:
        with reading("Chebyshev field"):
            return ChebyshevField(self.bounds.deserialize(), self.coefficients, unit=self.unit)


class SplineFieldSerializationModel(ArchiveTree, schema="spline_field", version="1.0.0"):
    """Serialization model of `~lsst.images.fields.SplineField`."""

    ROOT_NAME = "field"

    bounds: BoundsSerializationModel
    data: ArrayModel = pydantic.Field(union_mode="left_to_right")
    y: InlineArray
    x: InlineArray
    unit: Unit | None = None
    field_type: Literal["SPLINE"] = "SPLINE"

    @classmethod
    def serialize(cls, obj: SplineField, archive: OutputArchive) -> Self:
        small = obj.data.size <= MAX_INLINE_NODES
        data = InlineArrayModel.from_array(obj.data) if small else archive.add_array(obj.data, name="data")
        return cls(
            bounds=serialize_bounds(obj.bounds),
            data=split_quantity(data)[0],
            y=obj.y,
            x=obj.x,
            unit=obj.unit,
            metadata={} if obj.convention == "scipy" else {CONVENTION_KEY: obj.convention},
        )

    def deserialize(self, archive: InputArchive) -> SplineField:
        with reading("spline field"):
            # Small splines are stored in the tree.
            stored = self.data
            data = stored.to_array() if isinstance(stored, InlineArrayModel) else archive.get_array(stored)
            convention: Any = self.metadata.get(CONVENTION_KEY, "scipy")
            return SplineField(
                self.bounds.deserialize(), data, y=self.y, x=self.x, unit=self.unit, convention=convention
            )


class _OperandsModel(ArchiveTree):
    """Base class of the models of sums and products."""

    ROOT_NAME = "field"

    operands: Series[FieldSerializationModel]

    @classmethod
    def serialize(cls, obj: ProductField | SumField, archive: OutputArchive) -> Self:
        return cls(operands=[archive.serialize_child("", operand) for operand in obj.operands])


class ProductFieldSerializationModel(_OperandsModel, schema="product_field", version="1.0.0"):
    """Serialization model of `~lsst.images.fields.ProductField`."""

    field_type: Literal["PRODUCT"] = "PRODUCT"

    def deserialize(self, archive: InputArchive) -> ProductField:
        operands = [operand.deserialize(archive) for operand in self.operands]
        with reading("product field"):
            return ProductField(operands)


class SumFieldSerializationModel(_OperandsModel, schema="sum_field", version="1.0.0"):
    """Serialization model of `~lsst.images.fields.SumField`."""

    field_type: Literal["SUM"] = "SUM"

    def deserialize(self, archive: InputArchive) -> SumField:
        operands = [operand.deserialize(archive) for operand in self.operands]
        with reading("sum field"):
            return SumField(operands)
