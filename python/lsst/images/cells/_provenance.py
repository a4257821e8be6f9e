# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The input images of a cell coadd, and their contributions to each cell."""

from __future__ import annotations

__all__ = ("CONTRIBUTION_COLUMNS", "INPUT_COLUMNS", "CoaddProvenance", "ProvenanceColumn")

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Self, final

import astropy.table
import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._aliases import accepts_aliases, accepts_legacy_names
from .._geom import CellIJ
from ..errors import GeometryError
from ..io import Serializable
from ..plugins import registry
from ..utils import short_repr


@dataclasses.dataclass(frozen=True)
class ProvenanceColumn:
    """A column of a provenance table.

    Parameters
    ----------
    name
        Name of the column.
    dtype
        Type of its values.
    description
        One sentence that describes the values.
    unit
        Unit of its values, or `None`.
    """

    name: str
    dtype: type
    description: str
    unit: u.UnitBase | None = None


_INSTRUMENT = ProvenanceColumn("instrument", object, "Name of the instrument.")
_VISIT = ProvenanceColumn("visit", np.uint64, "ID of the visit.")
_DETECTOR = ProvenanceColumn("detector", np.uint16, "ID of the detector.")

INPUT_COLUMNS = (
    _INSTRUMENT,
    _VISIT,
    _DETECTOR,
    ProvenanceColumn("physical_filter", object, "Name of the filter, as the instrument calls it."),
    ProvenanceColumn("day_obs", np.uint32, "Date of the night, as the number YYYYMMDD."),
    ProvenanceColumn("polygon", object, "Outline of the image, in pixels of the tract."),
)
"""Columns of the table of images."""

CONTRIBUTION_COLUMNS = (
    ProvenanceColumn("cell_i", np.uint16, "Row of the cell in the grid of the patch."),
    ProvenanceColumn("cell_j", np.uint16, "Column of the cell in the grid of the patch."),
    _INSTRUMENT,
    _VISIT,
    _DETECTOR,
    ProvenanceColumn("overlaps_center", np.bool_, "Whether the image holds the centre of the cell."),
    ProvenanceColumn("overlap_fraction", np.float64, "Part of the cell that the image covers."),
    ProvenanceColumn("unmasked_fraction", np.float64, "Part of the cell that the image covers unmasked."),
    ProvenanceColumn("weight", np.float64, "Weight of the image in the cell."),
    ProvenanceColumn("psf_shape_xx", np.float64, "Second moment of the PSF along x.", u.pix**2),
    ProvenanceColumn("psf_shape_yy", np.float64, "Second moment of the PSF along y.", u.pix**2),
    ProvenanceColumn("psf_shape_xy", np.float64, "Mixed second moment of the PSF.", u.pix**2),
    ProvenanceColumn("psf_shape_flag", np.bool_, "Whether the PSF could not be measured."),
)
"""Columns of the table of contributions."""

KEYS = ("instrument", "visit", "detector")
"""Columns that identify an image in both tables."""


