# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of the provenance of coadds.

Tables of files have numeric columns only.  Names are stored as codes, with a
dictionary of the codes in the tree; a name that all rows share is stored in
the tree alone.  Outlines are stored as rows of vertices, padded with NaN.
"""

from __future__ import annotations

__all__ = ("CoaddProvenanceSerializationModel",)

from typing import Any, Self

import astropy.table
import numpy as np
import pydantic

from .._geom import Polygon
from ..cells import CONTRIBUTION_COLUMNS, INPUT_COLUMNS, CoaddProvenance
from ..cells._provenance import ProvenanceColumn
from ..errors import CorruptArchiveError, UnserializableTypeError
from ..serialization import ArchiveTree, InputArchive, OutputArchive, TableModel, component
from ..utils import short_repr
from ._corruption import reading

Names = str | dict[str, int]
"""The name that all rows share, or codes by name."""

ADDED_LATER = frozenset({"unmasked_fraction"})
"""Columns that files written before June 2026 lack; they are read as NaN."""

_POLYGON_COLUMNS = {
    "n_vertices": "Number of vertices of the outline.",
    "x_vertices": "Columns of the vertices; NaN after the last one.",
    "y_vertices": "Rows of the vertices; NaN after the last one.",
}


class CoaddProvenanceSerializationModel(ArchiveTree, schema="coadd_provenance", version="1.0.0"):
    """Serialization model of `~lsst.images.cells.CoaddProvenance`."""

    ROOT_NAME = "provenance"

    instrument: Names = pydantic.Field(
        description="Name of the instrument, or the codes of the names in the tables."
    )
    physical_filter: Names = pydantic.Field(
        description="Name of the filter, or the codes of the names in the tables."
    )
    inputs: TableModel = pydantic.Field(description="A row for each image.")
    contributions: TableModel = pydantic.Field(description="A row for each image and cell.")

    @classmethod
    def serialize(cls, obj: CoaddProvenance, archive: OutputArchive) -> Self:
        names = {
            name: _make_names(*(table[name] for table in tables))
            for name, tables in (
                ("instrument", (obj.inputs, obj.contributions)),
                ("physical_filter", (obj.inputs,)),
            )
        }
        inputs = _pack(obj.inputs, INPUT_COLUMNS, names)
        for name, values in _pack_polygons(list(obj.inputs["polygon"])).items():
            inputs[name] = astropy.table.Column(values, description=_POLYGON_COLUMNS[name])
        return cls(
            instrument=names["instrument"],
            physical_filter=names["physical_filter"],
            inputs=archive.add_table(inputs, name="inputs"),
            contributions=archive.add_table(
                _pack(obj.contributions, CONTRIBUTION_COLUMNS, names), name="contributions"
            ),
        )

    def deserialize(self, archive: InputArchive) -> CoaddProvenance:
        tables = {
            "inputs": archive.get_structured_array(self.inputs),
            "contributions": archive.get_structured_array(self.contributions),
        }
        with reading("provenance"):
            inputs = self._unpack(tables["inputs"], INPUT_COLUMNS)
            inputs["polygon"] = _unpack_polygons(tables["inputs"])
            contributions = self._unpack(tables["contributions"], CONTRIBUTION_COLUMNS)
            return CoaddProvenance.from_columns(inputs, contributions)

    @component("inputs", needs=("instrument", "physical_filter", "inputs", "contributions"))
    def _inputs(self, archive: InputArchive) -> astropy.table.Table:
        return self.deserialize(archive).inputs

    @component("contributions", needs=("instrument", "physical_filter", "inputs", "contributions"))
    def _contributions(self, archive: InputArchive) -> astropy.table.Table:
        return self.deserialize(archive).contributions

    def _unpack(self, rows: np.ndarray, columns: tuple[ProvenanceColumn, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for column in columns:
            if column.name in ADDED_LATER and column.name not in (rows.dtype.names or ()):
                result[column.name] = np.full(len(rows), np.nan)
            elif column.dtype is not object:
                result[column.name] = _get(rows, column.name)
            elif column.name != "polygon":
                result[column.name] = _decode(rows, column.name, getattr(self, column.name))
        return result


def _get(rows: np.ndarray, name: str) -> np.ndarray:
    if name not in (rows.dtype.names or ()):
        raise CorruptArchiveError(
            f"A provenance table lacks the column {short_repr(name)}; it has {rows.dtype.names}."
        )
    result: np.ndarray = rows[name]
    return result


def _make_names(*columns: Any) -> Names:
    """Return the only name in the columns, or codes by name."""
    for column in columns:
        if wrong := [value for value in column if not isinstance(value, str)]:
            raise UnserializableTypeError(f"Names in provenance must be strings, not {short_repr(wrong[0])}.")
    names = sorted({str(value) for column in columns for value in column})
    return names[0] if len(names) == 1 else {name: number for number, name in enumerate(names)}


def _pack(
    table: astropy.table.Table, columns: tuple[ProvenanceColumn, ...], names: dict[str, Names]
) -> astropy.table.Table:
    """Make a table of the numeric columns and of the codes of names."""
    result = astropy.table.Table()
    for column in columns:
        values: np.ndarray | None
        if column.dtype is object:
            values = _encode(table[column.name], names[column.name]) if column.name in names else None
        else:
            values = np.asarray(table[column.name]).astype(column.dtype)
        if values is not None:
            result[column.name] = astropy.table.Column(
                values, description=column.description, unit=column.unit
            )
    return result


def _encode(column: Any, names: Names) -> np.ndarray | None:
    if isinstance(names, str):
        return None
    ordered = np.array(list(names))
    dtype = np.uint8 if len(names) <= 1 + np.iinfo(np.uint8).max else np.uint16
    return np.searchsorted(ordered, np.asarray(column).astype(str)).astype(dtype)


def _decode(rows: np.ndarray, name: str, names: Names) -> np.ndarray:
    if isinstance(names, str):
        return np.full(len(rows), names, dtype=object)
    codes = _get(rows, name).astype(np.int64)
    known = np.array(sorted(names.values()), dtype=np.int64)
    if unknown := set(np.unique(codes).tolist()) - set(known.tolist()):
        raise CorruptArchiveError(f"Unknown {name} codes {sorted(unknown)}; the codes are {names}.")
    by_number = np.array(sorted(names, key=names.__getitem__), dtype=object)
    return by_number[np.searchsorted(known, codes)]


def _pack_polygons(polygons: list[Any]) -> dict[str, np.ndarray]:
    for polygon in polygons:
        if not isinstance(polygon, Polygon):
            raise UnserializableTypeError(
                f"Outlines in provenance must be Polygons, not {short_repr(polygon)}."
            )
    counts = np.array([polygon.n_vertices for polygon in polygons])
    width = int(counts.max(initial=1))
    vertices = {axis: np.full((len(polygons), width), np.nan) for axis in "xy"}
    present = np.arange(width) < counts[:, np.newaxis]
    if polygons:
        vertices["x"][present] = np.concatenate([polygon.x_vertices for polygon in polygons])
        vertices["y"][present] = np.concatenate([polygon.y_vertices for polygon in polygons])
    dtype = np.uint8 if width <= np.iinfo(np.uint8).max else np.uint16
    return {
        "n_vertices": counts.astype(dtype),
        "x_vertices": vertices["x"],
        "y_vertices": vertices["y"],
    }


def _unpack_polygons(rows: np.ndarray) -> np.ndarray:
    result = np.empty(len(rows), dtype=object)
    columns = (_get(rows, name) for name in _POLYGON_COLUMNS)
    result[:] = [
        Polygon(x_vertices=x[:count], y_vertices=y[:count]) for count, x, y in zip(*columns, strict=True)
    ]
    return result
