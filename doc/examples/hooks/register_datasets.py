# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A data type: a flag with a reason."""

from typing import Self

from lsst.images.io import Serializable
from lsst.images.plugins import DatasetSpec, hookimpl
from lsst.images.serialization import ArchiveTree


class Flag(Serializable):
    """The in-memory type."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class FlagModel(ArchiveTree, schema="my_survey.flag", version="1.0.0"):
    """The serialization model."""

    reason: str

    @classmethod
    def serialize(cls, obj, archive) -> Self:
        """Convert a flag to a model."""
        return cls(reason=obj.reason)

    def deserialize(self, archive) -> Flag:
        """Convert the model to a flag."""
        return Flag(self.reason)


@hookimpl
def register_datasets():
    """Declare the type with its model and schema."""
    return [DatasetSpec(schema="my_survey.flag", pytype=f"{__name__}:Flag", model=f"{__name__}:FlagModel")]
