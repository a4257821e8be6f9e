# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Axes in absolute pixels, or with sky coordinates, and images on them."""

from __future__ import annotations

__all__ = ("Canvas", "make_canvas")

import dataclasses
from typing import Any

import astropy.units as u
import numpy as np

from .._geom import Box
from .._pixels import GeneralizedImage
from .._transforms import Projection
from ..errors import GeometryError, InvalidArgumentError
from ._matplotlib import Axes, AxesImage, Figure, WCSAxes, new_figure

MAX_DEVIATION = 0.1
"""Largest deviation of the sky coordinates of given axes from those of the image, in pixels."""

OVERSAMPLING = 2
"""Number of blocks of a reduced image for each pixel of the figure, in each direction."""

SKY_COORDINATES = (("RA (ICRS)", "longitude", u.hourangle), ("Dec (ICRS)", "latitude", u.deg))
"""Axis label, type and unit of the sky coordinates."""

MESSAGE_STYLE = {"boxstyle": "round", "facecolor": "white", "edgecolor": "0.5", "alpha": 0.9}


@dataclasses.dataclass(frozen=True)
class Canvas:
    """Axes on which an image is drawn.

    Parameters
    ----------
    ax
        The axes.
    bbox
        Pixels of the image, in absolute coordinates.
    dx, dy
        Coordinates of the axes minus absolute coordinates.
    is_new
        Whether the axes were created for this image.
    """

    ax: Axes
    bbox: Box
    dx: float = 0.0
    dy: float = 0.0
    is_new: bool = False

    @property
    def figure(self) -> Figure:
        """The figure of the axes (`matplotlib.figure.Figure`)."""
        figure: Any = self.ax.get_figure(root=True)
        return figure  # type: ignore[no-any-return]  # subfigures are not roots

    def extent(self, rows: int, columns: int, factor: int = 1) -> tuple[float, float, float, float]:
        """Return the edges of an array that starts at the first pixel of the image.

        Parameters
        ----------
        rows, columns
            Shape of the array.
        factor
            Pixels of the image for each element, in each direction.
        """
        left = self.bbox.x.start - 0.5 + self.dx
        bottom = self.bbox.y.start - 0.5 + self.dy
        return left, left + columns * factor, bottom, bottom + rows * factor

    def block_size(self, downsample: bool | int) -> int:
        """Return how many pixels of the image are combined for drawing, in each direction.

        Parameters
        ----------
        downsample
            `True` for a size that fits the figure, `False` for 1, or a size.

        Raises
        ------
        InvalidArgumentError
            If the size is less than 1.
        """
        if downsample is False:
            return 1
        if downsample is True:
            window = self.ax.get_window_extent()
            available = max(1.0, window.width), max(1.0, window.height)
            scale = max(size / pixels for size, pixels in zip(self.bbox.shape.xy, available, strict=True))
            return max(1, int(scale / OVERSAMPLING))
        if not isinstance(downsample, int | np.integer) or downsample < 1:
            raise InvalidArgumentError(
                f"Invalid downsample={downsample!r}; expected a bool or an integer >= 1."
            )
        return int(downsample)

    def draw(self, array: np.ndarray, factor: int = 1, **options: Any) -> AxesImage:
        """Draw an array that starts at the first pixel of the image.

        Parameters
        ----------
        array
            Array of shape ``(ny, nx)``, ``(ny, nx, 3)`` or ``(ny, nx, 4)``.
        factor
            Pixels of the image for each element, in each direction.
        **options
            Keyword arguments of `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        artist
            The artist.
        """
        limits = None if self.is_new or not self.ax.has_data() else (*self.ax.get_xlim(), *self.ax.get_ylim())
        artist = self.ax.imshow(
            array,
            origin="lower",
            extent=self.extent(array.shape[0], array.shape[1], factor),
            interpolation="nearest" if factor == 1 else "auto",
            aspect="equal",
            **options,
        )
        # Blocks at the upper and right edge may extend beyond the image.
        self._set_limits(*(self.extent(self.bbox.shape.y, self.bbox.shape.x) if limits is None else limits))
        return artist

    def fit(self) -> None:
        """Set the limits of axes without data to the edges of the image."""
        if not self.ax.has_data():
            self._set_limits(*self.extent(self.bbox.shape.y, self.bbox.shape.x))
            self.ax.set_aspect("equal")

    def _set_limits(self, left: float, right: float, bottom: float, top: float) -> None:
        self.ax.set_xlim(left, right)
        self.ax.set_ylim(bottom, top)

    def write_message(self, text: str) -> None:
        """Write a text into the centre of the image.

        Parameters
        ----------
        text
            The text.
        """
        left, right, bottom, top = self.extent(self.bbox.shape.y, self.bbox.shape.x)
        self.ax.text(
            (left + right) / 2,
            (bottom + top) / 2,
            text,
            ha="center",
            va="center",
            color="black",
            bbox=MESSAGE_STYLE,
            clip_on=True,
            zorder=5,
        )


