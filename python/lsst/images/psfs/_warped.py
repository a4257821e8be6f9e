# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs of resampled images."""

from __future__ import annotations

__all__ = ("WarpedPointSpreadFunction",)

from typing import Any, final

from .._geom import Bounds, Box
from .._transforms import Transform
from ..fields._points import Float64Array
from ..utils import cached_property
from ._base import PointSpreadFunction, centered_box
from ._resample import WarpingKernel
from ._vectorized import VectorizedPointSpreadFunction
from ._warping import outline_points, warp_kernels, warped_half_shape


@final
class WarpedPointSpreadFunction(VectorizedPointSpreadFunction):
    """The PSF of an image that was resampled onto another pixel grid.

    Parameters
    ----------
    psf
        PSF of the image before it was resampled.
    to_source
        Transform from pixels of the new grid to those of that image.
    bounds
        Where the PSF is defined, in the new grid.
    warping_kernel
        Interpolation kernel, or its name.

    Notes
    -----
    The transform is linearized at each position.  The size of kernel images is
    determined at the corners and the centre of the bounds.
    """

    def __init__(
        self,
        psf: PointSpreadFunction,
        to_source: Transform[Any, Any],
        bounds: Bounds,
        *,
        warping_kernel: str | WarpingKernel = "lanczos3",
    ) -> None:
        self._psf = psf
        self._to_source = to_source
        self._bounds = bounds
        self._warping_kernel = WarpingKernel.parse(warping_kernel)

    @property
    def psf(self) -> PointSpreadFunction:
        """PSF of the image before it was resampled."""
        return self._psf

    @property
    def to_source(self) -> Transform[Any, Any]:
        """Transform from pixels of the new grid to those of that image."""
        return self._to_source

    @property
    def warping_kernel(self) -> WarpingKernel:
        """The interpolation kernel."""
        return self._warping_kernel

    @property
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @cached_property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""
        return centered_box(*self._half_shape)

    @cached_property
    def _half_shape(self) -> tuple[int, int]:
        x, y = outline_points(self._bounds)
        return warped_half_shape(self._psf.kernel_bbox, self._to_source.apply_forward, x, y)

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        return warp_kernels(
            self._psf, self._to_source.apply_forward, x, y, self._half_shape, self._warping_kernel
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WarpedPointSpreadFunction):
            return NotImplemented
        return (
            bool(self._psf == other._psf)
            and bool(self._to_source == other._to_source)
            and bool(self._bounds == other._bounds)
            and self._warping_kernel == other._warping_kernel
        )

    __hash__ = None  # type: ignore[assignment]  # bounds are not hashable
