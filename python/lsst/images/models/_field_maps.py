# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models of backgrounds and aperture corrections, which are fields by name."""

from __future__ import annotations

__all__ = ("ApertureCorrectionMapSerializationModel", "BackgroundMapSerializationModel")

import re
from collections.abc import Mapping
from typing import Self

import pydantic

from ..errors import ArchiveReadError, CorruptArchiveError
from ..fields import ApertureCorrectionMap, Background, BackgroundMap, BaseField
from ..serialization import ArchiveTree, InputArchive, OutputArchive
from ..serialization._fields import Named
from ..utils import short_repr
from ._fields import FieldSerializationModel


class ApertureCorrectionMapSerializationModel(ArchiveTree, schema="aperture_correction_map", version="1.0.0"):
    """Serialization model of an aperture correction map, a dictionary of fields."""

    ROOT_NAME = "aperture_corrections"

    fields: Named[FieldSerializationModel] = pydantic.Field(default_factory=dict)

    @classmethod
    def serialize(cls, obj: Mapping[str, BaseField], archive: OutputArchive) -> Self:
        return cls(fields={name: archive.serialize_child(_path(name), field) for name, field in obj.items()})

    def deserialize(self, archive: InputArchive) -> ApertureCorrectionMap:
        return {name: _read(name, field, archive) for name, field in self.fields.items()}


class BackgroundMapSerializationModel(ArchiveTree, schema="background_map", version="1.0.0"):
    """Serialization model of `~lsst.images.fields.BackgroundMap`."""

    ROOT_NAME = "backgrounds"

    fields: Named[FieldSerializationModel] = pydantic.Field(default_factory=dict)
    descriptions: dict[str, str] = pydantic.Field(default_factory=dict)
    subtracted: str | None = None

    @classmethod
    def serialize(cls, obj: BackgroundMap, archive: OutputArchive) -> Self:
        return cls(
            fields={
                name: archive.serialize_child(_path(name), background.field)
                for name, background in obj.items()
            },
            descriptions={name: background.description for name, background in obj.items()},
            subtracted=None if obj.subtracted is None else obj.subtracted.name,
        )

    def deserialize(self, archive: InputArchive) -> BackgroundMap:
        if self.subtracted is not None and self.subtracted not in self.fields:
            raise CorruptArchiveError(
                f"The subtracted background {short_repr(self.subtracted)} does not exist; expected one of "
                f"{list(self.fields)}."
            )
        return BackgroundMap(
            [
                Background(name, _read(name, field, archive), self.descriptions.get(name, ""))
                for name, field in self.fields.items()
            ],
            self.subtracted,
        )


def _read(name: str, field: FieldSerializationModel, archive: InputArchive) -> BaseField:
    """Read a field; name it in the error if it cannot be read."""
    try:
        result: BaseField = field.deserialize(archive)
    except ArchiveReadError as err:
        raise type(err)(f"Field {short_repr(name)} cannot be read: {err}") from err
    return result


def _path(name: str) -> str:
    """Return an archive path for a name, which may be any string.

    The paths of two names may be equal: archives make paths unique, and the
    tree contains the name itself.
    """
    return "fields/" + re.sub(r"[^A-Za-z0-9_-]", "_", name)
