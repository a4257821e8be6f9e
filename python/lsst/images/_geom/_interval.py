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

from ..errors import BoxIndexError, GeometryError, NoOverlapError
from ..plugins import registry
from ._numbers import FARTHEST, as_integer
from ._positions import as_positions
from ._values import Value, schema_of_instances

_FIRST = -FARTHEST


class IntervalSliceFactory:
    """Makes an `Interval` from slice syntax.

    Parameters
    ----------
    parent
        Interval that supplies missing ends, and must contain the result.  By
        default there is none: a missing start is zero, and the stop is needed.
    is_local
        Whether slices count from the start of ``parent``, with the rules of
        Python's sequences: negative numbers count from the end, and a stop
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
            raise GeometryError("Local slices need a parent interval.")
        self._parent = parent
        self._is_local = is_local

    def __getitem__(self, key: slice) -> Interval:
        if not isinstance(key, slice):
            raise TypeError(f"An interval is made from a slice such as [2:5]; got {key!r}.")
        if key.step is not None and key.step != 1:
            raise GeometryError(f"Cannot make an interval from the non-unit step of {key!r}.")
        start = None if key.start is None else as_integer(key.start, "Slice start")
        stop = None if key.stop is None else as_integer(key.stop, "Slice stop")
        if self._parent is None:
            if stop is None:
                raise BoxIndexError(f"{key!r} needs a stop, since there is no parent interval.")
            return Interval(0 if start is None else start, stop)
        if self._is_local:
            first, end, _ = slice(start, stop).indices(self._parent.size)
            if first >= end:
                raise BoxIndexError(f"Local slice {key!r} selects nothing of {self._parent!r}.")
            return Interval(first + self._parent.start, end + self._parent.start)
        result = Interval(
            self._parent.start if start is None else start, self._parent.stop if stop is None else stop
        )
        if result.start < self._parent.start or result.stop > self._parent.stop:
            raise BoxIndexError(f"Slice {key!r} does not lie within {self._parent!r}.")
        return result


class Interval(Value):
    """A half-open range of pixels along one axis; never empty, and immutable.

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
        If one of the numbers has a fraction, or is farther from zero than
        2**52, where no floating-point number is the edge of a pixel.

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
    """Makes intervals from slices: ``Interval.factory[3:6]``."""

    def __init__(self, start: int, stop: int) -> None:
        if type(start) is not int:
            start = as_integer(start, "Interval start")
        if type(stop) is not int:
            stop = as_integer(stop, "Interval stop")
        if stop <= start or start < _FIRST or stop > FARTHEST:
            raise _senseless(start, stop)
        _set_start(self, start)
        _set_stop(self, stop)
        _set_size(self, stop - start)

    @classmethod
    def hull(cls, first: int | Interval, *args: int | Interval) -> Interval:
        """Make the smallest interval that covers everything given.

        Parameters
        ----------
        first, *args
            Pixels and intervals.

        Returns
        -------
        hull
            Covers all of them.
        """
        given = [
            item if isinstance(item, Interval) else Interval(pixel := as_integer(item, "Pixel"), pixel + 1)
            for item in (first, *args)
        ]
        return cls(min(item.start for item in given), max(item.stop for item in given))

    @classmethod
    def from_size(cls, size: int, start: int = 0) -> Interval:
        """Make an interval of a number of pixels.

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
        """Middle of the interval, which is half-integral for an even size."""
        return 0.5 * (self.start + self.stop - 1)

    @property
    def absolute(self) -> IntervalSliceFactory:
        """Makes intervals within this one from slices of its own coordinates."""
        return IntervalSliceFactory(self)

    @property
    def local(self) -> IntervalSliceFactory:
        """Makes intervals within this one from slices that count from its start."""
        return IntervalSliceFactory(self, is_local=True)

    def linspace(self, n: int | None = None, *, step: float | None = None) -> npt.NDArray[np.float64]:
        """Make evenly spaced positions from the first pixel to the last.

        Parameters
        ----------
        n
            Number of positions.  By default, every pixel.
        step
            Largest distance of positions, in pixels, instead of their number:
            there are ``ceil(size / step)`` of them.

        Returns
        -------
        positions
            Array of shape ``(n,)``; includes the centres of both end pixels.

        Raises
        ------
        TypeError
            If both are given.
        GeometryError
            If there are no positions, or the step is not positive.
        """
        if step is not None:
            if n is not None:
                raise TypeError("Give either n or step to linspace, not both.")
            if not step > 0:
                raise GeometryError(f"The step of linspace must be positive; got {step!r}.")
            n = math.ceil(self.size / step)
        if n is None:
            return np.arange(self.start, self.stop, dtype=np.float64)
        n = as_integer(n, "Number of positions")
        if n < 1:
            raise GeometryError(f"linspace needs at least one position; got {n!r}.")
        return np.linspace(float(self.min), float(self.max), n, dtype=np.float64)

    def padded(self, padding: int) -> Interval:
        """Grow at both ends.

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
            If nothing would be left.
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
            positions.  A position belongs to the nearest pixel, so that
            ``min - 0.5 <= position < max + 0.5`` is inside.

        Returns
        -------
        contains
            A `bool`, or an array of them with the shape of ``other``.  NaN is
            never inside.

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
        """Make the interval that two intervals share.

        Parameters
        ----------
        other
            Another interval.

        Returns
        -------
        intersection
            The pixels of both.

        Raises
        ------
        NoOverlapError
            If there are none.
        """
        start = self.start if self.start >= other.start else other.start
        stop = self.stop if self.stop <= other.stop else other.stop
        if stop <= start:
            raise NoOverlapError(f"{self!r} and {other!r} do not overlap.")
        return Interval(start, stop)

    def slice_within(self, other: Interval) -> slice:
        """Make the slice that selects this interval from an array.

        Parameters
        ----------
        other
            Interval of the array's axis; must contain this one.

        Returns
        -------
        slice
            Counts from zero at the start of ``other``.

        Raises
        ------
        BoxIndexError
            If ``other`` does not contain this interval.
        """
        if self.start < other.start or self.stop > other.stop:
            raise BoxIndexError(f"{self!r} does not lie within {other!r}.")
        return slice(self.start - other.start, self.stop - other.start)

    @classmethod
    def from_legacy(cls, legacy: Any) -> Interval:
        """Convert a `lsst.geom.IntervalI`.

        Parameters
        ----------
        legacy
            Anything with ``begin`` and ``end`` attributes.

        Returns
        -------
        interval
            The same pixels.
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


def _senseless(start: int, stop: int) -> GeometryError:
    """Say why no interval has these ends."""
    if stop <= start:
        return BoxIndexError(f"Interval [{start}, {stop}) is empty; stop must be larger than start.")
    return GeometryError(
        f"Interval [{start}, {stop}) reaches farther than pixels can be told apart; it must lie within "
        f"2**52 = {FARTHEST} of zero."
    )


# Attribute assignment is refused, so these fill the slots of a new interval.
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
"""What the published JSON schemas say of an interval: a named definition, to
which boxes refer."""


def _interval_from_serialized(data: _SerializedInterval) -> Interval:
    return Interval(data["start"], data["stop"])


def _serialize_interval(interval: Interval) -> _SerializedInterval:
    return {"start": interval.start, "stop": interval.stop}
