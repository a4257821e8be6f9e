# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of convolution kernels from and to `lsst.afw.math`."""

from __future__ import annotations

__all__ = ("kernel_from", "kernel_to", "make_kernel")

from collections.abc import Iterable
from typing import Any

import numpy as np

from .._geom import XY, YX
from ..convolution_kernels import ImageBasisConvolutionKernel
from ..errors import LegacyConversionError
from ..fields import BaseField, ChebyshevField
from ._convert_fields import NOMINAL
from ._live_fields import field_to, function_from
from ._live_geom import point_to
from ._live_modules import stack_module


def kernel_from(legacy: Any, pytype: type) -> ImageBasisConvolutionKernel:
    """Convert a ``LinearCombinationKernel``.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `ImageBasisConvolutionKernel`.
    """
    if not hasattr(legacy, "getKernelList"):
        raise LegacyConversionError(
            f"Expected a LinearCombinationKernel of lsst.afw, not a {type(legacy).__name__}."
        )
    size, center = legacy.getDimensions(), legacy.getCtr()
    images = []
    for kernel in legacy.getKernelList():
        image = stack_module("afw.image").ImageD(size)
        kernel.computeImage(image, False)
        images.append(np.array(image.array))
    spatial: list[BaseField] = [function_from(function) for function in legacy.getSpatialFunctionList()]
    if not spatial:
        spatial = [ChebyshevField(NOMINAL, [[float(weight)]]) for weight in legacy.getKernelParameters()]
    return ImageBasisConvolutionKernel(
        np.stack(images), spatial, center_y=int(center.y), center_x=int(center.x)
    )


def kernel_to(obj: ImageBasisConvolutionKernel) -> Any:
    """Convert to a ``LinearCombinationKernel``.

    Parameters
    ----------
    obj
        The kernel.
    """
    return make_kernel(obj.basis, obj.spatial, obj.center)


def make_kernel(basis: np.ndarray, spatial: Iterable[BaseField] | None, center: YX[int]) -> Any:
    """Create a kernel of `lsst.afw`.

    Parameters
    ----------
    basis
        Images, shape ``(n, h, w)``.
    spatial
        Weights; `None` means a single image with weight 1.
    center
        Row and column of the centre.
    """
    math, image = stack_module("afw.math"), stack_module("afw.image")
    middle = point_to(XY(x=center.x, y=center.y), form="Point2I")
    kernels = []
    for array in basis:
        kernel = math.FixedKernel(image.ImageD(np.array(array, dtype=np.float64, order="C"), deep=False))
        kernel.setCtr(middle)
        kernels.append(kernel)
    if spatial is None:
        return kernels[0]
    result = math.LinearCombinationKernel(kernels, [field_to(field, form="Function2") for field in spatial])
    result.setCtr(middle)
    return result
