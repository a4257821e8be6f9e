# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Akima splines on a regular grid."""

from __future__ import annotations

__all__ = ("SplineField",)

from typing import Any, Literal, Self, TypeAlias, final

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._aliases import accepts_legacy_names
from .._geom import Bounds
from ..errors import GeometryError
from ..plugins import registry
from ..utils import cached_property, short_repr
from ._afw_spline import afw_spline
from ._akima import Cubics, akima
from ._base import BaseField, multiply_units
from ._points import Float64Array, as_values

SplineConvention: TypeAlias = Literal["scipy", "afw"]
"""Rules for the slopes, for few nodes and for positions beyond the nodes."""

_INTERPOLATE = {"scipy": akima, "afw": afw_spline}

POINT_BLOCK_SIZE = 1 << 18
"""Number of interpolated node values per block, for positions that are not on
a grid."""


@final
class SplineField(BaseField):
    """An Akima spline through values on a grid, first along y, then along x.

    Parameters
    ----------
    bounds
        Where the field is defined.
    data
        Values at the nodes, shape ``(len(y), len(x))``, as an array or a
        `~astropy.units.Quantity`.  Masked and non-finite values are missing.
    y, x
        Strictly increasing coordinates of the rows and columns of nodes, in
        pixels.
    unit
        Unit of the data if they are not a quantity.
    convention
        ``"scipy"``: Akima's interpolation as in
        `scipy.interpolate.Akima1DInterpolator`; the outermost cubics continue
        beyond the nodes.  ``"afw"``: as `lsst.afw.math.Background` evaluates
        its grid: natural cubic splines through three or four nodes, and
        beyond the nodes the Taylor polynomial of second degree.

    Raises
    ------
    TypeError
        If the data are a quantity and a unit is given too, or not real.
    GeometryError
        If a shape is wrong, coordinates do not increase, or the convention is
        neither of the two.

    Notes
    -----
    Each column of nodes is interpolated through its finite values; columns
    without finite values are ignored.  One node yields a constant, two nodes a
    line.  Arrays of doubles that are passed become read-only in place.
    """

    def __init__(
        self,
        bounds: Bounds,
        data: Any,
        *,
        y: npt.ArrayLike,
        x: npt.ArrayLike,
        unit: u.UnitBase | None = None,
        convention: SplineConvention = "scipy",
    ) -> None:
        if convention not in _INTERPOLATE:
            raise GeometryError(
                f"Invalid spline convention {short_repr(convention)}; expected one of {sorted(_INTERPOLATE)}."
            )
        self._convention: SplineConvention = convention
        values, self._unit = as_values(data, unit, what="data")
        self._bounds = bounds
        self._data = _freeze(values)
        self._y = _freeze(y)
        self._x = _freeze(x)
        for name, nodes in (("y", self._y), ("x", self._x)):
            increasing = np.isfinite(nodes).all() and np.all(np.diff(nodes) > 0.0)
            if nodes.ndim != 1 or not nodes.size or not increasing:
                raise GeometryError(
                    f"{name} must be a 1-d array of increasing numbers; got {short_repr(nodes)}."
                )
        if self._data.shape != (self._y.size, self._x.size):
            raise GeometryError(
                f"Data of shape {self._data.shape} do not match {self._y.size} y and {self._x.size} x nodes; "
                "they must be 2-d, y first."
            )

    @property
    def bounds(self) -> Bounds:
        """Where the field is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of the values, or `None`."""
        return self._unit

    @property
    def data(self) -> Float64Array:
        """Values at the nodes, read-only, shape ``(len(y), len(x))``."""
        return self._data

    @property
    def y(self) -> Float64Array:
        """Row coordinates of the nodes in pixels, read-only."""
        return self._y

    @property
    def x(self) -> Float64Array:
        """Column coordinates of the nodes in pixels, read-only."""
        return self._x

    @property
    def convention(self) -> SplineConvention:
        """Rules of interpolation, ``"scipy"`` or ``"afw"``."""
        return self._convention

    @property
    def is_constant(self) -> bool:
        """Whether all values that are not missing are equal (`bool`)."""
        finite = self._data[np.isfinite(self._data)]
        return bool(finite.size and np.all(finite == finite[0]))

    @cached_property
    def _columns(self) -> list[tuple[np.ndarray, Cubics]]:
        """Interpolants along y: columns (of those in use) and their curves.

        Columns with the same missing nodes are one set of curves.
        """
        finite = np.isfinite(self._data)
        patterns, which = np.unique(finite[:, self._used], axis=1, return_inverse=True)
        if not self._used.size:
            raise GeometryError(
                f"A SplineField without finite data has no values: all {self._data.size} values are missing."
            )
        data = self._data[:, self._used].T
        columns = [np.flatnonzero(which.reshape(-1) == n) for n in range(patterns.shape[1])]
        return [
            (members, _INTERPOLATE[self._convention](self._y[present], data[members][:, present]))
            for members, present in zip(columns, patterns.T, strict=True)
        ]

    @cached_property
    def _used(self) -> np.ndarray:
        """Indices of the columns that have a finite value."""
        return np.flatnonzero(np.isfinite(self._data).any(axis=0))

    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        rows = max(1, POINT_BLOCK_SIZE // self._x.size)
        if y.size <= rows:
            return self._evaluate_block(x, y)
        # Long lists of points: each has its own curve along x.
        shape = np.broadcast_shapes(x.shape, y.shape)
        flat_x, flat_y = (np.broadcast_to(v, shape).reshape(-1) for v in (x, y))
        values = np.empty(flat_x.size)
        for start in range(0, values.size, rows):
            block = slice(start, start + rows)
            values[block] = self._evaluate_block(flat_x[block], flat_y[block])
        return values.reshape(shape)

    def _evaluate_block(self, x: Float64Array, y: Float64Array) -> Float64Array:
        at_nodes = np.empty((*y.shape, self._used.size))
        for members, curves in self._columns:
            at_nodes[..., members] = np.moveaxis(curves.evaluate_all(y), 0, -1)
        return _INTERPOLATE[self._convention](self._x[self._used], at_nodes).evaluate_each(x)

    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        return type(self)(
            self._bounds,
            self._data * factor,
            y=self._y,
            x=self._x,
            unit=multiply_units(self._unit, unit),
            convention=self._convention,
        )

    @classmethod
    @accepts_legacy_names
    def from_legacy_background(
        cls, legacy: Any, bounds: Bounds | None = None, unit: u.UnitBase | None = None
    ) -> SplineField:
        """Convert from an Akima-spline style `lsst.afw.math.Background`.

        Parameters
        ----------
        legacy
            The afw object.
        bounds
            Where the field is defined; by default the box of the background.
        unit
            Unit of the values.
        """
        return registry.convert_from_legacy(legacy, cls, unit=unit, bounds=bounds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SplineField):
            return NotImplemented
        return (
            bool(self._bounds == other._bounds)
            and self._unit == other._unit
            and self._convention == other._convention
            and np.array_equal(self._data, other._data, equal_nan=True)
            and np.array_equal(self._y, other._y)
            and np.array_equal(self._x, other._x)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._bounds, self._data, self._y, self._x, self._unit, self._convention)

    def __str__(self) -> str:
        return f"SplineField {self._y.size}x{self._x.size} nodes over {self._bounds}"


def _make(
    bounds: Bounds,
    data: Float64Array,
    y: Float64Array,
    x: Float64Array,
    unit: u.UnitBase | None,
    convention: SplineConvention = "scipy",
) -> SplineField:
    return SplineField(bounds, data, y=y, x=x, unit=unit, convention=convention)


def _freeze(values: npt.ArrayLike) -> Float64Array:
    array = np.asarray(values, dtype=np.float64)
    array.flags.writeable = False
    return array
