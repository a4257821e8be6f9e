# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What all regions of pixel positions have in common."""

from __future__ import annotations

__all__ = ("Bounds",)

from typing import Any, Protocol, overload, runtime_checkable

import numpy as np
import numpy.typing as npt

from ._box import Box
from ._coords import XY, YX
from ._set_ops import intersect


@runtime_checkable
class Bounds(Protocol):
    """A region of pixel positions in which something is defined.

    Notes
    -----
    A class need not inherit from this one: everything that has these members
    is an instance, and `isinstance` and `issubclass` say so.  One that does
    inherits `intersection`.  To be stored in
    files, and to have its own rules for intersections, a class is declared with
    the hook `~lsst.images.plugins.register_bounds`.
    """

    __slots__ = ()

    @property
    def bbox(self) -> Box:
        """The smallest box that holds the whole region."""
        ...

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
        """Test whether positions lie within the region.

        Parameters
        ----------
        point
            Positions in pixels.
        x, y
            Positions in pixels, instead of ``point``: numbers, arrays or
            nested lists, which are broadcast.

        Returns
        -------
        contains
            A `bool` for scalars, else an array of them.

        Raises
        ------
        TypeError
            If nothing, both ways, or half a position was given.
        UnitMismatchError
            If a position has a unit other than pixels.
        GeometryError
            If the shapes do not broadcast.
        """
        ...

    def intersection(self, other: Any, /) -> Bounds:
        """Make the region that two regions share.

        Parameters
        ----------
        other
            Any `Bounds`.

        Returns
        -------
        intersection
            The simplest bounds that hold the points of both.

        Raises
        ------
        NoOverlapError
            If the intersection is known to be empty.
        TypeError
            If ``other`` is no `Bounds`.
        """
        bounds: Bounds = intersect(self, other)
        return bounds

    def serialize(self) -> Any:
        """Make the form to nest in a pydantic model.

        Returns
        -------
        serialized
            Has a ``deserialize`` method without arguments.
        """
        ...

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        # typing refuses issubclass for protocols with properties, but the
        # Butler asks it of every type.
        if cls is not Bounds:
            return NotImplemented
        members = ("bbox", "contains", "intersection", "serialize")
        return True if all(hasattr(other, name) for name in members) else NotImplemented
