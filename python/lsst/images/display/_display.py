# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Displays with the method names of `lsst.afw.display`, drawn with matplotlib."""

from __future__ import annotations

__all__ = ("Display", "getDefaultBackend", "getDisplay", "setDefaultBackend")

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from .._pixels import ColorImage, GeneralizedImage, Image, Mask, MaskedImage
from ..errors import InvalidArgumentError, UnsupportedConversionError
from ..utils import short_repr
from ._convert import convert_to_axes
from ._matplotlib import Artist, Axes, new_figure
from ._symbols import draw_symbol

BACKEND = "matplotlib"
"""Name of the only backend."""

DEFAULT_TRANSPARENCY = 60.0
"""Transparency of mask planes in percent."""

HIDDEN = "ignore"
"""Name of a colour with which a mask plane is not drawn."""


class Display:
    """A figure that shows one image, with overlays.

    Parameters
    ----------
    frame
        Number of the display.
    backend
        Name of the backend: ``"matplotlib"``, the default.

    Raises
    ------
    InvalidArgumentError
        If the backend is unknown.

    Notes
    -----
    Notebooks that use `lsst.afw.display` work with this class after their
    import is changed.  New code calls the method ``plot`` of images.  Positions
    are absolute pixels unless ``origin="LOCAL"`` is given.
    """

    def __init__(self, frame: int = 0, backend: str | None = None) -> None:
        _check_backend(BACKEND if backend is None else backend)
        self.frame = frame
        self._axes: Axes | None = None
        self._image: GeneralizedImage | None = None
        self._scaling: dict[str, Any] = {}
        self._transparency: dict[str | None, float] = {None: DEFAULT_TRANSPARENCY}
        self._colors: dict[str, Any] = {}
        self._overlays: list[Artist] = []
        self._is_buffering = False
        _displays[frame] = self

    @property
    def axes(self) -> Axes:
        """The axes of the image (`matplotlib.axes.Axes`)."""
        if self._axes is None:
            raise InvalidArgumentError(f"Display {self.frame} does not show an image; call mtv(image) first.")
        return self._axes

    # Images.

    def mtv(self, image: GeneralizedImage, title: str = "") -> None:
        """Show an image instead of the current one, without overlays.

        Parameters
        ----------
        image
            Image, mask, masked image or color image.
        title
            Title of the axes.

        Raises
        ------
        UnsupportedConversionError
            If the object cannot be drawn.
        """
        if not isinstance(image, Image | Mask | MaskedImage | ColorImage):
            raise UnsupportedConversionError(
                f"Cannot display a {type(image).__name__}: {short_repr(image)}; expected an Image, Mask, "
                "MaskedImage or ColorImage of lsst.images. Convert afw images with from_legacy first."
            )
        if self._axes is None:
            self._axes = new_figure().add_subplot()
        self._axes.clear()
        self._overlays = []
        self._image = image
        self._draw()
        self._axes.set_title(title)
        self.flush()

    image = mtv

    def setMaskTransparency(self, transparency: float, name: str | None = None) -> None:
        """Set the transparency of one or all mask planes.

        Parameters
        ----------
        transparency
            Percentage: 0 is opaque, and planes with 100 are invisible.
        name
            Name of the plane; by default, all planes.

        Raises
        ------
        InvalidArgumentError
            If the percentage is not between 0 and 100.
        """
        if not 0 <= transparency <= 100:
            raise InvalidArgumentError(
                f"Invalid transparency {short_repr(transparency)}; expected a percentage from 0 to 100."
            )
        if name is None:
            self._transparency = {}
        self._transparency[name] = float(transparency)
        self._redraw()

    def getMaskTransparency(self, name: str | None = None) -> float:
        """Return the transparency of a mask plane in percent.

        Parameters
        ----------
        name
            Name of the plane; by default, the value for planes without one of
            their own.
        """
        return self._transparency.get(name, self._transparency[None])

    def setMaskPlaneColor(self, name: str | Mapping[str, Any], color: Any = None) -> None:
        """Set the colour of a mask plane.

        Parameters
        ----------
        name
            Name of the plane, or a mapping of names to colours.
        color
            Colour of matplotlib; ``"ignore"`` hides the plane.
        """
        self._colors.update(name if isinstance(name, Mapping) else {name: color})
        self._redraw()

    def getMaskPlaneColor(self, name: str) -> Any:
        """Return the colour that was set for a mask plane, or `None`.

        Parameters
        ----------
        name
            Name of the plane.
        """
        return self._colors.get(name)

    def scale(self, algorithm: str, min: Any, max: float | None = None) -> None:  # the names of afw
        """Set stretch and limits.

        Parameters
        ----------
        algorithm
            Name of a stretch: ``linear``, ``asinh``, ``log``, ``sqrt``, ``squared`` or ``sinh``.
        min
            Lower limit, or ``"zscale"`` or ``"minmax"`` for both limits.
        max
            Upper limit.

        Raises
        ------
        InvalidArgumentError
            If a name is unknown.
        """
        limits = {"interval": min} if isinstance(min, str) else {"vmin": min, "vmax": max}
        before, self._scaling = self._scaling, {"stretch": algorithm, **limits}
        try:
            self._redraw()
        except InvalidArgumentError:
            self._scaling = before
            self._redraw()
            raise

    # The part that is visible.

    def zoom(
        self,
        zoomfac: float | None = None,
        colc: float | None = None,
        rowc: float | None = None,
        origin: Any = "PARENT",
    ) -> None:
        """Enlarge the image about a position.

        Parameters
        ----------
        zoomfac
            Size of the whole image divided by that of the visible part; by
            default, the visible part keeps its size.
        colc, rowc
            Position (x, y) of the centre; by default, that of the visible part.
        origin
            ``"PARENT"`` for absolute pixels, ``"LOCAL"`` for array indices.

        Raises
        ------
        InvalidArgumentError
            If the factor is not positive.
        """
        if zoomfac is not None and not zoomfac > 0:
            raise InvalidArgumentError(f"Invalid zoom factor {short_repr(zoomfac)}; expected a number > 0.")
        dx, dy = self._offset(origin)
        ax, bbox = self.axes, self._shown.bbox
        for get, set_, center, shift, size in (
            (ax.get_xlim, ax.set_xlim, colc, dx, bbox.x.size),
            (ax.get_ylim, ax.set_ylim, rowc, dy, bbox.y.size),
        ):
            low, high = get()
            middle = (low + high) / 2 if center is None else center + shift
            half = (high - low if zoomfac is None else size / zoomfac) / 2
            set_(middle - half, middle + half)
        self.flush()

    def pan(self, colc: float | None = None, rowc: float | None = None, origin: Any = "PARENT") -> None:
        """Move the visible part to a position.

        Parameters
        ----------
        colc, rowc
            Position (x, y) of the centre; by default, unchanged.
        origin
            ``"PARENT"`` for absolute pixels, ``"LOCAL"`` for array indices.
        """
        self.zoom(None, colc, rowc, origin)

    # Overlays.

    def dot(
        self,
        symb: str | tuple[float, float, float],
        c: float,
        r: float,
        size: float = 2,
        ctype: Any = None,
        origin: Any = "PARENT",
    ) -> None:
        """Draw a symbol, an ellipse or a text.

        Parameters
        ----------
        symb
            ``+``, ``x``, ``*``, ``.``, ``o`` (a circle of radius ``size``),
            second moments ``"@:xx,xy,yy"`` or ``(xx, xy, yy)`` (an ellipse of
            one standard deviation, times ``size``), or a text.
        c, r
            Position (x, y).
        size
            Half of the size of the symbol in pixels.
        ctype
            Colour of matplotlib; red by default.
        origin
            ``"PARENT"`` for absolute pixels, ``"LOCAL"`` for array indices.

        Raises
        ------
        InvalidArgumentError
            If the second moments are invalid.
        """
        dx, dy = self._offset(origin)
        color = "red" if ctype is None else ctype
        with self._kept_limits():
            artist = draw_symbol(self.axes, symb, (c + dx, r + dy), size, color)
        self._add(artist)

    def line(self, points: Sequence[tuple[float, float]], origin: Any = "PARENT", ctype: Any = None) -> None:
        """Draw a line.

        Parameters
        ----------
        points
            Positions (x, y) that the line connects.
        origin
            ``"PARENT"`` for absolute pixels, ``"LOCAL"`` for array indices.
        ctype
            Colour of matplotlib; red by default.
        """
        x, y = np.asarray(points, dtype=float).reshape(-1, 2).T + np.array(self._offset(origin))[:, None]
        with self._kept_limits():
            (artist,) = self.axes.plot(x, y, color="red" if ctype is None else ctype)
        self._add(artist)

    def erase(self) -> None:
        """Remove all overlays."""
        for artist in self._overlays:
            artist.remove()
        self._overlays = []
        self.flush()

    @contextlib.contextmanager
    def Buffering(self) -> Iterator[Self]:
        """Draw overlays at the end of a ``with`` statement, which is faster.

        Returns
        -------
        context
            A context manager of this display.
        """
        outer, self._is_buffering = self._is_buffering, True
        try:
            yield self
        finally:
            self._is_buffering = outer
            self.flush()

    def flush(self) -> None:
        """Draw pending changes."""
        if self._axes is not None and not self._is_buffering:
            self._axes.figure.canvas.draw_idle()

    def close(self) -> None:
        """Close the figure; the next image is shown in a new one."""
        if self._axes is not None:
            from matplotlib import pyplot

            pyplot.close(self._axes.get_figure(root=True))
        self._axes, self._image, self._overlays = None, None, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    # Implementation.

    @property
    def _shown(self) -> GeneralizedImage:
        if self._image is None:
            raise InvalidArgumentError(f"Display {self.frame} does not show an image; call mtv(image) first.")
        return self._image

    def _offset(self, origin: Any) -> tuple[float, float]:
        name = getattr(origin, "name", origin)
        if name not in ("PARENT", "LOCAL"):
            raise InvalidArgumentError(
                f"Invalid origin {short_repr(origin)}; expected 'PARENT' (absolute pixels) or 'LOCAL'."
            )
        start = self._shown.start
        return (float(start.x), float(start.y)) if name == "LOCAL" else (0.0, 0.0)

    def _draw(self) -> None:
        image = self._shown
        options: dict[str, Any] = dict(self._scaling) if isinstance(image, Image | MaskedImage) else {}
        if isinstance(image, Mask | MaskedImage):
            mask = image if isinstance(image, Mask) else image.mask
            names = [
                name
                for name in mask.schema.names
                if self._colors.get(name) != HIDDEN
                and self.getMaskTransparency(name) < 100
                and mask.get(name).any()
            ]
            options["mask_planes"] = {name: self._colors.get(name) for name in names}
            options["mask_alpha"] = {name: 1 - self.getMaskTransparency(name) / 100 for name in names}
        convert_to_axes(image, {"ax": self.axes, **options})

    def _redraw(self) -> None:
        if self._axes is None:
            return
        with self._kept_limits():
            for artist in [*self._axes.images, *([legend] if (legend := self._axes.get_legend()) else [])]:
                artist.remove()
            self._draw()
        self.flush()

    @contextlib.contextmanager
    def _kept_limits(self) -> Iterator[None]:
        limits = self.axes.get_xlim(), self.axes.get_ylim()
        try:
            yield
        finally:
            self.axes.set_xlim(limits[0])
            self.axes.set_ylim(limits[1])

    def _add(self, artist: Artist) -> None:
        self._overlays.append(artist)
        self.flush()


_displays: dict[int, Display] = {}


def getDisplay(frame: int = 0, backend: str | None = None) -> Display:
    """Return the display with a number; it is created if it does not exist.

    Parameters
    ----------
    frame
        Number of the display.
    backend
        Name of the backend of a new display.
    """
    return _displays[frame] if frame in _displays else Display(frame, backend)


def setDefaultBackend(backend: str) -> None:
    """Check the name of a backend; there is only one.

    Parameters
    ----------
    backend
        ``"matplotlib"``.

    Raises
    ------
    InvalidArgumentError
        If the backend is unknown.
    """
    _check_backend(backend)


def getDefaultBackend() -> str:
    """Return the name of the backend: ``"matplotlib"``."""
    return BACKEND


def _check_backend(backend: str) -> None:
    if backend != BACKEND:
        raise InvalidArgumentError(
            f"Unknown display backend {short_repr(backend)}; expected {BACKEND!r}. For ds9 or Firefly, write "
            "the HDUs of image.to_hdulist() to a file and load it there."
        )
