# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Grids of equally sized cells, and regions that consist of such cells."""

from __future__ import annotations

__all__ = ("CellGrid", "CellGridBounds", "CellIJ")

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, overload

import numpy as np
import numpy.typing as npt
import pydantic

from .._aliases import accepts_legacy_names
from ..errors import GeometryError, NotContainedError
from ..plugins import registry
from ..utils import round_half_up, short_repr
from ._box import Box
from ._coords import XY, YX, SerializableYX
from ._interval import Interval
from ._numbers import as_integer
from ._positions import parse_positions
from ._set_ops import intersect, intersect_lazily, register_intersection


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class CellIJ:
    """The index of a cell in a grid, or a number of cells along each axis.

    Parameters
    ----------
    i
        Row of cells.
    j
        Column of cells.
    """

    __pydantic_config__ = pydantic.ConfigDict(json_schema_extra={"description": "Index of a cell in a grid."})

    i: int
    j: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "i", as_integer(self.i, "Cell index i"))
        object.__setattr__(self, "j", as_integer(self.j, "Cell index j"))

    def as_tuple(self) -> tuple[int, int]:
        """Return ``(i, j)``, an index or shape of numpy arrays.

        Returns
        -------
        ij
            Row and column.
        """
        return (self.i, self.j)

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> CellIJ:
        """Convert a `lsst.skymap.Index2D`.

        Parameters
        ----------
        legacy
            A `lsst.skymap.Index2D`, or another object with ``x`` and ``y``
            attributes.

        Returns
        -------
        cell
            Index with row ``y`` and column ``x``.
        """
        return cls(i=legacy.y, j=legacy.x)

    def to_legacy(self) -> Any:
        """Convert to a `lsst.skymap.Index2D`, which must be installed."""
        return registry.convert_to_legacy(self)

    def __add__(self, other: CellIJ) -> CellIJ:
        if not isinstance(other, CellIJ):
            return NotImplemented
        return CellIJ(self.i + other.i, self.j + other.j)

    def __sub__(self, other: CellIJ) -> CellIJ:
        if not isinstance(other, CellIJ):
            return NotImplemented
        return CellIJ(self.i - other.i, self.j - other.j)

    def __str__(self) -> str:
        return f"(i={self.i}, j={self.j})"


