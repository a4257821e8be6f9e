# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Plot images, masks, masked images and color images."""

from __future__ import annotations

__all__ = ("plot_color_image", "plot_image", "plot_mask", "plot_masked_image")

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._pixels import ColorImage, GeneralizedImage, Image, Mask, MaskedImage
from ._axes import Canvas, make_canvas
from ._blocks import block_means
from ._matplotlib import Axes, colormaps
from ._planes import PlaneSelection, draw_planes
from ._scaling import Interval, Stretch, make_norm

BAD_COLOR = "#40587c"
"""Colour of pixels that are not finite: not a shade of grey, and not that of a mask plane."""


def plot_image(
    image: Image,
    ax: Axes | None = None,
    *,
    wcs: bool = False,
    stretch: Stretch = "linear",
    interval: Interval = "zscale",
    vmin: float | None = None,
    vmax: float | None = None,
    cmap: Any = "gray",
    colorbar: bool | None = None,
    title: str | None = None,
    downsample: bool | int = True,
) -> Axes:
    """Plot an image in absolute pixels or with sky coordinates.

    Parameters
    ----------
    image
        The image.  Its pixels are not copied at full size.
    ax
        Axes to draw on; by default, those of a new figure.  Limits of axes
        that contain data are not changed.
    wcs
        Whether to label new axes with sky coordinates and a grid.  Data
        coordinates of the axes are absolute pixels in both cases.
    stretch
        Name of a stretch (``linear``, ``asinh``, ``log``, ``sqrt``,
        ``squared``, ``sinh``) or a stretch of `astropy.visualization`.
    interval
        How to find the limits: ``"zscale"``, ``"minmax"``, a percentage of the
        pixels, a pair of percentiles, or an interval of
        `astropy.visualization`.  They are found from the pixels that are drawn.
    vmin, vmax
        Limits, instead of those of the interval.
    cmap
        Colour map of matplotlib, or its name.  Pixels that are not finite have
        a colour of their own.
    colorbar
        Whether to add a colour bar; by default, to new figures.
    title
        Title of the axes.
    downsample
        Whether to combine pixels to blocks if the image has more than two
        pixels for each pixel of the figure, or the size of blocks in pixels.
        A block has the mean of its finite pixels.

    Returns
    -------
    ax
        The axes.  If all pixels are equal or not finite, a text on the image
        describes this.

    Raises
    ------
    GeometryError
        If sky coordinates are requested and the image has no sky projection,
        or the given axes have another sky projection than the image.
    InvalidArgumentError
        If an option is invalid, or the pixels are complex numbers.
    """
    canvas = make_canvas(image, ax, wcs=wcs, title=title)
    _draw_image(
        canvas,
        image,
        stretch=stretch,
        interval=interval,
        vmin=vmin,
        vmax=vmax,
        cmap=cmap,
        colorbar=canvas.is_new if colorbar is None else colorbar,
        factor=canvas.block_size(downsample),
    )
    return canvas.ax


def _draw_image(
    canvas: Canvas, image: Image, *, cmap: Any, colorbar: bool, factor: int, **scaling: Any
) -> None:
    pixels = block_means(image.array, factor)
    norm = make_norm(pixels, **scaling)
    colors = (colormaps[cmap] if isinstance(cmap, str) else cmap).with_extremes(bad=BAD_COLOR)
    artist = canvas.draw(pixels, factor, norm=norm, cmap=colors)
    unit = "" if image.unit is None else image.unit.to_string()
    if (message := _uniformity(image.array, pixels, unit)) is not None:
        canvas.write_message(message)
    elif colorbar:
        canvas.figure.colorbar(artist, ax=canvas.ax, label=unit)


def _uniformity(array: np.ndarray, pixels: np.ndarray, unit: str) -> str | None:
    """Describe an image without different values."""
    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0:
        return "All pixels are NaN" if np.isnan(array).all() else "No pixel is finite"
    if np.ptp(finite) > 0:
        return None
    values = array[np.isfinite(array)]
    if values.min() != values.max():
        return None
    which = "All" if values.size == array.size else "All finite"
    return f"{which} pixels are {values.flat[0]:.6g} {unit}".rstrip()


