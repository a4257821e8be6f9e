# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Patches of a tract."""

from __future__ import annotations

__all__ = ("PatchDefinition",)

import dataclasses
from typing import Annotated

import pydantic

from .._geom import YX, Box, CellGrid, SerializableYX


@dataclasses.dataclass(frozen=True)
class PatchDefinition:
    """A patch of a tract, divided into cells.

    Parameters
    ----------
    id
        Number of the patch in its tract.
    index
        Position of the patch in its tract, counted in patches.
    inner_bbox
        Pixels that belong to this patch alone.
    cells
        All cells of the patch, including those shared with its neighbours.
    """

    __pydantic_config__ = pydantic.ConfigDict(
        json_schema_extra={"description": "A patch of a tract, divided into cells."}
    )

    id: Annotated[int, pydantic.Field(description="Number of the patch in its tract.")]
    index: Annotated[
        SerializableYX[int], pydantic.Field(description="Position of the patch, counted in patches.")
    ]
    inner_bbox: Annotated[Box, pydantic.Field(description="Pixels that belong to this patch alone.")]
    cells: Annotated[CellGrid, pydantic.Field(description="All cells of the patch.")]

    @property
    def outer_bbox(self) -> Box:
        """All pixels of the patch (`~lsst.images.Box`)."""
        return self.cells.bbox

    def __str__(self) -> str:
        index: YX[int] = self.index
        return f"patch {self.id} (y={index.y}, x={index.x})"
