# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Products of fields."""

from __future__ import annotations

__all__ = ("ProductField",)

import functools
import operator
from collections.abc import Iterable
from typing import Any, Self, final

import astropy.units as u

from .._aliases import accepts_legacy_names
from .._geom import Bounds
from ..plugins import registry
from ._base import BaseField, multiply_units
from ._operands import check_operands, intersect_bounds
from ._points import Float64Array


@final
class ProductField(BaseField):
    """The product of fields, whose unit is the product of their units.

    Parameters
    ----------
    operands
        At least one field.

    Raises
    ------
    NoOverlapError
        If the bounds of the fields do not overlap.
    TypeError
        If an operand is not a field.
    GeometryError
        If ``operands`` is empty.
    """

    def __init__(self, operands: Iterable[BaseField]) -> None:
        self._operands = check_operands(operands, type(self).__name__)
        self._bounds = intersect_bounds(self._operands)
        self._unit = functools.reduce(multiply_units, (field.unit for field in self._operands))

    @property
    def operands(self) -> tuple[BaseField, ...]:
        """The factors."""
        return self._operands

    @property
    def bounds(self) -> Bounds:
        """Intersection of the bounds of the operands."""
        return self._bounds

    @property
    def unit(self) -> u.UnitBase | None:
        """Product of the units of the operands that have one, or `None`."""
        return self._unit

    @property
    def is_constant(self) -> bool:
        """Whether all operands are constant (`bool`)."""
        return all(field.is_constant for field in self._operands)

    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        return functools.reduce(operator.imul, (field._evaluate(x, y) for field in self._operands))

    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        return type(self)([*self._operands[:-1], self._operands[-1]._scaled(factor, unit)])

    @classmethod
    @accepts_legacy_names
    def from_legacy(
        cls, legacy: Any, unit: u.UnitBase | None = None, bounds: Bounds | None = None
    ) -> ProductField:
        """Convert from an `lsst.afw.math.ProductBoundedField`.

        Parameters
        ----------
        legacy
            The afw object.
        unit
            Unit of the values.
        bounds
            Where the field is defined; by default the box of the afw object.
        """
        return registry.convert_from_legacy(legacy, cls, unit=unit, bounds=bounds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ProductField):
            return NotImplemented
        return self._operands == other._operands

    def __reduce__(self) -> tuple[Any, ...]:
        return ProductField, (self._operands,)

    def __str__(self) -> str:
        return f"ProductField of {len(self._operands)} fields over {self._bounds}"