def plot_masked_image(
    image: MaskedImage,
    ax: Axes | None = None,
    *,
    mask_planes: PlaneSelection = True,
    mask_alpha: float | Mapping[str, float] = 0.4,
    legend: bool = True,
    wcs: bool = False,
    title: str | None = None,
    downsample: bool | int = True,
    colorbar: bool | None = None,
    **options: Any,
) -> Axes:
    """Plot the image plane of a masked image, with mask planes over it.

    Parameters
    ----------
    image
        The masked image: a visit image or coadd, for example.
    ax, wcs, title, downsample, colorbar
        As for `plot_image`.  A mask plane is set in a block if it is set in
        any of its pixels.
    mask_planes
        `True` for all planes that are set in any pixel, `False` for no planes,
        a name, several names, or a mapping of names to colours (`None` for
        the default colour, see `DEFAULT_PLANE_COLORS`).
    mask_alpha
        Opacity of mask planes, from 0 to 1, or that of each drawn plane by name.
    legend
        Whether to add a legend with the names of the planes: below new axes,
        and inside of given axes.
    **options
        Other options of `plot_image`.

    Returns
    -------
    ax
        The axes.  The artist of each mask plane has the name of the plane as
        its label.

    Raises
    ------
    KeyError
        If the mask does not have one of the planes.
    GeometryError, InvalidArgumentError
        As for `plot_image`.
    """
    canvas = make_canvas(image, ax, wcs=wcs, title=title)
    factor = canvas.block_size(downsample)
    bar = canvas.is_new if colorbar is None else colorbar
    _draw_image(canvas, image.image, factor=factor, colorbar=bar, **{"cmap": "gray", **options})
    draw_planes(canvas, image.mask, mask_planes, alpha=mask_alpha, legend=legend, factor=factor)
    return canvas.ax


def plot_mask(
    mask: Mask,
    ax: Axes | None = None,
    *,
    mask_planes: PlaneSelection = True,
    mask_alpha: float | Mapping[str, float] = 0.7,
    legend: bool = True,
    wcs: bool = False,
    title: str | None = None,
    downsample: bool | int = True,
) -> Axes:
    """Plot the planes of a mask.

    Parameters
    ----------
    mask
        The mask.
    ax, wcs, title, downsample
        As for `plot_image`.
    mask_planes, mask_alpha, legend
        As for `plot_masked_image`.

    Returns
    -------
    ax
        The axes.  If no plane is drawn, a text describes this.

    Raises
    ------
    KeyError
        If the mask does not have one of the planes.
    GeometryError, InvalidArgumentError
        As for `plot_image`.
    """
    canvas = make_canvas(mask, ax, wcs=wcs, title=title)
    if canvas.is_new:
        canvas.ax.set_facecolor("black")
    factor = canvas.block_size(downsample)
    canvas.fit()
    if not draw_planes(canvas, mask, mask_planes, alpha=mask_alpha, legend=legend, factor=factor):
        canvas.write_message("No mask plane is set")
    return canvas.ax


def plot_color_image(
    image: ColorImage,
    ax: Axes | None = None,
    *,
    wcs: bool = False,
    title: str | None = None,
    downsample: bool | int = True,
) -> Axes:
    """Plot a color image.

    Parameters
    ----------
    image
        The image.  Floating-point pixels are clipped to the range from 0
        (black) to 1; integers have the range of their type.
    ax, wcs, title, downsample
        As for `plot_image`.

    Returns
    -------
    ax
        The axes.

    Raises
    ------
    GeometryError, InvalidArgumentError
        As for `plot_image`.
    """
    canvas = make_canvas(image, ax, wcs=wcs, title=title)
    factor = canvas.block_size(downsample)
    kind = image.array.dtype.kind
    scale = 1.0 if kind in "fb" else 1.0 / np.iinfo(image.array.dtype).max
    channels = [block_means(image.array[..., n], factor) * scale for n in range(3)]
    pixels = np.nan_to_num(np.stack(channels, axis=-1).astype(np.float32), nan=0.0)
    canvas.draw(np.clip(pixels, 0.0, 1.0, out=pixels), factor)
    values = _bounds(image)
    if values[0] == values[1]:
        canvas.write_message(f"All pixels are {values[0]:.6g} in all channels")
    return canvas.ax


def _bounds(image: GeneralizedImage) -> tuple[float, float]:
    array = image.array  # type: ignore[attr-defined]  # only images with one array are passed
    return float(array.min()), float(array.max())
