# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Spatially varying kernels that match the PSF of one image to that of another.

A difference image stores the kernel with which its template was matched.
"""

from __future__ import annotations

__all__ = ("ConvolutionKernel", "ImageBasisConvolutionKernel")

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from ._aliases import accepts_legacy_names, moved_names
from ._geom import YX, Bounds, Box
from ._pixels import Image
from .errors import (
    GeometryError,
    InvalidArgumentError,
    MissingOptionalDependencyError,
    NotContainedError,
    UnitMismatchError,
)
from .fields import BaseField
from .io import Serializable
from .plugins import registry

__getattr__ = moved_names(__name__)

MAX_DIRECT_SIZE = 25
"""Maximum number of kernel pixels for which direct summation is faster than
Fourier transforms, measured on 4000x4072 pixels with SciPy 1.17."""


class ConvolutionKernel(Serializable, ABC):
    """A kernel that varies with the position on a pixel grid."""

    @property
    @abstractmethod
    def bounds(self) -> Bounds:
        """Where the kernel is defined (`~lsst.images.Bounds`)."""

    @property
    @abstractmethod
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the centre is pixel (0, 0)."""

    @abstractmethod
    def compute_kernel_image(self, *, x: int, y: int) -> Image:
        """Evaluate the kernel.

        Parameters
        ----------
        x, y
            Position in absolute pixels.

        Returns
        -------
        image
            Kernel image, not normalized, with the box `kernel_bbox`.
        """

    @abstractmethod
    def convolve(self, image: Image) -> Image:
        """Apply the kernel to an image.

        Parameters
        ----------
        image
            The image.

        Returns
        -------
        convolved
            The pixels for which the whole kernel lies within the image.
        """


