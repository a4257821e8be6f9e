# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Container-independent information about an array, for other software.

A container may convert hints to its own form (FITS header cards, NDF
components) or ignore them.  They are not read back, because the tree contains
the same information.
"""

from __future__ import annotations

__all__ = ("ArrayHints", "FitsWcsSource")

import dataclasses
from typing import Any, Protocol

import astropy.units as u

from .._geom import Box


class FitsWcsSource(Protocol):
    """A sky projection that can be converted to a FITS WCS."""

    def as_fits_wcs(self, bbox: Box, allow_approximation: bool = False) -> Any:
        """Return an `astropy.wcs.WCS` for an array that covers a box.

        Parameters
        ----------
        bbox
            Pixels of the array.
        allow_approximation
            Whether an approximation may be returned in place of the exact WCS.
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
    """Information about an array for other software.

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
"""Empty hints."""
