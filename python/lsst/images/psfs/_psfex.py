# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs that are fitted by PSFEx, evaluated without that program."""

from __future__ import annotations

__all__ = ("PSFExPointSpreadFunction",)

from collections.abc import Sequence
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from .._geom import XY, Bounds, Box
from ..errors import GeometryError
from ..fields._points import Float64Array
from ..utils import cached_property, short_repr
from ._base import centered_box
from ._resample import LANCZOS5
from ._vectorized import VectorizedPointSpreadFunction

Float32Array: TypeAlias = npt.NDArray[np.float32]


@final
class PSFExPointSpreadFunction(VectorizedPointSpreadFunction):
    """A PSFEx model: a polynomial of the position whose coefficients are images.

    Parameters
    ----------
    parameters
        Images that multiply the terms of the polynomial, shape
        ``(terms, ny, nx)``.  A float32 array becomes read-only in place.
    bounds
        Where the PSF is defined.
    pixel_step
        Size of a pixel of the images, in pixels of the detector.
    degree
        Degree of the polynomial, as a sequence of one number; an empty sequence
        for a constant PSF.
    offsets, scales
        Normalization of the coordinates of the polynomial:
        ``(x - offset) / scale``.
    average
        Mean position ``(x, y)`` of the fitted stars; stored only.
    group
        Group of the polynomial that each coordinate belongs to; all equal.
    basis, coeff
        Scratch values of PSFEx, one for each term; stored only.

    Raises
    ------
    GeometryError
        If the model is not a polynomial in x and y, or the numbers of values
        do not match.

    Notes
    -----
    Bertin, E. 2011, ADASS XX, 435.  The order of terms is that of PSFEx:
    ``1, u, u^2, ..., v, u v, ..., v^2, ...``.  The images are resampled to
    detector pixels with a Lanczos kernel of order 5 in single precision, with
    the same operations as `lsst.meas.extensions.psfex`, so that images are
    bit-identical to those of afw.  Their sums are therefore 1 only to within
    about 1e-7, and half-integer positions are rounded down.
    """

    def __init__(
        self,
        parameters: npt.ArrayLike,
        bounds: Bounds,
        *,
        pixel_step: float,
        degree: Sequence[int],
        offsets: Sequence[float] = (),
        scales: Sequence[float] = (),
        average: tuple[float, float] = (0.0, 0.0),
        group: Sequence[int] = (0, 0),
        basis: Sequence[float] | None = None,
        coeff: Sequence[float] | None = None,
    ) -> None:
        array = np.asarray(parameters, dtype=np.float32)
        self._degree = tuple(int(n) for n in degree)
        self._group = tuple(int(n) for n in group)
        self._offsets = tuple(float(v) for v in offsets)
        self._scales = tuple(float(v) for v in scales)
        self._pixel_step = float(pixel_step)
        self._average = XY(*map(float, average))
        self._bounds = bounds
        if len(self._degree) > 1 or len(set(self._group)) > 1:
            raise GeometryError(
                f"Only PSFEx models with one group of variables are supported; got degrees "
                f"{self._degree} for groups {self._group}."
            )
        if not self._pixel_step > 0.0:
            raise GeometryError(f"pixel_step must be positive; got {short_repr(pixel_step)}.")
        expected = {2} if any(self._degree) else {0, 2}
        if len(self._offsets) != len(self._scales) or len(self._offsets) not in expected:
            raise GeometryError(
                f"A PSFEx model of degree {self._degree} requires two offsets and scales, for x and y; "
                f"got {self._offsets} and {self._scales}."
            )
        terms = (self._highest + 1) * (self._highest + 2) // 2
        if array.ndim != 3 or len(array) != terms:
            raise GeometryError(
                f"A PSFEx model of degree {self._degree} requires {terms} images; got parameters of "
                f"shape {array.shape}."
            )
        array.flags.writeable = False
        self._parameters = array
        self._basis = tuple(float(v) for v in (self._terms(*self._average) if basis is None else basis))
        self._coeff = (0.0,) * terms if coeff is None else tuple(float(v) for v in coeff)

    @property
    def parameters(self) -> Float32Array:
        """Images of the terms, read-only, shape ``(terms, ny, nx)``."""
        return self._parameters

    @property
    def pixel_step(self) -> float:
        """Size of a pixel of the images in pixels of the detector."""
        return self._pixel_step

    @property
    def degree(self) -> tuple[int, ...]:
        """Degree of the polynomial."""
        return self._degree

    @property
    def group(self) -> tuple[int, ...]:
        """Group of the polynomial that each coordinate belongs to."""
        return self._group

    @property
    def offsets(self) -> tuple[float, ...]:
        """Offsets that are subtracted from x and y."""
        return self._offsets

    @property
    def scales(self) -> tuple[float, ...]:
        """Scales by which x and y are divided after subtracting the offsets."""
        return self._scales

    @property
    def average(self) -> XY[float]:
        """Mean position of the stars that were fitted."""
        return self._average

    @property
    def basis(self) -> tuple[float, ...]:
        """Scratch values of PSFEx."""
        return self._basis

    @property
    def coeff(self) -> tuple[float, ...]:
        """Scratch values of PSFEx."""
        return self._coeff

    @property
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @cached_property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""
        _, ny, nx = self._parameters.shape
        return centered_box(self._native_size(ny) // 2, self._native_size(nx) // 2)

    @property
    def _highest(self) -> int:
        return max(self._degree, default=0)

    def _native_size(self, size: int) -> int:
        """Return the (odd) number of detector pixels along an axis of the images."""
        return int(size * self._pixel_step) | 1

    def _nearest(self, values: Float64Array) -> Float64Array:
        """Round coordinates to the nearest pixel, and half-integers down."""
        return np.ceil(values - 0.5)

    def _terms(self, x: Any, y: Any) -> Float64Array:
        """Evaluate the terms of the polynomial, shape ``(..., terms)``."""
        if not self._highest:
            return np.ones((*np.shape(x), 1))
        u = (np.asarray(x) - self._offsets[0]) / self._scales[0]
        v = (np.asarray(y) - self._offsets[1]) / self._scales[1]
        powers = range(self._highest + 1)
        return np.stack([u**i * v**j for j in powers for i in powers if i + j <= self._highest], axis=-1)

    def _images(self, x: Float64Array, y: Float64Array) -> Float32Array:
        """Sum the terms of the polynomial, shape ``(n, ny, nx)``."""
        images = np.zeros((x.size, *self._parameters.shape[1:]), dtype=np.float32)
        weights = self._terms(x, y).astype(np.float32)
        for weight, parameters in zip(weights.T, self._parameters, strict=True):
            images += weight[:, np.newaxis, np.newaxis] * parameters
        return images

    def _matrices(self, shift: Float64Array, size: int) -> Float64Array:
        """Return matrices that resample one axis, shape ``(n, native, size)``."""
        native = self._native_size(size)
        step = 1.0 / self._pixel_step
        at = size // 2 + (np.arange(native) - native // 2 - shift[:, np.newaxis]) * step
        weights = LANCZOS5(np.arange(size) - at[..., np.newaxis])
        weights /= weights.sum(axis=-1, keepdims=True)
        # PSFEx does not interpolate beyond the centres of the outermost pixels.
        weights[(at < 0) | (at > size - 1)] = 0.0
        return weights

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        return self._stars(x, y, np.zeros_like(x), np.zeros_like(y))

    def _stars(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        _, ny, nx = self._parameters.shape
        # Rows first; the intermediate result has single precision.
        rows = self._images(x, y) @ self._matrices(_as_single(dx), nx).swapaxes(1, 2)
        stack = self._matrices(_as_single(dy), ny) @ rows.astype(np.float32)
        return _normalized_in_order(stack.astype(np.float32)).astype(np.float64)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PSFExPointSpreadFunction):
            return NotImplemented
        return (
            self._numbers() == other._numbers()
            and bool(self._bounds == other._bounds)
            and np.array_equal(self._parameters, other._parameters, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares arrays

    def _numbers(self) -> tuple[Any, ...]:
        return (
            self._pixel_step,
            self._degree,
            self._offsets,
            self._scales,
            self._average,
            self._group,
            self._basis,
            self._coeff,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._parameters, self._bounds, *self._numbers())


def _as_single(shift: Float64Array) -> Float64Array:
    """Round fractions of pixels to single precision, as non-negative fractions, like afw."""
    below = (shift + (shift < 0.0)).astype(np.float32)
    return np.where(shift < 0.0, below - np.float32(1.0), below).astype(np.float64)


def _normalized_in_order(stack: Float32Array) -> Float32Array:
    """Divide images by their sums, which are computed sequentially."""
    # As in afw; numpy's sum() uses pairwise summation.
    sums = np.cumsum(stack.reshape(len(stack), int(np.prod(stack.shape[1:]))), axis=1, dtype=np.float32)[
        :, -1
    ]
    result: Float32Array = stack / sums[:, np.newaxis, np.newaxis]
    return result


def _make(
    parameters: np.ndarray,
    bounds: Bounds,
    pixel_step: float,
    degree: tuple[int, ...],
    offsets: tuple[float, ...],
    scales: tuple[float, ...],
    average: XY[float],
    group: tuple[int, ...],
    basis: tuple[float, ...],
    coeff: tuple[float, ...],
) -> PSFExPointSpreadFunction:
    return PSFExPointSpreadFunction(
        parameters,
        bounds,
        pixel_step=pixel_step,
        degree=degree,
        offsets=offsets,
        scales=scales,
        average=average,
        group=group,
        basis=basis,
        coeff=coeff,
    )
