# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What every field can do, whatever function it is."""

from __future__ import annotations

__all__ = ("BaseField", "Field", "deserialize_field", "multiply_units")

import numbers
from abc import ABC, abstractmethod
from typing import Any, Self, TypeAlias

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._geom import Bounds, Box
from .._pixels import Image
from ..io import Serializable
from ..plugins import registry
from ._points import Float64Array, parse_points

RENDER_BLOCK = 1 << 16
"""Pixels rendered at a time: half a megabyte of doubles stays in a cache."""


class BaseField(Serializable, ABC):
    """An immutable function of the position on a pixel grid.

    Subclasses define the properties `bounds`, `unit` and `is_constant`, and
    the two hooks ``_evaluate(x, y)`` and ``_scaled(factor, unit)``.

    Notes
    -----
    Fields are evaluated outside their bounds without complaint, and
    extrapolate there.  A position that is not finite has the value NaN.
    """

    # Makes numpy and astropy leave ``array * field`` and ``unit * field`` to
    # us, instead of wrapping the field in an array of objects.
    __array_ufunc__ = None

    __hash__ = None  # type: ignore[assignment]  # equality compares arrays

    @property
    @abstractmethod
    def bounds(self) -> Bounds:
        """Where the field is defined (`~lsst.images.Bounds`)."""

    @property
    @abstractmethod
    def unit(self) -> u.UnitBase | None:
        """Unit of the values, or `None`."""

    @property
    @abstractmethod
    def is_constant(self) -> bool:
        """Whether the value is the same everywhere (`bool`)."""

    @abstractmethod
    def _evaluate(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Evaluate at positions that broadcast against each other.

        Parameters
        ----------
        x, y
            Positions in pixels: arrays of the same number of dimensions.

        Returns
        -------
        values
            New array of the broadcast shape.  Each value depends on its own
            position alone, so that a grid given as ``(1, nx)`` and ``(ny, 1)``
            has the very values of its points given one by one.
        """

    @abstractmethod
    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        """Multiply by a number.

        Parameters
        ----------
        factor
            The number.
        unit
            Unit by which to multiply too; `None` keeps the field's.
        """

    # Evaluation.

    def __call__(
        self, point: Any = None, /, *, x: Any = None, y: Any = None, quantity: bool = False
    ) -> float | Float64Array | u.Quantity:
        """Evaluate the field.

        Parameters
        ----------
        point
            A position or positions as `~lsst.images.XY` or `~lsst.images.YX`.
        x, y
            The same as two numbers, arrays or lists in absolute pixels, which
            broadcast against each other.
        quantity
            Whether to return the values with their unit, dimensionless if
            the field has none.

        Returns
        -------
        values
            A `float` if both coordinates are scalars, else a float64 array of
            the broadcast shape; a `~astropy.units.Quantity` of the same shape
            if asked for.

        Raises
        ------
        TypeError
            If a coordinate is missing, given twice, or not a real number.
        UnitMismatchError
            If a coordinate has a unit other than pixels.
        GeometryError
            If the shapes do not broadcast.
        """
        xs, ys, is_scalar = parse_points(point, x=x, y=y)
        good_x, good_y = np.isfinite(xs), np.isfinite(ys)
        if good_x.all() and good_y.all():
            values = self._evaluate(xs, ys)
        else:
            values = self._evaluate(np.where(good_x, xs, 0.0), np.where(good_y, ys, 0.0))
            values[~(good_x & good_y)] = np.nan
        result = float(values[0]) if is_scalar else values
        if quantity:
            return result << (u.dimensionless_unscaled if self.unit is None else self.unit)
        return result

    def evaluate(self, *, x: Any, y: Any, quantity: bool = False) -> float | Float64Array | u.Quantity:
        """Evaluate the field; the same as calling it.

        Parameters
        ----------
        x, y
            Numbers, arrays or lists in absolute pixels.
        quantity
            Whether to return the values with their unit.

        Returns
        -------
        values
            As from calling the field.
        """
        return self(x=x, y=y, quantity=quantity)

    def render(self, bbox: Box | None = None, *, dtype: npt.DTypeLike | None = None) -> Image:
        """Evaluate the field at every pixel centre of a box.

        Parameters
        ----------
        bbox
            The box; by default the bounding box of the field's bounds.
        dtype
            Integer or floating type of the pixels, float64 by default.  The
            values are computed in float64 and then cast as
            `numpy.ndarray.astype` does.

        Returns
        -------
        image
            A new image with the unit of the field.

        Raises
        ------
        TypeError
            If ``bbox`` is not a box or ``dtype`` not a real number type.
        """
        if bbox is None:
            bbox = self.bounds.bbox
        elif not isinstance(bbox, Box):
            raise TypeError(f"bbox must be a Box, not {bbox!r}.")
        array = np.empty(bbox.shape, dtype=np.float64 if dtype is None else dtype)
        if array.dtype.kind not in "iuf":
            raise TypeError(f"A field cannot be rendered as {array.dtype!r}; use an integer or float type.")
        x = bbox.x.arange.astype(np.float64)[np.newaxis, :]
        y = bbox.y.arange.astype(np.float64)[:, np.newaxis]
        rows = max(1, RENDER_BLOCK // bbox.x.size)
        for start in range(0, bbox.y.size, rows):
            block = slice(start, start + rows)
            np.copyto(array[block], self._evaluate(x, y[block]), casting="unsafe")
        return Image(array, bbox=bbox, unit=self.unit)

    # Arithmetic.

    def multiply_constant(self, factor: float | u.Quantity | u.UnitBase) -> Self:
        """Multiply by a number, a quantity or a unit; the same as ``*``.

        Parameters
        ----------
        factor
            What to multiply by.

        Returns
        -------
        field
            A new field of the same type.
        """
        return self * factor

    def __mul__(self, factor: Any) -> Self:
        parsed = _parse_factor(factor)
        return NotImplemented if parsed is None else self._scaled(*parsed)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Self:
        parsed = _parse_factor(divisor)
        if parsed is None:
            return NotImplemented
        number, unit = parsed
        return self._scaled(1.0 / number, None if unit is None else unit**-1)

    # lsst.afw.

    def to_legacy(self) -> Any:
        """Convert to an `lsst.afw.math.BoundedField`.

        Raises
        ------
        LegacyConversionError
            If there is no such field in afw, or no afw.
        """
        return registry.convert_to_legacy(self)

    def to_legacy_photo_calib(self, image_unit: u.UnitBase) -> Any:
        """Convert to an `lsst.afw.image.PhotoCalib`.

        Parameters
        ----------
        image_unit
            Unit of the image that the calibration belongs to.
        """
        return registry.convert_to_legacy(self, form="PhotoCalib", image_unit=image_unit)

    @staticmethod
    def make_legacy_photo_calib(image_unit: u.UnitBase) -> Any:
        """Make the `lsst.afw.image.PhotoCalib` of an image without scaling.

        Parameters
        ----------
        image_unit
            Unit of the image, which must convert to nJy.
        """
        return registry.convert_to_legacy(None, form="PhotoCalib", image_unit=image_unit)

    def __repr__(self) -> str:
        return f"<{self}>"


Field: TypeAlias = BaseField
"""Any field.  The set is open: a plugin may add another."""


def deserialize_field(model: Any, archive: Any) -> BaseField:
    """Make a field of its serialized form.

    Parameters
    ----------
    model
        Serialization model of any field.
    archive
        Archive that the model was read from.
    """
    field: BaseField = model.deserialize(archive)
    return field


def _parse_factor(factor: Any) -> tuple[float, u.UnitBase | None] | None:
    """Split a factor into number and unit; `None` if it is no scalar."""
    if isinstance(factor, u.UnitBase):
        return 1.0, factor
    if isinstance(factor, u.Quantity):
        is_number = factor.isscalar and factor.dtype.kind in "iuf"
        return (float(factor.value), factor.unit) if is_number else None
    if isinstance(factor, numbers.Real):
        return float(factor), None
    if isinstance(factor, np.ndarray) and factor.ndim == 0 and factor.dtype.kind in "iuf":
        return float(factor), None
    return None


def multiply_units(unit: u.UnitBase | None, factor: u.UnitBase | None) -> u.UnitBase | None:
    """Multiply two units, of which either may be missing.

    Parameters
    ----------
    unit, factor
        Units; `None` is the neutral element.

    Returns
    -------
    product
        `None` if both are missing.
    """
    if unit is None or factor is None:
        return factor if unit is None else unit
    return unit * factor
