# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What sums and products of fields have in common."""

from __future__ import annotations

__all__ = ("check_operands", "intersect_bounds")

import functools
from collections.abc import Iterable

from .._geom import Bounds
from ..errors import GeometryError
from ._base import BaseField


def check_operands(operands: Iterable[BaseField], what: str) -> tuple[BaseField, ...]:
    """Make a tuple of fields, and of nothing else.

    Parameters
    ----------
    operands
        Fields.
    what
        Name of the type they are for, used in messages.

    Raises
    ------
    TypeError
        If an operand is not a field.
    GeometryError
        If there are none.
    """
    fields = tuple(operands)
    for field in fields:
        if not isinstance(field, BaseField):
            raise TypeError(f"An operand of a {what} must be a field, not {field!r}.")
    if not fields:
        raise GeometryError(f"A {what} needs at least one operand.")
    return fields


def intersect_bounds(fields: Iterable[BaseField]) -> Bounds:
    """Return the region where all fields are defined.

    Parameters
    ----------
    fields
        At least one field.

    Raises
    ------
    NoOverlapError
        If there is none.
    """
    bounds: Bounds = functools.reduce(lambda a, b: a.intersection(b), (field.bounds for field in fields))
    return bounds
