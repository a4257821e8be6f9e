# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Circular Gaussian PSFs."""

from __future__ import annotations

__all__ = ("GaussianPointSpreadFunction",)

import math
import operator
from typing import Any, final

import numpy as np

from .._geom import Bounds, Box
from ..errors import GeometryError
from ..fields._points import Float64Array
from ..utils import short_repr
from ._base import centered_box
from ._vectorized import VectorizedPointSpreadFunction


@final
class GaussianPointSpreadFunction(VectorizedPointSpreadFunction):
    """A circular Gaussian PSF, sampled at pixel centres.

    Parameters
    ----------
    sigma
        Standard deviation in pixels.
    bounds
        Where the PSF is defined.
    stamp_size
        Number of rows and columns of all images, an odd number.

    Raises
    ------
    GeometryError
        If ``sigma`` or ``stamp_size`` is not positive, or ``stamp_size`` is
        even.
    """

    def __init__(self, sigma: float, bounds: Bounds, stamp_size: int) -> None:
        self._sigma = float(sigma)
        self._bounds = bounds
        self._stamp_size = operator.index(stamp_size)
        if not (self._sigma > 0.0 and math.isfinite(self._sigma)):
            raise GeometryError(f"sigma must be positive and finite; got {short_repr(sigma)}.")
        if self._stamp_size <= 0:
            raise GeometryError(f"stamp_size must be positive; got {short_repr(stamp_size)}.")
        if not self._stamp_size % 2:
            raise GeometryError(f"stamp_size must be odd; got {short_repr(stamp_size)}.")

    @property
    def sigma(self) -> float:
        """Standard deviation in pixels (`float`)."""
        return self._sigma

    @property
    def stamp_size(self) -> int:
        """Number of rows and columns of all images (`int`)."""
        return self._stamp_size

    @property
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""
        radius = self._stamp_size // 2
        return centered_box(radius, radius)

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        return self._stars(x, y, np.zeros_like(x), np.zeros_like(y))

    def _stars(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        return self._profile(dy)[:, :, np.newaxis] * self._profile(dx)[:, np.newaxis, :]

    def _profile(self, shift: Float64Array) -> Float64Array:
        radius = self._stamp_size // 2
        distance = np.arange(-radius, radius + 1) - shift[:, np.newaxis]
        profile: Float64Array = np.exp(-0.5 * (distance / self._sigma) ** 2)
        profile /= profile.sum(axis=1, keepdims=True)
        return profile

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GaussianPointSpreadFunction):
            return NotImplemented
        return (
            self._sigma == other._sigma
            and self._stamp_size == other._stamp_size
            and bool(self._bounds == other._bounds)
        )

    __hash__ = None  # type: ignore[assignment]  # bounds are not hashable

    def __reduce__(self) -> tuple[Any, ...]:
        return GaussianPointSpreadFunction, (self._sigma, self._bounds, self._stamp_size)

    def __str__(self) -> str:
        return f"GaussianPointSpreadFunction({self._sigma}, stamp_size={self._stamp_size})"

    def __repr__(self) -> str:
        return (
            f"GaussianPointSpreadFunction({self._sigma}, stamp_size={self._stamp_size}, "
            f"bounds={self._bounds!r})"
        )
