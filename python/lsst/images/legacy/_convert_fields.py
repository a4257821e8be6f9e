# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of archived fields and aperture corrections."""

from __future__ import annotations

__all__ = ("ArchivedField", "make_aperture_corrections", "make_field", "make_function_field", "used_pixels")

import math
from typing import Any, Self, final

import astropy.units as u
import numpy as np

from .._geom import Bounds, Box, Interval
from ..errors import ArchiveReadError, NoOverlapError
from ..fields import (
    ApertureCorrectionMap,
    BaseField,
    ChebyshevField,
    CoaddField,
    CoaddFieldInput,
    ProductField,
)
from ..fields._base import multiply_units
from ..fields._points import Float64Array
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._decoded import LegacyContext, finish, unknown_class
from .afw_archive._fields import (
    LegacyApCorrMap,
    LegacyChebyshev,
    LegacyProductField,
    LegacyTransformField,
)
from .afw_archive._functions import LegacyChebyshevFunction, LegacyPolynomialFunction
from .afw_archive._misc import LegacyPolygon
from .afw_archive._sky_fields import LegacyCoaddField, LegacyPixelArea

NOMINAL = Box.factory[0:4096, 0:4096]
"""Bounds of polynomials in files without an image."""

MAX_DETECTOR_SIZE = 1 << 16
"""Maximum side of bounds for which a power series is accurate, in pixels."""

_OTHERS = (LegacyPixelArea, LegacyTransformField)
"""Records of fields that become an `ArchivedField`."""


@final
class ArchivedField(BaseField):
    """A field of an `lsst.afw` file that is evaluated by its record: pixel areas and AST mappings.

    Parameters
    ----------
    record
        The record, which has ``evaluate(x, y)``.
    bounds
        Where the field is defined.
    unit
        Unit of the values.
    factor
        Factor by which the values of the record are multiplied.
    """

    def __init__(
        self, record: Any, bounds: Bounds, *, unit: u.UnitBase | None = None, factor: float = 1.0
    ) -> None:
        self._record = record
        self._bounds = bounds
        self._unit = unit
        self._factor = factor

    @property
    def bounds(self) -> Bounds:
        """Where the field is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the values, or `None`."""
        return self._unit

    @property
    def is_constant(self) -> bool:
        """Always `False`: the record may vary."""
        return False

    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        x, y = np.broadcast_arrays(x, y)
        return np.array(self._factor * self._record.evaluate(x, y), dtype=np.float64)

    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        return type(self)(
            self._record,
            self._bounds,
            unit=multiply_units(self._unit, unit),
            factor=self._factor * factor,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArchivedField):
            return NotImplemented
        return (
            self._record is other._record
            and self._factor == other._factor
            and self._unit == other._unit
            and bool(self._bounds == other._bounds)
        )

    def __str__(self) -> str:
        return f"{type(self._record).__name__} over {self._bounds}"


def make_field(record: Any, bounds: Bounds, *, unit: u.UnitBase | None = None) -> BaseField:
    """Convert an archived ``BoundedField``.

    Parameters
    ----------
    record
        What the decoder returned.
    bounds
        Where the field is defined if the record does not have a box.
    unit
        Unit of the values.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or the record is damaged.
    """
    finished = finish(
        record,
        BaseField,  # type: ignore[type-abstract]  # only for isinstance
        "the field",
        LegacyContext(bounds),
    )
    if finished is not None:
        return finished if unit is None else finished * unit
    if isinstance(record, LegacyChebyshev):
        return ChebyshevField(record.bbox or bounds, record.coefficients, unit=unit)
    if isinstance(record, LegacyProductField):
        factors = [make_field(reference(), bounds) for reference in record.factors]
        if not factors:
            raise ArchiveReadError("The archived product of fields does not have factors.")
        if unit is not None:
            factors[0] = factors[0] * unit
        return ProductField(factors)
    if isinstance(record, LegacyCoaddField):
        return _make_coadd(record, bounds, unit)
    if isinstance(record, _OTHERS):
        field = ArchivedField(record, record.bbox or bounds, unit=unit)
        _evaluate_once(field)
        return field
    raise unknown_class(record, BaseField, "the field")


