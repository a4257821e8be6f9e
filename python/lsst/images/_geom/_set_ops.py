# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Registry of set operations between types of bounds.

This module does not depend on any type of bounds.  The module of each type
registers functions for pairs of types, and plugins declare theirs; `intersect`
selects the function for the types of its operands.
"""

from __future__ import annotations

__all__ = ("intersect", "intersect_lazily", "register_intersection", "register_polygon_maker", "to_polygon")

import functools
from collections.abc import Callable
from typing import Any

from ..errors import DuplicateRegistrationError
from ..plugins import registry
from ..utils import short_repr

IntersectionFunction = Callable[[Any, Any], Any]


class _SetOperations:
    """Registered functions by types of operands, and a cache of look-ups."""

    def __init__(self) -> None:
        self.intersections: dict[tuple[type, type], IntersectionFunction] = {}
        self.polygon_makers: dict[type, Callable[[Any], Any]] = {}
        self.found: dict[tuple[type, type], tuple[IntersectionFunction, bool]] = {}

    def find(self, a_type: type, b_type: type) -> tuple[IntersectionFunction, bool]:
        """Return the function for the most derived pair of types, in either order.

        The second return value is whether the operands must be swapped.
        """
        known = {**self.intersections, **_declared(a_type, b_type)}
        candidates = [
            (a_depth + b_depth, swapped, function)
            for (first, second), function in known.items()
            for swapped, one, other in ((False, a_type, b_type), (True, b_type, a_type))
            if (a_depth := _depth(one, first)) is not None and (b_depth := _depth(other, second)) is not None
        ]
        if not candidates:
            raise TypeError(
                f"No intersection function is registered for {a_type.__name__} and {b_type.__name__}; "
                "register one with register_intersection() or the hook register_bounds()."
            )
        _, swapped, function = min(candidates, key=lambda candidate: candidate[:2])
        self.found[a_type, b_type] = (function, swapped)
        return function, swapped


def _depth(derived: type, base: type) -> int | None:
    mro = derived.__mro__
    return mro.index(base) if base in mro else None


def _declared(*operands: type) -> dict[tuple[type, type], IntersectionFunction]:
    """Return the functions that plugins declare for the types of operands.

    Plugin types that are not bases of an operand's type are not imported.
    """
    names = {base.__name__ for operand in operands for base in operand.__mro__}
    pairs: dict[tuple[type, type], IntersectionFunction] = {}
    for spec in registry.bounds().values():
        if spec.pytype.rpartition(":")[2] in names:
            for other, function in spec.intersections.items():
                pair = registry.load(spec.pytype), registry.load(other)
                pairs[pair] = functools.partial(_simplify, registry.load(function))
    return pairs


def _simplify(function: IntersectionFunction, a: Any, b: Any) -> Any:
    """Call a plugin's function; if it returns `None`, intersect lazily."""
    simple = function(a, b)
    return intersect_lazily(a, b) if simple is None else simple


_table = _SetOperations()


def register_intersection(
    a_type: type, b_type: type, function: Callable[[Any, Any], Any], *, replace: bool = False
) -> None:
    """Register the function that intersects two types of bounds.

    Parameters
    ----------
    a_type, b_type
        The types of the operands.  The function is also used for subclasses,
        unless one is registered for a more derived pair.  `intersect` accepts
        the operands in either order.
    function
        Called as ``function(a, b)`` with an ``a_type`` and a ``b_type``; returns
        bounds, or raises `~lsst.images.NoOverlapError`.
    replace
        Whether to replace a function that is registered for the same pair.

    Raises
    ------
    DuplicateRegistrationError
        If a function is registered for the pair and ``replace`` is not set.
    """
    for pair in ((a_type, b_type), (b_type, a_type)):
        if pair in _table.intersections:
            if not replace:
                raise DuplicateRegistrationError(
                    f"An intersection of {a_type.__name__} and {b_type.__name__} is already registered; "
                    "pass replace=True to replace it."
                )
            del _table.intersections[pair]
    _table.intersections[a_type, b_type] = function
    _table.found.clear()


def intersect(a: Any, b: Any) -> Any:
    """Intersect two bounds.

    Parameters
    ----------
    a, b
        Objects that satisfy `~lsst.images.Bounds`.

    Returns
    -------
    bounds
        The simplest bounds that contain exactly the common points.

    Raises
    ------
    NoOverlapError
        If the intersection is known to be empty.
    TypeError
        If one of the operands is not a `~lsst.images.Bounds`.
    """
    types = (type(a), type(b))
    function, swapped = _table.found.get(types) or _table.find(*types)
    return function(b, a) if swapped else function(a, b)


def intersect_lazily(a: Any, b: Any) -> Any:
    """Intersect two bounds without simplifying the result.

    Parameters
    ----------
    a, b
        Objects that satisfy `~lsst.images.Bounds`.

    Returns
    -------
    bounds
        An `IntersectionBounds` of both operands.

    Raises
    ------
    NoOverlapError
        If the bounding boxes are disjoint.
    TypeError
        If one of the operands is not a `~lsst.images.Bounds`.
    """
    return _table.intersections[object, object](a, b)


def register_polygon_maker(pytype: type, function: Callable[[Any], Any]) -> None:
    """Register the function that converts a type of bounds or outline to a polygon.

    Parameters
    ----------
    pytype
        Type of the argument of ``function``.
    function
        Returns a `~lsst.images.Polygon`.
    """
    _table.polygon_makers[pytype] = function


def to_polygon(bounds: Any) -> Any:
    """Convert bounds or an outline to a polygon.

    Parameters
    ----------
    bounds
        An instance of a type for which a polygon maker is registered.

    Returns
    -------
    polygon
        A `~lsst.images.Polygon`.

    Raises
    ------
    TypeError
        If no function is registered for the type.
    """
    for pytype in type(bounds).__mro__:
        if pytype in _table.polygon_makers:
            return _table.polygon_makers[pytype](bounds)
    raise TypeError(f"Cannot convert {short_repr(bounds)} to a polygon; expected a Box or a shapely Polygon.")