@final
class ImageBasisConvolutionKernel(ConvolutionKernel):
    """A sum of images with spatially varying weights.

    Parameters
    ----------
    basis
        Images, shape ``(n, h, w)``.  A float64 array becomes read-only in
        place.
    spatial
        Weights of the images: ``n`` dimensionless fields.
    center_y, center_x
        Row and column of the centre of the kernel in the images; by default
        ``h // 2`` and ``w // 2``.

    Raises
    ------
    NoOverlapError
        If the bounds of the fields do not overlap.
    GeometryError
        If ``spatial`` is empty or does not have one field per image, if the
        basis is not a stack of images, or if the absolute value of a coordinate
        of the centre exceeds 2**52.
    UnitMismatchError
        If a field has a unit.

    Notes
    -----
    Alard, C. & Lupton, R. H. 1998, ApJ 503, 325.
    """

    def __init__(
        self,
        basis: npt.ArrayLike,
        spatial: Iterable[BaseField],
        center_y: int | None = None,
        center_x: int | None = None,
    ) -> None:
        array = np.asarray(basis, dtype=np.float64)
        fields = tuple(spatial)
        if not fields:
            raise GeometryError("A kernel requires at least one field; got none.")
        if units := [field.unit for field in fields if field.unit is not None]:
            raise UnitMismatchError(f"The weights of a kernel must not have units; got {units}.")
        if array.ndim != 3 or not array.size:
            raise GeometryError(
                f"The basis must be a stack of images, a non-empty 3-d array; got shape {array.shape}."
            )
        if len(array) != len(fields):
            raise GeometryError(f"{len(array)} basis images require {len(array)} fields; got {len(fields)}.")
        array.flags.writeable = False
        self._basis = array
        self._spatial = fields
        self._bounds: Bounds = functools.reduce(
            lambda a, b: a.intersection(b), (field.bounds for field in fields)
        )
        _, h, w = array.shape
        self._center = YX(
            y=h // 2 if center_y is None else int(center_y), x=w // 2 if center_x is None else int(center_x)
        )
        self._kernel_bbox = Box.from_shape((h, w), start=YX(y=-self._center.y, x=-self._center.x))

    @property
    def basis(self) -> npt.NDArray[np.float64]:
        """The images, read-only, shape ``(n, h, w)``."""
        return self._basis

    @property
    def spatial(self) -> tuple[BaseField, ...]:
        """Weights of the images."""
        return self._spatial

    @property
    def center(self) -> YX[int]:
        """Row and column of the centre of the kernel in the images."""
        return self._center

    @property
    def bounds(self) -> Bounds:
        """Intersection of the bounds of the weights."""
        return self._bounds

    @property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the centre is pixel (0, 0)."""
        return self._kernel_bbox

    def compute_kernel_image(self, *, x: float, y: float) -> Image:
        """Evaluate the kernel.

        Parameters
        ----------
        x, y
            Position in absolute pixels; weights are extrapolated outside the
            bounds.

        Returns
        -------
        image
            Kernel image, not normalized, with the box `kernel_bbox`.

        Raises
        ------
        TypeError
            If ``x`` or ``y`` is not a scalar.
        """
        if np.ndim(x) or np.ndim(y):
            raise TypeError(
                f"Expected one position; got arrays of shapes x={np.shape(x)}, y={np.shape(y)}. "
                "Use compute_kernel_images() for many."
            )
        return Image(self.compute_kernel_images(x=x, y=y), bbox=self.kernel_bbox)

    def compute_kernel_images(self, *, x: Any, y: Any) -> npt.NDArray[np.float64]:
        """Evaluate the kernel at many positions.

        Parameters
        ----------
        x, y
            Positions in absolute pixels that broadcast against each other.

        Returns
        -------
        stack
            Shape of the positions, followed by that of `kernel_bbox`.
        """
        weights = np.stack([np.asarray(field(x=x, y=y)) for field in self._spatial], axis=-1)
        return np.tensordot(weights, self._basis, axes=1)

    def convolve(self, image: Image) -> Image:
        """Apply the kernel to an image.

        Parameters
        ----------
        image
            The image.

        Returns
        -------
        convolved
            The pixels for which the whole kernel lies within the image, as
            float64, with the unit and projection of the image.

        Raises
        ------
        MissingOptionalDependencyError
            If SciPy is not installed.
        NotContainedError
            If the image is smaller than the kernel.
        TypeError
            If ``image`` is not an `Image`.

        Notes
        -----
        The value of an output pixel is the sum of the input pixels around it,
        each multiplied by the pixel of the kernel *at the same offset*; the
        kernel is evaluated at the output pixel.  This is strictly speaking a
        correlation, as in `lsst.afw.math.convolve` and in the fit of such
        kernels.  Output pixels whose kernel covers a non-finite input pixel are
        NaN, and no others.
        """
        if not isinstance(image, Image):
            raise InvalidArgumentError(
                f"convolve() requires an Image; got {type(image).__name__}. Pass one plane at a time; masks "
                "and variances are not propagated."
            )
        box = self._reach(image.bbox)
        pixels = np.asarray(image.array, dtype=np.float64)
        bad = ~np.isfinite(pixels)
        if bad.any():
            pixels = np.where(bad, 0.0, pixels)
        total = np.zeros(box.shape)
        for kernel, field in zip(self._basis, self._spatial, strict=True):
            total += field.render(box).array * _correlate(pixels, kernel)
        if bad.any():
            footprint = np.ones(self._basis.shape[1:])
            total[_correlate(bad.astype(np.float64), footprint) > 0.5] = np.nan
        return Image(total, bbox=box, unit=image.unit, projection=image.projection)

    def _reach(self, bbox: Box) -> Box:
        """Return the pixels for which the whole kernel lies within a box."""
        kernel = self.kernel_bbox
        if any(have < need for have, need in zip(bbox.shape, kernel.shape, strict=True)):
            raise NotContainedError(
                f"An image of {bbox.shape[0]}x{bbox.shape[1]} pixels is smaller than the kernel of "
                f"{kernel.shape[0]}x{kernel.shape[1]} pixels."
            )
        shape = [have - need + 1 for have, need in zip(bbox.shape, kernel.shape, strict=True)]
        start = YX(y=bbox.start.y - kernel.start.y, x=bbox.start.x - kernel.start.x)
        return Box.from_shape(shape, start=start)

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Self:
        """Convert from an `lsst.afw.math.LinearCombinationKernel`.

        Parameters
        ----------
        legacy
            The afw object.
        """
        return registry.convert_from_legacy(legacy, cls)

    def to_legacy(self) -> Any:
        """Convert to an `lsst.afw.math.LinearCombinationKernel`."""
        return registry.convert_to_legacy(self)

    def __len__(self) -> int:
        return len(self._spatial)

    def __iter__(self) -> Iterator[tuple[Image, BaseField]]:
        for array, field in zip(self._basis, self._spatial, strict=True):
            yield Image(array, bbox=self.kernel_bbox), field

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageBasisConvolutionKernel):
            return NotImplemented
        return (
            self._center == other._center
            and self._spatial == other._spatial
            and np.array_equal(self._basis, other._basis, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares arrays

    def __reduce__(self) -> tuple[Any, ...]:
        return ImageBasisConvolutionKernel, (self._basis, self._spatial, *self._center)

    def __str__(self) -> str:
        return f"ImageBasisConvolutionKernel of {len(self)} images over {self._bounds}"

    def __repr__(self) -> str:
        return f"<{self}>"


def _correlate(pixels: npt.NDArray[np.float64], kernel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Correlate pixels with a kernel, where the kernel lies within the image."""
    try:
        import scipy.signal
    except ImportError as err:
        raise MissingOptionalDependencyError("Convolution requires the package 'scipy'; install it.") from err
    if kernel.size > MAX_DIRECT_SIZE:
        result: npt.NDArray[np.float64] = scipy.signal.oaconvolve(pixels, kernel[::-1, ::-1], mode="valid")
        return result
    windows = np.lib.stride_tricks.sliding_window_view(pixels, kernel.shape)
    result = np.zeros(windows.shape[:2])
    for row, column in np.ndindex(*kernel.shape):
        result += kernel[row, column] * windows[:, :, row, column]
    return result