@final
class CoaddProvenance(Serializable):
    """The input images of a cell coadd, each of one detector and visit.

    Parameters
    ----------
    inputs
        One row for each image, with the columns `INPUT_COLUMNS`.
    contributions
        One row for each image and cell, with the columns
        `CONTRIBUTION_COLUMNS`.  Cells are counted in the grid of the patch.

    Raises
    ------
    GeometryError
        If a table lacks a column, or that of images is empty.

    Notes
    -----
    Index it with a cell, or use `subset`, for the images of some cells.
    """

    def __init__(self, inputs: astropy.table.Table, contributions: astropy.table.Table) -> None:
        for what, table, columns in (
            ("inputs", inputs, INPUT_COLUMNS),
            ("contributions", contributions, CONTRIBUTION_COLUMNS),
        ):
            if absent := [column.name for column in columns if column.name not in table.colnames]:
                raise GeometryError(
                    f"The table of {what} lacks the columns {absent}; it has {table.colnames}."
                )
        if not len(inputs):
            raise GeometryError(
                "Provenance needs at least one input image; use None for a coadd without inputs."
            )
        self._inputs = inputs
        self._contributions = contributions

    @property
    def inputs(self) -> astropy.table.Table:
        """One row for each image (`astropy.table.Table`)."""
        return self._inputs

    @property
    def contributions(self) -> astropy.table.Table:
        """One row for each image and cell (`astropy.table.Table`)."""
        return self._contributions

    @staticmethod
    @accepts_aliases(n="n_rows")
    def make_empty_input_table(n: int = 0) -> astropy.table.Table:
        """Make a table of images with default values.

        Parameters
        ----------
        n
            Number of rows.
        """
        return _make_table(INPUT_COLUMNS, {}, n)

    @staticmethod
    @accepts_aliases(n="n_rows")
    def make_empty_contribution_table(n: int = 0) -> astropy.table.Table:
        """Make a table of contributions with default values.

        Parameters
        ----------
        n
            Number of rows.
        """
        return _make_table(CONTRIBUTION_COLUMNS, {}, n)

    @classmethod
    def from_columns(
        cls, inputs: Mapping[str, npt.ArrayLike], contributions: Mapping[str, npt.ArrayLike]
    ) -> Self:
        """Make provenance from columns, whose values are converted to the types of the tables.

        Parameters
        ----------
        inputs, contributions
            Columns by name.
        """
        return cls(
            _make_table(INPUT_COLUMNS, inputs, _length(inputs)),
            _make_table(CONTRIBUTION_COLUMNS, contributions, _length(contributions)),
        )

    def subset(self, cells: Iterable[CellIJ]) -> CoaddProvenance | None:
        """Select the images that contribute to some cells.

        Parameters
        ----------
        cells
            Indices of the cells in the grid of the patch.

        Returns
        -------
        provenance
            The images, and their contributions to these cells; `None` if
            no image contributes.
        """
        wanted = np.array([cell.as_tuple() for cell in cells], dtype=np.int64).reshape(-1, 2)
        present = np.stack(
            [np.asarray(self._contributions[name], dtype=np.int64) for name in ("cell_i", "cell_j")], axis=1
        )
        contributions = self._contributions[_rows_in(present, wanted)]
        if not len(contributions):
            return None
        inputs, used = _keys(self._inputs, contributions)
        return CoaddProvenance(self._inputs[_rows_in(inputs, used)], contributions)

    def __getitem__(self, cell: CellIJ) -> CoaddProvenance | None:
        if not isinstance(cell, CellIJ):
            raise TypeError(
                f"Invalid index {short_repr(cell)} of provenance; expected a CellIJ.  Use subset() for "
                "several cells."
            )
        return self.subset([cell])

    def copy(self) -> CoaddProvenance:
        """Copy both tables."""
        return CoaddProvenance(self._inputs.copy(), self._contributions.copy())

    # Legacy.

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Self:
        """Convert from an `lsst.cell_coadds.MultipleCellCoadd`.

        Parameters
        ----------
        legacy
            The legacy object.
        """
        return registry.convert_from_legacy(legacy, cls)

    def to_legacy_polygon_map(self) -> Any:
        """Convert the outlines to `lsst.afw.geom.Polygon` by input."""
        return registry.convert_to_legacy(self, form="polygon_map")

    def to_legacy_cell_coadd_inputs(self, observations: Any) -> Any:
        """Convert to the inputs of an `lsst.cell_coadds.MultipleCellCoadd`.

        Parameters
        ----------
        observations
            The `lsst.cell_coadds.ObservationIdentifiers` of the inputs.
        """
        return registry.convert_to_legacy(self, form="cell_coadd_inputs", observations=observations)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CoaddProvenance):
            return NotImplemented
        return _same_columns(self._inputs, other._inputs, INPUT_COLUMNS) and _same_columns(
            self._contributions, other._contributions, CONTRIBUTION_COLUMNS
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __str__(self) -> str:
        count = len(self._inputs)
        return f"CoaddProvenance({count} input image{'' if count == 1 else 's'})"

    def __repr__(self) -> str:
        return f"<{self}>"


def _make_table(
    columns: tuple[ProvenanceColumn, ...], values: Mapping[str, npt.ArrayLike], n: int
) -> astropy.table.Table:
    """Make a table with the types, units and descriptions of columns."""
    table = astropy.table.Table()
    for column in columns:
        array: np.ndarray = np.zeros(n, dtype=column.dtype)
        if column.dtype is object:
            array[:] = None
        if column.name in values:
            array[:] = values[column.name]
        table[column.name] = astropy.table.Column(array, description=column.description, unit=column.unit)
    return table


def _length(columns: Mapping[str, npt.ArrayLike]) -> int:
    return len(np.asarray(columns["visit"]))


def _keys(
    inputs: astropy.table.Table, contributions: astropy.table.Table
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the key columns of both tables as arrays of integers."""
    names = [np.asarray(table["instrument"]).astype(str) for table in (inputs, contributions)]
    _, codes = np.unique(np.concatenate(names), return_inverse=True)
    split = np.split(codes, [len(inputs)])
    first, second = (
        np.stack([code, *(np.asarray(table[name]).astype(np.int64) for name in KEYS[1:])], axis=1)
        for code, table in zip(split, (inputs, contributions), strict=True)
    )
    return first, second


def _rows_in(rows: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which rows of an array are rows of another array."""
    _, codes = np.unique(np.concatenate([rows, wanted]), axis=0, return_inverse=True)
    codes = codes.reshape(-1)
    return np.isin(codes[: len(rows)], codes[len(rows) :])


def _same_columns(
    a: astropy.table.Table, b: astropy.table.Table, columns: tuple[ProvenanceColumn, ...]
) -> bool:
    if len(a) != len(b):
        return False
    return all(
        np.array_equal(
            np.asarray(a[column.name]),
            np.asarray(b[column.name]),
            equal_nan=column.dtype is np.float64,
        )
        for column in columns
    )
