# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of archived point spread functions."""

from __future__ import annotations

__all__ = ("make_psf",)

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._geom import YX, Bounds, Box, CellGrid, CellGridBounds, CellIJ
from .._pixels import Image
from ..cells import CellPointSpreadFunction
from ..errors import ArchiveReadError, ImagesError
from ..psfs import (
    CoaddPointSpreadFunction,
    CoaddPsfInput,
    KernelPointSpreadFunction,
    PiffStar,
    PiffWrapper,
    PointSpreadFunction,
    PSFExPointSpreadFunction,
    WarpedPointSpreadFunction,
)
from ..psfs._piff_record import PiffRecord, PiffTable, PiffValue
from ._convert_fields import used_pixels
from ._convert_kernel import make_kernel_psf
from ._convert_wcs import PIXEL_FRAME, make_projection, make_transform
from ._decoded import LegacyContext, finish, unknown_class
from .afw_archive._piff import LegacyBasisPolynomial, LegacyPiffPsf, LegacyPixelGrid
from .afw_archive._psfs import (
    LegacyCoaddPsf,
    LegacyDoubleGaussianPsf,
    LegacyGaussianPsf,
    LegacyKernelPsf,
    LegacyPsfexPsf,
    LegacyWarpedPsf,
)
from .afw_archive._stitched_psf import LegacyStitchedPsf

UNLIMITED = Box.factory[-(1 << 20) : 1 << 20, -(1 << 20) : 1 << 20]
"""Bounds of PSFs of input images, whose bounding boxes are unknown."""


def make_psf(record: Any, bounds: Bounds) -> PointSpreadFunction:
    """Convert an archived PSF.

    Parameters
    ----------
    record
        What the decoder returned.
    bounds
        Pixels where the PSF is defined.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or the record is damaged.
    """
    finished = finish(
        record,
        PointSpreadFunction,  # type: ignore[type-abstract]  # only for isinstance
        "the PSF",
        LegacyContext(bounds),
    )
    if finished is not None:
        return finished
    make = _MAKERS.get(type(record))
    if make is None:
        raise unknown_class(record, PointSpreadFunction, "the PSF")
    try:
        return make(record, bounds)
    except ArchiveReadError:
        raise
    except (ImagesError, ValueError) as err:
        raise ArchiveReadError(
            f"The archived PSF of type {type(record).__name__} cannot be converted: {err}"
        ) from err


