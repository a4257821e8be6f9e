# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a sky projection looks like, in a few lines for people."""

from __future__ import annotations

__all__ = ("describe_projection",)

from typing import Any

import numpy as np

from .._geom import Box
from ._sphere import ARCSEC, separations


def describe_projection(projection: Any, bbox: Box | None = None) -> str:
    """Describe a projection.

    Parameters
    ----------
    projection
        A `Projection`.
    bbox
        Pixels to describe; by default, those of its pixel bounds.

    Returns
    -------
    text
        Lines of the form ``label: value``.
    """
    if bbox is None and projection.pixel_bounds is not None:
        bbox = projection.pixel_bounds.bbox
    lines = [repr(projection)]
    if bbox is None:
        lines.append(f"  origin pixel: {_place(projection, 0, 0)}")
        x, y = 0.0, 0.0
    else:
        x, y = 0.5 * (bbox.x.min + bbox.x.max), 0.5 * (bbox.y.min + bbox.y.max)
        lines.append(f"  center pixel: {_place(projection, x, y)}")
        lines.append(f"  image extent: {_extent(projection, bbox, x, y)}")
    lines.append(f"  pixel scale: {_pixel_scale(projection, x, y):.4g} arcsec")
    lines.append(f"  FITS WCS: {_fits_wcs(projection, bbox)}")
    return "\n".join(lines)


def _place(projection: Any, x: float, y: float) -> str:
    sky = projection.pixel_to_sky(x=x, y=y)
    text = sky.to_string("hmsdms", precision=1)
    return f"(x={x:g}, y={y:g}) → {text} (RA {sky.ra.deg:.6f} deg, Dec {sky.dec.deg:.6f} deg)"


def _extent(projection: Any, bbox: Box, x: float, y: float) -> str:
    """Return width and height through the center, and where up points."""
    apply = projection.pixel_to_sky_transform.apply_forward
    half_x, half_y = 0.5 * bbox.x.size, 0.5 * bbox.y.size
    ra, dec = apply(x=[x - half_x, x + half_x, x, x], y=[y, y, y - half_y, y + half_y])
    width, height = separations(ra[::2], dec[::2], ra[1::2], dec[1::2]) / ARCSEC
    ra, dec = apply(x=[x, x], y=[y, y + 1.0])
    angle = np.degrees(np.arctan2(np.sin(ra[1] - ra[0]) * np.cos(dec[1]), dec[1] - dec[0])) % 360.0
    return f"{_angle(width)} x {_angle(height)}, y at {angle:.0f} deg E of N"


def _angle(arcsec: float) -> str:
    if arcsec < 60.0:
        return f"{arcsec:.3g} arcsec"
    return f"{arcsec / 60.0:.3g} arcmin" if arcsec < 3600.0 else f"{arcsec / 3600.0:.3g} deg"


def _pixel_scale(projection: Any, x: float, y: float) -> float:
    ra, dec = projection.pixel_to_sky_transform.apply_forward(x=[x - 0.5, x + 0.5], y=[y, y])
    return float(separations(ra[0], dec[0], ra[1], dec[1]) / ARCSEC)


def _fits_wcs(projection: Any, bbox: Box | None) -> str:
    if bbox is None:
        return "unknown"
    if projection.as_fits_wcs(bbox) is not None:
        return "available"
    accuracy = projection.fits_wcs_error(bbox)
    return "none" if accuracy is None else f"approximate ({accuracy})"
