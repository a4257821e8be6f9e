# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fields with one value per cell, such as aperture corrections of cell coadds."""

from __future__ import annotations

__all__ = ("CellApertureCorrectionMap", "CellField")

from typing import Any, Self, TypeAlias, final

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._aliases import accepts_legacy_names
from .._geom import CellGrid, CellGridBounds, CellIJ
from ..errors import GeometryError
from ..fields import BaseField
from ..fields._base import multiply_units
from ..plugins import registry
from ._cell_numbers import cell_numbers, missing_indices, require_cell

Float64Array = npt.NDArray[np.float64]


@final
class CellField(BaseField):
    """A field that is constant in each cell.

    Parameters
    ----------
    bounds
        The cells, and which of them are missing.
    array
        Values, one for each row and column of cells.  Those of missing cells
        are ignored.
    unit
        Unit of the values.

    Raises
    ------
    GeometryError
        If the shape of the array differs from that of the cells.

    Notes
    -----
    The value is NaN in missing cells and outside the bounds.
    """

    def __init__(self, bounds: CellGridBounds, array: npt.ArrayLike, unit: u.UnitBase | None = None) -> None:
        values = np.array(array, dtype=np.float64)
        if values.shape != bounds.subgrid_size.as_tuple():
            raise GeometryError(
                f"Invalid shape {values.shape} of the array of a field; expected that of its cells, "
                f"{bounds.subgrid_size}."
            )
        values[missing_indices(bounds)] = np.nan
        values.flags.writeable = False
        self._cells = bounds
        self._array = values
        self._unit = unit

    @property
    def bounds(self) -> CellGridBounds:
        """The cells, without those that are missing."""
        return self._cells

    @property
    def grid(self) -> CellGrid:
        """The grid that the cells belong to."""
        return self._cells.grid

    @property
    def array(self) -> Float64Array:
        """The values, read-only; NaN for missing cells."""
        return self._array

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the values, or `None`."""
        return self._unit

    @property
    def is_constant(self) -> bool:
        """Whether the value is the same everywhere (`bool`)."""
        return bool(np.all(self._array == self._array.flat[0]))

    def value_in_cell(self, cell: CellIJ) -> float:
        """Return the value in a cell.

        Parameters
        ----------
        cell
            Index of the cell in the grid.

        Raises
        ------
        BoundsError
            If the cell is missing, or not within the bounds.
        """
        return float(self._array[require_cell(self._cells, cell)])

    def quantity_in_cell(self, cell: CellIJ) -> u.Quantity:
        """Return the value in a cell with its unit.

        Parameters
        ----------
        cell
            Index of the cell in the grid.

        Raises
        ------
        BoundsError
            If the cell is missing, or not within the bounds.
        """
        unit = u.dimensionless_unscaled if self._unit is None else self._unit
        return u.Quantity(self.value_in_cell(cell), unit)

    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        bbox, shape = self._cells.bbox, self._cells.grid.cell_shape
        # Positions outside the cells have index -1 or n, which is NaN.
        padded = np.pad(self._array, ((0, 1), (0, 1)), constant_values=np.nan)
        result: Float64Array = padded[cell_numbers(y, bbox.y, shape.y), cell_numbers(x, bbox.x, shape.x)]
        return result

    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        return type(self)(self._cells, self._array * factor, multiply_units(self._unit, unit))

    @classmethod
    @accepts_legacy_names
    def from_legacy_aperture_correction(cls, legacy: Any, bounds: CellGridBounds) -> Self:
        """Convert from an aperture correction of `lsst.cell_coadds`.

        Parameters
        ----------
        legacy
            An `lsst.cell_coadds.StitchedApertureCorrection`.
        bounds
            The cells.
        """
        return registry.convert_from_legacy(legacy, cls, bounds=bounds)

    def to_legacy_aperture_correction(self) -> Any:
        """Convert to an `lsst.cell_coadds.StitchedApertureCorrection`."""
        return registry.convert_to_legacy(self, form="StitchedApertureCorrection")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CellField):
            return NotImplemented
        return (
            self._cells == other._cells
            and self._unit == other._unit
            and np.array_equal(self._array, other._array, equal_nan=True)
        )

    __hash__ = None

    def __str__(self) -> str:
        return f"CellField over {self._cells}"

    def __reduce__(self) -> tuple[Any, ...]:
        return CellField, (self._cells, self._array, self._unit)


CellApertureCorrectionMap: TypeAlias = dict[str, CellField]
"""Fields without unit on one grid, by name of the algorithm."""
