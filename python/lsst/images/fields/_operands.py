# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation and bounds of the operands of composite fields."""

from __future__ import annotations

__all__ = ("check_operands", "intersect_bounds")

import functools
from collections.abc import Iterable

from .._geom import Bounds
from ..errors import GeometryError
from ..utils import short_repr
from ._base import BaseField


def check_operands(operands: Iterable[BaseField], what: str) -> tuple[BaseField, ...]:
    """Return the operands as a tuple; raise if they are not fields.

    Parameters
    ----------
    operands
        Fields.
    what
        Name of the composite type, used in error messages.

    Raises
    ------
    TypeError
        If an operand is not a field.
    GeometryError
        If ``operands`` is empty.
    """
    fields = tuple(operands)
    for field in fields:
        if not isinstance(field, BaseField):
            raise TypeError(f"The operands of a {what} must be fields; got {short_repr(field)}.")
    if not fields:
        raise GeometryError(f"A {what} requires at least one operand; got none.")
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
        If the bounds of the fields do not overlap.
    """
    bounds: Bounds = functools.reduce(lambda a, b: a.intersection(b), (field.bounds for field in fields))
    return bounds
