# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of fields of coadds.

The schema is private to this package and may still change; other readers keep
such a field, but cannot evaluate it.
"""

from __future__ import annotations

__all__ = ("CoaddFieldSerializationModel",)

from typing import ClassVar, Self

from .._geom import BoundsSerializationModel, serialize_bounds
from ..fields import CoaddField, CoaddFieldInput
from ..serialization import ArchiveTree, InputArchive, OutputArchive, Unit
from ..serialization._fields import Series
from ._coadd_input import CoaddInputModel
from ._corruption import reading
from ._fields import FieldSerializationModel
from ._transforms import ProjectionSerializationModel


class CoaddFieldInputModel(CoaddInputModel):
    """The field of one input image of a coadd."""

    input_type: ClassVar = CoaddFieldInput

    field: FieldSerializationModel
    sky_projection: ProjectionSerializationModel
    bounds: BoundsSerializationModel
    weight: float


class CoaddFieldSerializationModel(ArchiveTree, schema="coadd_field", version="1.0.0.dev0"):
    """Serialization model of `~lsst.images.fields.CoaddField`."""

    ROOT_NAME = "field"

    inputs: Series[CoaddFieldInputModel]
    sky_projection: ProjectionSerializationModel
    bounds: BoundsSerializationModel
    default: float
    unit: Unit | None = None

    @classmethod
    def serialize(cls, obj: CoaddField, archive: OutputArchive) -> Self:
        return cls(
            inputs=CoaddFieldInputModel.serialize_all(obj.inputs, archive),
            sky_projection=archive.serialize_child("sky_projection", obj.projection),
            bounds=serialize_bounds(obj.bounds),
            default=obj.default,
            unit=obj.unit,
        )

    def deserialize(self, archive: InputArchive) -> CoaddField:
        inputs = [item.deserialize(archive) for item in self.inputs]
        projection = self.sky_projection.deserialize(archive)
        with reading("coadd field"):
            return CoaddField(
                inputs, projection, self.bounds.deserialize(), default=self.default, unit=self.unit
            )
