# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pairs of coordinates whose type gives their order."""

from __future__ import annotations

__all__ = ("XY", "YX", "SerializableXY", "SerializableYX")

from collections.abc import Callable
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema
from typing_extensions import TypedDict

from ..plugins import registry

T = TypeVar("T")
U = TypeVar("U")


class XY(NamedTuple, Generic[T]):
    """A pair of values in ``(x, y)`` order.

    Notes
    -----
    Equality, hashing and ``+`` are inherited from `tuple`.
    """

    x: T
    """Column, or the value for the x axis."""

    y: T
    """Row, or the value for the y axis."""

    @property
    def yx(self) -> YX[T]:
        """The same values in the other order (`YX`)."""
        return YX(self.y, self.x)

    def map(self, func: Callable[[T], U]) -> XY[U]:
        """Apply a function to both values.

        Parameters
        ----------
        func
            Called with one value at a time.

        Returns
        -------
        mapped
            The results in the same order.
        """
        return XY(func(self.x), func(self.y))

    def to_legacy_int_extent(self) -> Any:
        """Convert to a `lsst.geom.Extent2I`, which must be installed."""
        return registry.convert_to_legacy(self, form="Extent2I")

    def to_legacy_int_point(self) -> Any:
        """Convert to a `lsst.geom.Point2I`, which must be installed."""
        return registry.convert_to_legacy(self, form="Point2I")

    def to_legacy_float_extent(self) -> Any:
        """Convert to a `lsst.geom.Extent2D`, which must be installed."""
        return registry.convert_to_legacy(self, form="Extent2D")

    def to_legacy_float_point(self) -> Any:
        """Convert to a `lsst.geom.Point2D`, which must be installed."""
        return registry.convert_to_legacy(self, form="Point2D")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return _PairSchema(XY, _SerializedXY).__get_pydantic_core_schema__(source, handler)


class YX(NamedTuple, Generic[T]):
    """A pair of values in ``(y, x)`` order, as in array shapes and slices.

    Notes
    -----
    Equality, hashing and ``+`` are inherited from `tuple`.
    """

    y: T
    """Row, or the value for the y axis."""

    x: T
    """Column, or the value for the x axis."""

    @property
    def xy(self) -> XY[T]:
        """The same values in the other order (`XY`)."""
        return XY(self.x, self.y)

    def map(self, func: Callable[[T], U]) -> YX[U]:
        """Apply a function to both values.

        Parameters
        ----------
        func
            Called with one value at a time.

        Returns
        -------
        mapped
            The results in the same order.
        """
        return YX(func(self.y), func(self.x))

    def to_legacy_int_extent(self) -> Any:
        """Convert to a `lsst.geom.Extent2I`, which must be installed."""
        return registry.convert_to_legacy(self.xy, form="Extent2I")

    def to_legacy_int_point(self) -> Any:
        """Convert to a `lsst.geom.Point2I`, which must be installed."""
        return registry.convert_to_legacy(self.xy, form="Point2I")

    def to_legacy_float_extent(self) -> Any:
        """Convert to a `lsst.geom.Extent2D`, which must be installed."""
        return registry.convert_to_legacy(self.xy, form="Extent2D")

    def to_legacy_float_point(self) -> Any:
        """Convert to a `lsst.geom.Point2D`, which must be installed."""
        return registry.convert_to_legacy(self.xy, form="Point2D")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return _PairSchema(YX, _SerializedYX).__get_pydantic_core_schema__(source, handler)


class _SerializedXY(TypedDict, Generic[T]):
    x: T
    y: T


class _SerializedYX(TypedDict, Generic[T]):
    y: T
    x: T


class _PairSchema:
    """Pydantic schema of a pair: an object, or a list as in older files.

    Parameters
    ----------
    pytype
        `XY` or `YX`.
    serialized
        Generic typed dictionary with the same members in the same order.
    """

    def __init__(self, pytype: type[Any], serialized: Any) -> None:
        self._pytype = pytype
        self._serialized = serialized

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        pytype = self._pytype
        (value_type,) = get_args(source) or (Any,)
        value = handler.generate_schema(value_type)
        as_object = handler.generate_schema(self._serialized[value_type])
        # Only a list is accepted: the order of a tuple is ambiguous.
        as_list = core_schema.list_schema(value, min_length=2, max_length=2, strict=True)
        return core_schema.no_info_wrap_validator_function(
            self._validate,
            core_schema.union_schema([as_object, as_list]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                pytype._asdict, return_schema=as_object
            ),
        )

    def _validate(self, data: Any, handler: Callable[[Any], Any]) -> Any:
        if isinstance(data, self._pytype):
            return self._pytype(*handler(list(data)))
        validated = handler(data)
        return self._pytype(**validated) if isinstance(validated, dict) else self._pytype(*validated)


SerializableXY = Annotated[XY[T], _PairSchema(XY, _SerializedXY)]
"""Type of pydantic fields that hold an ``XY[T]``: ``SerializableXY[float]``.

With a plain ``XY[float]``, pydantic serializes the pair as an array.
"""

SerializableYX = Annotated[YX[T], _PairSchema(YX, _SerializedYX)]
"""Type of pydantic fields that hold a ``YX[T]``: ``SerializableYX[int]``.

With a plain ``YX[int]``, pydantic serializes the pair as an array.
"""
