# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What shapes have in common: nothing changes them, and pydantic knows them."""

from __future__ import annotations

__all__ = ("Value", "schema_of_instances")

from collections.abc import Callable
from typing import Any, NoReturn, Self

from pydantic_core import core_schema


class Value:
    """Base of immutable objects, which are their own copies.

    Notes
    -----
    Subclasses declare slots, and fill those of a new object with the setters
    of the slots themselves, since assignment is refused.
    """

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"Cannot set {name!r}: {type(self).__name__} objects are immutable; make a new one."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Cannot delete {name!r}: {type(self).__name__} objects are immutable.")


def schema_of_instances(
    cls: type[Any],
    serialized: core_schema.CoreSchema,
    *,
    parse: Callable[[Any], Any],
    serialize: Callable[[Any], Any],
) -> core_schema.CoreSchema:
    """Make the pydantic schema of a class from that of its stored form.

    Parameters
    ----------
    cls
        The class; its instances are taken as they are in Python.
    serialized
        Schema of the stored form.
    parse
        Makes an instance of the validated stored form.
    serialize
        Makes the stored form of an instance.

    Returns
    -------
    schema
        What ``__get_pydantic_core_schema__`` returns.
    """
    parsed = core_schema.no_info_after_validator_function(parse, serialized)
    return core_schema.json_or_python_schema(
        json_schema=parsed,
        python_schema=core_schema.union_schema(
            [core_schema.is_instance_schema(cls), parsed], mode="left_to_right"
        ),
        serialization=core_schema.plain_serializer_function_ser_schema(serialize, return_schema=serialized),
    )
