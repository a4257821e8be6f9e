# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The protocol of regions of pixel positions."""

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
    A class does not have to inherit from this protocol: `isinstance` and
    `issubclass` accept every class that has its members.  A class that does
    inherit from it gets `intersection`.  To be stored in files, and to define
    its own intersection functions, a class is declared with the hook
    `~lsst.images.plugins.register_bounds`.
    """

    __slots__ = ()

    @property
    def bbox(self) -> Box:
        """The smallest box that contains the whole region."""
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
            A `bool` for scalars, otherwise a boolean array.

        Raises
        ------
        TypeError
            If neither ``point`` nor both of ``x`` and ``y`` are given, or both
            forms are mixed.
        UnitMismatchError
            If a position has a unit other than pixels.
        GeometryError
            If the shapes do not broadcast.
        """
        ...

    def intersection(self, other: Any, /) -> Bounds:
        """Return the intersection with other bounds.

        Parameters
        ----------
        other
            Any `Bounds`.

        Returns
        -------
        intersection
            The simplest `Bounds` that contain the common points.

        Raises
        ------
        NoOverlapError
            If the intersection is known to be empty.
        TypeError
            If ``other`` is not a `Bounds`.
        """
        bounds: Bounds = intersect(self, other)
        return bounds

    def serialize(self) -> Any:
        """Return a serializable form, for fields of a pydantic model.

        Returns
        -------
        serialized
            An object with a ``deserialize`` method without arguments.
        """
        ...

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        # typing does not support issubclass for protocols with properties, but
        # the Butler calls it with every type.
        if cls is not Bounds:
            return NotImplemented
        members = ("bbox", "contains", "intersection", "serialize")
        return True if all(hasattr(other, name) for name in members) else NotImplemented
