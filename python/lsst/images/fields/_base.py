# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class of fields."""

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
from ..utils import short_repr
from ._points import Float64Array, parse_points

RENDER_BLOCK_SIZE = 1 << 16
"""Number of pixels per block in rendering: 512 kB of doubles, which fit into
the processor cache."""


class BaseField(Serializable, ABC):
    """An immutable function of the position on a pixel grid.

    Subclasses define the properties `bounds`, `unit` and `is_constant`, and
    the two hooks ``_evaluate(x, y)`` and ``_scaled(factor, unit)``.

    Notes
    -----
    Outside their bounds, fields are extrapolated without an error.  The value
    at a position that is not finite is NaN.
    """

    # Makes numpy and astropy call ``__rmul__`` for ``array * field`` and
    # ``unit * field`` instead of creating an array of objects.
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
            New array of the broadcast shape.  Each value depends only on its
            own position, so that a grid ``(1, nx)``, ``(ny, 1)`` has exactly
            the same values as its points evaluated one by one.
        """

    @abstractmethod
    def _scaled(self, factor: float, unit: u.UnitBase | None) -> Self:
        """Multiply by a number.

        Parameters
        ----------
        factor
            The number.
        unit
            Unit to multiply by; `None` keeps the unit of the field.
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
            Coordinates in absolute pixels instead of ``point``: numbers, arrays
            or lists, which are broadcast.
        quantity
            Whether to return the values with their unit, dimensionless if
            the field has none.

        Returns
        -------
        values
            A `float` if both coordinates are scalars, otherwise a float64 array
            of the broadcast shape; with ``quantity``, a
            `~astropy.units.Quantity` of the same shape.

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
            See `__call__`.
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
            raise TypeError(f"The bbox of a rendered field must be a Box; got {short_repr(bbox)}.")
        array = np.empty(bbox.shape, dtype=np.float64 if dtype is None else dtype)
        if array.dtype.kind not in "iuf":
            raise TypeError(
                f"A field cannot be rendered with dtype {array.dtype!r}; use an integer or float type."
            )
        x = bbox.x.arange.astype(np.float64)[np.newaxis, :]
        y = bbox.y.arange.astype(np.float64)[:, np.newaxis]
        rows = max(1, RENDER_BLOCK_SIZE // bbox.x.size)
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
            Number, quantity or unit.

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
            If afw has no equivalent field, or is not installed.
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
        """Create the `lsst.afw.image.PhotoCalib` of an image without scaling.

        Parameters
        ----------
        image_unit
            Unit of the image, which must convert to nJy.
        """
        return registry.convert_to_legacy(None, form="PhotoCalib", image_unit=image_unit)

    def __repr__(self) -> str:
        return f"<{self}>"


Field: TypeAlias = BaseField
"""Any type of field; plugins may define further types."""


def deserialize_field(model: Any, archive: Any) -> BaseField:
    """Create a field from its serialization model.

    Parameters
    ----------
    model
        Serialization model of any field.
    archive
        Archive from which the model was read.
    """
    field: BaseField = model.deserialize(archive)
    return field


def _parse_factor(factor: Any) -> tuple[float, u.UnitBase | None] | None:
    """Split a factor into number and unit; return `None` if it is not a scalar."""
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
    """Multiply two optional units.

    Parameters
    ----------
    unit, factor
        Units; `None` for no unit.

    Returns
    -------
    product
        The product; `None` if both are `None`.
    """
    if unit is None or factor is None:
        return factor if unit is None else unit
    return unit * factor
