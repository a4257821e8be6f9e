# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Field types and factories that several models share."""

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
    # Unions and caches require annotations to be hashable.
    def __hash__(self) -> int:
        return hash(self.fail_fast)


Series: TypeAlias = Annotated[list[T], _FailFast()]
"""A list whose validation stops at the first invalid item, since it may have millions."""

MAX_ITEMS_FOR_FULL_REPORT = 1000
"""Largest number of items for which all validation errors are reported."""


def _one_by_one(value: Any, validate: pydantic.ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, dict) or len(value) <= MAX_ITEMS_FOR_FULL_REPORT:
        return validate(value)
    result: dict[str, Any] = {}
    for name, item in value.items():
        result |= validate({name: item})
    return result


Named: TypeAlias = Annotated[dict[str, T], pydantic.WrapValidator(_one_by_one)]
"""A dictionary; if it is large, validation stops at the first invalid value."""

MetadataValue: TypeAlias = (
    pydantic.StrictInt | pydantic.StrictFloat | pydantic.StrictStr | pydantic.StrictBool | None
)
"""Types of a metadata value."""


def is_empty(value: Any) -> bool:
    """Return whether a container is empty.

    Parameters
    ----------
    value
        The container.
    """
    return not value


def omit_if_none(**options: Any) -> Any:
    """Return an optional field that is omitted from the JSON if it is `None`.

    Parameters
    ----------
    **options
        Further arguments of `pydantic.Field`.
    """
    return pydantic.Field(default=None, exclude_if=is_none, **options)


def omit_if_empty(factory: Any, **options: Any) -> Any:
    """Return a container field that is omitted from the JSON if it is empty.

    Parameters
    ----------
    factory
        Returns the default value.
    **options
        Further arguments of `pydantic.Field`.
    """
    return pydantic.Field(default_factory=factory, exclude_if=is_empty, **options)


class Pointer(pydantic.RootModel[dict[str, Any]]):
    """A reference to a sub-tree that is stored once and used several times.

    Its content depends on the container: a row of a FITS table, a path in an
    NDF, a ``$ref`` in JSON.
    """


class JsonRef(pydantic.BaseModel, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True):
    """A pointer of the JSON container."""

    ref: str = pydantic.Field(alias="$ref")
