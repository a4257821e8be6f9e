# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fields of coadds, which are means of the fields of the inputs."""

from __future__ import annotations

__all__ = ("CoaddField", "CoaddFieldInput")

import dataclasses
from collections.abc import Iterable
from typing import Any, Self, final

import astropy.units as u
import numpy as np

from .._geom import Bounds
from .._transforms import Projection
from ..errors import UnitMismatchError
from ._base import BaseField, multiply_units
from ._coadd_input import CoaddInput
from ._points import Float64Array


@dataclasses.dataclass(frozen=True)
class CoaddFieldInput(CoaddInput):
    """The field of one input image of a coadd.

    Parameters
    ----------
    field
        The field, in pixels of the image.
    projection
        Projection from pixels of the image to the sky.
    bounds
        Pixels of the image that were used.
    weight
        Weight in the mean.
    """

    field: BaseField
    projection: Projection[Any]
    bounds: Bounds
    weight: float = 1.0

    __hash__ = None  # type: ignore[assignment]  # fields are not hashable


@final
class CoaddField(BaseField):
    """The weighted mean of the fields of the input images that contain a position.

    Parameters
    ----------
    inputs
        Input images of the coadd.
    projection
        Projection from pixels of the coadd to the sky.
    bounds
        Where the field is defined, in pixels of the coadd.
    default
        Value at positions that no input image contains.
    unit
        Unit of the values and of all input fields; `None` for no unit.

    Raises
    ------
    UnitMismatchError
        If a field has another unit.

    Notes
    -----
    Equivalent of ``CoaddBoundedField`` in `lsst.meas.algorithms`, which is used
    for aperture corrections of coadds.  It is discontinuous at the edges of
    input images.
    """

    def __init__(
        self,
        inputs: Iterable[CoaddFieldInput],
        projection: Projection[Any],
        bounds: Bounds,
        *,
        default: float = 0.0,
        unit: u.UnitBase | None = None,
    ) -> None:
        self._inputs = tuple(inputs)
        self._projection = projection
        self._bounds = bounds
        self._default = float(default)
        self._unit = unit
        if wrong := [item.field.unit for item in self._inputs if item.field.unit != unit]:
            raise UnitMismatchError(
                f"The fields of all inputs of a CoaddField must have its unit, {unit}; got {wrong}."
            )

    @property
    def inputs(self) -> tuple[CoaddFieldInput, ...]:
        """Input images of the coadd."""
        return self._inputs

    @property
    def projection(self) -> Projection[Any]:
        """Projection from pixels of the coadd to the sky."""
        return self._projection

    @property
    def default(self) -> float:
        """Value at positions that no input image contains, in the unit of the field (`float`)."""
        return self._default

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
        """Whether the field has no inputs, and is therefore constant (`bool`)."""
        return not self._inputs

    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        x, y = np.broadcast_arrays(x, y)
        sky = self._projection.pixel_to_sky_transform.apply_forward(x=x.ravel(), y=y.ravel())
        total, weights = np.zeros(x.size), np.zeros(x.size)
        for item in self._inputs:
            there, inside = item.locate(sky)
            if inside.any():
                total[inside] += item.weight * item.field._evaluate(there.x[inside], there.y[inside])
                weights[inside] += item.weight
        result = np.full(x.size, self._default)
        np.divide(total, weights, out=result, where=weights > 0.0)
        return result.reshape(x.shape)

    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        return type(self)(
            [dataclasses.replace(item, field=item.field._scaled(factor, unit)) for item in self._inputs],
            self._projection,
            self._bounds,
            default=self._default * factor,
            unit=multiply_units(self._unit, unit),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CoaddField):
            return NotImplemented
        return (
            self._inputs == other._inputs
            and (self._default, self._unit) == (other._default, other._unit)
            and bool(self._projection == other._projection)
            and bool(self._bounds == other._bounds)
        )

    def __str__(self) -> str:
        return f"CoaddField of {len(self._inputs)} images over {self._bounds}"
