# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Names of matplotlib, and the error if it is not installed."""

from __future__ import annotations

__all__ = (
    "Artist",
    "Axes",
    "AxesImage",
    "Ellipse",
    "Figure",
    "Patch",
    "PathPatch",
    "WCSAxes",
    "colormaps",
    "make_path",
    "new_figure",
    "to_rgba",
)

from collections.abc import Iterable
from typing import Any

import numpy as np

from .._pixels._plotting import axes_type

axes_type()  # Raises the error that names the extra to install.

from astropy.visualization.wcsaxes import WCSAxes  # noqa: E402  # requires matplotlib
from matplotlib import colormaps  # noqa: E402
from matplotlib.artist import Artist  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.colors import to_rgba  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.image import AxesImage  # noqa: E402
from matplotlib.patches import Ellipse, Patch, PathPatch  # noqa: E402
from matplotlib.path import Path  # noqa: E402


def new_figure(**options: Any) -> Figure:
    """Create a figure of pyplot, which notebooks show at the end of a cell.

    Parameters
    ----------
    **options
        Keyword arguments of `matplotlib.pyplot.figure`.
    """
    from matplotlib import pyplot

    return pyplot.figure(**{"layout": "constrained", **options})


def make_path(outlines: Iterable[np.ndarray]) -> Path:
    """Create a path of closed outlines.

    Parameters
    ----------
    outlines
        Vertices of each outline, of shape ``(n, 2)`` with x first; the first
        vertex is repeated at the end.
    """
    return Path.make_compound_path(*(Path(vertices, closed=True) for vertices in outlines))
