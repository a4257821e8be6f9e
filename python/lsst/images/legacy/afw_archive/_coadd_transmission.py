# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Transmission curves of coadds."""

from __future__ import annotations

__all__ = ("LegacyCoaddTransmission", "LegacyCoaddTransmissionElement", "decode_coadd")

import dataclasses
from typing import Any

import numpy as np

from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows


@dataclasses.dataclass(frozen=True)
class LegacyCoaddTransmissionElement:
    """The contribution of one image to the transmission curve of a coadd.

    Parameters
    ----------
    transmission, wcs, valid_polygon
        References to curve, WCS, and valid pixels of the image.
    bounds
        ``(x_min, y_min, x_max, y_max)`` in pixels.
    weight
        Weight of the image.
    """

    transmission: Any
    wcs: Any
    valid_polygon: Any
    bounds: tuple[float, float, float, float]
    weight: float


@dataclasses.dataclass(frozen=True)
class LegacyCoaddTransmission:
    """The weighted mean of the curves of the images of a coadd.

    Parameters
    ----------
    wcs
        Reference to the WCS of the coadd.
    wavelength_min, wavelength_max
        Ångström.
    at_min, at_max
        Throughput at shorter and longer wavelengths.
    elements
        The images.
    """

    wcs: Any
    wavelength_min: float
    wavelength_max: float
    at_min: float
    at_max: float
    elements: tuple[LegacyCoaddTransmissionElement, ...]


def decode_coadd(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyCoaddTransmission:
    """Decode a ``CoaddTransmissionCurve``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    elements: tuple[LegacyCoaddTransmissionElement, ...] = ()
    if len(tables) > 1:
        rows = tables[1]
        references = (
            archive.references(rows.integers(name, default))
            for name, default in (("transmission", None), ("sensorWcs", None), ("validPolygon", 0))
        )
        corners = np.hstack([rows.points("bbox_min"), rows.points("bbox_max")]).tolist()
        elements = tuple(
            map(LegacyCoaddTransmissionElement, *references, map(tuple, corners), rows.numbers("weight"))
        )
    return LegacyCoaddTransmission(
        archive.reference(row.integer("coaddWcs")),
        row.number("wavelengthMin"),
        row.number("wavelengthMax"),
        row.number("throughputAtMin"),
        row.number("throughputAtMax"),
        elements,
    )
