# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Small things that model declarations share."""

from __future__ import annotations

__all__ = (
    "JsonRef",
    "MetadataValue",
    "Named",
    "Pointer",
    "Series",
    "is_empty",
    "omit_if_empty",
    "omit_if_none",
)

from typing import Annotated, Any, TypeAlias, TypeVar

import pydantic

from ..utils import is_none

T = TypeVar("T")


class _FailFast(pydantic.FailFast):
    # Unions and caches of annotations need hashes.
    def __hash__(self) -> int:
        return hash(self.fail_fast)


Series: TypeAlias = Annotated[list[T], _FailFast()]
"""A list that is refused at its first wrong item, since it may have millions."""

_MANY = 1000
"""Items that are quickly complained of all together."""


def _one_by_one(value: Any, validate: pydantic.ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, dict) or len(value) <= _MANY:
        return validate(value)
    result: dict[str, Any] = {}
    for name, item in value.items():
        result |= validate({name: item})
    return result


Named: TypeAlias = Annotated[dict[str, T], pydantic.WrapValidator(_one_by_one)]
"""The same of a dictionary."""

MetadataValue: TypeAlias = (
    pydantic.StrictInt | pydantic.StrictFloat | pydantic.StrictStr | pydantic.StrictBool | None
)
"""What a metadata value may be."""


def is_empty(value: Any) -> bool:
    """Tell whether a container is empty.

    Parameters
    ----------
    value
        The container.
    """
    return not value


def omit_if_none(**options: Any) -> Any:
    """Make an optional field that is left out of the JSON when `None`.

    Parameters
    ----------
    **options
        Further arguments of `pydantic.Field`.
    """
    return pydantic.Field(default=None, exclude_if=is_none, **options)


def omit_if_empty(factory: Any, **options: Any) -> Any:
    """Make a container field that is left out of the JSON when empty.

    Parameters
    ----------
    factory
        Makes the default value.
    **options
        Further arguments of `pydantic.Field`.
    """
    return pydantic.Field(default_factory=factory, exclude_if=is_empty, **options)


class Pointer(pydantic.RootModel[dict[str, Any]]):
    """A reference to a sub-tree that is stored once and used several times.

    What is inside is the container's own: a row of a FITS table, a path in an
    NDF, a ``$ref`` in JSON.
    """


class JsonRef(pydantic.BaseModel, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True):
    """A pointer of the JSON container."""

    ref: str = pydantic.Field(alias="$ref")