def _sampled_gaussians(shape: tuple[int, int], *terms: tuple[float, float]) -> Image:
    """Sample Gaussians with given heights and standard deviations at the centres of pixels."""
    center = YX(y=shape[0] // 2, x=shape[1] // 2)
    y, x = np.ogrid[: shape[0], : shape[1]]
    radius2 = (y - center.y) ** 2 + (x - center.x) ** 2
    values = sum(height * np.exp(-0.5 * radius2 / sigma**2) for height, sigma in terms if height)
    return Image(values / np.sum(values), start=YX(y=-center.y, x=-center.x))


def _make_gaussian(record: LegacyGaussianPsf, bounds: Bounds) -> PointSpreadFunction:
    # Not a GaussianPointSpreadFunction, since afw shifts the sampled image.
    return KernelPointSpreadFunction.fixed(_sampled_gaussians(record.shape, (1.0, record.sigma)), bounds)


def _make_double_gaussian(record: LegacyDoubleGaussianPsf, bounds: Bounds) -> PointSpreadFunction:
    image = _sampled_gaussians(record.shape, (1.0, record.sigma1), (record.b, record.sigma2))
    return KernelPointSpreadFunction.fixed(image, bounds)


def _make_kernel(record: LegacyKernelPsf, bounds: Bounds) -> PointSpreadFunction:
    average = record.average if math.isfinite(record.average.x + record.average.y) else None
    return make_kernel_psf(record.kernel(), bounds, average)


def _make_psfex(record: LegacyPsfexPsf, bounds: Bounds) -> PointSpreadFunction:
    return PSFExPointSpreadFunction(
        record.parameters,
        bounds,
        pixel_step=record.pixel_step,
        degree=record.degree,
        offsets=record.offsets,
        scales=record.scales,
        average=(record.average.x, record.average.y),
        group=record.group,
        basis=record.basis,
        coeff=record.coeff,
    )


def _make_warped(record: LegacyWarpedPsf, bounds: Bounds) -> PointSpreadFunction:
    return WarpedPointSpreadFunction(
        make_psf(record.psf(), UNLIMITED),
        make_transform(record.transform(), PIXEL_FRAME, PIXEL_FRAME, inverse=True),
        bounds,
        warping_kernel=record.control.part("kernel").part("name"),
    )


def _make_coadd(record: LegacyCoaddPsf, bounds: Bounds) -> PointSpreadFunction:
    inputs = []
    for row in record.inputs:
        used = used_pixels(row.bbox, row.component("valid_polygon"))
        if used is not None:
            # The PSF is also evaluated next to the used pixels, so it needs larger bounds.
            psf = make_psf(row.component("psf"), UNLIMITED)
            projection = make_projection(row.component("wcs"), PIXEL_FRAME, row.bbox)
            inputs.append(CoaddPsfInput(psf, projection, used, float(row["weight"])))
    projection = make_projection(record.wcs(), PIXEL_FRAME)
    return CoaddPointSpreadFunction(inputs, projection, bounds, warping_kernel=record.warping_kernel)


def _make_stitched(record: LegacyStitchedPsf, bounds: Bounds) -> PointSpreadFunction:
    if not record.images:
        raise ArchiveReadError("The PSF of a cell coadd does not have images.")
    grid = CellGrid(record.bbox, record.cell_size.yx)
    ny, nx = grid.grid_size.as_tuple()
    shape = next(iter(record.images.values())).shape
    array = np.full((ny, nx, *shape), np.nan)
    missing = {CellIJ(i, j) for i in range(ny) for j in range(nx)}
    for index, image in record.images.items():
        array[index.y, index.x] = image
        missing.discard(CellIJ(index.y, index.x))
    return CellPointSpreadFunction(array, CellGridBounds(grid, grid.bbox, frozenset(missing)))


def _make_piff(record: LegacyPiffPsf, bounds: Bounds) -> PointSpreadFunction:
    model, interp = record.model, record.interp
    if not (isinstance(model, LegacyPixelGrid) and isinstance(interp, LegacyBasisPolynomial)):
        raise ArchiveReadError(
            f"A Piff PSF with model {_piff_class(model)} and interpolation {_piff_class(interp)} cannot be "
            "converted; supported is PixelGrid with BasisPolynomial."
        )
    if record.pixel_scale is None or set(interp.keys) not in ({"u", "v"}, {"x", "y"}):
        raise ArchiveReadError(
            f"A Piff PSF with variables {interp.keys} and a WCS without constant pixel scale cannot be "
            "converted."
        )
    stars = (PiffStar(star.position, star.is_flagged, star.is_reserve) for star in record.stars)
    return PiffWrapper.from_record(_piff_record(record, model, interp), bounds, record.shape[0], stars=stars)


def _piff_class(part: Any) -> str:
    return str(getattr(part, "class_name", type(part).__name__.removeprefix("Legacy")))


def _piff_record(record: LegacyPiffPsf, model: LegacyPixelGrid, interp: LegacyBasisPolynomial) -> PiffRecord:
    """Return the record that Piff writes for the same PSF."""
    lanczos = f"{model.interpolant[:-1]}, {model.conserve_dc})"
    interpolant = lanczos if model.interpolant.startswith("Lanczos") else f"{model.interpolant}()"
    counts = ("dof", "nremoved", "niter")
    fit = {"chisq": 0.0, "last_delta_chisq": 0.0, "dof": 0, "nremoved": 0, "niter": 0, **record.fit}
    solution = np.zeros(1, dtype=[("q", np.float64, interp.coefficients.shape)])
    solution["q"][0] = interp.coefficients
    max_order = _max_order(interp)
    nested = PiffRecord(
        structs={
            "chisq": {key: int(value) if key in counts else value for key, value in fit.items()},
            "model": {
                "scale": model.scale,
                "size": model.size,
                "centered": model.centered,
                "interp": f"galsim.{interpolant}",
                "init": None,
                "fit_flux": model.fit_flux,
                "type": "PixelGrid",
            },
            "interp": {
                "order": list(interp.orders),
                "max_order": max_order,
                "keys": list(interp.keys),
                "solver": "scipy",
                "type": "BasisPolynomial",
            },
        },
        wcs={"wcs": float(record.pixel_scale or 0.0)},
        objects={"model": PiffRecord(), "interp": PiffRecord(tables={"solution": PiffTable(solution)})},
    )
    head: dict[str, PiffValue] = {
        "model": 0,
        "interp": 0,
        "outliers": 0,
        "chisq_thresh": 0.1,
        "max_iter": 30,
        "type": "Simple",
    }
    return PiffRecord(structs={"piff": head}, objects={"piff": nested})


def _max_order(interp: LegacyBasisPolynomial) -> int:
    powers = np.indices(interp.mask.shape).sum(axis=0)
    highest = int(powers[interp.mask].max()) if interp.mask.any() else 0
    if not np.array_equal(interp.mask, powers <= highest):
        raise ArchiveReadError(
            "A Piff polynomial that omits some terms cannot be converted; expected all terms up to an order."
        )
    return highest


_MAKERS: dict[type, Callable[[Any, Bounds], PointSpreadFunction]] = {
    LegacyGaussianPsf: _make_gaussian,
    LegacyDoubleGaussianPsf: _make_double_gaussian,
    LegacyKernelPsf: _make_kernel,
    LegacyPsfexPsf: _make_psfex,
    LegacyWarpedPsf: _make_warped,
    LegacyCoaddPsf: _make_coadd,
    LegacyStitchedPsf: _make_stitched,
    LegacyPiffPsf: _make_piff,
}
