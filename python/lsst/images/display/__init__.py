# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Plots of images, masks and PSFs with matplotlib.

Requires matplotlib (extra ``plot``).  The ``plot`` methods of the types import
this package when they are called; ``import lsst.images`` does not.

All coordinates are absolute pixels, with the centre of a pixel at integer
coordinates and y upwards.  This includes axes that are labelled with sky
coordinates.
"""

from __future__ import annotations

__all__ = (
    "DEFAULT_PLANE_COLORS",
    "Display",
    "compare",
    "convert_to_axes",
    "draw_boxes",
    "draw_markers",
    "draw_regions",
    "getDefaultBackend",
    "getDisplay",
    "plot_color_image",
    "plot_image",
    "plot_mask",
    "plot_masked_image",
    "plot_psf",
    "setDefaultBackend",
)

from ._compare import compare
from ._convert import convert_to_axes
from ._display import Display, getDefaultBackend, getDisplay, setDefaultBackend
from ._images import plot_color_image, plot_image, plot_mask, plot_masked_image
from ._markers import draw_boxes, draw_markers, draw_regions
from ._planes import DEFAULT_PLANE_COLORS
from ._psf import plot_psf
