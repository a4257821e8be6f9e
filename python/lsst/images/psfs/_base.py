# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class of point spread functions."""

from __future__ import annotations

__all__ = ("PointSpreadFunction", "centered_box")

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._aliases import accepts_legacy_names
from .._geom import YX, Bounds, Box
from .._pixels import Image
from .._pixels._plotting import axes_type
from ..fields._points import Float64Array
from ..io import Serializable
from ..plugins import registry
from ._gridded import make_gridded
from ._moments import PsfMoments, measure_moments
from ._positions import check_position, check_positions
from ._resample import shift_stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class PointSpreadFunction(Serializable, ABC):
    """The image of a point source, as a function of its position.

    Subclasses define `bounds`, `kernel_bbox` and `compute_kernel_image`, and
    may define more; those that evaluate many positions at once derive from
    `VectorizedPointSpreadFunction`.

    Notes
    -----
    Positions are in absolute pixels.  All images are new float64 images.  The
    sum of a kernel image is 1.  The sum of a star image is 1 if the PSF is
    evaluated at the position of the star; if the star image is a shifted kernel
    image, it is not normalized again, as in afw, and its sum is typically
    within 1e-4 of 1.  Evaluation outside the bounds raises
    `~lsst.images.BoundsError`.
    """

    IS_SERIALIZABLE: ClassVar[bool] = True
    """Whether the PSF can be written; an image is written without one that cannot, with a warning."""

    @property
    @abstractmethod
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""

    @property
    @abstractmethod
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""

    @abstractmethod
    def compute_kernel_image(self, *, x: float, y: float) -> Image:
        """Evaluate the PSF, centred on a pixel.

        Parameters
        ----------
        x, y
            Position of the source.

        Returns
        -------
        image
            Image of a star centred on pixel (0, 0), with the box `kernel_bbox`.

        Raises
        ------
        BoundsError
            If the position lies outside the bounds or is not finite.
        TypeError
            If ``x`` or ``y`` is not a scalar.
        """

    def compute_kernel_images(self, *, x: Any, y: Any) -> Float64Array:
        """Evaluate the PSF at many positions, centred on a pixel.

        Parameters
        ----------
        x, y
            Positions of the sources: numbers, lists or arrays that broadcast.

        Returns
        -------
        stack
            Shape of the positions, followed by that of `kernel_bbox`.

        Raises
        ------
        BoundsError
            If a position lies outside the bounds or is not finite.
        TypeError
            If a coordinate is not a real number.
        """
        xs, ys, shape = check_positions(self.bounds, x=x, y=y)
        images = [self.compute_kernel_image(x=px, y=py).array for px, py in zip(xs, ys, strict=True)]
        return np.array(images, dtype=np.float64).reshape(shape + tuple(self.kernel_bbox.shape))

    def compute_stellar_image(self, *, x: float, y: float) -> Image:
        """Evaluate the PSF as the image of a star.

        Parameters
        ----------
        x, y
            Position of the source.

        Returns
        -------
        image
            Image of a star at the sub-pixel position; for its box, see
            `compute_stellar_bbox`.

        Raises
        ------
        BoundsError
            If the position lies outside the bounds or is not finite.
        TypeError
            If ``x`` or ``y`` is not a scalar.

        Notes
        -----
        The default implementation shifts the kernel image, which is zero beyond
        its edges, with a Lanczos kernel of order 5, as
        `lsst.afw.detection.Psf` does.
        """
        x, y = check_position(self.bounds, x=x, y=y)
        kernel = np.asarray(self.compute_kernel_image(x=x, y=y).array, dtype=np.float64)
        ys, xs = np.array([y]), np.array([x])
        shifted = shift_stack(kernel[np.newaxis], ys - self._nearest(ys), xs - self._nearest(xs))[0]
        return Image(shifted, bbox=self.compute_stellar_bbox(x=x, y=y))

    def compute_stellar_images(self, *, x: Any, y: Any) -> tuple[Float64Array, YX[np.ndarray]]:
        """Evaluate the PSF as the images of many stars.

        Parameters
        ----------
        x, y
            Positions of the sources: numbers, lists or arrays that broadcast.

        Returns
        -------
        stack
            Shape of the positions, followed by that of `kernel_bbox`.
        yx0
            Absolute coordinates of the first pixel of each image, integer
            arrays of the shape of the positions.

        Raises
        ------
        BoundsError
            If a position lies outside the bounds or is not finite.
        TypeError
            If a coordinate is not a real number.
        """
        xs, ys, shape = check_positions(self.bounds, x=x, y=y)
        stack, yx0 = self._star_stack(xs, ys)
        return stack.reshape(shape + stack.shape[1:]), yx0.map(lambda starts: starts.reshape(shape))

    def _star_stack(self, x: Float64Array, y: Float64Array) -> tuple[Float64Array, YX[np.ndarray]]:
        """Evaluate stars at positions of shape ``(n,)``."""
        images = [self.compute_stellar_image(x=px, y=py) for px, py in zip(x, y, strict=True)]
        stack = np.array([image.array for image in images], dtype=np.float64)
        starts = np.array([image.bbox.start for image in images], dtype=np.int64).reshape(-1, 2)
        return stack.reshape(-1, *self.kernel_bbox.shape), YX(y=starts[:, 0], x=starts[:, 1])

    def compute_stellar_bbox(self, *, x: float, y: float) -> Box:
        """Return the box of the image of a star, without evaluating the PSF.

        Parameters
        ----------
        x, y
            Position of the source.

        Returns
        -------
        bbox
            `kernel_bbox`, shifted to the pixel that contains the position.

        Raises
        ------
        BoundsError
            If the position lies outside the bounds or is not finite.
        TypeError
            If ``x`` or ``y`` is not a scalar.
        """
        position = np.array(check_position(self.bounds, x=x, y=y))
        start = self.kernel_bbox.start
        column, row = self._nearest(position).astype(int).tolist()
        return Box.from_shape(self.kernel_bbox.shape, start=YX(y=start.y + row, x=start.x + column))

    def _nearest(self, values: Float64Array) -> Float64Array:
        """Round coordinates to the nearest pixel, and half-integers up."""
        below = np.floor(values)
        return np.where(values - below >= 0.5, below + 1.0, below)

    def compute_moments(self, *, x: Any, y: Any) -> PsfMoments:
        """Measure sizes and shapes of the kernel images at many positions.

        Parameters
        ----------
        x, y
            Positions of the sources: numbers, lists or arrays that broadcast.

        Returns
        -------
        moments
            Adaptive and unweighted second moments, which have a size, a full
            width at half maximum and ellipticities, and the effective area, in
            pixels.  Arrays of the shape of the positions.

        Raises
        ------
        BoundsError
            If a position lies outside the bounds or is not finite.
        TypeError
            If a coordinate is not a real number.
        """
        return measure_moments(self.compute_kernel_images(x=x, y=y), self.kernel_bbox)

    def to_gridded(self, n: int | tuple[int, int], *, bbox: Box | None = None) -> Any:
        """Sample the PSF on a grid, for photometry with photutils.

        Parameters
        ----------
        n
            Number of grid points in both directions, or ``(ny, nx)``.
        bbox
            Box whose corner pixels are the corners of the grid; by default,
            that of the bounds.

        Returns
        -------
        model
            A `photutils.psf.GriddedPSFModel` in absolute pixels.

        Raises
        ------
        BoundsError
            If a grid point lies outside the bounds.
        MissingOptionalDependencyError
            If photutils is not installed.
        GeometryError
            If there are fewer than two grid points in a direction.
        """
        return make_gridded(self.compute_kernel_images, n, bbox=self.bounds.bbox if bbox is None else bbox)

    def plot(self, x: float, y: float, ax: Axes | None = None, **options: Any) -> Axes:
        """Plot the kernel image at a position with matplotlib.

        Parameters
        ----------
        x, y
            Position at which the PSF is evaluated, in absolute pixels.
        ax
            Axes to draw on; by default, those of a new figure.
        **options
            Options of `lsst.images.display.plot_psf`.

        Returns
        -------
        ax
            The axes, in pixels relative to the centre of the star.

        Raises
        ------
        BoundsError
            If the position lies outside the bounds or is not finite.
        MissingOptionalDependencyError
            If matplotlib is not installed.
        """
        return registry.convert_to(self, axes_type(), x=x, y=y, ax=ax, **options)

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any, bounds: Bounds) -> Self:
        """Convert from an `lsst.afw.detection.Psf`.

        Parameters
        ----------
        legacy
            The afw object.
        bounds
            Where the PSF is defined.

        Returns
        -------
        psf
            PSF of the subclass that matches the type of the afw object.
        """
        return registry.convert_from_legacy(legacy, cls, bounds=bounds)

    def to_legacy(self) -> Any:
        """Convert to an `lsst.afw.detection.Psf`.

        Raises
        ------
        LegacyConversionError
            If afw has no equivalent PSF, or is not installed.
        """
        return registry.convert_to_legacy(self)

    def __str__(self) -> str:
        return f"{type(self).__name__} over {self.bounds}"

    def __repr__(self) -> str:
        return f"<{self}>"


def centered_box(half_y: int, half_x: int) -> Box:
    """Return the box of an image that is centred on pixel (0, 0).

    Parameters
    ----------
    half_y, half_x
        Numbers of rows and columns on each side of the central pixel.
    """
    return Box.factory[-half_y : half_y + 1, -half_x : half_x + 1]
