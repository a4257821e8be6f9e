# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images that went into a coadd, and which positions they cover."""

from __future__ import annotations

__all__ = ("CoaddInput",)

from typing import Any

import numpy as np
import numpy.typing as npt

from .._geom import XY, Bounds
from .._transforms import Projection
from ._points import Float64Array


class CoaddInput:
    """One image that went into a coadd.

    Subclasses are dataclasses of something that is known of the image, of which
    the coadd has the mean, and of the members below.
    """

    projection: Projection[Any]
    bounds: Bounds
    weight: float

    def locate(self, sky: XY[Float64Array]) -> tuple[XY[Float64Array], npt.NDArray[np.bool_]]:
        """Find positions on the sky in the image.

        Parameters
        ----------
        sky
            Longitudes and latitudes as projections map them, shape ``(n,)``.

        Returns
        -------
        there
            The same positions in pixels of the image.
        inside
            Whether each of them is within the bounds.
        """
        there = self.projection.sky_to_pixel_transform.apply_forward(sky)
        inside = np.asarray(self.bounds.contains(x=there.x, y=there.y))
        return there, inside & np.isfinite(there.x) & np.isfinite(there.y)
