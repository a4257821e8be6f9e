# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class and pydantic schema of immutable geometry types."""

from __future__ import annotations

__all__ = ("Value", "schema_of_instances")

from collections.abc import Callable
from typing import Any, NoReturn, Self

from pydantic_core import core_schema

from ..utils import short_repr


class Value:
    """Base class of immutable objects; copying returns the object itself.

    Notes
    -----
    Subclasses declare slots, and assign those of a new object through the slot
    descriptors, because `__setattr__` raises.
    """

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"Cannot set {short_repr(name)}: {type(self).__name__} objects are immutable; create a new one."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"Cannot delete {short_repr(name)}: {type(self).__name__} objects are immutable."
        )


def schema_of_instances(
    cls: type[Any],
    serialized: core_schema.CoreSchema,
    *,
    parse: Callable[[Any], Any],
    serialize: Callable[[Any], Any],
) -> core_schema.CoreSchema:
    """Return the pydantic schema of a class that has a separate stored form.

    Parameters
    ----------
    cls
        The class; in Python mode, its instances are accepted unchanged.
    serialized
        Schema of the stored form.
    parse
        Function that converts the validated stored form to an instance.
    serialize
        Function that converts an instance to the stored form.

    Returns
    -------
    schema
        Schema to return from ``__get_pydantic_core_schema__``.
    """
    parsed = core_schema.no_info_after_validator_function(parse, serialized)
    return core_schema.json_or_python_schema(
        json_schema=parsed,
        python_schema=core_schema.union_schema(
            [core_schema.is_instance_schema(cls), parsed], mode="left_to_right"
        ),
        serialization=core_schema.plain_serializer_function_ser_schema(serialize, return_schema=serialized),
    )
