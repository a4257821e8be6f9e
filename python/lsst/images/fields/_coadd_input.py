# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Input images of coadds."""

from __future__ import annotations

__all__ = ("CoaddInput",)

from typing import Any

import numpy as np
import numpy.typing as npt

from .._geom import XY, Bounds
from .._transforms import Projection
from ._points import Float64Array


class CoaddInput:
    """Base class of the inputs of a coadd.

    Subclasses are dataclasses that add the property of the image that is
    averaged in the coadd to the members below.
    """

    projection: Projection[Any]
    bounds: Bounds
    weight: float

    def locate(self, sky: XY[Float64Array]) -> tuple[XY[Float64Array], npt.NDArray[np.bool_]]:
        """Map positions on the sky to pixels of the image.

        Parameters
        ----------
        sky
            Longitudes and latitudes in radians, shape ``(n,)``.

        Returns
        -------
        there
            The positions in pixels of the image.
        inside
            Whether each position is within the bounds.
        """
        there = self.projection.sky_to_pixel_transform.apply_forward(sky)
        inside = np.asarray(self.bounds.contains(x=there.x, y=there.y))
        return there, inside & np.isfinite(there.x) & np.isfinite(there.y)
