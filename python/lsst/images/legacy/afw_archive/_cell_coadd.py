# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Cell coadds as ``lsst.cell_coadds`` wrote them: one table row for each cell."""

from __future__ import annotations

__all__ = ("LegacyCellCoadd", "open_cell_coadd")

import dataclasses
import re
from typing import Any

import numpy as np

from ..._geom import XY, YX, Box, Interval
from ...errors import CorruptArchiveError, InvalidComponentError, NotAnArchiveError, SchemaVersionError
from ...fits import Cards, FitsFile
from ...utils import cached_property, short_repr
from ._kernels import MAX_SIDE
from ._rows import MAX_CORNER
from ._table import LegacyTable

FIRST_VERSION = (0, 1)
"""Version of files without a version."""

UNSUPPORTED_VERSION = (1, 0)
"""First version that is not supported."""

_VERSION = re.compile(r"\s*(\d+)\.(\d+)(?:\.\d+)*\s*")

CELL_PLANES = ("image", "mask", "variance")


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyCellCoadd:
    """An open file of a cell coadd.

    Parameters
    ----------
    version
        Version of the layout.
    bbox
        Bounding box, including borders.
    cell_size, outer_cell_size
        Pixels of a cell, without and with its border.
    grid_shape, grid_start
        Numbers of cells, and first pixel of the first cell.
    psf_shape
        Rows and columns of the PSF images.
    unit
        FITS unit of the image, or `None`.
    instrument, band, skymap
        Names; may be empty.
    tract
        Number, or `None`.
    patch
        Index of the patch, or `None`.
    cells
        Indices ``(x, y)`` of the cells in the file, shape ``(n, 2)``.
    wcs_cards
        Header with the WCS, in pixels of the tract.
    tables
        Further tables by name: ``CELL``, ``VISIT``, ``VISIT_SUMMARY``,
        ``APCORR``.
    mask_planes
        Bit of each mask plane by name; empty in old files, whose planes are
        the default ones of `lsst.afw`.
    """

    version: tuple[int, int]
    bbox: Box
    cell_size: XY[int]
    outer_cell_size: XY[int]
    grid_shape: XY[int]
    grid_start: XY[int]
    psf_shape: YX[int]
    unit: str | None
    instrument: str
    band: str
    skymap: str
    tract: int | None
    patch: XY[int] | None
    cells: np.ndarray
    wcs_cards: Cards
    tables: dict[str, LegacyTable]
    mask_planes: dict[str, int]
    _table: LegacyTable = dataclasses.field(repr=False)

    @property
    def padding(self) -> XY[int]:
        """Width of the border of a cell."""
        inner, outer = self.cell_size, self.outer_cell_size
        return XY((outer.x - inner.x) // 2, (outer.y - inner.y) // 2)

    @property
    def planes(self) -> tuple[str, ...]:
        """Names of the pixel planes: ``image``, ``mask``, ``variance``, ``maskfrac``, ``noise_00`` etc."""
        noise = [name for name in self._table.names if name.startswith("noise_")]
        extra = [name for name in ("maskfrac",) if name in self._table]
        return (*CELL_PLANES, *extra, *noise)

    @cached_property
    def psf(self) -> np.ndarray:
        """Kernel images, shape ``(n, ny, nx)``."""
        return self._stack("psf", self.psf_shape)

    def plane(self, name: str) -> np.ndarray:
        """Return the pixels of all cells with their borders.

        Parameters
        ----------
        name
            One of `planes`.

        Returns
        -------
        pixels
            Shape ``(n, ny, nx)``.

        Raises
        ------
        InvalidComponentError
            If the cells do not have this plane.
        """
        if name not in self.planes:
            raise InvalidComponentError(
                f"Cells do not have the plane {short_repr(name)}; available are {self.planes}."
            )
        return self._stack(name, YX(self.outer_cell_size.y, self.outer_cell_size.x))

    def _stack(self, name: str, shape: YX[int]) -> np.ndarray:
        values = np.asarray(self._table.column(name))
        expected = (len(self.cells), shape.y, shape.x)
        if values.size != expected[0] * expected[1] * expected[2]:
            raise CorruptArchiveError(
                f"column {short_repr(name)} has shape {values.shape}; expected {expected}."
            )
        return values.reshape(expected)

    def outer_bbox(self, index: int) -> Box:
        """Return the bounding box of a cell with its border.

        Parameters
        ----------
        index
            Position of the cell in the file.
        """
        x, y = self.cells[index].tolist()
        first_x = x * self.cell_size.x + self.grid_start.x - self.padding.x
        first_y = y * self.cell_size.y + self.grid_start.y - self.padding.y
        size = self.outer_cell_size
        return Box(y=Interval(first_y, first_y + size.y), x=Interval(first_x, first_x + size.x))

    def inner_bbox(self, index: int) -> Box:
        """Return the bounding box of the pixels that a cell contributes to the stitched coadd.

        Parameters
        ----------
        index
            Position of the cell in the file.

        Notes
        -----
        Cells at the edge of the grid contribute their border, if the box of
        the coadd includes it.
        """
        outer, pad = self.outer_bbox(index), self.padding
        x, y = self.cells[index].tolist()
        x_ends = (x == 0, x == self.grid_shape.x - 1)
        y_ends = (y == 0, y == self.grid_shape.y - 1)
        sides = {
            "x": Interval(
                outer.x.start + (0 if x_ends[0] else pad.x), outer.x.stop - (0 if x_ends[1] else pad.x)
            ),
            "y": Interval(
                outer.y.start + (0 if y_ends[0] else pad.y), outer.y.stop - (0 if y_ends[1] else pad.y)
            ),
        }
        return Box(**sides).intersection(self.bbox)


def open_cell_coadd(file: FitsFile) -> LegacyCellCoadd:
    """Open a cell coadd.

    Parameters
    ----------
    file
        The open file.

    Returns
    -------
    coadd
        Its header, and the bytes of its table.

    Raises
    ------
    NotAnArchiveError
        If the file holds something else.
    SchemaVersionError
        If its layout is newer than any known one.
    CorruptArchiveError
        If it is damaged.
    """
    try:
        hdu = file.hdu(1)
    except InvalidComponentError:
        raise NotAnArchiveError(f"{file.name} is not a cell coadd: it does not have an extension.") from None
    if hdu.kind != "table" or "GRCELL1" not in hdu.cards:
        raise NotAnArchiveError(
            f"{file.name} is not a cell coadd: its first extension is a {hdu.kind} without GRCELL1."
        )
    cards = hdu.cards
    version = _version(cards, file.name)
    table = LegacyTable(hdu)
    tables = {later.name: LegacyTable(later) for later in list(file)[2:] if later.kind == "table"}
    definition = tables.pop("MASKDEF", None)
    return LegacyCellCoadd(
        version=version,
        bbox=_bbox(cards),
        cell_size=_sizes(cards, "GRCELL"),
        outer_cell_size=_sizes(cards, "OCELL"),
        grid_shape=_sizes(cards, "GRSHAPE"),
        grid_start=XY(cards.get_int("GRMIN1"), cards.get_int("GRMIN2")),
        psf_shape=_sizes(cards, "PSFSIZE").yx,
        unit=_text(cards, "TUNIT2") or _text(cards, "TUNIT1") or None,
        instrument=_text(cards, "INSTRUME"),
        band=_text(cards, "FILTER") or _text(cards, "BAND"),
        skymap=_text(cards, "SKYMAP"),
        tract=cards.get_int("TRACT") if "TRACT" in cards else None,
        patch=XY(cards.get_int("PATCH_X"), cards.get_int("PATCH_Y")) if "PATCH_X" in cards else None,
        cells=np.asarray(table.column("cell_id")).astype(np.int64).reshape(len(table), 2),
        wcs_cards=file.hdu(0).cards,
        tables=tables,
        mask_planes={} if definition is None else _mask_planes(definition),
        _table=table,
    )


def _version(cards: Cards, name: str) -> tuple[int, int]:
    text = cards.get("VERSION")
    if text is None:
        return FIRST_VERSION
    match = _VERSION.fullmatch(str(text))
    version = (int(match[1]), int(match[2])) if match else None
    if version is None or not FIRST_VERSION <= version < UNSUPPORTED_VERSION:
        raise SchemaVersionError(
            f"{name}: version {short_repr(text)} of a cell coadd; this release reads versions from 0.1 to "
            "below 1.0."
        )
    return version


def _text(cards: Cards, keyword: str) -> str:
    value = cards.get(keyword, "")
    return value.strip() if isinstance(value, str) else ""


def _sizes(cards: Cards, prefix: str) -> XY[int]:
    size = XY(cards.get_int(f"{prefix}1"), cards.get_int(f"{prefix}2"))
    if not (0 < size.x <= MAX_SIDE and 0 < size.y <= MAX_SIDE):
        raise CorruptArchiveError(
            f"Invalid header of a cell coadd: {prefix}1, {prefix}2 = {size.x}, {size.y}; expected 1 to "
            f"{MAX_SIDE}."
        )
    return size


def _bbox(cards: Cards) -> Box:
    corners = [cards.get_int(f"INBBOX{end}{axis}") for end in (1, 2) for axis in (1, 2)]
    if max(map(abs, corners)) > MAX_CORNER or corners[2] < corners[0] or corners[3] < corners[1]:
        raise CorruptArchiveError(f"The box of a cell coadd has invalid corners {corners}.")
    return Box(y=Interval(corners[1], corners[3] + 1), x=Interval(corners[0], corners[2] + 1))


def _mask_planes(table: LegacyTable) -> dict[str, int]:
    names: Any = table.column("MASK_NAME")
    bits = np.asarray(table.column("BIT_VALUE")).astype(np.int64).tolist()
    return {str(name).strip(): bit for name, bit in zip(names, bits, strict=True)}
