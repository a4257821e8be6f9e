# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Point spread functions that are stored in tables."""

from __future__ import annotations

__all__ = (
    "LegacyCoaddPsf",
    "LegacyDoubleGaussianPsf",
    "LegacyGaussianPsf",
    "LegacyKernelPsf",
    "LegacyPsfexPsf",
    "LegacyWarpedPsf",
    "decode_coadd_psf",
    "decode_double_gaussian",
    "decode_gaussian",
    "decode_kernel_psf",
    "decode_psfex",
    "decode_warped",
)

import dataclasses
import math
from typing import Any

import numpy as np

from ..._geom import XY
from ...errors import CorruptArchiveError
from ...utils import short_repr
from ._catalogs import LegacyExposureCatalog
from ._entries import LegacyEntry
from ._kernels import MAX_SIDE
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows

DEFAULT_WARPING_KERNEL = "lanczos3"
"""Warping kernel of coadds that do not store one."""


@dataclasses.dataclass(frozen=True)
class LegacyGaussianPsf:
    """A circular Gaussian.

    Parameters
    ----------
    shape
        Rows and columns of its images.
    sigma
        Standard deviation, pixels.
    """

    shape: tuple[int, int]
    sigma: float


@dataclasses.dataclass(frozen=True)
class LegacyDoubleGaussianPsf:
    """The sum of two circular Gaussians.

    Parameters
    ----------
    shape
        Rows and columns of its images.
    sigma1, sigma2
        Standard deviations, pixels.
    b
        Peak of the second Gaussian, relative to that of the first.
    """

    shape: tuple[int, int]
    sigma1: float
    sigma2: float
    b: float


@dataclasses.dataclass(frozen=True)
class LegacyKernelPsf:
    """A PSF that is a convolution kernel.

    Parameters
    ----------
    kernel
        Reference to the kernel.
    average
        Mean position of the stars.
    """

    kernel: Any
    average: XY[float]


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyPsfexPsf:
    """A PSFEx model.

    Parameters
    ----------
    parameters
        Images of the terms of a polynomial, shape ``(terms, ny, nx)``.
    pixel_step
        Size of a pixel of the images in pixels of the detector.
    group, degree
        Group of each variable, and degree of each group.
    offsets, scales
        Offset and scale of each variable: it enters as
        ``(value - offset) / scale``.
    basis, coeff
        Temporary values of the evaluation in afw.
    average
        Mean position of the stars.
    """

    parameters: np.ndarray
    pixel_step: float
    group: tuple[int, ...]
    degree: tuple[int, ...]
    offsets: tuple[float, ...]
    scales: tuple[float, ...]
    basis: tuple[float, ...]
    coeff: tuple[float, ...]
    average: XY[float]


@dataclasses.dataclass(frozen=True)
class LegacyWarpedPsf:
    """The PSF of a resampled image.

    Parameters
    ----------
    psf
        Reference to the PSF of the original.
    transform
        Reference to the transform from its pixels to those of the new image.
    control
        Reference to the `LegacyWarpingControl`.
    """

    psf: Any
    transform: Any
    control: Any


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyCoaddPsf:
    """The PSF of a coadd.

    Parameters
    ----------
    wcs
        Reference to the WCS of the coadd.
    inputs
        The images, with their ``weight``.
    average
        Mean position of the stars.
    warping_kernel
        ``lanczos3`` or another name of a warping kernel.
    """

    wcs: Any
    inputs: LegacyExposureCatalog
    average: XY[float]
    warping_kernel: str


def _shape(row: LegacyRow) -> tuple[int, int]:
    size = row.corner("dimensions")
    if not (0 < size.x <= MAX_SIDE and 0 < size.y <= MAX_SIDE):
        raise CorruptArchiveError(f"a PSF has the invalid size {size.x} x {size.y} pixels")
    return size.y, size.x


def _positive(row: LegacyRow, name: str) -> float:
    value = row.number(name)
    if not (math.isfinite(value) and value > 0.0):
        raise CorruptArchiveError(f"{name} = {short_repr(value)}; expected a positive number")
    return value


def decode_gaussian(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyGaussianPsf:
    """Decode a ``GaussianPsf`` or ``SingleGaussianPsf``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyGaussianPsf(_shape(row), _positive(row, "sigma"))


def decode_double_gaussian(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyDoubleGaussianPsf:
    """Decode a ``DoubleGaussianPsf``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    # The width of a second Gaussian of weight 0 is not used.
    sigma2 = row.number("sigma2") if row.number("b") == 0.0 else _positive(row, "sigma2")
    return LegacyDoubleGaussianPsf(_shape(row), _positive(row, "sigma1"), sigma2, row.number("b"))


def decode_kernel_psf(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyKernelPsf:
    """Decode a ``KernelPsf`` or ``PcaPsf``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    average = row.point("averagePosition", XY(math.nan, math.nan))
    return LegacyKernelPsf(archive.reference(row.integer("kernel")), average)


def decode_psfex(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyPsfexPsf:
    """Decode a ``PsfexPsf``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row, arrays = tables[0].one(), tables[1].one()
    size = [int(n) for n in arrays.array("_size")]
    shape = (*([1] if len(size) == 2 else []), *size[::-1])
    values = arrays.array("_comp").astype(np.float32)
    if len(shape) != 3 or min(shape) < 1 or math.prod(shape) != values.size:
        raise CorruptArchiveError(f"a PSFEx model has {values.size} pixels for images of shape {shape}")
    return LegacyPsfexPsf(
        parameters=values.reshape(shape),
        pixel_step=_positive(row, "_pixstep"),
        group=_integers(arrays, "group", row.integer("ndim")),
        degree=_integers(arrays, "degree", row.integer("ngroup")),
        offsets=_numbers(arrays, "_context_first"),
        scales=_numbers(arrays, "_context_second"),
        basis=_numbers(arrays, "basis"),
        coeff=_numbers(arrays, "coeff"),
        average=row.point("averagePosition"),
    )


def _integers(row: LegacyRow, name: str, count: int) -> tuple[int, ...]:
    # A column cannot be empty, so a constant PSF stores values that are not used.
    return tuple(row.array(name).astype(np.int64).tolist()[:count]) if name in row else ()


def _numbers(row: LegacyRow, name: str) -> tuple[float, ...]:
    return tuple(row.array(name).astype(np.float64).tolist()) if name in row else ()


def decode_warped(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyWarpedPsf:
    """Decode a ``WarpedPsf``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyWarpedPsf(
        *(archive.reference(row.integer(f"{name}Index")) for name in ("psf", "transform", "control"))
    )


def decode_coadd_psf(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyCoaddPsf:
    """Decode a ``CoaddPsf``, old or new.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    if len(tables) == 1:
        # In the first version the coadd itself is the last row of its inputs.
        everything = LegacyExposureCatalog(archive, tables[0])
        if not len(everything):
            raise CorruptArchiveError("the row of the coadd is missing in a coadd PSF")
        inputs = LegacyExposureCatalog(archive, tables[0], count=len(everything) - 1)
        coadd = everything[len(everything) - 1].reference("wcs")
        return LegacyCoaddPsf(coadd, inputs, XY(math.nan, math.nan), DEFAULT_WARPING_KERNEL)
    row = tables[0].one()
    return LegacyCoaddPsf(
        wcs=archive.reference(row.integer("coaddwcs")),
        inputs=LegacyExposureCatalog(archive, tables[1]),
        average=row.point("avgpos", XY(math.nan, math.nan)),
        warping_kernel=row.text("warpingkernelname", "") or DEFAULT_WARPING_KERNEL,
    )