def make_canvas(image: GeneralizedImage, ax: Axes | None, *, wcs: bool, title: str | None) -> Canvas:
    """Create axes for an image, or place it on given axes.

    Parameters
    ----------
    image
        The image.
    ax
        Axes to draw on; by default, those of a new figure.
    wcs
        Whether to label new axes with sky coordinates.
    title
        Title of the axes.

    Returns
    -------
    canvas
        The axes and the position of the image on them.

    Raises
    ------
    GeometryError
        If sky coordinates are requested and the image has no sky projection,
        or the given axes have another sky projection than the image.
    InvalidArgumentError
        If sky coordinates are requested on given axes without them.
    """
    if ax is None:
        canvas = Canvas(_new_axes(image, wcs), image.bbox, is_new=True)
    elif isinstance(ax, WCSAxes):
        canvas = Canvas(ax, image.bbox, *_find_offset(ax, image))
    elif wcs:
        raise InvalidArgumentError(
            "wcs=True requires axes with sky coordinates (WCSAxes); got plain axes. Do not pass ax, or "
            "create it with Figure.add_subplot(axes_class=WCSAxes, wcs=image.projection.as_astropy())."
        )
    else:
        canvas = Canvas(ax, image.bbox)
        if not ax.has_data():
            _label_pixels(ax)
    if title is not None:
        canvas.ax.set_title(title)
    return canvas


def _new_axes(image: GeneralizedImage, wcs: bool) -> Axes:
    if not wcs:
        ax: Axes = new_figure().add_subplot()
        _label_pixels(ax)
        return ax
    view = _required_projection(image).as_astropy()
    sky_axes: Any = new_figure().add_subplot(axes_class=WCSAxes, wcs=view)
    for coordinate, (label, kind, unit) in zip(sky_axes.coords, SKY_COORDINATES, strict=True):
        coordinate.set_coord_type(kind)
        coordinate.set_format_unit(unit)
        coordinate.set_axislabel(label)
        coordinate.set_ticklabel(exclude_overlapping=True)
        coordinate.grid(color="white", alpha=0.5, linestyle="solid", linewidth=0.6)
    return sky_axes  # type: ignore[no-any-return]  # WCSAxes is untyped


def _label_pixels(ax: Axes) -> None:
    ax.set_xlabel("x (pixels)")
    ax.set_ylabel("y (pixels)")
    # Absolute coordinates are integers; an offset or an exponent would hide digits.
    ax.ticklabel_format(style="plain", useOffset=False)
    ax.locator_params(integer=True)


def _required_projection(image: GeneralizedImage) -> Projection[Any]:
    if image.projection is None:
        raise GeometryError(
            f"{image} has no sky projection, which axes with sky coordinates require; plot it with wcs=False."
        )
    return image.projection


def _find_offset(ax: Any, image: GeneralizedImage) -> tuple[float, float]:
    """Return the coordinates of given axes minus absolute coordinates, in x and y."""
    projection, bbox = _required_projection(image), image.bbox
    x = np.array([bbox.x.min, bbox.x.min, bbox.x.max, bbox.x.max, (bbox.x.min + bbox.x.max) / 2], dtype=float)
    y = np.array([bbox.y.min, bbox.y.max, bbox.y.min, bbox.y.max, (bbox.y.min + bbox.y.max) / 2], dtype=float)
    on_axes = np.array(ax.wcs.world_to_pixel(projection.pixel_to_sky(x=x, y=y)))
    offsets = on_axes - [x, y]
    mean = np.round(offsets[:, -1])
    if not np.all(np.abs(offsets - mean[:, np.newaxis]) <= MAX_DEVIATION):
        raise GeometryError(
            f"The sky projection of the given axes differs from that of {image} by up to "
            f"{np.abs(offsets - mean[:, np.newaxis]).max():.3g} pixels, after a shift by whole pixels; at "
            f"most {MAX_DEVIATION} are allowed. Reproject the image, or plot it on axes of its own."
        )
    return float(mean[0]), float(mean[1])
