# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Interpolation of small images: sub-pixel shifts and linear distortions.

All functions operate on stacks of images of equal shape, ``(n, ny, nx)``.
"""

from __future__ import annotations

__all__ = (
    "LANCZOS5",
    "WarpingKernel",
    "interpolation_matrices",
    "normalized",
    "shift_stack",
    "warp_stack",
)

import dataclasses
import re
from typing import Self

import numpy as np

from ..errors import GeometryError
from ..fields._points import Float64Array

WARP_BLOCK_SIZE = 1 << 20
"""Number of kernel taps per block in warping (8 MB for each of a few arrays)."""


@dataclasses.dataclass(frozen=True)
class WarpingKernel:
    """An interpolation kernel that is a product of functions of one axis.

    Parameters
    ----------
    name
        ``"nearest"``, ``"bilinear"``, or ``"lanczosN"`` with N from 1 to 9.

    Raises
    ------
    GeometryError
        If the name is unknown.

    Notes
    -----
    The Lanczos kernels are ``sinc(t) sinc(t / N)`` for ``|t| < N``
    (Duchon, C. 1979, J. Appl. Meteorology 18, 1016).
    """

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch("nearest|bilinear|lanczos[1-9]", self.name):
            raise GeometryError(
                f"Unknown warping kernel {self.name!r}; expected 'nearest', 'bilinear', "
                "or 'lanczos1' to 'lanczos9'."
            )

    @classmethod
    def parse(cls, kernel: str | Self) -> Self:
        """Return the kernel for a kernel or its name.

        Parameters
        ----------
        kernel
            A kernel or its name.

        Returns
        -------
        kernel
            The kernel.
        """
        return cls(kernel) if isinstance(kernel, str) else kernel

    @property
    def radius(self) -> int:
        """Radius in pixels beyond which the kernel is zero (`int`)."""
        return int(self.name.removeprefix("lanczos")) if self.name.startswith("lanczos") else 1

    def __call__(self, t: Float64Array) -> Float64Array:
        """Evaluate the kernel along one axis.

        Parameters
        ----------
        t
            Distances from the centre in pixels.

        Returns
        -------
        values
            Values of the kernel, not normalized.
        """
        if self.name == "nearest":
            return np.where((t >= -0.5) & (t < 0.5), 1.0, 0.0)
        if self.name == "bilinear":
            return np.maximum(0.0, 1.0 - np.abs(t))
        values = np.where(np.abs(t) < self.radius, np.sinc(t) * np.sinc(t / self.radius), 0.0)
        # In floating point, the sine of a multiple of pi is not zero; a shift
        # by whole pixels must be exact.
        return np.where(t == np.rint(t), np.where(t == 0.0, 1.0, 0.0), values)

    def taps(self, fraction: Float64Array) -> tuple[np.ndarray, Float64Array]:
        """Return the weights of the pixels around positions.

        Parameters
        ----------
        fraction
            Distances of the positions from the preceding pixel, in [0, 1).

        Returns
        -------
        offsets
            Offsets of the pixels from the preceding pixel, shape
            ``(2 radius,)``.
        weights
            Shape of the fractions, followed by that of the offsets; they sum
            to one.
        """
        offsets = np.arange(1 - self.radius, self.radius + 1)
        weights = self(offsets - fraction[..., np.newaxis])
        return offsets, weights / weights.sum(axis=-1, keepdims=True)


LANCZOS5 = WarpingKernel("lanczos5")
"""Default kernel for shifts of PSF images."""


def interpolation_matrices(kernel: WarpingKernel, positions: Float64Array, size: int) -> Float64Array:
    """Return matrices that interpolate along one axis.

    Parameters
    ----------
    kernel
        The kernel.
    positions
        Positions to interpolate at, relative to the first pixel, shape
        ``(n, m)``.
    size
        Number of pixels; the image is zero beyond them.

    Returns
    -------
    matrices
        Matrices of shape ``(n, m, size)``; their product with pixels yields the
        interpolated values.
    """
    before = np.floor(positions)
    weights = kernel(np.arange(size) - positions[..., np.newaxis])
    offsets = np.arange(1 - kernel.radius, kernel.radius + 1)
    norm = kernel(offsets - (positions - before)[..., np.newaxis]).sum(axis=-1)
    result: Float64Array = weights / norm[..., np.newaxis]
    return result


def normalized(stack: Float64Array) -> Float64Array:
    """Divide images by their sums.

    Parameters
    ----------
    stack
        Images, shape ``(n, ny, nx)``.

    Returns
    -------
    stack
        A new array of images, each with the sum 1.
    """
    result: Float64Array = stack / stack.sum(axis=(1, 2), keepdims=True)
    return result


def shift_stack(
    stack: Float64Array, dy: Float64Array, dx: Float64Array, kernel: WarpingKernel = LANCZOS5
) -> Float64Array:
    """Shift images by fractions of a pixel; images are zero beyond their edges.

    Parameters
    ----------
    stack
        Images, shape ``(n, ny, nx)``.
    dy, dx
        Shifts in pixels, shape ``(n,)``; content moves to higher indices.
    kernel
        Interpolation kernel.

    Returns
    -------
    shifted
        New images of the same shape.
    """
    _, height, width = stack.shape
    along_y = interpolation_matrices(kernel, np.arange(height) - dy[:, np.newaxis], height)
    along_x = interpolation_matrices(kernel, np.arange(width) - dx[:, np.newaxis], width)
    return along_y @ stack @ along_x.swapaxes(1, 2)


def warp_stack(
    stack: Float64Array,
    origin: Float64Array,
    jacobian: Float64Array,
    half_shape: tuple[int, int],
    kernel: WarpingKernel,
) -> Float64Array:
    """Resample images onto linearly distorted grids.

    Parameters
    ----------
    stack
        Source images, shape ``(n, ny, nx)``; they are zero beyond their edges.
    origin
        Position of the central output pixel in the source, relative to its
        first pixel, shape ``(n, 2)``, x first.
    jacobian
        Derivatives of source position (rows, x first) by output position
        (columns, x first), shape ``(n, 2, 2)``.
    half_shape
        ``(hy, hx)``; output images have ``2 hy + 1`` rows and ``2 hx + 1``
        columns.
    kernel
        Interpolation kernel.

    Returns
    -------
    warped
        Surface brightness at the output pixels; not multiplied by the area
        of a pixel.
    """
    half_y, half_x = half_shape
    shape = (2 * half_y + 1, 2 * half_x + 1)
    warped = np.empty((len(stack), *shape))
    rows = max(1, WARP_BLOCK_SIZE // (shape[0] * shape[1] * (2 * kernel.radius) ** 2))
    out_y, out_x = np.mgrid[-half_y : half_y + 1, -half_x : half_x + 1]
    for start in range(0, len(stack), rows):
        block = slice(start, start + rows)
        offsets = np.einsum("nij,jyx->inyx", jacobian[block], np.stack([out_x, out_y]).astype(np.float64))
        at_x, at_y = offsets + origin[block].T[:, :, np.newaxis, np.newaxis]
        warped[block] = _interpolate(stack[block], at_x, at_y, kernel)
    return warped


def _interpolate(
    stack: Float64Array, at_x: Float64Array, at_y: Float64Array, kernel: WarpingKernel
) -> Float64Array:
    """Interpolate each image at its own positions, zero beyond its edges."""
    pad = 2 * kernel.radius
    padded = np.pad(stack, ((0, 0), (pad, pad), (pad, pad)))
    values = np.zeros(at_x.shape)
    number, height, width = padded.shape
    columns, x_weights = _padded_taps(at_x, pad, width, kernel)
    lines, y_weights = _padded_taps(at_y, pad, height, kernel)
    image = np.arange(number)[:, np.newaxis, np.newaxis, np.newaxis]
    # One tap in y at a time keeps the arrays small.
    for tap in range(2 * kernel.radius):
        taken = padded[image, lines[..., tap, np.newaxis], columns]
        values += y_weights[..., tap] * np.einsum("...i,...i->...", x_weights, taken)
    return values


def _padded_taps(
    at: Float64Array, pad: int, size: int, kernel: WarpingKernel
) -> tuple[np.ndarray, Float64Array]:
    """Return indices into the padded axis, and weights, for positions."""
    before = np.floor(at)
    offsets, weights = kernel.taps(at - before)
    indices = before.astype(np.intp)[..., np.newaxis] + offsets + pad
    # Clipped indices refer to the padding, whose values are zero.
    return np.clip(indices, 0, size - 1), weights
