# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs that are evaluated at many positions at once."""

from __future__ import annotations

__all__ = ("VectorizedPointSpreadFunction",)

from abc import abstractmethod
from typing import Any

import numpy as np

from .._geom import YX
from .._pixels import Image
from ..fields._points import Float64Array
from ._base import PointSpreadFunction
from ._positions import check_position, check_positions
from ._resample import shift_stack


class VectorizedPointSpreadFunction(PointSpreadFunction):
    """Base class of PSFs that evaluate many positions at once.

    Subclasses define `bounds`, `kernel_bbox` and the hook ``_kernels(x, y)``.
    They override ``_stars(x, y, dx, dy)`` if star images are not shifted kernel
    images.
    """

    @abstractmethod
    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Evaluate kernels.

        Parameters
        ----------
        x, y
            Positions inside the bounds, shape ``(n,)``.

        Returns
        -------
        stack
            New float64 array of shape ``(n, ny, nx)``; the sum of each image
            must be 1.
        """

    def _stars(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        """Evaluate stars.

        Parameters
        ----------
        x, y
            Positions inside the bounds, shape ``(n,)``.
        dx, dy
            Differences of the positions and their nearest pixels, shape ``(n,)``.

        Returns
        -------
        stack
            New float64 array of shape ``(n, ny, nx)``.
        """
        return shift_stack(self._kernels(x, y), dy, dx)

    def compute_kernel_image(self, *, x: float, y: float) -> Image:
        x, y = check_position(self.bounds, x=x, y=y)
        stack = self._kernels(np.array([x]), np.array([y]))
        return Image(stack[0], bbox=self.kernel_bbox)

    def compute_kernel_images(self, *, x: Any, y: Any) -> Float64Array:
        xs, ys, shape = check_positions(self.bounds, x=x, y=y)
        return self._kernels(xs, ys).reshape(shape + tuple(self.kernel_bbox.shape))

    def compute_stellar_image(self, *, x: float, y: float) -> Image:
        x, y = check_position(self.bounds, x=x, y=y)
        stack, _ = self._star_stack(np.array([x]), np.array([y]))
        return Image(stack[0], bbox=self.compute_stellar_bbox(x=x, y=y))

    def _star_stack(self, x: Float64Array, y: Float64Array) -> tuple[Float64Array, YX[np.ndarray]]:
        start = self.kernel_bbox.start
        row, column = self._nearest(y), self._nearest(x)
        yx0 = YX(y=row.astype(np.int64) + start.y, x=column.astype(np.int64) + start.x)
        return self._stars(x, y, x - column, y - row), yx0
