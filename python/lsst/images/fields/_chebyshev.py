# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Two-dimensional Chebyshev polynomials."""

from __future__ import annotations

__all__ = ("ChebyshevField",)

from typing import Any, Self, final

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._aliases import accepts_legacy_names
from .._geom import Bounds, Interval
from ..errors import GeometryError
from ..plugins import registry
from ._base import BaseField, multiply_units
from ._chebyshev_fit import fit_chebyshev
from ._points import Float64Array, as_values


@final
class ChebyshevField(BaseField):
    """A two-dimensional series of Chebyshev polynomials of the first kind.

    Parameters
    ----------
    bounds
        Where the field is defined.  Its bounding box, extended by half a pixel
        on each side, is mapped to [-1, 1] in both directions.
    coefficients
        Array of shape ``(ny, nx)``; element ``[p, q]`` multiplies
        ``T_p(y') T_q(x')``.  A float64 array becomes read-only in place.
    unit
        Unit of the values if the coefficients are not a
        `~astropy.units.Quantity`.

    Raises
    ------
    GeometryError
        If the coefficients are not a non-empty 2-d array.
    TypeError
        If they are not real numbers, or are a quantity and a unit is given.
    """

    def __init__(
        self, bounds: Bounds, coefficients: npt.ArrayLike, *, unit: u.UnitBase | None = None
    ) -> None:
        array, self._unit = _as_coefficients(coefficients, unit)
        array.flags.writeable = False
        self._bounds = bounds
        self._coefficients = array

    @property
    def bounds(self) -> Bounds:
        """Where the field is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the values, or `None`."""
        return self._unit

    @property
    def coefficients(self) -> Float64Array:
        """The coefficients, read-only, first index for y."""
        return self._coefficients

    @property
    def y_order(self) -> int:
        """Highest order in y (`int`)."""
        return int(self._coefficients.shape[0]) - 1

    @property
    def x_order(self) -> int:
        """Highest order in x (`int`)."""
        return int(self._coefficients.shape[1]) - 1

    @property
    def order(self) -> int:
        """The higher of the two orders (`int`)."""
        return max(self.x_order, self.y_order)

    @property
    def is_constant(self) -> bool:
        """Whether only the zeroth coefficient differs from zero (`bool`)."""
        return int(np.count_nonzero(self._coefficients)) == int(self._coefficients[0, 0] != 0.0)

    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        box = self._bounds.bbox
        x_basis = _polynomials(_normalize(x, box.x), self.x_order)
        y_basis = _polynomials(_normalize(y, box.y), self.y_order)
        # Element by element in a fixed order: a matrix product would be faster
        # on a grid, but its rounding would differ from that of single points.
        values: Float64Array = _series(self._coefficients[:, 0], y_basis) * x_basis[0]
        term = np.empty_like(values)
        for column, polynomial in zip(self._coefficients.T[1:], x_basis[1:], strict=True):
            if column.any():
                np.multiply(_series(column, y_basis), polynomial, out=term)
                values += term
        return values

    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        return type(self)(self._bounds, self._coefficients * factor, unit=multiply_units(self._unit, unit))

    @classmethod
    def fit(
        cls,
        bounds: Bounds,
        data: Any,
        order: int | None = None,
        *,
        y: npt.ArrayLike,
        x: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        y_order: int | None = None,
        x_order: int | None = None,
        triangular: bool = True,
        unit: u.UnitBase | None = None,
    ) -> Self:
        """Fit a field to values by linear least squares.

        Parameters
        ----------
        bounds
            Where the new field is defined.
        data
            Values, an array or a `~astropy.units.Quantity`.  Masked and
            non-finite values are ignored.
        order
            Highest order in both directions; alternative to ``y_order`` and
            ``x_order``.
        y, x
            Positions of the values in pixels: either of the shape of the
            data, or the 1-d coordinates of the rows and columns of 2-d data.
        weight
            Factors of the residuals (not of their squares), of the shape of
            the data; usually the inverse standard deviation.  Equal by default.
        y_order, x_order
            Highest order in each direction.
        triangular
            Whether to fit only terms whose orders in y and x add up to at
            most the higher of the two orders; other coefficients are zero.
        unit
            Unit of the data if they are not a quantity.

        Returns
        -------
        field
            The fitted field; the minimum-norm solution if the data do not
            determine all coefficients.

        Raises
        ------
        TypeError
            If ``order`` or ``y_order`` and ``x_order`` are missing, both forms
            are given, or the data are a quantity and a unit is given.
        GeometryError
            If shapes do not match, an order is negative, or no value is
            finite.
        """
        values, unit = as_values(data, unit, what="data")
        if (order is None) == (x_order is None) or (x_order is None) != (y_order is None):
            raise TypeError("ChebyshevField.fit requires either order, or both x_order and y_order.")
        if x_order is None or y_order is None:
            assert order is not None, "checked above"
            x_order = y_order = order
        x_scaled = _normalize(np.asarray(x, dtype=np.float64), bounds.bbox.x)
        y_scaled = _normalize(np.asarray(y, dtype=np.float64), bounds.bbox.y)
        coefficients = fit_chebyshev(
            values,
            y=y_scaled,
            x=x_scaled,
            weight=None if weight is None else np.asarray(weight, dtype=np.float64),
            y_order=y_order,
            x_order=x_order,
            triangular=triangular,
        )
        return cls(bounds, coefficients, unit=unit)

    @classmethod
    def from_power_series(
        cls, bounds: Bounds, coefficients: npt.ArrayLike, *, unit: u.UnitBase | None = None
    ) -> Self:
        """Create a field from a polynomial in x and y.

        Parameters
        ----------
        bounds
            Where the field is defined.
        coefficients
            2-d array; element ``[p, q]`` multiplies ``y**p * x**q``, in
            absolute pixels.
        unit
            Unit of the values.

        Returns
        -------
        field
            Field equal to the polynomial, up to rounding.
        """
        series, unit = _as_coefficients(coefficients, unit)
        along_y = _powers_as_polynomials(bounds.bbox.y, series.shape[0])
        along_x = _powers_as_polynomials(bounds.bbox.x, series.shape[1])
        return cls(bounds, along_y.T @ series @ along_x, unit=unit)

    @classmethod
    @accepts_legacy_names
    def from_legacy(
        cls, legacy: Any, unit: u.UnitBase | None = None, bounds: Bounds | None = None
    ) -> ChebyshevField:
        """Convert from an `lsst.afw.math.ChebyshevBoundedField`.

        Parameters
        ----------
        legacy
            The afw object.
        unit
            Unit of the values.
        bounds
            Where the field is defined; its bounding box must be that of the afw
            object.  By default that box.
        """
        return registry.convert_from_legacy(legacy, cls, unit=unit, bounds=bounds)

    @classmethod
    @accepts_legacy_names
    def from_legacy_background(
        cls, legacy: Any, bounds: Bounds | None = None, unit: u.UnitBase | None = None
    ) -> ChebyshevField:
        """Convert from a Chebyshev-approximated `lsst.afw.math.Background`.

        Parameters
        ----------
        legacy
            The afw object.
        bounds
            Where the field is defined; by default the box of the background.
        unit
            Unit of the values.
        """
        return cls.from_legacy(legacy, unit=unit, bounds=bounds)

    @classmethod
    @accepts_legacy_names
    def from_legacy_function2(
        cls, legacy: Any, bounds: Bounds | None = None, unit: u.UnitBase | None = None
    ) -> ChebyshevField:
        """Convert from an `lsst.afw.math.Chebyshev1Function2D`.

        Parameters
        ----------
        legacy
            The afw object, whose range must end at half-integers.
        bounds
            Where the field is defined; by default the box of that range.
        unit
            Unit of the values.
        """
        return cls.from_legacy(legacy, unit=unit, bounds=bounds)

    def to_legacy_function2(self) -> Any:
        """Convert to an `lsst.afw.math.Chebyshev1Function2D`."""
        return registry.convert_to_legacy(self, form="Function2")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChebyshevField):
            return NotImplemented
        return (
            bool(self._bounds == other._bounds)
            and self._unit == other._unit
            and np.array_equal(self._coefficients, other._coefficients, equal_nan=True)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._bounds, self._coefficients, self._unit)

    def __str__(self) -> str:
        return f"ChebyshevField order={self.order} over {self._bounds}"


