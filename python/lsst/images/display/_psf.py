# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Plot point spread functions."""

from __future__ import annotations

__all__ = ("plot_psf",)

from typing import Any

from ..psfs import PointSpreadFunction
from ._images import plot_image
from ._matplotlib import Axes


def plot_psf(psf: PointSpreadFunction, x: float, y: float, ax: Axes | None = None, **options: Any) -> Axes:
    """Plot the kernel image of a PSF.

    Parameters
    ----------
    psf
        The point spread function.
    x, y
        Position at which it is evaluated, in absolute pixels.
    ax
        Axes to draw on; by default, those of a new figure.
    **options
        Options of `plot_image`.  By default, the stretch is ``asinh``, the
        limits are those of the pixels, and the title contains the position.

    Returns
    -------
    ax
        The axes, in pixels relative to the centre of the star.

    Raises
    ------
    BoundsError
        If the position lies outside the bounds of the PSF.
    """
    kernel = psf.compute_kernel_image(x=x, y=y)
    defaults = {"stretch": "asinh", "interval": "minmax", "title": f"PSF at x={x:g}, y={y:g}"}
    ax = plot_image(kernel, ax, **{**defaults, **options})
    ax.set_xlabel("x - centre (pixels)")
    ax.set_ylabel("y - centre (pixels)")
    return ax
