# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs of coadds, which are means of the PSFs of resampled images."""

from __future__ import annotations

__all__ = ("CoaddPointSpreadFunction", "CoaddPsfInput")

import dataclasses
from collections.abc import Iterable
from typing import Any, final

import numpy as np

from .._geom import Bounds, Box
from .._transforms import Projection
from ..errors import BoundsError, GeometryError
from ..fields._coadd_input import CoaddInput
from ..fields._points import Float64Array
from ..utils import cached_property
from ._base import PointSpreadFunction, centered_box
from ._resample import WarpingKernel, normalized
from ._vectorized import VectorizedPointSpreadFunction
from ._warping import PixelMap, outline_points, warp_kernels, warped_half_shape


@dataclasses.dataclass(frozen=True)
class CoaddPsfInput(CoaddInput):
    """The PSF of one input image of a coadd.

    Parameters
    ----------
    psf
        PSF of the image.
    projection
        Projection from pixels of the image to the sky.
    bounds
        Pixels of the image that were used.
    weight
        Weight in the mean.
    """

    psf: PointSpreadFunction
    projection: Projection[Any]
    bounds: Bounds
    weight: float = 1.0

    __hash__ = None  # type: ignore[assignment]  # bounds are not hashable


@final
class CoaddPointSpreadFunction(VectorizedPointSpreadFunction):
    """The weighted mean of the PSFs of the input images that contain a position.

    Parameters
    ----------
    inputs
        Input images of the coadd, at least one.
    projection
        Projection from pixels of the coadd to the sky.
    bounds
        Where the PSF is defined, in pixels of the coadd.
    warping_kernel
        Interpolation kernel with which the images were resampled, or its
        name.

    Raises
    ------
    GeometryError
        If ``inputs`` is empty.

    Notes
    -----
    Equivalent of ``CoaddPsf`` in `lsst.meas.algorithms`.  Evaluation at a
    position that no input image contains raises `~lsst.images.BoundsError`,
    even if the position is inside the bounds.
    """

    def __init__(
        self,
        inputs: Iterable[CoaddPsfInput],
        projection: Projection[Any],
        bounds: Bounds,
        *,
        warping_kernel: str | WarpingKernel = "lanczos3",
    ) -> None:
        self._inputs = tuple(inputs)
        if not self._inputs:
            raise GeometryError("A CoaddPointSpreadFunction requires at least one input image; got none.")
        self._projection = projection
        self._bounds = bounds
        self._warping_kernel = WarpingKernel.parse(warping_kernel)

    @property
    def inputs(self) -> tuple[CoaddPsfInput, ...]:
        """Input images of the coadd."""
        return self._inputs

    @property
    def projection(self) -> Projection[Any]:
        """Projection from pixels of the coadd to the sky."""
        return self._projection

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
        return centered_box(*np.max(self._half_shapes, axis=0).tolist())

    @cached_property
    def _half_shapes(self) -> list[tuple[int, int]]:
        """Half sizes of the warped kernels of each input."""
        shapes = []
        for item in self._inputs:
            there_x, there_y = outline_points(item.bounds)
            here = _map_through_sky(item.projection, self._projection)(x=there_x, y=there_y)
            shapes.append(warped_half_shape(item.psf.kernel_bbox, self._to_input(item), here.x, here.y))
        return shapes

    def _to_input(self, item: CoaddPsfInput) -> PixelMap:
        return _map_through_sky(self._projection, item.projection)

    def covering(self, *, x: float, y: float) -> list[CoaddPsfInput]:
        """Return the input images that contain a position.

        Parameters
        ----------
        x, y
            Position in the coadd.

        Returns
        -------
        inputs
            Input images in the order of `inputs`.
        """
        sky = self._projection.pixel_to_sky_transform.apply_forward(x=np.array([x]), y=np.array([y]))
        return [item for item in self._inputs if item.locate(sky)[1].all()]

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        box = self.kernel_bbox
        total, weights = np.zeros((x.size, *box.shape)), np.zeros(x.size)
        sky = self._projection.pixel_to_sky_transform.apply_forward(x=x, y=y)
        for item, half_shape in zip(self._inputs, self._half_shapes, strict=True):
            _, inside = item.locate(sky)
            if inside.any():
                at = x[inside], y[inside]
                stack = warp_kernels(item.psf, self._to_input(item), *at, half_shape, self._warping_kernel)
                total[inside, *centered_box(*half_shape).slice_within(box)] += item.weight * stack
                weights[inside] += item.weight
        if not weights.all():
            bare = int(np.argmin(weights != 0.0))
            raise BoundsError(
                f"The PSF is undefined at (x={x[bare]}, y={y[bare]}): none of the {len(self._inputs)} input "
                "images of the coadd contains this position."
            )
        return normalized(total)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CoaddPointSpreadFunction):
            return NotImplemented
        return (
            self._inputs == other._inputs
            and bool(self._projection == other._projection)
            and bool(self._bounds == other._bounds)
            and self._warping_kernel == other._warping_kernel
        )

    __hash__ = None  # type: ignore[assignment]  # bounds are not hashable

    def __str__(self) -> str:
        return f"CoaddPointSpreadFunction of {len(self._inputs)} images over {self._bounds}"


def _map_through_sky(source: Projection[Any], target: Projection[Any]) -> PixelMap:
    """Return the mapping from the pixels of one projection to those of another."""
    to_sky = source.pixel_to_sky_transform.apply_forward
    from_sky = target.sky_to_pixel_transform.apply_forward
    return lambda *, x, y: from_sky(to_sky(x=x, y=y))
