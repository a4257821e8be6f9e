# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of summary statistics."""

from __future__ import annotations

__all__ = ("ObservationSummaryStatsSerializationModel",)

import dataclasses
from typing import Any, Self, get_type_hints

import pydantic

from .._exposures._summary_stats import ObservationSummaryStats
from ..serialization import ArchiveTree, InputArchive, OutputArchive


class _StatisticsTree(ArchiveTree):
    """Methods of the model; its fields are made from those of the type."""

    @classmethod
    def serialize(cls, obj: ObservationSummaryStats, archive: OutputArchive) -> Self:
        return cls(**dict(obj.items()))

    def deserialize(self, archive: InputArchive) -> ObservationSummaryStats:
        return ObservationSummaryStats(
            **{name: getattr(self, name) for name in ObservationSummaryStats.statistics()}
        )


def _members() -> dict[str, Any]:
    """Make a pydantic field for each field of the dataclass."""
    hints = get_type_hints(ObservationSummaryStats)
    return {
        item.name: (
            hints[item.name],
            pydantic.Field(default=item.default, description=item.metadata["description"]),
        )
        for item in dataclasses.fields(ObservationSummaryStats)
    }


ObservationSummaryStatsSerializationModel: Any = pydantic.create_model(
    "ObservationSummaryStatsSerializationModel",
    __base__=_StatisticsTree,
    __module__=__name__,
    __doc__="Serialization model of `~lsst.images.ObservationSummaryStats`.",
    __cls_kwargs__={"schema": "observation_summary_stats", "version": "1.0.0"},
    **_members(),
)
