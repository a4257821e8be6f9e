# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Positions of stamps, in pixels or on the celestial sphere."""

from __future__ import annotations

__all__ = ("Positions", "parse_positions")

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np

from .._geom import XY
from ..errors import InvalidArgumentError
from ..utils import short_repr

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord

    from .._transforms import Projection

SKY_COLUMNS = (("ra", "dec"), ("coord_ra", "coord_dec"), ("RA", "DEC"))
PIXEL_COLUMNS = (("x", "y"), ("X", "Y"))


@dataclasses.dataclass(frozen=True)
class Positions:
    """Positions of one kind.

    Parameters
    ----------
    sky
        Coordinates on the celestial sphere, or `None`.
    pixels
        Absolute pixels, or `None`.
    """

    sky: SkyCoord | None = None
    pixels: XY[np.ndarray] | None = None

    def __len__(self) -> int:
        if self.pixels is not None:
            return len(self.pixels.x)
        return 0 if self.sky is None else len(self.sky)

    def in_pixels(self, rows: np.ndarray, projection: Callable[[], Projection[Any] | None]) -> XY[np.ndarray]:
        """Return absolute pixels of some positions.

        Parameters
        ----------
        rows
            Indices of the positions.
        projection
            Returns the sky projection of the image; called if it is needed.

        Returns
        -------
        pixels
            NaN for positions that cannot be mapped.

        Raises
        ------
        InvalidArgumentError
            If the image has no projection.
        """
        if self.pixels is not None:
            return XY(self.pixels.x[rows], self.pixels.y[rows])
        if (found := projection()) is None:
            raise InvalidArgumentError(
                "The image has no sky projection; give positions in pixels, as XY(x, y) or columns x and y."
            )
        assert self.sky is not None, "positions are of one kind"
        x, y = found.sky_to_pixel(self.sky[rows])
        return XY(np.asarray(x, dtype=float), np.asarray(y, dtype=float))


def parse_positions(positions: Any) -> Positions:
    """Convert what a caller gives as positions.

    Parameters
    ----------
    positions
        A `~astropy.coordinates.SkyCoord`; `XY` or `YX` of arrays; or a table with columns ``ra`` and
        ``dec`` (degrees, unless they have a unit), ``coord_ra`` and ``coord_dec``, or ``x`` and ``y``.

    Returns
    -------
    positions
        The positions, in one dimension.

    Raises
    ------
    InvalidArgumentError
        If it is another object, or a table without these columns.
    """
    if hasattr(positions, "transform_to"):
        return Positions(sky=positions.icrs.reshape(-1))
    given: Any = getattr(positions, "colnames", None) or getattr(positions, "columns", ())
    names = list(given)
    for ra, dec in SKY_COLUMNS:
        if ra in names and dec in names:
            return _sky_columns(positions[ra], positions[dec])
    for x, y in PIXEL_COLUMNS:
        if x in names and y in names:
            return _pixels(positions[x], positions[y])
    if hasattr(positions, "x") and hasattr(positions, "y") and not names:
        return _pixels(positions.x, positions.y)
    raise InvalidArgumentError(
        f"The positions {short_repr(positions)} are not understood; expected a SkyCoord, XY(x, y), or a "
        "table with columns (ra, dec), (coord_ra, coord_dec) or (x, y)"
        + (f"; it has {names}." if names else ".")
    )


def _sky_columns(ra: Any, dec: Any) -> Positions:
    from astropy.coordinates import SkyCoord

    angles = [u.Quantity(_numbers(column), _unit(column)) for column in (ra, dec)]
    return Positions(sky=SkyCoord(*angles, frame="icrs"))


def _unit(column: Any) -> u.UnitBase:
    return getattr(column, "unit", None) or u.deg


def _pixels(x: Any, y: Any) -> Positions:
    values = XY(*map(_numbers, (x, y)))
    if values.x.shape != values.y.shape:
        raise InvalidArgumentError(
            f"The positions have {len(values.x)} x and {len(values.y)} y coordinates; there must be as many."
        )
    return Positions(pixels=values)


def _numbers(axis: Any) -> np.ndarray:
    """Return coordinates in one dimension; missing ones are NaN."""
    return np.atleast_1d(np.ma.filled(np.ma.asarray(axis, dtype=float), np.nan)).ravel()
