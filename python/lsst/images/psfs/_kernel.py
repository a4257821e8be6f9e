# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs that are linear combinations of fixed images."""

from __future__ import annotations

__all__ = ("KernelPointSpreadFunction",)

from collections.abc import Iterable
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from .._geom import XY, YX, Bounds, Box
from .._pixels import Image
from ..errors import GeometryError, UnitMismatchError
from ..fields import BaseField
from ..fields._points import Float64Array
from ._resample import normalized
from ._vectorized import VectorizedPointSpreadFunction


@final
class KernelPointSpreadFunction(VectorizedPointSpreadFunction):
    """A PSF that is a sum of images with spatially varying weights.

    Parameters
    ----------
    basis
        Images, shape ``(n, ny, nx)``.  A float64 array becomes read-only in
        place.
    spatial
        Weights of the images: ``n`` dimensionless fields.  `None` for a single
        image that is the PSF everywhere.
    bounds
        Where the PSF is defined.
    center_y, center_x
        Row and column of the centre of the star in the images; by default
        ``ny // 2`` and ``nx // 2``.
    average
        Average position of the stars from which the PSF was determined, or
        `None` if it is unknown.

    Raises
    ------
    GeometryError
        If the shapes or numbers do not match, or the absolute value of a
        coordinate of the centre exceeds 2**52.
    UnitMismatchError
        If a weight has a unit.

    Notes
    -----
    Equivalent of ``KernelPsf`` or ``PcaPsf`` in `lsst.meas.algorithms`, with a
    ``FixedKernel`` or a ``LinearCombinationKernel``.
    """

    def __init__(
        self,
        basis: npt.ArrayLike,
        spatial: Iterable[BaseField] | None,
        bounds: Bounds,
        *,
        center_y: int | None = None,
        center_x: int | None = None,
        average: XY[float] | None = None,
    ) -> None:
        array = np.asarray(basis, dtype=np.float64)
        if array.ndim != 3 or not array.size:
            raise GeometryError(
                f"The basis must be a stack of images, a non-empty 3-d array; got shape {array.shape}."
            )
        array.flags.writeable = False
        fields = None if spatial is None else tuple(spatial)
        count = 1 if fields is None else len(fields)
        if count != len(array):
            raise GeometryError(f"{len(array)} basis images require {len(array)} weights; got {count}.")
        if units := [field.unit for field in fields or () if field.unit is not None]:
            raise UnitMismatchError(f"The weights of a PSF must not have units; got {units}.")
        self._basis = array
        self._spatial = fields
        self._bounds = bounds
        self._average = None if average is None else XY(float(average.x), float(average.y))
        _, ny, nx = array.shape
        self._center = YX(
            y=ny // 2 if center_y is None else int(center_y), x=nx // 2 if center_x is None else int(center_x)
        )
        self._kernel_bbox = Box.from_shape((ny, nx), start=YX(y=-self._center.y, x=-self._center.x))

    @classmethod
    def fixed(cls, image: Image, bounds: Bounds) -> Self:
        """Create a constant PSF.

        Parameters
        ----------
        image
            Image of a star, centred on pixel (0, 0); it is normalized.
        bounds
            Where the PSF is defined.
        """
        start = image.bbox.start
        basis = np.array(image.array[np.newaxis], dtype=np.float64)
        return cls(basis, None, bounds, center_y=-start.y, center_x=-start.x)

    @property
    def basis(self) -> Float64Array:
        """The images, read-only, shape ``(n, ny, nx)``."""
        return self._basis

    @property
    def spatial(self) -> tuple[BaseField, ...] | None:
        """Weights of the images, or `None` for a single constant image."""
        return self._spatial

    @property
    def center(self) -> YX[int]:
        """Row and column of the centre of the star in the images."""
        return self._center

    @property
    def average(self) -> XY[float] | None:
        """Average position of the stars, or `None` if it is unknown."""
        return self._average

    @property
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""
        return self._kernel_bbox

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        if self._spatial is None:
            return np.tile(normalized(self._basis), (x.size, 1, 1))
        weights = np.stack([np.asarray(field(x=x, y=y)) for field in self._spatial], axis=-1)
        return normalized(np.tensordot(weights, self._basis, axes=1))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KernelPointSpreadFunction):
            return NotImplemented
        return (
            self._spatial == other._spatial
            and self._center == other._center
            and self._average == other._average
            and bool(self._bounds == other._bounds)
            and np.array_equal(self._basis, other._basis, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares arrays

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._basis, self._spatial, self._bounds, self._center, self._average)


def _make(
    basis: Float64Array,
    spatial: tuple[BaseField, ...] | None,
    bounds: Bounds,
    center: YX[int],
    average: XY[float] | None,
) -> KernelPointSpreadFunction:
    return KernelPointSpreadFunction(
        basis, spatial, bounds, center_y=center.y, center_x=center.x, average=average
    )
