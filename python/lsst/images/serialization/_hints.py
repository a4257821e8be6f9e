# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a model tells a container about an array, in neutral words.

A container may turn hints into something that other software understands
(FITS header cards, NDF components) or ignore them; nothing of them is read
back, since the tree says it all.
"""

from __future__ import annotations

__all__ = ("ArrayHints", "FitsWcsSource")

import dataclasses
from typing import Any, Protocol

import astropy.units as u

from .._geom import Box


class FitsWcsSource(Protocol):
    """Something that can say its sky projection in other formats' words."""

    def as_fits_wcs(self, bbox: Box, allow_approximation: bool = False) -> Any:
        """Return an `astropy.wcs.WCS` for an array that covers a box.

        Parameters
        ----------
        bbox
            Pixels of the array.
        allow_approximation
            Whether an approximation may stand in for the exact projection.
        """

    def fits_wcs_error(self, bbox: Box) -> Any:
        """Return ``max`` and ``rms`` error in arcseconds of that WCS.

        Parameters
        ----------
        bbox
            Pixels of the array.
        """


@dataclasses.dataclass(frozen=True)
class ArrayHints:
    """Facts about an array that other software may want to see.

    Parameters
    ----------
    bbox
        Pixels that the last two axes cover, in absolute coordinates.
    unit
        Unit of the elements; it also goes into the tree.
    projection
        Sky projection of the pixels.
    mask_planes
        Name and description of the plane in each bit, lowest bit first.
    """

    bbox: Box | None = None
    unit: u.UnitBase | None = None
    projection: FitsWcsSource | None = None
    mask_planes: tuple[tuple[str, str], ...] = ()


NO_HINTS = ArrayHints()
"""Hints about an array of which nothing is known."""