@dataclasses.dataclass(frozen=True, slots=True)
class CellGrid:
    """A rectangle of pixels that is divided into equally sized cells.

    Parameters
    ----------
    bbox
        All pixels of the grid.  The cell with index ``(0, 0)`` is at its start.
    cell_shape
        Numbers of rows and columns of each cell.

    Raises
    ------
    GeometryError
        If the cells are empty, or do not divide ``bbox`` evenly.
    """

    __pydantic_config__ = pydantic.ConfigDict(
        json_schema_extra={"description": "A rectangle of pixels that is divided into equal cells."}
    )

    bbox: Annotated[Box, pydantic.Field(description="All pixels of the grid; cell (0, 0) is at its start.")]
    cell_shape: Annotated[
        SerializableYX[int], pydantic.Field(description="Numbers of rows and columns of each cell.")
    ]

    def __post_init__(self) -> None:
        given = self.cell_shape.yx if isinstance(self.cell_shape, XY) else self.cell_shape
        shape = YX(*(as_integer(size, "Cell size") for size in given))
        if shape.y < 1 or shape.x < 1:
            raise GeometryError(
                f"Invalid cell_shape {short_repr(shape)}: cells must have at least one pixel."
            )
        if self.bbox.y.size % shape.y or self.bbox.x.size % shape.x:
            raise GeometryError(
                f"Box {self.bbox} cannot be divided evenly into cells of shape {short_repr(shape)}."
            )
        object.__setattr__(self, "cell_shape", shape)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the form in which the grid is stored in files.

        Parameters
        ----------
        **options
            As for `pydantic.BaseModel.model_dump`.

        Returns
        -------
        values
            Members by name.
        """
        values: dict[str, Any] = pydantic.TypeAdapter(type(self)).dump_python(self, **options)
        return values

    @property
    def grid_size(self) -> CellIJ:
        """Numbers of rows and columns of cells."""
        return CellIJ(self.bbox.y.size // self.cell_shape.y, self.bbox.x.size // self.cell_shape.x)

    def index_of(self, *, y: float, x: float) -> CellIJ:
        """Return the index of the cell that contains a pixel.

        Parameters
        ----------
        y, x
            Row and column; fractions are rounded to the nearest pixel.

        Returns
        -------
        cell
            Index of the cell; may lie outside the grid and be negative.
        """
        return CellIJ(
            (round_half_up(y) - self.bbox.y.start) // self.cell_shape.y,
            (round_half_up(x) - self.bbox.x.start) // self.cell_shape.x,
        )

    def bbox_of(self, cell: CellIJ) -> Box:
        """Return the box of the pixels of a cell.

        Parameters
        ----------
        cell
            Index of the cell; may lie outside the grid.

        Returns
        -------
        bbox
            Box with shape `cell_shape`.
        """
        return Box(
            Interval.from_size(self.cell_shape.y, self.bbox.y.start + cell.i * self.cell_shape.y),
            Interval.from_size(self.cell_shape.x, self.bbox.x.start + cell.j * self.cell_shape.x),
        )

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> CellGrid:
        """Convert a `lsst.cell_coadds.UniformGrid`.

        Parameters
        ----------
        legacy
            A `lsst.cell_coadds.UniformGrid`, or another object with ``bbox``,
            ``cell_size`` and ``padding`` attributes.

        Returns
        -------
        grid
            Grid with the same cells.

        Raises
        ------
        GeometryError
            If the grid is padded.
        """
        if legacy.padding:
            raise GeometryError(
                f"Cannot convert a padded grid of cells: its padding is {short_repr(legacy.padding)}; "
                "expected 0."
            )
        return cls(Box.from_legacy(legacy.bbox), YX(y=legacy.cell_size.y, x=legacy.cell_size.x))

    def to_legacy(self) -> Any:
        """Convert to a `lsst.cell_coadds.UniformGrid`, which must be installed."""
        return registry.convert_to_legacy(self)

    def __str__(self) -> str:
        return f"{self.bbox}, cell_shape=(y={self.cell_shape.y}, x={self.cell_shape.x})"


@dataclasses.dataclass(frozen=True, slots=True)
class CellGridBounds:
    """A region that consists of some of the cells of a grid.

    Parameters
    ----------
    grid
        The grid.
    bbox
        Bounding box; its edges must coincide with edges of cells.
    missing
        Indices in ``grid`` of the cells within ``bbox`` that do not belong to
        the region; cells outside ``bbox`` are ignored.  Empty by default.

    Raises
    ------
    NotContainedError
        If ``bbox`` extends beyond the grid.
    GeometryError
        If an edge of ``bbox`` does not coincide with an edge of a cell.
    """

    __pydantic_config__ = pydantic.ConfigDict(
        json_schema_extra={"description": "The region of some of the cells of a grid."}
    )

    grid: Annotated[CellGrid, pydantic.Field(description="The grid that the cells belong to.")]
    bbox: Annotated[Box, pydantic.Field(description="Pixels of a rectangle of cells.")]
    missing: Annotated[
        frozenset[CellIJ],
        pydantic.Field(description="Cells that do not belong to the region; (0, 0) is at grid.bbox's start."),
        pydantic.PlainSerializer(sorted, return_type=list[CellIJ]),
    ] = frozenset()

    def __post_init__(self) -> None:
        if not self.grid.bbox.contains(self.bbox):
            raise NotContainedError(f"Box {self.bbox} of cells extends beyond the grid {self.grid}.")
        if not _is_aligned(self.grid, self.bbox):
            raise GeometryError(
                f"Box {self.bbox} does not consist of whole cells of the grid {self.grid}; "
                "expected edges that coincide with edges of cells."
            )
        start, stop = self.subgrid_start, self.subgrid_stop
        object.__setattr__(
            self,
            "missing",
            frozenset(
                cell for cell in self.missing if start.i <= cell.i < stop.i and start.j <= cell.j < stop.j
            ),
        )

    @property
    def subgrid_start(self) -> CellIJ:
        """Index of the first cell of ``bbox``, inclusive."""
        return self.grid.index_of(y=self.bbox.y.start, x=self.bbox.x.start)

    @property
    def subgrid_stop(self) -> CellIJ:
        """Index one past the last cell of ``bbox``."""
        return self.grid.index_of(y=self.bbox.y.stop, x=self.bbox.x.stop)

    @property
    def subgrid_size(self) -> CellIJ:
        """Numbers of rows and columns of cells in ``bbox``."""
        return self.subgrid_stop - self.subgrid_start

    @overload
    def contains(self, point: XY[float] | YX[float], /) -> bool: ...

    @overload
    def contains(self, point: XY[Any] | YX[Any], /) -> bool | npt.NDArray[np.bool_]: ...

    @overload
    def contains(self, /, *, x: float, y: float) -> bool: ...

    @overload
    def contains(self, /, *, x: npt.ArrayLike, y: npt.ArrayLike) -> bool | npt.NDArray[np.bool_]: ...

    def contains(
        self,
        point: XY[Any] | YX[Any] | None = None,
        /,
        *,
        x: npt.ArrayLike | None = None,
        y: npt.ArrayLike | None = None,
    ) -> bool | npt.NDArray[np.bool_]:
        """Test whether positions lie within cells that are not missing.

        Parameters
        ----------
        point
            Positions in pixels.
        x, y
            Positions in pixels, instead of ``point``: numbers, arrays or
            nested lists, which are broadcast.  A position belongs to the
            nearest pixel; see `Interval.contains`.

        Returns
        -------
        contains
            A `bool` for scalars, otherwise a boolean array.

        Raises
        ------
        TypeError
            If neither ``point`` nor both of ``x`` and ``y`` are given, or both
            forms are mixed.
        UnitMismatchError
            If a position has a unit other than pixels.
        GeometryError
            If the shapes do not broadcast.
        """
        x, y = parse_positions(point, x, y, caller="CellGridBounds.contains")
        inside = self.bbox.contains(x=x, y=y)
        if not self.missing or inside is False:
            return inside
        i = _cell_numbers(y, self.bbox.y, self.grid.cell_shape.y)
        j = _cell_numbers(x, self.bbox.x, self.grid.cell_shape.x)
        inside = inside & self._present()[i, j]
        return inside if np.ndim(inside) else bool(inside)

    def contains_cell(self, cell: CellIJ) -> bool:
        """Test whether a cell belongs to the region.

        Parameters
        ----------
        cell
            Index of the cell in the grid.

        Returns
        -------
        contains
            Whether the cell lies within ``bbox`` and is not missing.
        """
        start, stop = self.subgrid_start, self.subgrid_stop
        within = start.i <= cell.i < stop.i and start.j <= cell.j < stop.j
        return within and cell not in self.missing

    def missing_boxes(self) -> list[Box]:
        """List the boxes of the missing cells.

        Returns
        -------
        boxes
            One box for each missing cell, row by row.
        """
        return [self.grid.bbox_of(cell) for cell in sorted(self.missing)]

    def cell_indices(self) -> Iterator[CellIJ]:
        """Iterate over the cells of the region, row by row.

        Yields
        ------
        cell
            Index in ``grid`` of a cell that is not missing.
        """
        start, stop = self.subgrid_start, self.subgrid_stop
        for i in range(start.i, stop.i):
            for j in range(start.j, stop.j):
                if (cell := CellIJ(i, j)) not in self.missing:
                    yield cell

    def intersection(self, other: Any, /) -> Any:
        """Return the intersection with other bounds.

        Parameters
        ----------
        other
            Any `Bounds`.

        Returns
        -------
        intersection
            The simplest `Bounds` that contain the common points.

        Raises
        ------
        NoOverlapError
            If the intersection is known to be empty.
        TypeError
            If ``other`` is not a `Bounds`.
        """
        return intersect(self, other)

    def serialize(self) -> CellGridBounds:
        """Return the object itself, which is serializable as a pydantic field.

        Returns
        -------
        serialized
            The object itself.
        """
        return self

    def deserialize(self) -> CellGridBounds:
        """Return the object itself; the inverse of `serialize`.

        Returns
        -------
        bounds
            The object itself.
        """
        return self

    def __getitem__(self, bbox: Box) -> CellGridBounds:
        if not isinstance(bbox, Box):
            raise TypeError(f"Invalid index {short_repr(bbox)} of CellGridBounds; expected a Box.")
        if not self.bbox.contains(bbox):
            raise NotContainedError(f"Box {bbox} does not lie within {self.bbox}.")
        first = self.grid.index_of(y=bbox.y.min, x=bbox.x.min)
        last = self.grid.index_of(y=bbox.y.max, x=bbox.x.max)
        corners = self.grid.bbox_of(first), self.grid.bbox_of(last)
        snapped = Box(
            Interval.hull(*(corner.y for corner in corners)), Interval.hull(*(corner.x for corner in corners))
        )
        return CellGridBounds(self.grid, snapped, self.missing)

    def __str__(self) -> str:
        missing = ", ".join(map(str, sorted(self.missing)))
        return f"{self.bbox} in grid ({self.grid})" + (f", missing={{{missing}}}" if missing else "")

    def _present(self) -> npt.NDArray[np.bool_]:
        """Return whether each cell of ``bbox`` belongs to the region (2-d array)."""
        present = np.ones(self.subgrid_size.as_tuple(), dtype=np.bool_)
        indices = np.array([cell.as_tuple() for cell in self.missing], dtype=np.intp)
        indices -= self.subgrid_start.as_tuple()
        present[indices[:, 0], indices[:, 1]] = False
        return present


def _cell_numbers(positions: Any, interval: Interval, cell_size: int) -> npt.NDArray[np.intp]:
    """Return the indices along one axis of the cells that contain positions.

    Positions outside the interval are assigned to the nearest cell.  A position
    on an edge belongs to the upper pixel, as in `Interval.contains`.
    """
    edges = np.arange(interval.start, interval.stop, cell_size) - 0.5
    found = np.searchsorted(edges, np.asarray(positions, dtype=np.float64), side="right")
    return np.asarray(np.clip(found - 1, 0, len(edges) - 1), dtype=np.intp)


def _is_aligned(grid: CellGrid, bbox: Box) -> bool:
    return not any(
        (edge - whole.start) % size
        for whole, part, size in (
            (grid.bbox.y, bbox.y, grid.cell_shape.y),
            (grid.bbox.x, bbox.x, grid.cell_shape.x),
        )
        for edge in (part.start, part.stop)
    )


def _intersect_box_and_cells(box: Box, cells: CellGridBounds) -> Any:
    overlap = box.intersection(cells.bbox)
    if overlap == cells.bbox:
        return cells
    touched = cells[overlap]
    if not touched.missing:
        return overlap
    return touched if touched.bbox == overlap else intersect_lazily(box, cells)


def _intersect_cells(a: CellGridBounds, b: CellGridBounds) -> Any:
    if a.grid != b.grid:
        return intersect_lazily(a, b)
    return CellGridBounds(a.grid, a.bbox.intersection(b.bbox), a.missing | b.missing)


register_intersection(Box, CellGridBounds, _intersect_box_and_cells)
register_intersection(CellGridBounds, CellGridBounds, _intersect_cells)
