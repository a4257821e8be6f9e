# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Projections that FITS headers can say, if need be by a fit."""

from __future__ import annotations

__all__ = ("make_fits_wcs", "with_fits_form")

import warnings
from typing import Any

from .._geom import Box
from .._transforms import Projection
from ..errors import GeometryError, LossyConversionWarning

TOLERABLE_ERROR = 0.01
"""Arcseconds by which a FITS WCS may be wrong without a warning: 5 % of a pixel
of LSSTCam."""


def with_fits_form(projection: Projection[Any] | None, bbox: Box) -> Projection[Any] | None:
    """Make sure that a projection has a FITS form.

    Parameters
    ----------
    projection
        The projection.
    bbox
        Pixels of the array.

    Returns
    -------
    projection
        The same, or with a fitted approximation if it had no FITS form;
        `None`, with a warning, if it cannot be fitted.
    """
    if projection is None or projection.as_fits_wcs(bbox, allow_approximation=True) is not None:
        return projection
    try:
        return projection.with_fits_approximation(projection.fit_fits_approximation(bbox))
    except GeometryError as err:
        warnings.warn(
            f"The sky projection has no FITS form and is left out: {err}",
            LossyConversionWarning,
            stacklevel=2,
        )
        return None


def make_fits_wcs(projection: Projection[Any] | None, bbox: Box) -> Any:
    """Make a FITS WCS for those who take nothing else.

    Parameters
    ----------
    projection
        The projection.
    bbox
        Pixels of the array.

    Returns
    -------
    fits_wcs
        A new `astropy.wcs.WCS`, or `None`.  There is a warning if it is wrong
        by more than 0.01 arcsec.
    """
    projection = with_fits_form(projection, bbox)
    if projection is None:
        return None
    exact = projection.as_fits_wcs(bbox)
    if exact is not None:
        return exact
    accuracy = projection.fits_wcs_error(bbox)
    if accuracy is not None and accuracy.max > TOLERABLE_ERROR:
        warnings.warn(
            f"The FITS WCS is wrong by up to {accuracy.max:.3g} arcsec; use to_nddata() for the exact one.",
            LossyConversionWarning,
            stacklevel=2,
        )
    return projection.as_fits_wcs(bbox, allow_approximation=True)
