# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""One-dimensional ranges of pixels."""

from __future__ import annotations

__all__ = ("Interval", "IntervalSliceFactory")

import builtins
import math
from typing import Any, ClassVar, overload

import numpy as np
import numpy.typing as npt
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import TypedDict

from .._aliases import accepts_legacy_names
from ..errors import BoxIndexError, GeometryError, NoOverlapError
from ..plugins import registry
from ..utils import short_repr
from ._numbers import MAX_COORDINATE, as_integer
from ._positions import as_positions
from ._values import Value, schema_of_instances


class IntervalSliceFactory:
    """Create `Interval` instances from slice syntax.

    Parameters
    ----------
    parent
        Interval that supplies missing ends, and must contain the result.
        Without a parent, a missing start is zero, and the stop is required.
    is_local
        Whether slices are relative to the start of ``parent``, with the rules
        of Python sequences: negative numbers count from the end, and a stop
        beyond the end is clipped.  By default they are absolute coordinates.

    Examples
    --------
    >>> Interval.factory[3:6]
    Interval(start=3, stop=6)
    >>> Interval(3, 20).local[:-7]
    Interval(start=3, stop=13)
    """

    __slots__ = ("_is_local", "_parent")

    def __init__(self, parent: Interval | None = None, is_local: bool = False) -> None:
        if is_local and parent is None:
            raise GeometryError("IntervalSliceFactory with is_local=True requires a parent interval.")
        self._parent = parent
        self._is_local = is_local

    def __getitem__(self, key: slice) -> Interval:
        if not isinstance(key, slice):
            raise TypeError(f"Invalid interval index {short_repr(key)}; expected a slice such as [2:5].")
        if key.step is not None and key.step != 1:
            raise GeometryError(
                f"Cannot create an interval from {short_repr(key)} with a non-unit step; omit the step."
            )
        start = None if key.start is None else as_integer(key.start, "Slice start")
        stop = None if key.stop is None else as_integer(key.stop, "Slice stop")
        if self._parent is None:
            if stop is None:
                raise BoxIndexError(
                    f"{short_repr(key)} requires a stop, because the factory has no parent interval."
                )
            return Interval(0 if start is None else start, stop)
        if self._is_local:
            first, end, _ = slice(start, stop).indices(self._parent.size)
            if first >= end:
                raise BoxIndexError(f"Local slice {short_repr(key)} of {self._parent!r} is empty.")
            return Interval(first + self._parent.start, end + self._parent.start)
        result = Interval(
            self._parent.start if start is None else start, self._parent.stop if stop is None else stop
        )
        if result.start < self._parent.start or result.stop > self._parent.stop:
            raise BoxIndexError(f"Slice {short_repr(key)} does not lie within {self._parent!r}.")
        return result


