# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Human-readable reports about sky projections."""

from __future__ import annotations

__all__ = ("describe_projection",)

from typing import Any

import numpy as np

from .._geom import Box, Polygon
from ..describe import DescribeOptions, FieldRole, Report, ReportField, ReportTable
from ._sphere import ARCSEC, separations, tangent_axes, unit_vectors


def describe_projection(
    projection: Any, options: DescribeOptions | None = None, bbox: Box | None = None
) -> Report:
    """Describe a projection.

    Parameters
    ----------
    projection
        A `Projection`.
    options
        Level of detail.
    bbox
        Pixels to describe; by default, the pixel bounds of the projection.

    Returns
    -------
    report
        Center, extent, pixel scale, and whether FITS headers can represent the
        projection.
    """
    options = DescribeOptions() if options is None else options
    if bbox is None and projection.pixel_bounds is not None:
        bbox = projection.pixel_bounds.bbox
    fields: dict[str, str] = {}
    tables: list[ReportTable] = []
    if not options.brief:
        fields = _fields(projection, bbox)
        if bbox is not None:
            tables.append(_corners(projection, bbox))
    return Report(
        type(projection).__name__,
        title="ICRS coordinates",
        summary=str(projection),
        fields=tuple(ReportField(k, v, role=FieldRole.DERIVED) for k, v in fields.items()),
        tables=tuple(tables),
    ).without(options.exclude)


def _fields(projection: Any, bbox: Box | None) -> dict[str, str]:
    if bbox is None:
        x, y = np.zeros(1), np.zeros(1)
        fields = {"origin pixel": _place(projection, 0.0, 0.0)}
    else:
        x = np.linspace(bbox.x.min, bbox.x.max, 3)
        y = np.linspace(bbox.y.min, bbox.y.max, 3)
        fields = {
            "center pixel": _place(projection, x[1], y[1]),
            "Image extent": _extent(projection, bbox, x[1], y[1]),
        }
    ra, dec = _pixel_scales(projection, *np.meshgrid(x, y))
    if round(ra, 2) == round(dec, 2):
        fields["Nominal pixel scale"] = f"{ra:.2f} arcsec"
    else:
        fields["Nominal pixel scales"] = f"Right ascension {ra:.2f} arcsec; Declination {dec:.2f} arcsec"
    return {**fields, "fits_wcs": _fits_wcs(projection, bbox)}


def _place(projection: Any, x: float, y: float) -> str:
    sky = projection.pixel_to_sky(x=x, y=y)
    ra = sky.ra.to_string("hourangle", precision=1, pad=True)
    dec = sky.dec.to_string("deg", precision=0, alwayssign=True, pad=True)
    return f"(x={x:g}, y={y:g}) → {ra} {dec}  (RA {sky.ra.deg:.6f}°, Dec {sky.dec.deg:.6f}°)"


def _extent(projection: Any, bbox: Box, x: float, y: float) -> str:
    """Return the width and height through the center, and the position angle of the y axis."""
    apply = projection.pixel_to_sky_transform.apply_forward
    half_x, half_y = 0.5 * bbox.x.size, 0.5 * bbox.y.size
    ra, dec = apply(x=[x - half_x, x + half_x, x, x], y=[y, y, y - half_y, y + half_y])
    width, height = separations(ra[::2], dec[::2], ra[1::2], dec[1::2]) / ARCSEC
    ra, dec = apply(x=[x, x], y=[y, y + 1.0])
    angle = np.degrees(np.arctan2(np.sin(ra[1] - ra[0]) * np.cos(dec[1]), dec[1] - dec[0]))
    (w, w_unit), (h, h_unit) = _angle(width), _angle(height)
    first = w if w_unit == h_unit else f"{w} {w_unit}"
    return f"{first} x {h} {h_unit} @ {round(angle) % 360} deg E of N"


def _angle(arcsec: float) -> tuple[str, str]:
    if arcsec < 60.0:
        return f"{arcsec:.3g}", "arcsec"
    return (f"{arcsec / 60.0:.3g}", "arcmin") if arcsec < 3600.0 else (f"{arcsec / 3600.0:.3g}", "deg")


def _pixel_scales(projection: Any, x: Any, y: Any) -> tuple[float, float]:
    """Return arcseconds per pixel along right ascension and declination.

    Computed from differences of vectors, which are well defined at the poles.
    """
    x, y = np.ravel(x), np.ravel(y)
    apply = projection.pixel_to_sky_transform.apply_forward
    ra, dec = apply(x=x, y=y)
    east, north = tangent_axes(ra, dec)
    along_x = unit_vectors(*apply(x=x + 0.5, y=y)) - unit_vectors(*apply(x=x - 0.5, y=y))
    along_y = unit_vectors(*apply(x=x, y=y + 0.5)) - unit_vectors(*apply(x=x, y=y - 0.5))
    sky = np.stack([east, north], axis=-2) @ np.stack([along_x, along_y], axis=-1)
    pixels = np.linalg.norm(np.linalg.pinv(sky), axis=-2)
    right_ascension, declination = np.median(1.0 / pixels, axis=0) / ARCSEC
    return float(right_ascension), float(declination)


def _corners(projection: Any, bbox: Box) -> ReportTable:
    """Return a table of the positions of the outer corners."""
    edges = Polygon.from_box(bbox)
    x, y = edges.x_vertices, edges.y_vertices
    sky = projection.pixel_to_sky(x=x, y=y)
    ra = sky.ra.to_string("hourangle", precision=1, pad=True)
    dec = sky.dec.to_string("deg", precision=0, alwayssign=True, pad=True)
    degrees = ([f"{value:.6f}" for value in axis.deg] for axis in (sky.ra, sky.dec))
    rows = zip(x.tolist(), y.tolist(), ra, dec, *degrees, strict=True)
    return ReportTable("Corners", ("x", "y", "RA", "Dec", "RA (°)", "Dec (°)"), rows)


def _fits_wcs(projection: Any, bbox: Box | None) -> str:
    if bbox is None:
        return "unknown"
    if projection.as_fits_wcs(bbox) is not None:
        return "available"
    accuracy = projection.fits_wcs_error(bbox)
    return "none" if accuracy is None else f"approximate ({accuracy})"
