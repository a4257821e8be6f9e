# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of PSFs to the gridded model of photutils."""

from __future__ import annotations

__all__ = ("make_gridded",)

from collections.abc import Callable
from typing import Any

import numpy as np

from .._geom import Box
from ..errors import GeometryError, MissingOptionalDependencyError
from ..utils import short_repr


def make_gridded(compute: Callable[..., np.ndarray], n: int | tuple[int, int], *, bbox: Box) -> Any:
    """Sample a PSF on a grid.

    Parameters
    ----------
    compute
        Function that returns a stack of kernel images at positions ``x=``,
        ``y=``.
    n
        Number of grid points in both directions, or ``(ny, nx)``.
    bbox
        Box whose corner pixels are the corners of the grid.

    Returns
    -------
    model
        A `photutils.psf.GriddedPSFModel`.

    Raises
    ------
    BoundsError
        If a grid point lies outside the bounds of the PSF.
    MissingOptionalDependencyError
        If photutils is not installed.
    GeometryError
        If there are fewer than two grid points in a direction.
    """
    try:
        from astropy.nddata import NDData
        from photutils.psf import GriddedPSFModel
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "A gridded PSF requires the package 'photutils'; install it."
        ) from err
    ny, nx = (n, n) if isinstance(n, int) else n
    if ny < 2 or nx < 2:
        raise GeometryError(
            f"A gridded PSF requires at least two grid points in each direction; got {short_repr(n)}."
        )
    y, x = np.meshgrid(
        np.linspace(bbox.y.min, bbox.y.max, ny), np.linspace(bbox.x.min, bbox.x.max, nx), indexing="ij"
    )
    stack = compute(x=x.ravel(), y=y.ravel())
    meta = {"grid_xypos": list(zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)), "oversampling": 1}
    return GriddedPSFModel(NDData(stack, meta=meta))
