# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Select the function that plots an object, by its type."""

from __future__ import annotations

__all__ = ("convert_to_axes",)

from collections.abc import Callable, Mapping
from typing import Any

from .._pixels import ColorImage, Image, Mask, MaskedImage
from ..psfs import PointSpreadFunction
from ._images import plot_color_image, plot_image, plot_mask, plot_masked_image
from ._matplotlib import Axes
from ._psf import plot_psf

PLOTTERS: Mapping[type, Callable[..., Axes]] = {
    Image: plot_image,
    Mask: plot_mask,
    MaskedImage: plot_masked_image,
    ColorImage: plot_color_image,
    PointSpreadFunction: plot_psf,
}
"""Functions that plot an instance of a type or of its subclasses."""


def convert_to_axes(obj: object, options: Mapping[str, Any]) -> Axes | None:
    """Plot an object of a built-in type.

    Parameters
    ----------
    obj
        The object.
    options
        Keyword arguments of the function that plots.

    Returns
    -------
    ax
        The axes; `None` if the type is not supported.
    """
    for pytype, plotter in PLOTTERS.items():
        if isinstance(obj, pytype):
            return plotter(obj, **options)
    return None
