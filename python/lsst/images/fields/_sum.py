# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Sums of fields."""

from __future__ import annotations

__all__ = ("SumField",)

from collections.abc import Iterable
from typing import Any, Self, final

import astropy.units as u

from .._aliases import accepts_legacy_names
from .._geom import Bounds
from ..errors import UnitConversionError
from ..plugins import registry
from ._base import BaseField
from ._operands import check_operands, intersect_bounds
from ._points import Float64Array


@final
class SumField(BaseField):
    """The sum of fields, in the unit of the first.

    Parameters
    ----------
    operands
        At least one field; either all have units, which convert to each other,
        or none has a unit.

    Raises
    ------
    NoOverlapError
        If the bounds of the fields do not overlap.
    TypeError
        If an operand is not a field.
    GeometryError
        If ``operands`` is empty.
    UnitMismatchError
        If the units do not convert; also an `astropy.units.UnitConversionError`.
    """

    def __init__(self, operands: Iterable[BaseField]) -> None:
        self._operands = check_operands(operands, type(self).__name__)
        self._bounds = intersect_bounds(self._operands)
        self._factors = tuple(_factor(field.unit, self._operands[0].unit) for field in self._operands)

    @property
    def operands(self) -> tuple[BaseField, ...]:
        """The terms."""
        return self._operands

    @property
    def bounds(self) -> Bounds:
        """Intersection of the bounds of the operands."""
        return self._bounds

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the first operand, or `None`."""
        return self._operands[0].unit

    @property
    def is_constant(self) -> bool:
        """Whether all operands are constant (`bool`)."""
        return all(field.is_constant for field in self._operands)

    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        total = self._operands[0]._evaluate(x, y)
        for field, factor in zip(self._operands[1:], self._factors[1:], strict=True):
            values = field._evaluate(x, y)
            values *= factor
            total += values
        return total

    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        return type(self)([field._scaled(factor, unit) for field in self._operands])

    @classmethod
    @accepts_legacy_names
    def from_legacy_background(
        cls, legacy: Any, bounds: Bounds | None = None, unit: u.UnitBase | None = None
    ) -> SumField:
        """Convert from an `lsst.afw.math.BackgroundList`.

        Parameters
        ----------
        legacy
            The afw object.
        bounds
            Where the field is defined; by default the box of the backgrounds.
        unit
            Unit of the values.
        """
        return registry.convert_from_legacy(legacy, cls, unit=unit, bounds=bounds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SumField):
            return NotImplemented
        return self._operands == other._operands

    def __reduce__(self) -> tuple[Any, ...]:
        return SumField, (self._operands,)

    def __str__(self) -> str:
        return f"SumField of {len(self._operands)} fields over {self._bounds}"


def _factor(unit: u.UnitBase | None, wanted: u.UnitBase | None) -> float:
    """Return the factor that converts values of an operand to the unit of the sum."""
    if (unit is None) != (wanted is None):
        raise UnitConversionError(
            f"Cannot add a field in {unit} to one in {wanted}: either all fields have units or none has."
        )
    try:
        return 1.0 if unit is None else float(unit.to(wanted))
    except u.UnitConversionError as err:
        raise UnitConversionError(f"Cannot add a field in {unit} to one in {wanted}: {err}.") from err
