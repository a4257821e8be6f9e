# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of PSFs of the package Piff."""

from __future__ import annotations

__all__ = ("PiffObjectModel", "PiffSerializationModel")

from typing import Annotated, Literal, Self

import pydantic
from typing_extensions import TypeAliasType

from .._geom import BoundsSerializationModel, SerializableXY, serialize_bounds
from ..psfs import PiffStar, PiffWrapper
from ..psfs._piff_record import PiffRecord, PiffTable
from ..serialization import ArchiveTree, InputArchive, OutputArchive, TableModel, omit_if_empty
from ..serialization._fields import Series
from ._corruption import reading

_Scalar = int | float | str | bool | None
_Value = TypeAliasType("_Value", Annotated["_Scalar | list[_Value]", pydantic.Field(union_mode="smart")])


class PiffTableModel(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """A table that Piff writes."""

    metadata: dict[str, _Value]
    table: TableModel


class GalSimWcsModel(pydantic.BaseModel):
    """A GalSim WCS; only a pixel scale can be stored."""

    scale: float
    wcs_type: Literal["pixel_scale"] = "pixel_scale"


class PiffObjectModel(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """The content of a Piff object: structures, tables and nested objects."""

    structs: dict[str, dict[str, _Value]] = omit_if_empty(dict)
    tables: dict[str, PiffTableModel] = omit_if_empty(dict)
    wcs: dict[str, GalSimWcsModel] = omit_if_empty(dict)
    objects: dict[str, PiffObjectModel] = omit_if_empty(dict)

    @classmethod
    def serialize(cls, record: PiffRecord, archive: OutputArchive) -> Self:
        """Write a record.

        Parameters
        ----------
        record
            The record.
        archive
            Archive to write to.
        """
        return cls(
            structs=record.structs,
            tables={
                name: cls._serialize_table(name, table, archive) for name, table in record.tables.items()
            },
            wcs={name: GalSimWcsModel(scale=scale) for name, scale in record.wcs.items()},
            objects={
                name: cls.serialize(part, archive.nested(name)) for name, part in record.objects.items()
            },
        )

    @staticmethod
    def _serialize_table(name: str, table: PiffTable, archive: OutputArchive) -> PiffTableModel:
        scalars = {key: value for key, value in table.metadata.items() if not isinstance(value, list)}
        model = archive.add_structured_array(table.array, name=name, meta=scalars)
        return PiffTableModel(metadata=table.metadata, table=model)

    def deserialize(self, archive: InputArchive) -> PiffRecord:
        """Read the record.

        Parameters
        ----------
        archive
            Archive to read from.
        """
        return PiffRecord(
            structs=self.structs,
            tables={
                name: PiffTable(archive.get_structured_array(model.table), model.metadata)
                for name, model in self.tables.items()
            },
            wcs={name: model.scale for name, model in self.wcs.items()},
            objects={name: model.deserialize(archive) for name, model in self.objects.items()},
        )


class PiffStarModel(pydantic.BaseModel):
    """A star to which the PSF was fitted."""

    image_pos: SerializableXY[float]
    is_flagged: bool
    is_reserve: bool


class PiffSerializationModel(ArchiveTree, schema="piff_psf", version="1.0.0"):
    """Serialization model of `~lsst.images.psfs.PiffWrapper`."""

    ROOT_NAME = "psf"

    piff: PiffObjectModel
    # Files written before June 2026 do not have stars.
    stars: Series[PiffStarModel] = pydantic.Field(default_factory=list)
    stamp_size: int
    bounds: BoundsSerializationModel

    @classmethod
    def serialize(cls, obj: PiffWrapper, archive: OutputArchive) -> Self:
        return cls(
            piff=PiffObjectModel.serialize(obj.record, archive),
            stars=[
                PiffStarModel(
                    image_pos=star.image_pos, is_flagged=star.is_flagged, is_reserve=star.is_reserve
                )
                for star in obj.stars
            ],
            stamp_size=obj.stamp_size,
            bounds=serialize_bounds(obj.bounds),
        )

    def deserialize(self, archive: InputArchive) -> PiffWrapper:
        record = self.piff.deserialize(archive)
        stars = [PiffStar(star.image_pos, star.is_flagged, star.is_reserve) for star in self.stars]
        with reading("Piff PSF"):
            return PiffWrapper.from_record(record, self.bounds.deserialize(), self.stamp_size, stars=stars)
