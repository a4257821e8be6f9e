# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Names of matplotlib, and the error if it is not installed."""

from __future__ import annotations

__all__ = ("Axes", "AxesImage", "Figure", "Patch", "WCSAxes", "colormaps", "new_figure", "to_rgba")

from typing import Any

from .._pixels._plotting import axes_type

axes_type()  # Raises the error that names the extra to install.

from astropy.visualization.wcsaxes import WCSAxes  # noqa: E402  # requires matplotlib
from matplotlib import colormaps  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.colors import to_rgba  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.image import AxesImage  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402


def new_figure(**options: Any) -> Figure:
    """Create a figure of pyplot, which notebooks show at the end of a cell.

    Parameters
    ----------
    **options
        Keyword arguments of `matplotlib.pyplot.figure`.
    """
    from matplotlib import pyplot

    return pyplot.figure(**{"layout": "constrained", **options})
