# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of PSF, aperture corrections and inputs from a file of `lsst.cell_coadds`."""

from __future__ import annotations

__all__ = ("CellLayout", "make_cell_corrections", "make_cell_psf", "make_patch", "make_provenance")

import dataclasses
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .._geom import Box, CellGrid, CellGridBounds, CellIJ, Interval, Polygon
from ..cells import (
    CellApertureCorrectionMap,
    CellField,
    CellPointSpreadFunction,
    CoaddProvenance,
    PatchDefinition,
)
from ..errors import ImagesError
from .afw_archive._cell_coadd import LegacyCellCoadd
from .afw_archive._table import LegacyTable


@dataclasses.dataclass(frozen=True)
class CellLayout:
    """The layout of cells and their borders.

    Parameters
    ----------
    bbox
        Bounding box, including the border around the outermost cells.
    inner
        Grid of the cells of the file.
    grid
        Grid extended by as many cells on each side as ``bbox`` needs.
    before
        Numbers of cells of ``grid`` before the first cell of ``inner``.
    indices
        Rows and columns in ``inner`` of the cells in the file, shape
        ``(n, 2)``.
    """

    bbox: Box
    inner: CellGrid
    grid: CellGrid
    before: CellIJ
    indices: np.ndarray

    @classmethod
    def from_record(cls, record: LegacyCellCoadd) -> Self:
        """Read the layout of a file.

        Parameters
        ----------
        record
            The open file.
        """
        size, pad = record.cell_size.yx, record.padding.yx
        starts, counts = record.grid_start.yx, record.grid_shape.yx
        sides = [
            Interval.from_size(n * cell, start) for n, cell, start in zip(counts, size, starts, strict=True)
        ]
        frames = [-(-padding // cell) for padding, cell in zip(pad, size, strict=True)]
        wide = [
            Interval(side.start - n * cell, side.stop + n * cell)
            for side, n, cell in zip(sides, frames, size, strict=True)
        ]
        return cls(
            bbox=Box(*(side.padded(padding) for side, padding in zip(sides, pad, strict=True))),
            inner=CellGrid(Box(*sides), size),
            grid=CellGrid(Box(*wide), size),
            before=CellIJ(*frames),
            indices=record.cells[:, ::-1],
        )

    def inner_bbox(self, n: int) -> Box:
        """Return the bounding box of the pixels that a cell contributes.

        Parameters
        ----------
        n
            Position of the cell in the file.
        """
        i, j = self.indices[n].tolist()
        box, last = self.inner.bbox_of(CellIJ(i, j)), self.inner.grid_size
        y = Interval(
            self.bbox.y.start if i == 0 else box.y.start, self.bbox.y.stop if i == last.i - 1 else box.y.stop
        )
        x = Interval(
            self.bbox.x.start if j == 0 else box.x.start, self.bbox.x.stop if j == last.j - 1 else box.x.stop
        )
        return Box(y=y, x=x)

    def spread(self, values: np.ndarray, fill: float = np.nan) -> np.ndarray:
        """Arrange one value per cell of the file on the grid.

        Parameters
        ----------
        values
            Shape ``(n, ...)``.
        fill
            Value of cells that are not in the file.

        Returns
        -------
        spread
            Shape of the grid, followed by the remaining axes; cells of the
            extension have the values of their neighbours.
        """
        inner = np.full((*self.inner.grid_size.as_tuple(), *values.shape[1:]), fill, dtype=values.dtype)
        inner[self.indices[:, 0], self.indices[:, 1]] = values
        frame = [(n, n) for n in self.before.as_tuple()]
        return np.pad(inner, [*frame, *((0, 0) for _ in values.shape[1:])], mode="edge")

    def bounds(self) -> CellGridBounds:
        """Return the cells that are not missing."""
        present = self.spread(np.ones(len(self.indices)), 0.0) > 0.0
        missing = frozenset(CellIJ(i, j) for i, j in np.argwhere(~present).tolist())
        return CellGridBounds(self.grid, self.grid.bbox, missing)

    def framed(self, i: int, j: int) -> list[CellIJ]:
        """List a cell of the file and the cells of the extension that repeat it.

        Parameters
        ----------
        i, j
            Row and column in ``inner``.

        Returns
        -------
        cells
            Indices in ``grid``.
        """
        last = self.inner.grid_size
        ranges = []
        for index, before, count in ((i, self.before.i, last.i), (j, self.before.j, last.j)):
            low = 0 if index == 0 else index + before
            high = count + 2 * before if index == count - 1 else index + before + 1
            ranges.append(range(low, high))
        return [CellIJ(a, b) for a in ranges[0] for b in ranges[1]]


def make_cell_psf(record: LegacyCellCoadd, layout: CellLayout) -> CellPointSpreadFunction:
    """Convert the PSF of the cells.

    Parameters
    ----------
    record, layout
        The open file.
    """
    return CellPointSpreadFunction(layout.spread(record.psf.astype(np.float64)), layout.bounds())


def make_cell_corrections(record: LegacyCellCoadd, layout: CellLayout) -> CellApertureCorrectionMap:
    """Convert the aperture corrections of the cells.

    Parameters
    ----------
    record, layout
        The open file.

    Returns
    -------
    corrections
        Empty if the file does not have aperture corrections.
    """
    table = record.tables.get("APCORR")
    if table is None:
        return {}
    rows = dict(zip(zip(_ints(table, "y"), _ints(table, "x"), strict=True), range(len(table)), strict=True))
    order = [rows.get((i, j), -1) for i, j in layout.indices.tolist()]
    bounds = layout.bounds()
    corrections = {}
    for name in table.names:
        if name in ("x", "y"):
            continue
        values = np.append(np.asarray(table.column(name), dtype=np.float64).reshape(len(table)), np.nan)
        corrections[name] = CellField(bounds, layout.spread(values[order]))
    return corrections


def make_patch(record: LegacyCellCoadd, layout: CellLayout, number: int | None) -> PatchDefinition | None:
    """Convert the patch.

    Parameters
    ----------
    record, layout
        The open file.
    number
        Number of the patch in its tract, which the file does not have; -1 if
        unknown.

    Returns
    -------
    patch
        `None` if the file does not have the index of the patch.
    """
    if record.patch is None:
        return None
    return PatchDefinition(
        id=-1 if number is None else number,
        index=record.patch.yx,
        inner_bbox=record.bbox,
        cells=layout.grid,
    )


def make_provenance(record: LegacyCellCoadd, layout: CellLayout) -> CoaddProvenance | None:
    """Convert the table of input images.

    Parameters
    ----------
    record, layout
        The open file.

    Returns
    -------
    provenance
        `None` if the file does not list the inputs.
    """
    cells = record.tables.get("CELL")
    if cells is None or not len(cells):
        return None
    visits, detectors = _ints(cells, "visit"), _ints(cells, "detector")
    keys = sorted(set(zip(visits, detectors, strict=True)))
    facts = _visit_facts(record)
    inputs: dict[str, Any] = {
        "instrument": [record.instrument] * len(keys),
        "visit": [visit for visit, _ in keys],
        "detector": [detector for _, detector in keys],
        **{
            name: [facts.get(key, facts.get((key[0], -1), {})).get(name, default) for key in keys]
            for name, default in (("physical_filter", None), ("day_obs", 0))
        },
    }
    polygons = np.empty(len(keys), dtype=object)
    polygons[:] = [facts.get(key, {}).get("polygon") for key in keys]
    # A cell of the extension has the inputs of the cell that it repeats.
    pairs = [
        (n, cell)
        for n, (i, j) in enumerate(zip(_ints(cells, "cell_y"), _ints(cells, "cell_x"), strict=True))
        for cell in layout.framed(i, j)
    ]
    rows = np.array([n for n, _ in pairs], dtype=np.intp)
    contributions = {
        "cell_i": [cell.i for _, cell in pairs],
        "cell_j": [cell.j for _, cell in pairs],
        "instrument": [record.instrument] * len(pairs),
        "visit": np.array(visits, dtype=np.uint64)[rows],
        "detector": np.array(detectors)[rows],
        **{ours: _floats(cells, theirs)[rows] for ours, theirs in _CONTRIBUTIONS.items()},
        **{name: (_floats(cells, name, 0.0) != 0.0)[rows] for name in ("overlaps_center", "psf_shape_flag")},
    }
    return CoaddProvenance.from_columns({**inputs, "polygon": polygons}, contributions)


_CONTRIBUTIONS = {
    "overlap_fraction": "overlap_fraction",
    "unmasked_fraction": "unmasked_overlap_fraction",
    "weight": "weight",
    "psf_shape_xx": "psf_shape_ixx",
    "psf_shape_yy": "psf_shape_iyy",
    "psf_shape_xy": "psf_shape_ixy",
}
"""Names of columns of numbers, in this package and in files."""


def _ints(table: LegacyTable, name: str) -> list[int]:
    return [int(n) for n in np.asarray(table.column(name)).reshape(len(table)).tolist()]


def _floats(table: LegacyTable, name: str, default: float = np.nan) -> np.ndarray:
    if name not in table:
        return np.full(len(table), default)
    return np.asarray(table.column(name)).astype(np.float64).reshape(len(table))


def _visit_facts(record: LegacyCellCoadd) -> dict[tuple[int, int], dict[str, Any]]:
    """Collect the metadata of visits and their detectors."""
    facts: dict[tuple[int, int], dict[str, Any]] = {}
    for name, number in (("VISIT", None), ("VISIT_SUMMARY", "detector")):
        table = record.tables.get(name)
        if table is None:
            continue
        filters: Any = table.column("physical_filter") if "physical_filter" in table else [""] * len(table)
        days = _ints(table, "day_obs") if "day_obs" in table else [0] * len(table)
        visits = _ints(table, "visit")
        detectors = _ints(table, number) if number else [-1] * len(table)
        outline = _outlines(table) if "polygon_vertices" in table else lambda n: None
        for n, key in enumerate(zip(visits, detectors, strict=True)):
            facts[key] = {
                "physical_filter": str(filters[n]).strip() or None,
                "day_obs": days[n],
                "polygon": outline(n),
            }
    return facts


def _outlines(table: LegacyTable) -> Callable[[int], Polygon | None]:
    vertices = np.asarray(table.column("polygon_vertices")).astype(np.float64).reshape(len(table), -1, 2)
    counts = _ints(table, "num_vertices") if "num_vertices" in table else [vertices.shape[1]] * len(table)

    def outline(n: int) -> Polygon | None:
        corners = vertices[n, : counts[n]]
        try:
            return Polygon(x_vertices=corners[:, 0], y_vertices=corners[:, 1])
        except ImagesError:
            return None

    return outline
