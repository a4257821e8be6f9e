# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Array indices of the cells of a grid."""

from __future__ import annotations

__all__ = ("array_index", "cell_numbers", "missing_indices", "require_cell", "slices_of")

from typing import Any

import numpy as np
import numpy.typing as npt

from .._geom import CellGridBounds, CellIJ, Interval
from ..errors import BoundsError


def cell_numbers(positions: Any, interval: Interval, cell_size: int) -> npt.NDArray[np.intp]:
    """Return the cells that contain positions along one axis.

    Parameters
    ----------
    positions
        Absolute pixel positions; pixel ``n`` covers ``[n - 0.5, n + 0.5)``.
    interval
        Pixels of a whole number of cells.
    cell_size
        Pixels of a cell.

    Returns
    -------
    numbers
        Numbers of the cells, counted from the start of the interval; -1
        before it, and the number of cells after it and for NaN.
    """
    edges = np.arange(interval.start, interval.stop + 1, cell_size) - 0.5
    return np.asarray(np.searchsorted(edges, positions, side="right") - 1, dtype=np.intp)


def array_index(bounds: CellGridBounds, cell: CellIJ) -> tuple[int, int]:
    """Return the index of a cell in an array of the cells of some bounds.

    Parameters
    ----------
    bounds
        The bounds.
    cell
        Index of the cell in the grid.
    """
    return (cell - bounds.subgrid_start).as_tuple()


def require_cell(bounds: CellGridBounds, cell: CellIJ) -> tuple[int, int]:
    """Return the index of a cell, which must be present, in an array.

    Parameters
    ----------
    bounds
        The bounds.
    cell
        Index of the cell in the grid.

    Raises
    ------
    BoundsError
        If the cell is missing, or not within the bounds.
    """
    if bounds.contains_cell(cell):
        return array_index(bounds, cell)
    if cell in bounds.missing:
        raise BoundsError(f"Cell {cell} is missing.")
    raise BoundsError(
        f"Cell {cell} is out of bounds; expected a cell from {bounds.subgrid_start} to (excluding) "
        f"{bounds.subgrid_stop}."
    )


def missing_indices(bounds: CellGridBounds) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the indices of the missing cells in an array of all cells.

    Parameters
    ----------
    bounds
        The bounds.

    Returns
    -------
    rows, columns
        Index arrays.
    """
    indices = np.array([array_index(bounds, cell) for cell in sorted(bounds.missing)], dtype=np.intp)
    rows, columns = indices.reshape(-1, 2).T
    return rows, columns


def slices_of(part: CellGridBounds, whole: CellGridBounds) -> tuple[slice, slice]:
    """Return the slices of an array of cells that select some of them.

    Parameters
    ----------
    part
        Bounds of the selected cells, on the same grid.
    whole
        Bounds of the cells of the array.
    """
    start, stop = array_index(whole, part.subgrid_start), array_index(whole, part.subgrid_stop)
    return slice(start[0], stop[0]), slice(start[1], stop[1])