def _make_coadd(record: LegacyCoaddField, bounds: Bounds, unit: u.UnitBase | None) -> CoaddField:
    inputs = []
    for element in record.elements:
        field = element.field()
        polygon = element.valid_polygon() if element.valid_polygon else None
        used = used_pixels(field.bbox, polygon)
        if used is not None:
            values = make_field(field, field.bbox, unit=unit)
            wcs = make_projection(element.wcs(), PIXEL_FRAME)
            inputs.append(CoaddFieldInput(values, wcs, used, element.weight))
    projection = make_projection(record.wcs(), PIXEL_FRAME)
    return CoaddField(inputs, projection, record.bbox or bounds, default=record.default, unit=unit)


def used_pixels(box: Box | None, polygon: LegacyPolygon | None) -> Bounds | None:
    """Return the pixels of an image that contribute to a coadd.

    Parameters
    ----------
    box
        Box of the image; `None` if it is empty.
    polygon
        Polygon of valid pixels; `None` if all pixels are valid.

    Returns
    -------
    bounds
        `None` if no pixels contribute: an image contributes at positions in
        both its box and its polygon.
    """
    if box is None or polygon is None:
        return box
    try:
        bounds: Bounds = box.intersection(polygon.polygon)
    except NoOverlapError:
        return None
    return bounds


def _evaluate_once(field: BaseField) -> None:
    """Evaluate a field once, so that all its records are decoded while the file is open."""
    box = field.bounds.bbox
    field(x=float(box.x.center), y=float(box.y.center))


def make_aperture_corrections(record: Any, bounds: Bounds) -> ApertureCorrectionMap:
    """Convert an archived ``ApCorrMap``.

    Parameters
    ----------
    record
        What the decoder returned.
    bounds
        Where corrections without a box are defined.

    Raises
    ------
    ArchiveReadError
        If the class of the map, or of a field, is not supported.
    """
    what = "the aperture corrections"
    finished = finish(record, dict, what, LegacyContext(bounds))
    fields = record if finished is None else finished
    if not isinstance(fields, LegacyApCorrMap | dict):
        raise unknown_class(record, dict, what)
    return {name: make_field(fields[name], bounds) for name in fields}


def make_function_field(record: Any, bounds: Bounds) -> ChebyshevField:
    """Convert an archived function of two variables.

    Parameters
    ----------
    record
        What the decoder returned.
    bounds
        Where the field is defined.

    Returns
    -------
    field
        The same polynomial, up to rounding.

    Raises
    ------
    ArchiveReadError
        If it is not a polynomial.
    """
    if isinstance(record, LegacyPolynomialFunction):
        box = bounds.bbox
        # Power series lose precision over larger boxes than detectors have.
        small = max(box.shape) <= MAX_DETECTOR_SIZE
        return ChebyshevField.from_power_series(bounds if small else NOMINAL, record.coefficients)
    if isinstance(record, LegacyChebyshevFunction):
        return _make_chebyshev_function(record)
    raise ArchiveReadError(
        f"The spatial variation of a kernel is a {type(record).__name__}; only polynomials are supported."
    )


def _make_chebyshev_function(record: LegacyChebyshevFunction) -> ChebyshevField:
    low, high = record.low, record.high
    box = Box(
        *(
            Interval(math.ceil(first), max(math.ceil(first) + 1, math.floor(last) + 1))
            for first, last in ((low.y, high.y), (low.x, high.x))
        )
    )
    edges = (box.y.start - 0.5, box.y.stop - 0.5, box.x.start - 0.5, box.x.stop - 0.5)
    if edges == (low.y, high.y, low.x, high.x):
        return ChebyshevField(box, record.coefficients)
    ny, nx = record.coefficients.shape
    # Values at as many points as there are terms determine the polynomial.
    y, x = (
        side.center + 0.5 * side.size * np.cos(np.pi * (np.arange(n) + 0.5) / n)
        for side, n in ((box.y, ny), (box.x, nx))
    )
    values = record.evaluate(*np.meshgrid(x, y))
    return ChebyshevField.fit(box, values, y=y, x=x, y_order=ny - 1, x_order=nx - 1, triangular=False)