class Interval(Value):
    """A non-empty, immutable, half-open range of pixels along one axis.

    Parameters
    ----------
    start
        First pixel.
    stop
        One past the last pixel; larger than ``start``.

    Raises
    ------
    BoxIndexError
        If ``stop`` is not larger than ``start``.
    GeometryError
        If one of the numbers has a fraction, or its absolute value exceeds
        2**52, where doubles cannot represent the edges of pixels.

    Notes
    -----
    Pixel centres are integers, so that an interval covers the positions from
    ``min - 0.5`` to ``max + 0.5``.
    """

    __slots__ = {
        "size": "Number of pixels (`int`).",
        "start": "First pixel, inclusive (`int`).",
        "stop": "One past the last pixel (`int`).",
    }

    start: int
    stop: int
    size: int

    factory: ClassVar[IntervalSliceFactory] = IntervalSliceFactory()
    """Creates intervals from slices: ``Interval.factory[3:6]``."""

    def __init__(self, start: int, stop: int) -> None:
        if type(start) is not int:
            start = as_integer(start, "Interval start")
        if type(stop) is not int:
            stop = as_integer(stop, "Interval stop")
        if stop <= start or start < -MAX_COORDINATE or stop > MAX_COORDINATE:
            raise _invalid_ends_error(start, stop)
        _set_start(self, start)
        _set_stop(self, stop)
        _set_size(self, stop - start)

    @classmethod
    def hull(cls, first: int | Interval, *args: int | Interval) -> Interval:
        """Create the smallest interval that contains all arguments.

        Parameters
        ----------
        first, *args
            Pixels and intervals.

        Returns
        -------
        hull
            Interval that contains all of them.
        """
        given = [
            item if isinstance(item, Interval) else Interval(pixel := as_integer(item, "Pixel"), pixel + 1)
            for item in (first, *args)
        ]
        return cls(min(item.start for item in given), max(item.stop for item in given))

    @classmethod
    def from_size(cls, size: int, start: int = 0) -> Interval:
        """Create an interval from its number of pixels.

        Parameters
        ----------
        size
            Number of pixels.
        start
            First pixel.

        Returns
        -------
        interval
            ``[start, start + size)``.

        Raises
        ------
        BoxIndexError
            If ``size`` is not positive.
        """
        start = as_integer(start, "Interval start")
        return cls(start, start + as_integer(size, "Interval size"))

    @property
    def min(self) -> int:
        """First pixel, inclusive (`int`)."""
        return self.start

    @property
    def max(self) -> int:
        """Last pixel, inclusive (`int`)."""
        return self.stop - 1

    @property
    def range(self) -> builtins.range:
        """The pixels as a Python `range`."""
        return range(self.start, self.stop)

    @property
    def arange(self) -> npt.NDArray[np.int64]:
        """The pixels as an integer array of shape ``(size,)``."""
        return np.arange(self.start, self.stop, dtype=np.int64)

    @property
    def center(self) -> float:
        """Centre of the interval, a half-integer for an even size."""
        return 0.5 * (self.start + self.stop - 1)

    @property
    def absolute(self) -> IntervalSliceFactory:
        """A factory of intervals within this one, from slices in absolute coordinates."""
        return IntervalSliceFactory(self)

    @property
    def local(self) -> IntervalSliceFactory:
        """A factory of intervals within this one, from slices relative to its start."""
        return IntervalSliceFactory(self, is_local=True)

    def linspace(self, n: int | None = None, *, step: float | None = None) -> npt.NDArray[np.float64]:
        """Return evenly spaced positions from the first pixel to the last.

        Parameters
        ----------
        n
            Number of positions.  By default, every pixel.
        step
            Maximum distance between positions, in pixels; alternative to
            ``n``, which becomes ``ceil(size / step)``.

        Returns
        -------
        positions
            Array of shape ``(n,)``; includes the centres of both end pixels.

        Raises
        ------
        TypeError
            If both ``n`` and ``step`` are given.
        GeometryError
            If ``n`` or ``step`` is not positive.
        """
        if step is not None:
            if n is not None:
                raise TypeError("Give either n or step to linspace, not both.")
            if not step > 0:
                raise GeometryError(f"The step of linspace must be positive; got {short_repr(step)}.")
            n = math.ceil(self.size / step)
        if n is None:
            return np.arange(self.start, self.stop, dtype=np.float64)
        n = as_integer(n, "Number of positions")
        if n < 1:
            raise GeometryError(f"The number of positions of linspace must be positive; got {short_repr(n)}.")
        return np.linspace(float(self.min), float(self.max), n, dtype=np.float64)

    def padded(self, padding: int) -> Interval:
        """Return an interval that is larger by a number of pixels at both ends.

        Parameters
        ----------
        padding
            Number of pixels to add at each end; a negative number shrinks.

        Returns
        -------
        padded
            The larger interval.

        Raises
        ------
        BoxIndexError
            If the result would be empty.
        """
        padding = as_integer(padding, "Padding")
        return Interval(self.start - padding, self.stop + padding)

    dilated_by = padded

    @overload
    def contains(self, other: Interval | float) -> bool: ...

    @overload
    def contains(self, other: npt.ArrayLike) -> bool | npt.NDArray[np.bool_]: ...

    def contains(self, other: Interval | npt.ArrayLike) -> bool | npt.NDArray[np.bool_]:
        """Test whether an interval or positions lie within this interval.

        Parameters
        ----------
        other
            Another interval, or a position, or an array or nested list of
            positions.  A position belongs to the nearest pixel: it is inside
            if ``min - 0.5 <= position < max + 0.5``.

        Returns
        -------
        contains
            A `bool`, or a boolean array with the shape of ``other``.  `False`
            for NaN.

        Raises
        ------
        TypeError
            If ``other`` is not numeric.
        """
        if isinstance(other, Interval):
            return self.start <= other.start and other.stop <= self.stop
        lower = self.start - 0.5
        upper = self.stop - 0.5
        positions = as_positions(other, caller="Interval.contains")
        if isinstance(positions, (float, int)):
            return bool(lower <= positions < upper)
        inside = (positions >= lower) & (positions < upper)
        return inside if inside.ndim else bool(inside)

    def intersection(self, other: Interval) -> Interval:
        """Return the intersection with another interval.

        Parameters
        ----------
        other
            Another interval.

        Returns
        -------
        intersection
            The pixels that are in both intervals.

        Raises
        ------
        NoOverlapError
            If the intervals do not overlap.
        """
        start = self.start if self.start >= other.start else other.start
        stop = self.stop if self.stop <= other.stop else other.stop
        if stop <= start:
            raise NoOverlapError(f"{self!r} and {other!r} do not overlap.")
        return Interval(start, stop)

    def slice_within(self, other: Interval) -> slice:
        """Return the slice that selects this interval from an array.

        Parameters
        ----------
        other
            Interval of the array's axis; must contain this one.

        Returns
        -------
        slice
            Slice relative to ``other.start``.

        Raises
        ------
        BoxIndexError
            If ``other`` does not contain this interval.
        """
        if self.start < other.start or self.stop > other.stop:
            raise BoxIndexError(f"{self!r} does not lie within {other!r}.")
        return slice(self.start - other.start, self.stop - other.start)

    @classmethod
    @accepts_legacy_names
    def from_legacy(cls, legacy: Any) -> Interval:
        """Convert a `lsst.geom.IntervalI`.

        Parameters
        ----------
        legacy
            A `lsst.geom.IntervalI`, or another object with ``begin`` and
            ``end`` attributes.

        Returns
        -------
        interval
            Interval of the same pixels.
        """
        return cls(legacy.begin, legacy.end)

    def to_legacy(self) -> Any:
        """Convert to a `lsst.geom.IntervalI`, which must be installed."""
        return registry.convert_to_legacy(self)

    def __add__(self, offset: int) -> Interval:
        offset = as_integer(offset, "Offset of an interval")
        return Interval(self.start + offset, self.stop + offset)

    def __sub__(self, offset: int) -> Interval:
        offset = as_integer(offset, "Offset of an interval")
        return Interval(self.start - offset, self.stop - offset)

    def __contains__(self, x: float) -> bool:
        return bool(self.start <= x < self.stop)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.start == other.start and self.stop == other.stop

    def __hash__(self) -> int:
        return hash((Interval, self.start, self.stop))

    def __str__(self) -> str:
        return f"{self.start}:{self.stop}"

    def __repr__(self) -> str:
        return f"Interval(start={self.start}, stop={self.stop})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.start, self.stop)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        serialized = handler.generate_schema(_SerializedInterval)
        return schema_of_instances(
            cls, serialized, parse=_interval_from_serialized, serialize=_serialize_interval
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(serialized_interval_schema)


def _invalid_ends_error(start: int, stop: int) -> GeometryError:
    """Return the error for invalid ends of an interval."""
    if stop <= start:
        return BoxIndexError(f"Interval [{start}, {stop}) is empty; stop must be larger than start.")
    return GeometryError(
        f"Interval [{start}, {stop}) is outside the supported range; absolute pixel coordinates must not "
        f"exceed 2**52 = {MAX_COORDINATE}."
    )


# Intervals are immutable; the constructor assigns the slots with these functions.
_set_start = Interval.__dict__["start"].__set__
_set_stop = Interval.__dict__["stop"].__set__
_set_size = Interval.__dict__["size"].__set__


class _SerializedInterval(TypedDict):
    start: int
    stop: int


serialized_interval_schema = core_schema.typed_dict_schema(
    {
        "start": core_schema.typed_dict_field(core_schema.int_schema(), required=True),
        "stop": core_schema.typed_dict_field(core_schema.int_schema(), required=True),
    },
    cls=_SerializedInterval,
    ref=f"{_SerializedInterval.__module__}.{_SerializedInterval.__qualname__}:{id(_SerializedInterval)}",
)
"""JSON schema of an interval: a named definition that the schema of a box refers to."""


def _interval_from_serialized(data: _SerializedInterval) -> Interval:
    return Interval(data["start"], data["stop"])


def _serialize_interval(interval: Interval) -> _SerializedInterval:
    return {"start": interval.start, "stop": interval.stop}