def _make(bounds: Bounds, coefficients: Float64Array, unit: u.UnitBase | None) -> ChebyshevField:
    return ChebyshevField(bounds, coefficients, unit=unit)


def _as_coefficients(
    coefficients: npt.ArrayLike, unit: u.UnitBase | None
) -> tuple[Float64Array, u.UnitBase | None]:
    array, unit = as_values(coefficients, unit, what="coefficients")
    if array.ndim != 2 or not array.size:
        raise GeometryError(f"The coefficients must be a non-empty 2-d array; got shape {array.shape}.")
    return array, unit


def _normalize(values: Float64Array, interval: Interval) -> Float64Array:
    """Map an interval, extended by half a pixel at each end, to [-1, 1]."""
    return (2.0 / interval.size) * (values - interval.center)


def _powers_as_polynomials(interval: Interval, count: int) -> Float64Array:
    """Expand each power of a coordinate in Chebyshev polynomials, by row."""
    coordinate = np.polynomial.Polynomial([interval.center, 0.5 * interval.size])
    matrix = np.zeros((count, count))
    for power in range(count):
        matrix[power, : power + 1] = np.polynomial.chebyshev.poly2cheb((coordinate**power).coef)
    return matrix


def _polynomials(t: Float64Array, order: int) -> list[Float64Array]:
    """Evaluate T_0 to T_order by their recurrence."""
    polynomials = [np.ones_like(t), t]
    while len(polynomials) <= order:
        polynomials.append(2.0 * t * polynomials[-1] - polynomials[-2])
    return polynomials[: order + 1]


def _series(coefficients: Float64Array, basis: list[Float64Array]) -> Float64Array:
    """Sum the terms of one direction in order."""
    total: Float64Array = coefficients[0] * basis[0]
    for coefficient, polynomial in zip(coefficients[1:], basis[1:], strict=True):
        total += coefficient * polynomial
    return total
