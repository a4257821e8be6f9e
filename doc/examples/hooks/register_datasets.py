# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A type of one's own: a flag with a reason."""

from typing import Self

from lsst.images.io import Serializable
from lsst.images.plugins import DatasetSpec, hookimpl
from lsst.images.serialization import ArchiveTree


class Flag(Serializable):
    """The type: it knows no file."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class FlagModel(ArchiveTree, schema="my_survey.flag", version="1.0.0"):
    """The model: it knows both directions."""

    reason: str

    @classmethod
    def serialize(cls, obj, archive) -> Self:
        """Pack."""
        return cls(reason=obj.reason)

    def deserialize(self, archive) -> Flag:
        """Unpack."""
        return Flag(self.reason)


@hookimpl
def register_datasets():
    """Say which model stands for which type and schema."""
    return [DatasetSpec(schema="my_survey.flag", pytype=f"{__name__}:Flag", model=f"{__name__}:FlagModel")]
