# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of archived convolution kernels."""

from __future__ import annotations

__all__ = ("make_convolution_kernel", "make_kernel_psf")

from typing import Any

import numpy as np

from .._geom import XY, Bounds, Box
from ..convolution_kernels import ConvolutionKernel, ImageBasisConvolutionKernel
from ..errors import ArchiveReadError
from ..fields import BaseField, ChebyshevField
from ..psfs import KernelPointSpreadFunction
from ._convert_fields import make_function_field
from ._decoded import LegacyContext, finish, unknown_class
from .afw_archive._kernels import (
    LegacyAnalyticKernel,
    LegacyDeltaKernel,
    LegacyFixedKernel,
    LegacyLinearCombinationKernel,
)

_FIXED = (LegacyFixedKernel, LegacyDeltaKernel, LegacyAnalyticKernel)


def _read_basis(record: Any, bounds: Bounds) -> tuple[np.ndarray, list[BaseField] | None, XY[int]]:
    """Return the basis images, their weights if these vary, and the centre."""
    if isinstance(record, _FIXED):
        return np.array(_fixed_image(record)[np.newaxis], dtype=np.float64), None, record.center
    if not isinstance(record, LegacyLinearCombinationKernel):
        raise unknown_class(record, ConvolutionKernel, "the kernel")
    images = [_fixed_image(reference()) for reference in record.components]
    if any(image.shape != tuple(record.shape) for image in images):
        raise ArchiveReadError(
            f"Images of an archived kernel have different shapes; expected {record.shape}."
        )
    basis = np.stack(images).astype(np.float64)
    if record.spatial is None:
        if record.amplitudes is None:
            raise ArchiveReadError("An archived kernel does not have weights.")
        return np.tensordot(record.amplitudes, basis, axes=1)[np.newaxis], None, record.center
    weights: list[BaseField] = [make_function_field(reference(), bounds) for reference in record.spatial]
    return basis, weights, record.center


def _fixed_image(record: Any) -> np.ndarray:
    if not isinstance(record, _FIXED) or bool(getattr(record, "spatial", None)):
        raise ArchiveReadError(
            f"Cannot convert a component kernel of type {type(record).__name__}: it varies, or it is not an "
            "image."
        )
    return np.asarray(record.image)


def make_kernel_psf(
    record: Any, bounds: Bounds, average: XY[float] | None = None
) -> KernelPointSpreadFunction:
    """Convert an archived kernel to a PSF.

    Parameters
    ----------
    record
        The record of the kernel.
    bounds
        Where the PSF is defined.
    average
        Average position of the stars; `None` if it is unknown.

    Raises
    ------
    ArchiveReadError
        If the class is not supported.
    """
    basis, weights, center = _read_basis(record, bounds)
    return KernelPointSpreadFunction(
        basis, weights, bounds, center_y=center.y, center_x=center.x, average=average
    )


def make_convolution_kernel(record: Any, bounds: Box) -> ConvolutionKernel:
    """Convert an archived convolution kernel.

    Parameters
    ----------
    record
        What the decoder returned.
    bounds
        Where the kernel is defined.

    Raises
    ------
    ArchiveReadError
        If the class is not supported.
    """
    finished = finish(
        record,
        ConvolutionKernel,  # type: ignore[type-abstract]  # only for isinstance
        "the kernel",
        LegacyContext(bounds),
    )
    if finished is not None:
        return finished
    basis, weights, center = _read_basis(record, bounds)
    fields: list[BaseField] = [ChebyshevField(bounds, [[1.0]])] if weights is None else weights
    return ImageBasisConvolutionKernel(basis, fields, center_y=center.y, center_x=center.x)
