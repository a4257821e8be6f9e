# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convert projections to FITS WCS, if necessary by fitting an approximation."""

from __future__ import annotations

__all__ = ("make_fits_wcs", "with_fits_form")

import warnings
from typing import Any

from .._geom import Box
from .._transforms import Projection
from ..errors import GeometryError, LossyConversionWarning

MAX_WCS_ERROR = 0.01
"""Largest error of a FITS WCS without a warning, in arcseconds: 5 % of a pixel of
LSSTCam."""


def with_fits_form(projection: Projection[Any] | None, bbox: Box) -> Projection[Any] | None:
    """Add a FITS approximation to a projection that has no exact FITS WCS.

    Parameters
    ----------
    projection
        The projection.
    bbox
        Pixels of the array.

    Returns
    -------
    projection
        The same projection, or one with a fitted approximation; `None`, with
        a warning, if it cannot be fitted.
    """
    if projection is None or projection.as_fits_wcs(bbox, allow_approximation=True) is not None:
        return projection
    try:
        return projection.with_fits_approximation(projection.fit_fits_approximation(bbox))
    except GeometryError as err:
        warnings.warn(
            f"The sky projection cannot be converted to a FITS WCS and is omitted: {err}",
            LossyConversionWarning,
            stacklevel=2,
        )
        return None


def make_fits_wcs(projection: Projection[Any] | None, bbox: Box) -> Any:
    """Convert a projection to a FITS WCS.

    Parameters
    ----------
    projection
        The projection.
    bbox
        Pixels of the array.

    Returns
    -------
    fits_wcs
        A new `astropy.wcs.WCS`, or `None`.  A warning is issued if its
        error is larger than 0.01 arcsec.
    """
    projection = with_fits_form(projection, bbox)
    if projection is None:
        return None
    exact = projection.as_fits_wcs(bbox)
    if exact is not None:
        return exact
    accuracy = projection.fits_wcs_error(bbox)
    if accuracy is not None and accuracy.max > MAX_WCS_ERROR:
        warnings.warn(
            f"The FITS WCS has errors up to {accuracy.max:.3g} arcsec; use to_nddata() for the exact WCS.",
            LossyConversionWarning,
            stacklevel=2,
        )
    return projection.as_fits_wcs(bbox, allow_approximation=True)
