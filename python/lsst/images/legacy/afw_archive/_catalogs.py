# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Catalogs of exposures: inputs of coadds, and visit summaries."""

from __future__ import annotations

__all__ = (
    "COMPONENTS",
    "LegacyCoaddInputs",
    "LegacyExposureCatalog",
    "LegacyExposureRecord",
    "decode_coadd_inputs",
    "decode_exposure_catalog",
    "open_exposure_catalog",
)

import dataclasses
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from ..._geom import Box
from ...errors import CorruptArchiveError, InvalidComponentError, NotAnArchiveError
from ...fits import FitsFile
from ...utils import short_repr
from ._entries import LegacyEntry, Reference
from ._locate import find_index
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows
from ._table import LegacyTable

COMPONENTS = {
    "wcs": ("wcs",),
    "psf": ("psf",),
    "photo_calib": ("photoCalib", "calib"),
    "ap_corr_map": ("apCorrMap",),
    "valid_polygon": ("validPolygon",),
    "visit_info": ("visitInfo",),
    "transmission_curve": ("transmissionCurve",),
    "detector": ("detector",),
}
"""Names of the columns that refer to each component, in order of preference."""

_BOX = tuple(f"bbox_{end}{axis}" for end in ("min", "max") for axis in ("", "_x", "_y"))


class LegacyExposureCatalog(Sequence["LegacyExposureRecord"]):
    """A table of exposures, whose objects are decoded on first use.

    Parameters
    ----------
    archive
        The archive with the objects, or `None` if the file does not have one.
    rows
        The table.
    count
        Number of rows that are exposures; all by default.
    """

    def __init__(self, archive: LegacyArchive | None, rows: LegacyRows, *, count: int | None = None) -> None:
        self.archive = archive
        self._rows = rows
        self._count = len(rows) if count is None else count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> LegacyExposureRecord: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[LegacyExposureRecord]: ...

    def __getitem__(self, index: int | slice) -> LegacyExposureRecord | Sequence[LegacyExposureRecord]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(f"Exposure {index} does not exist; the catalog has {self._count}.")
        return LegacyExposureRecord(self.archive, self._rows[index % self._count])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that are not references or boxes, including flags, in order."""
        table = self._rows.table
        special = {name for names in COMPONENTS.values() for name in names if _refers(table, name)}
        hidden = special | {*_BOX, table.flag_column}
        return (*(name for name in table.names if name not in hidden), *table.flag_bits)

    @property
    def units(self) -> dict[str, str]:
        """FITS units of the columns that have one."""
        return {name: unit for name, unit in self._rows.table.units.items() if name in self.names}

    def column(self, name: str) -> Any:
        """Return a column.

        Parameters
        ----------
        name
            One of `names`.

        Returns
        -------
        values
            An array, or a list of arrays of different lengths.

        Raises
        ------
        InvalidComponentError
            If the catalog does not have this column.
        """
        table = self._rows.table
        if name not in self.names:
            raise InvalidComponentError(
                f"Column {short_repr(name)} does not exist; available are {short_repr(list(self.names))}."
            )
        if name in table:
            return self._rows.column(name)[: self._count]
        flags = np.asarray(self._rows.column(str(table.flag_column))).reshape(len(self._rows), -1)
        return flags[: self._count, table.flag_bits[name]]


class LegacyExposureRecord:
    """One exposure of a catalog.

    Parameters
    ----------
    archive
        The archive with the objects, or `None` if the file does not have one.
    row
        The row.
    """

    __slots__ = ("_archive", "_row")

    def __init__(self, archive: LegacyArchive | None, row: LegacyRow) -> None:
        self._archive = archive
        self._row = row

    @property
    def id(self) -> int:
        """Identifier of the exposure."""
        return self._row.integer("id")

    @property
    def bbox(self) -> Box | None:
        """Its box; `None` if empty, or not in the catalog."""
        if "bbox_min" not in self._row and "bbox_min_x" not in self._row:
            return None
        return self._row.box("bbox")

    def reference(self, name: str) -> Reference | None:
        """Return a reference to an object.

        Parameters
        ----------
        name
            One of `COMPONENTS`.

        Returns
        -------
        reference
            `None` if the exposure does not have it.
        """
        for column in COMPONENTS[name]:
            if self._archive is not None and _refers(self._row.table, column):
                return self._archive.reference(self._row.integer(column)) or None
        return None

    def component(self, name: str) -> Any:
        """Return an object.

        Parameters
        ----------
        name
            One of `COMPONENTS`.

        Returns
        -------
        component
            Its record, or `None` if the exposure does not have it.

        Raises
        ------
        ArchiveReadError
            If it is damaged.
        """
        reference = self.reference(name)
        return None if reference is None else reference()

    def __getitem__(self, name: str) -> Any:
        bits = self._row.table.flag_bits
        if name in bits:
            return self._row.flag(name)
        if name not in self._row:
            raise KeyError(
                f"Column {short_repr(name)} does not exist; available are "
                f"{short_repr(list(self._row.table.names))}."
            )
        value = self._row.value(name)
        if isinstance(value, str):
            return value.strip()
        return value.item() if isinstance(value, np.generic) else value

    def __contains__(self, name: object) -> bool:
        return name in self._row or name in self._row.table.flag_bits


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyCoaddInputs:
    """The inputs of a coadd.

    Parameters
    ----------
    visits
        The visits.
    ccds
        The detectors of the visits.
    """

    visits: LegacyExposureCatalog
    ccds: LegacyExposureCatalog


def _refers(table: LegacyTable, name: str) -> bool:
    """Return whether a column refers to objects: its type is a 32-bit integer.

    The column ``detector`` of a visit summary is a 16-bit or 64-bit integer,
    because it holds the number of a detector and not a reference.
    """
    return name in table and table.code(name) == "J"


def decode_coadd_inputs(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyCoaddInputs:
    """Decode ``CoaddInputs``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    if len(tables) != 2:
        raise CorruptArchiveError(f"the inputs of a coadd have {len(tables)} tables; expected two")
    return LegacyCoaddInputs(*(LegacyExposureCatalog(archive, rows) for rows in tables))


def decode_exposure_catalog(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyExposureCatalog:
    """Decode an ``ExposureCatalog`` that is part of an archive.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    return LegacyExposureCatalog(archive, tables[0])


def open_exposure_catalog(file: FitsFile, *, load: bool = True) -> LegacyExposureCatalog:
    """Open a file that holds a catalog of exposures, for example a visit summary.

    Parameters
    ----------
    file
        The open file.
    load
        Whether the bytes of all objects are read at once, so that the file
        can be closed.

    Returns
    -------
    catalog
        Its rows.

    Raises
    ------
    NotAnArchiveError
        If the file holds something else.
    CorruptArchiveError
        If it is damaged.
    """
    try:
        hdu = file.hdu(1)
    except InvalidComponentError:
        raise NotAnArchiveError(
            f"{file.name} is not a catalog of exposures: it does not have an extension."
        ) from None
    kind = hdu.cards.get("AFW_TYPE")
    if hdu.kind != "table" or kind != "EXPOSURE":
        raise NotAnArchiveError(
            f"{file.name} is not a catalog of exposures: its first extension is a {hdu.kind} with "
            f"AFW_TYPE = {short_repr(kind)}; expected a table with 'EXPOSURE'."
        )
    table = LegacyTable(hdu)
    index = find_index(file)
    archive = None if index is None else LegacyArchive(file, *index)
    if archive is not None and load:
        archive.load_all()
    return LegacyExposureCatalog(archive, LegacyRows(table, 0, len(table)))
