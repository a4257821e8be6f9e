# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How fields by name are packed: backgrounds and aperture corrections."""

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
from ._fields import FieldSerializationModel


class ApertureCorrectionMapSerializationModel(ArchiveTree, schema="aperture_correction_map", version="1.0.0"):
    """The tree of an aperture correction map, a dictionary of fields."""

    ROOT_NAME = "aperture_corrections"

    fields: Named[FieldSerializationModel] = pydantic.Field(default_factory=dict)

    @classmethod
    def serialize(cls, obj: Mapping[str, BaseField], archive: OutputArchive) -> Self:
        """Write a map.

        Parameters
        ----------
        obj
            Fields by name of the algorithm.
        archive
            Archive to write to.
        """
        return cls(fields={name: archive.serialize_child(_path(name), field) for name, field in obj.items()})

    def deserialize(self, archive: InputArchive) -> ApertureCorrectionMap:
        """Read the map.

        Parameters
        ----------
        archive
            Archive to read from.
        """
        return {name: _read(name, field, archive) for name, field in self.fields.items()}


class BackgroundMapSerializationModel(ArchiveTree, schema="background_map", version="1.0.0"):
    """The tree of a `~lsst.images.fields.BackgroundMap`."""

    ROOT_NAME = "backgrounds"

    fields: Named[FieldSerializationModel] = pydantic.Field(default_factory=dict)
    descriptions: dict[str, str] = pydantic.Field(default_factory=dict)
    subtracted: str | None = None

    @classmethod
    def serialize(cls, obj: BackgroundMap, archive: OutputArchive) -> Self:
        """Write a map.

        Parameters
        ----------
        obj
            The backgrounds.
        archive
            Archive to write to.
        """
        return cls(
            fields={
                name: archive.serialize_child(_path(name), background.field)
                for name, background in obj.items()
            },
            descriptions={name: background.description for name, background in obj.items()},
            subtracted=None if obj.subtracted is None else obj.subtracted.name,
        )

    def deserialize(self, archive: InputArchive) -> BackgroundMap:
        """Read the map.

        Parameters
        ----------
        archive
            Archive to read from.

        Raises
        ------
        CorruptArchiveError
            If the background that was subtracted is not there.
        """
        if self.subtracted is not None and self.subtracted not in self.fields:
            raise CorruptArchiveError(
                f"The subtracted background {self.subtracted!r} is not among {list(self.fields)}."
            )
        return BackgroundMap(
            [
                Background(name, _read(name, field, archive), self.descriptions.get(name, ""))
                for name, field in self.fields.items()
            ],
            self.subtracted,
        )


def _read(name: str, field: FieldSerializationModel, archive: InputArchive) -> BaseField:
    """Read a field; if it cannot be, say which one it is."""
    try:
        result: BaseField = field.deserialize(archive)
    except ArchiveReadError as err:
        raise type(err)(f"Field {name!r} cannot be read: {err}") from err
    return result


def _path(name: str) -> str:
    """Make an archive path of a name, which may be any text.

    Archives tell equal paths apart, and the tree has the name itself.
    """
    return "fields/" + re.sub(r"[^A-Za-z0-9_-]", "_", name)
