# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of aperture corrections of cells."""

from __future__ import annotations

__all__ = ("CellApertureCorrectionMapSerializationModel",)

from collections.abc import Mapping
from typing import Self

import numpy as np
import pydantic

from .._geom import CellGridBounds, CellIJ
from ..cells import CellApertureCorrectionMap, CellField
from ..errors import CorruptArchiveError, GeometryError, UnitMismatchError
from ..serialization import ArchiveTree, InputArchive, OutputArchive, TableModel
from ._corruption import reading

INDICES = ("cell_i", "cell_j")


class CellApertureCorrectionMapSerializationModel(
    ArchiveTree, schema="cell_aperture_correction_map", version="1.0.0"
):
    """Serialization model of aperture corrections of cells, a dictionary of fields."""

    ROOT_NAME = "aperture_corrections"

    table: TableModel = pydantic.Field(description="A row for each cell, a column for each algorithm.")
    bounds: CellGridBounds = pydantic.Field(description="The cells that are in the table.")

    @classmethod
    def serialize(  # type: ignore[override]  # an empty map has no tree
        cls, obj: Mapping[str, CellField], archive: OutputArchive
    ) -> Self | None:
        """Write a map.

        Parameters
        ----------
        obj
            Fields by name of the algorithm, on one grid.
        archive
            Archive to write to.

        Returns
        -------
        tree
            `None` for an empty map.

        Raises
        ------
        GeometryError
            If the fields are on different grids, or cover different boxes.
        UnitMismatchError
            If a field has a unit.
        """
        if not obj:
            return None
        bounds = _common_bounds(obj)
        cells = np.array([cell.as_tuple() for cell in bounds.cell_indices()], dtype=np.int64).reshape(-1, 2)
        dtype = [*((name, np.int64) for name in INDICES), *((name, np.float64) for name in obj)]
        rows = np.empty(len(cells), dtype=dtype)
        rows["cell_i"], rows["cell_j"] = cells.T
        start = bounds.subgrid_start.as_tuple()
        for name, field in obj.items():
            rows[name] = field.array[tuple((cells - start).T)]
        return cls(table=archive.add_structured_array(rows, name="table"), bounds=bounds)

    def deserialize(self, archive: InputArchive) -> CellApertureCorrectionMap:
        rows = archive.get_structured_array(self.table)
        names = rows.dtype.names or ()
        if not set(INDICES) <= set(names):
            raise CorruptArchiveError(
                f"The table of aperture corrections lacks the columns {INDICES}; it has {names}."
            )
        found = np.stack([rows[name].astype(np.int64) for name in INDICES], axis=1)
        expected = [cell.as_tuple() for cell in self.bounds.cell_indices()]
        if not np.array_equal(found, np.array(expected, dtype=np.int64).reshape(-1, 2)):
            raise CorruptArchiveError(
                f"The {len(rows)} rows of the table of aperture corrections do not match the {len(expected)} "
                "cells of its bounds, in order."
            )
        with reading("map of aperture corrections"):
            return {
                name: _make_field(self.bounds, found, rows[name]) for name in names if name not in INDICES
            }


def _common_bounds(fields: Mapping[str, CellField]) -> CellGridBounds:
    """Return the bounds without the cells that are missing in all fields."""
    all_bounds = [field.bounds for field in fields.values()]
    first = all_bounds[0]
    if any(bounds.grid != first.grid for bounds in all_bounds):
        raise GeometryError(f"The fields {list(fields)} do not have a consistent grid.")
    if any(bounds.bbox != first.bbox for bounds in all_bounds):
        raise GeometryError(f"The fields {list(fields)} do not have a consistent bounding box.")
    if units := {name: str(field.unit) for name, field in fields.items() if field.unit is not None}:
        raise UnitMismatchError(f"Aperture corrections must not have units; these have {units}.")
    missing = frozenset.intersection(*(bounds.missing for bounds in all_bounds))
    return CellGridBounds(first.grid, first.bbox, missing)


def _make_field(bounds: CellGridBounds, cells: np.ndarray, values: np.ndarray) -> CellField:
    array = np.full(bounds.subgrid_size.as_tuple(), np.nan)
    array[tuple((cells - bounds.subgrid_start.as_tuple()).T)] = values
    unknown = frozenset(CellIJ(i, j) for i, j in cells[np.isnan(values)].tolist())
    return CellField(CellGridBounds(bounds.grid, bounds.bbox, bounds.missing | unknown), array)
