# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Bounded fields that depend on a WCS: coadded fields and pixel areas."""

from __future__ import annotations

__all__ = (
    "LegacyCoaddField",
    "LegacyCoaddFieldElement",
    "LegacyPixelArea",
    "decode_coadd_field",
    "decode_pixel_area",
)

import dataclasses
from typing import Any

import numpy as np

from ..._geom import Box
from ..._transforms._ast import AstMapping
from ._ast_text import read_mapping
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows


@dataclasses.dataclass(frozen=True)
class LegacyPixelArea:
    """The solid angle of pixels.

    Parameters
    ----------
    bbox
        Its box; `None` if empty.
    wcs
        Reference to the WCS.
    scaling
        Factor by which the solid angle in steradians is multiplied.
    """

    bbox: Box | None
    wcs: Any
    scaling: float

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the field.

        Parameters
        ----------
        x, y
            Positions in pixels, of equal shapes.
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        mapping = read_mapping(self.wcs.part("ast_text"))
        along_x = _unit_vectors(mapping, x + 0.5, y) - _unit_vectors(mapping, x - 0.5, y)
        along_y = _unit_vectors(mapping, x, y + 0.5) - _unit_vectors(mapping, x, y - 0.5)
        area: np.ndarray = np.linalg.norm(np.cross(along_x, along_y), axis=-1)
        return self.scaling * area


def _unit_vectors(mapping: AstMapping, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    ra, dec = mapping.apply(x, y)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


@dataclasses.dataclass(frozen=True)
class LegacyCoaddFieldElement:
    """The contribution of one image to a coadded field.

    Parameters
    ----------
    field, wcs, valid_polygon
        References to the field, the WCS and the valid pixels of the image.
    weight
        Weight of the image.
    """

    field: Any
    wcs: Any
    valid_polygon: Any
    weight: float


@dataclasses.dataclass(frozen=True)
class LegacyCoaddField:
    """The weighted mean of fields of the images of a coadd.

    Parameters
    ----------
    bbox
        Its box; `None` if empty.
    wcs
        Reference to the WCS of the coadd.
    default
        Value at positions that no image covers.
    elements
        The images.
    """

    bbox: Box | None
    wcs: Any
    default: float
    elements: tuple[LegacyCoaddFieldElement, ...]

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the field.

        Parameters
        ----------
        x, y
            Positions in pixels of the coadd, of equal shapes.
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        sky = read_mapping(self.wcs.part("ast_text")).apply(x, y)
        total, weights = np.zeros(x.shape), np.zeros(x.shape)
        for element in self.elements:
            there = read_mapping(element.wcs.part("ast_text")).apply(*sky, forward=False)
            inside = covers(element.field.part("bbox"), *there)
            if element.valid_polygon:
                inside &= element.valid_polygon.part("contains")(*there)
            values = element.field.part("evaluate")(*there)
            total[inside] += element.weight * values[inside]
            weights[inside] += element.weight
        result = np.full(x.shape, self.default)
        np.divide(total, weights, out=result, where=weights > 0.0)
        return result


def covers(bbox: Box | None, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return whether positions are in a box.

    Parameters
    ----------
    bbox
        The box; `None` if empty.
    x, y
        Positions in pixels.
    """
    if bbox is None:
        return np.zeros(np.shape(x), dtype=bool)
    # The box includes whole edge pixels, so it extends by half a pixel.
    inside = (x >= bbox.x.start - 0.5) & (x <= bbox.x.stop - 0.5)
    inside &= (y >= bbox.y.start - 0.5) & (y <= bbox.y.stop - 0.5)
    return inside


def decode_pixel_area(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyPixelArea:
    """Decode a ``PixelAreaBoundedField``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyPixelArea(row.box("bbox"), archive.reference(row.integer("wcs")), row.number("scaling", 1.0))


def decode_coadd_field(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyCoaddField:
    """Decode a ``CoaddBoundedField``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    elements: tuple[LegacyCoaddFieldElement, ...] = ()
    if len(tables) > 1:
        references = (
            archive.references(tables[1].integers(name, default))
            for name, default in (("field", None), ("wcs", None), ("validPolygon", 0))
        )
        elements = tuple(map(LegacyCoaddFieldElement, *references, tables[1].numbers("weight")))
    return LegacyCoaddField(
        bbox=row.box("bbox"),
        wcs=archive.reference(row.integer("coaddWcs")),
        default=row.number("default", 0.0),
        elements=elements,
    )
