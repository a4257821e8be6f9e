# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How summary statistics are packed and unpacked."""

from __future__ import annotations

__all__ = ("ObservationSummaryStatsSerializationModel",)

import dataclasses
from typing import Any, Self, get_type_hints

import pydantic

from .._exposures._summary_stats import ObservationSummaryStats
from ..serialization import ArchiveTree, InputArchive, OutputArchive


class _StatisticsTree(ArchiveTree):
    """The methods of the tree; its members are made of the type's own."""

    @classmethod
    def serialize(cls, obj: ObservationSummaryStats, archive: OutputArchive) -> Self:
        """Write statistics.

        Parameters
        ----------
        obj
            The statistics.
        archive
            Archive to write to.
        """
        return cls(**dict(obj.items()))

    def deserialize(self, archive: InputArchive) -> ObservationSummaryStats:
        """Read the statistics.

        Parameters
        ----------
        archive
            Archive to read from.
        """
        return ObservationSummaryStats(
            **{name: getattr(self, name) for name in ObservationSummaryStats.statistics()}
        )


def _members() -> dict[str, Any]:
    """Make a pydantic field of each field of the dataclass."""
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
    __doc__="The tree of an `~lsst.images.ObservationSummaryStats`.",
    __cls_kwargs__={"schema": "observation_summary_stats", "version": "1.0.0"},
    **_members(),
)
