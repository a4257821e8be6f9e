# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Functions of two variables, and warping kernels."""

from __future__ import annotations

__all__ = (
    "LegacyChebyshevFunction",
    "LegacyDoubleGaussianFunction",
    "LegacyGaussianFunction",
    "LegacyPolynomialFunction",
    "LegacyWarpingControl",
    "LegacyWarpingKernel",
    "decode_function",
    "decode_warping_control",
    "decode_warping_kernel",
)

import dataclasses
import math
from typing import Any

import numpy as np

from ..._geom import XY
from ...errors import CorruptArchiveError
from ...utils import short_repr
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyPolynomialFunction:
    """A polynomial in x and y.

    Parameters
    ----------
    coefficients
        Element ``[j, i]`` multiplies ``y**j x**i``.
    """

    coefficients: np.ndarray

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the function.

        Parameters
        ----------
        x, y
            Positions, of equal shapes.
        """
        return np.asarray(np.polynomial.polynomial.polyval2d(x, y, self.coefficients.T))


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyChebyshevFunction:
    """A sum of products of Chebyshev polynomials over a rectangle.

    Parameters
    ----------
    coefficients
        Element ``[j, i]`` multiplies ``T_j(y) T_i(x)``.
    low, high
        Corners of the rectangle that is mapped to [-1, 1].
    """

    coefficients: np.ndarray
    low: XY[float]
    high: XY[float]

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the function.

        Parameters
        ----------
        x, y
            Positions, of equal shapes.
        """
        u = 2.0 * (np.asarray(x) - self.low.x) / (self.high.x - self.low.x) - 1.0
        v = 2.0 * (np.asarray(y) - self.low.y) / (self.high.y - self.low.y) - 1.0
        return np.asarray(np.polynomial.chebyshev.chebval2d(u, v, self.coefficients.T))


@dataclasses.dataclass(frozen=True)
class LegacyGaussianFunction:
    """An elliptical Gaussian whose integral is 1.

    Parameters
    ----------
    sigma1, sigma2
        Standard deviations along the axes, pixels.
    angle
        Angle from x to the first axis, radians.
    """

    sigma1: float
    sigma2: float
    angle: float

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the function.

        Parameters
        ----------
        x, y
            Positions relative to the centre, of equal shapes.
        """
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = (cos * np.asarray(x) + sin * np.asarray(y)) / self.sigma1
        across = (cos * np.asarray(y) - sin * np.asarray(x)) / self.sigma2
        norm = 1.0 / (2.0 * math.pi * self.sigma1 * self.sigma2)
        return np.asarray(norm * np.exp(-0.5 * (along**2 + across**2)))


@dataclasses.dataclass(frozen=True)
class LegacyDoubleGaussianFunction:
    """The sum of two circular Gaussians whose integral is 1.

    Parameters
    ----------
    sigma1, sigma2
        Standard deviations, pixels.
    amplitude2
        Peak of the second Gaussian, relative to the first.
    """

    sigma1: float
    sigma2: float
    amplitude2: float

    def evaluate(self, x: Any, y: Any) -> np.ndarray:
        """Return the values of the function.

        Parameters
        ----------
        x, y
            Positions relative to the centre, of equal shapes.
        """
        radius2 = np.asarray(x) ** 2 + np.asarray(y) ** 2
        norm = 2.0 * math.pi * (self.sigma1**2 + self.amplitude2 * self.sigma2**2)
        first, second = (np.exp(-0.5 * radius2 / sigma**2) for sigma in (self.sigma1, self.sigma2))
        return np.asarray((first + self.amplitude2 * second) / norm)


@dataclasses.dataclass(frozen=True)
class LegacyWarpingKernel:
    """A warping kernel.

    Parameters
    ----------
    name
        ``lanczos3`` or another order, ``bilinear`` or ``nearest``.
    """

    name: str


@dataclasses.dataclass(frozen=True)
class LegacyWarpingControl:
    """Settings for warping images.

    Parameters
    ----------
    kernel, mask_kernel
        References to the kernels; the second may be `None`.
    cache_size, interpolation_length, grow_full_mask
        Settings of the warping algorithm of afw.
    """

    kernel: Any
    mask_kernel: Any
    cache_size: int
    interpolation_length: int
    grow_full_mask: int


def decode_function(archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]) -> Any:
    """Decode a function of two variables.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    name = entry.class_name[:-1]
    if name == "GaussianFunction2":
        return LegacyGaussianFunction(_width(row, "sigma1"), _width(row, "sigma2"), row.number("angle"))
    if name == "DoubleGaussianFunction2":
        return LegacyDoubleGaussianFunction(_width(row, "sigma1"), _width(row, "sigma2"), row.number("ampl2"))
    coefficients = triangular(row.array("coefficients").astype(np.float64))
    if name == "PolynomialFunction2":
        return LegacyPolynomialFunction(coefficients)
    low, high = row.point("min"), row.point("max")
    if not (high.x > low.x and high.y > low.y):
        raise CorruptArchiveError(f"the rectangle of a Chebyshev function is empty: {low} to {high}")
    return LegacyChebyshevFunction(coefficients, low, high)


def _width(row: LegacyRow, name: str) -> float:
    width = row.number(name)
    if not (math.isfinite(width) and width > 0.0):
        raise CorruptArchiveError(f"{name} = {short_repr(width)}; expected a positive number")
    return width


def triangular(values: np.ndarray) -> np.ndarray:
    """Arrange the coefficients of a polynomial in a square matrix.

    Parameters
    ----------
    values
        Coefficients in the order 1, x, y, x², x y, y², ...

    Returns
    -------
    square
        Element ``[j, i]`` belongs to power ``j`` of y and ``i`` of x.

    Raises
    ------
    CorruptArchiveError
        If the number of coefficients is not a triangular number.
    """
    size = (math.isqrt(8 * values.size + 1) - 1) // 2
    if not size or size * (size + 1) // 2 != values.size:
        raise CorruptArchiveError(
            f"a polynomial has {values.size} coefficients, which is not a triangular number"
        )
    order = np.repeat(np.arange(size), np.arange(1, size + 1))
    j = np.arange(values.size) - order * (order + 1) // 2
    square = np.zeros((size, size))
    square[j, order - j] = values
    return square


def decode_warping_kernel(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyWarpingKernel:
    """Decode a warping kernel.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    name = entry.class_name.removesuffix("WarpingKernel").lower()
    if name == "lanczos":
        name = f"lanczos{tables[0].one().integer('order')}"
    return LegacyWarpingKernel(name)


def decode_warping_control(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyWarpingControl:
    """Decode a ``WarpingControl``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    mask_kernel = archive.reference(row.integer("maskKernelIndex", 0))
    return LegacyWarpingControl(
        kernel=archive.reference(row.integer("warpingKernelIndex")),
        mask_kernel=mask_kernel if mask_kernel and row.flag("hasMaskKernel") else None,
        cache_size=row.integer("cacheSize", 0),
        interpolation_length=row.integer("interpLength", 0),
        grow_full_mask=row.integer("growFullMask", 0),
    )
