# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Sky projections through astropy's shared WCS interface.

Source: APE 14, "A shared Python interface for World Coordinate Systems".
"""

from __future__ import annotations

__all__ = ("ProjectionAstropyView",)

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.coordinates import ICRS as AstropyICRS
from astropy.coordinates import SkyCoord
from astropy.wcs.wcsapi import BaseLowLevelWCS, HighLevelWCSMixin

from .._geom import XY, YX, Box, parse_positions
from ._frames import SkyFrame
from ._transform import Transform


class ProjectionAstropyView(BaseLowLevelWCS, HighLevelWCSMixin):  # type: ignore[misc]  # untyped bases
    """A sky projection with the low-level and high-level WCS API of astropy.

    Parameters
    ----------
    pixel_to_sky
        Transform from absolute pixels to ICRS.
    bbox
        Pixels of an array, whose first pixel is (0, 0) in this view.  Without
        it, pixel coordinates are absolute.

    Notes
    -----
    Created by `Projection.as_astropy`.  World coordinates are right ascension
    and declination, in radians.
    """

    def __init__(self, pixel_to_sky: Transform[Any, SkyFrame], bbox: Box | None = None) -> None:
        self._pixel_to_sky = pixel_to_sky
        self._bbox = bbox
        self._x0, self._y0 = (0, 0) if bbox is None else (bbox.x.start, bbox.y.start)

    @property
    def low_level_wcs(self) -> ProjectionAstropyView:
        """The view itself."""
        return self

    @property
    def pixel_n_dim(self) -> int:
        """Number of pixel axes: 2."""
        return 2

    @property
    def world_n_dim(self) -> int:
        """Number of world axes: 2."""
        return 2

    @property
    def pixel_axis_names(self) -> tuple[str, str]:
        """Names of the pixel axes."""
        return ("x", "y")

    @property
    def world_axis_names(self) -> tuple[str, str]:
        """Names of the world axes."""
        return ("ra", "dec")

    @property
    def world_axis_physical_types(self) -> tuple[str, str]:
        """UCD1+ physical types of the world axes."""
        return ("pos.eq.ra", "pos.eq.dec")

    @property
    def world_axis_units(self) -> tuple[str, str]:
        """Units of the world axes."""
        return ("rad", "rad")

    @property
    def axis_correlation_matrix(self) -> npt.NDArray[np.bool_]:
        """Which world axes depend on which pixel axes: both on both."""
        return np.ones((2, 2), dtype=bool)

    @property
    def array_shape(self) -> YX[int] | None:
        """Numbers of rows and columns; `None` without an array."""
        return None if self._bbox is None else self._bbox.shape

    @property
    def pixel_shape(self) -> XY[int] | None:
        """Numbers of columns and rows; `None` without an array."""
        return None if self._bbox is None else self._bbox.shape.xy

    @property
    def pixel_bounds(self) -> XY[tuple[float, float]] | None:
        """Range of each pixel coordinate, from edge to edge of the array."""
        if self._bbox is None:
            return None
        return self._bbox.shape.xy.map(lambda size: (-0.5, size - 0.5))

    @property
    def serialized_classes(self) -> bool:
        """Whether the classes of `world_axis_object_classes` are strings."""
        return False

    @property
    def world_axis_object_classes(self) -> dict[str, Any]:
        """How to construct a `~astropy.coordinates.SkyCoord` from world values."""
        return {"celestial": (SkyCoord, (), {"frame": AstropyICRS(), "unit": ("rad", "rad")})}

    @property
    def world_axis_object_components(self) -> list[tuple[str, Any, Any]]:
        """How to extract world values from a `~astropy.coordinates.SkyCoord`."""
        return [
            ("celestial", 0, lambda sky: sky.spherical.lon.to_value("rad")),
            ("celestial", 1, lambda sky: sky.spherical.lat.to_value("rad")),
        ]

    def pixel_to_world_values(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Map pixels to the sky.

        Parameters
        ----------
        x, y
            Pixels, relative to the first one of the array; broadcast.

        Returns
        -------
        ra, dec
            In radians; scalars for scalars.
        """
        x, y = parse_positions(None, x, y, caller="pixel_to_world_values")
        ra, dec = self._pixel_to_sky.apply_forward(x=x + self._x0, y=y + self._y0)
        return ra, dec

    def world_to_pixel(self, *world_objects: Any) -> XY[Any]:
        """Map the sky to pixels.

        Parameters
        ----------
        *world_objects
            One `~astropy.coordinates.SkyCoord`.

        Returns
        -------
        point
            Pixels, relative to the first one of the array, as a tuple whose
            members have the names ``x`` and ``y``.
        """
        return XY(*super().world_to_pixel(*world_objects))

    def world_to_pixel_values(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Map the sky to pixels.

        Parameters
        ----------
        ra, dec
            ICRS coordinates in radians; broadcast.

        Returns
        -------
        x, y
            Pixels, relative to the first one of the array; scalars for
            scalars.
        """
        x, y = self._pixel_to_sky.apply_inverse(x=ra, y=dec)
        return x - self._x0, y - self._y0

    def __str__(self) -> str:
        return f"ProjectionAstropyView({'unbounded' if self._bbox is None else self._bbox} → ICRS)"

    def __repr__(self) -> str:
        lines = ["ProjectionAstropyView", "World axes: ICRS (ra, dec)"]
        if self._bbox is not None:
            lines.append(f"Array shape (y, x): {tuple(self._bbox.shape)}")
        sky = self.pixel_to_world(0, 0)
        lines.append(f"Pixel (0, 0): {sky.to_string('hmsdms', precision=2)}")
        return "\n".join(lines)
