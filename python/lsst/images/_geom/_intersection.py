# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Intersections that cannot be expressed by a simpler type of bounds."""

from __future__ import annotations

__all__ = ("IntersectionBounds",)

from typing import Any, overload

import numpy as np
import numpy.typing as npt

from ..errors import NoOverlapError
from ..utils import short_repr
from ._bounds import Bounds
from ._box import Box
from ._coords import XY, YX
from ._positions import parse_positions
from ._serialize import IntersectionBoundsSerializationModel
from ._set_ops import intersect, register_intersection


class IntersectionBounds(Bounds):
    """The intersection of two bounds, evaluated by testing both operands.

    Parameters
    ----------
    a, b
        Bounds of any kind.

    Raises
    ------
    NoOverlapError
        If the bounding boxes are disjoint.
    TypeError
        If one of the operands is not a `Bounds`.

    Notes
    -----
    The intersection may be empty even if the bounding boxes overlap.  The
    ``intersection`` methods of bounds return a simpler type where possible.
    """

    __slots__ = ("_a", "_b", "_bbox")

    def __init__(self, a: Bounds, b: Bounds) -> None:
        for operand in (a, b):
            if not isinstance(operand, Bounds):
                raise TypeError(
                    f"Cannot intersect {short_repr(operand)}; expected an object that satisfies Bounds."
                )
        self._a = a
        self._b = b
        try:
            self._bbox: Box = a.bbox.intersection(b.bbox)
        except NoOverlapError as err:
            raise NoOverlapError(f"Bounds ({a}) and ({b}) do not overlap.") from err

    @property
    def a(self) -> Bounds:
        """The first operand."""
        return self._a

    @property
    def b(self) -> Bounds:
        """The second operand."""
        return self._b

    @property
    def bbox(self) -> Box:
        """The intersection of the operands' bounding boxes."""
        return self._bbox

    @overload
    def contains(self, point: XY[float] | YX[float], /) -> bool: ...

    @overload
    def contains(self, point: XY[Any] | YX[Any], /) -> bool | npt.NDArray[np.bool_]: ...

    @overload
    def contains(self, /, *, x: float, y: float) -> bool: ...

    @overload
    def contains(self, /, *, x: npt.ArrayLike, y: npt.ArrayLike) -> bool | npt.NDArray[np.bool_]: ...

    def contains(
        self,
        point: XY[Any] | YX[Any] | None = None,
        /,
        *,
        x: npt.ArrayLike | None = None,
        y: npt.ArrayLike | None = None,
    ) -> bool | npt.NDArray[np.bool_]:
        x, y = parse_positions(point, x, y, caller="IntersectionBounds.contains")
        inside = np.logical_and(self._a.contains(x=x, y=y), self._b.contains(x=x, y=y))
        return np.asarray(inside) if np.ndim(inside) else bool(inside)

    def serialize(self) -> IntersectionBoundsSerializationModel:
        return IntersectionBoundsSerializationModel(a=self._a.serialize(), b=self._b.serialize())

    def __eq__(self, other: object) -> bool:
        if type(other) is not IntersectionBounds:
            return NotImplemented
        return (self._a, self._b) in ((other._a, other._b), (other._b, other._a))

    def __hash__(self) -> int:
        return hash((IntersectionBounds, self._bbox))

    def __str__(self) -> str:
        return f"({self._a}) ∩ ({self._b})"

    def __repr__(self) -> str:
        return f"IntersectionBounds(a={self._a!r}, b={self._b!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return IntersectionBounds, (self._a, self._b)


def _intersect_with_intersection(first: IntersectionBounds, other: Any) -> Any:
    """Intersect one operand with the other bounds if the result is simpler; otherwise nest."""
    if first == other:
        return first
    for kept, absorbing in ((first.b, first.a), (first.a, first.b)):
        absorbed = intersect(absorbing, other)
        if not isinstance(absorbed, IntersectionBounds):
            return intersect(absorbed, kept)
    return IntersectionBounds(first, other)


register_intersection(object, object, IntersectionBounds)
register_intersection(IntersectionBounds, object, _intersect_with_intersection)
