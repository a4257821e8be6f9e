# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of background records from files of `lsst.afw`."""

from __future__ import annotations

__all__ = ("BACKGROUND_NAME", "bin_centers", "make_background_field", "make_background_map")

from collections.abc import Iterable
from typing import Any

import astropy.units as u
import numpy as np

from .._geom import Bounds, Interval
from ..errors import LegacyConversionError
from ..fields import Background, BackgroundMap, BaseField, ChebyshevField, SplineField, SumField
from .afw_archive._image_files import LegacyBackground

BACKGROUND_NAME = "background"
"""Name of the sum of the backgrounds of a file."""


def bin_centers(side: Interval, count: int) -> np.ndarray:
    """Return the centres of the bins of a background.

    Parameters
    ----------
    side
        Interval of pixels along an axis of the image.
    count
        Number of bins.

    Returns
    -------
    centers
        Centres in absolute pixels.
    """
    edges = (np.arange(count + 1) * side.size + count // 2) // count
    edges[0] = 0
    return np.asarray(side.start + 0.5 * (edges[:-1] + edges[1:] - 1))


def make_background_field(
    record: LegacyBackground, bounds: Bounds | None = None, unit: u.UnitBase | None = None
) -> BaseField:
    """Convert one background to a field.

    Parameters
    ----------
    record
        The record.
    bounds
        Where the field is defined; by default the box of the background.
    unit
        Unit of the values.

    Raises
    ------
    LegacyConversionError
        If the interpolation is not supported.
    """
    where = record.bbox if bounds is None else bounds
    ny, nx = record.image.shape
    y, x = bin_centers(record.bbox.y, ny), bin_centers(record.bbox.x, nx)
    if record.approximation == "CHEBYSHEV":
        weight = None
        if record.weighting:
            with np.errstate(divide="ignore", invalid="ignore"):
                weight = 1.0 / np.sqrt(record.variance.astype(np.float64))
        fitted = ChebyshevField.fit(
            record.bbox,
            record.image,
            y=y,
            x=x,
            weight=weight,
            y_order=record.order.y,
            x_order=record.order.x,
            unit=unit,
        )
        return ChebyshevField(where, fitted.coefficients, unit=unit) if where.bbox == record.bbox else fitted
    if record.interpolation == "CONSTANT" or record.image.size == 1:
        return ChebyshevField(where, [[float(np.nanmean(record.image))]], unit=unit)
    if record.interpolation != "AKIMA_SPLINE":
        raise LegacyConversionError(
            f"A background with interpolation {record.interpolation} cannot be converted to a field; "
            "supported "
            "are AKIMA_SPLINE, CONSTANT and Chebyshev approximations."
        )
    return SplineField(where, record.image.astype(np.float64), y=y, x=x, unit=unit, convention="afw")


def make_background_map(records: Iterable[LegacyBackground]) -> BackgroundMap:
    """Convert the sum of the backgrounds of a file to a background map.

    Parameters
    ----------
    records
        The backgrounds, the sum of which was subtracted from the pixels.

    Returns
    -------
    backgrounds
        A map with one background, named `BACKGROUND_NAME`.
    """
    fields: list[Any] = [make_background_field(record) for record in records]
    if not fields:
        return BackgroundMap()
    field = fields[0] if len(fields) == 1 else SumField(fields)
    return BackgroundMap([Background(BACKGROUND_NAME, field, "Sum of a list of backgrounds of lsst.afw.")])
