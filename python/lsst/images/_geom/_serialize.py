# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization of bounds of any type.

Stored bounds have no type tag; their type is identified by the names of their
members.
"""

from __future__ import annotations

__all__ = (
    "BoundsSerializationModel",
    "IntersectionBoundsSerializationModel",
    "SerializableBounds",
    "SerializedBounds",
    "deserialize_bounds",
    "serialize_bounds",
)

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Protocol, runtime_checkable

import pydantic
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticOmit, core_schema
from typing_extensions import TypeAliasType

from ..errors import UnserializableTypeError
from ..plugins import registry
from ..utils import short_repr
from ._bounds import Bounds
from ._box import Box
from ._cell_grid import CellGridBounds
from ._region import RegionSerializationModel
from ._set_ops import intersect


@runtime_checkable
class SerializedBounds(Protocol):
    """Protocol of the serialized forms of bounds."""

    def deserialize(self) -> Bounds:
        """Return the bounds.

        Returns
        -------
        bounds
            The deserialized bounds.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of stored bounds: the names of its members and its pydantic model.

    Built-in kinds have their own tag in the union below and belong to the
    published schema; all kinds of plugins have the same tag.
    """

    members: frozenset[str]
    model: type[Any]
    tag: str

    def validate(self, value: Any) -> Any:
        return _adapter(self.model).validate_python(value)


_PLUGIN = "plugin"
"""Tag of the union member for bounds that plugins declare."""


class _Kinds:
    """All kinds of stored bounds: the built-in ones and those that plugins declare."""

    def __init__(self) -> None:
        self._own: dict[frozenset[str], _Kind] = {}

    def add(self, kind: _Kind) -> None:
        self._own[kind.members] = kind

    def find(self, value: Any) -> _Kind | None:
        if isinstance(value, Mapping):
            return self._find_by_members(frozenset(value))
        own = (kind for kind in self._own.values() if isinstance(value, kind.model))
        return next(own, None) or next(_declared_for(type(value)), None)

    def _find_by_members(self, present: frozenset[str]) -> _Kind | None:
        if present in self._own:
            return self._own[present]
        # Plugins are loaded only here, and only the matching one is imported.
        known = sorted({*self._own, *registry.bounds()}, key=lambda members: -len(members))
        members = next((members for members in known if members <= present), None)
        if members is None:
            return None
        spec = registry.bounds().get(members)
        return self._own[members] if spec is None else _Kind(members, registry.load(spec.model), _PLUGIN)

    def tag(self, value: Any) -> str:
        kind = self.find(value)
        return kind.tag if kind is not None else _PLUGIN

    def describe(self) -> str:
        return " or ".join(str(sorted(members)) for members in [*self._own, *registry.bounds()])


def _declared_for(model: type) -> Iterator[_Kind]:
    """Find the kinds of plugins whose model is a type or one of its bases."""
    # A model that has not been imported has no instances, so compare names first.
    names = {base.__name__ for base in model.__mro__}
    for members, spec in registry.bounds().items():
        if spec.model.rpartition(":")[2] in names and issubclass(model, registry.load(spec.model)):
            yield _Kind(members, registry.load(spec.model), _PLUGIN)


_kinds = _Kinds()


_adapter: Callable[[Any], pydantic.TypeAdapter[Any]] = functools.cache(pydantic.TypeAdapter)


class _PluginBounds:
    """The member of the union for kinds that plugins declare.

    Bounds are accepted too, and serialized first.  It is omitted from JSON
    schemas, so that these do not depend on the installed plugins.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(cls._dump, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        raise PydanticOmit

    @staticmethod
    def _validate(value: Any) -> Any:
        if not isinstance(value, Mapping) and isinstance(value, Bounds):
            value = value.serialize()
        kind = _kinds.find(value)
        if kind is None:
            raise PydanticCustomError(
                "unknown_bounds",
                "Expected stored bounds with the members {known}",
                {"known": _kinds.describe()},
            )
        return kind.validate(value)

    @staticmethod
    def _dump(value: Any, info: core_schema.SerializationInfo) -> Any:
        return _adapter(type(value)).dump_python(value, mode="json" if info.mode_is_json() else "python")


class _PlainUnion:
    """Use ``anyOf`` instead of ``oneOf`` in the JSON schema of the union."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        json_schema = handler(schema)
        target = handler.resolve_ref_schema(json_schema)
        if "oneOf" in target:
            target["anyOf"] = target.pop("oneOf")
        return json_schema


BoundsSerializationModel = TypeAliasType(
    "BoundsSerializationModel",
    Annotated[
        Annotated[Box, pydantic.Tag("box")]
        | Annotated[CellGridBounds, pydantic.Tag("cells")]
        | Annotated[RegionSerializationModel, pydantic.Tag("region")]
        | Annotated["IntersectionBoundsSerializationModel", pydantic.Tag("intersection")]
        | Annotated[SerializedBounds, _PluginBounds, pydantic.Tag(_PLUGIN)],
        pydantic.Discriminator(_kinds.tag),
        _PlainUnion,
    ],
)
"""Type of pydantic fields that hold stored bounds of any kind.

The value has a ``deserialize`` method without arguments.  A `Bounds` is
accepted as well, and serialized.
"""

SerializableBounds = BoundsSerializationModel
"""Alias of `BoundsSerializationModel`."""


class IntersectionBoundsSerializationModel(pydantic.BaseModel):
    """The stored form of `IntersectionBounds`."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={"description": "The intersection of two bounds that has no simpler form."}
    )

    a: BoundsSerializationModel
    b: BoundsSerializationModel

    def deserialize(self) -> Bounds:
        """Return the intersection of the stored bounds.

        Returns
        -------
        bounds
            The simplest form of the intersection.
        """
        bounds: Bounds = intersect(self.a.deserialize(), self.b.deserialize())
        return bounds


def serialize_bounds(bounds: Bounds) -> SerializedBounds:
    """Return a serializable form of bounds, for fields of pydantic models.

    Parameters
    ----------
    bounds
        Bounds of any kind.

    Returns
    -------
    serialized
        A value for fields of type `BoundsSerializationModel`.

    Raises
    ------
    UnserializableTypeError
        If ``bounds`` is not a `Bounds`, or is of a kind that no plugin declares.
    """
    serialized: Any = bounds.serialize() if isinstance(bounds, Bounds) else None
    if isinstance(serialized, Mapping) or _kinds.find(serialized) is None:
        raise UnserializableTypeError(
            f"{short_repr(bounds)} cannot be serialized as bounds; declare its type with the hook "
            "register_bounds()."
        )
    result: SerializedBounds = serialized
    return result


def deserialize_bounds(serialized: Any) -> Bounds:
    """Return the bounds for the result of `serialize_bounds`.

    Parameters
    ----------
    serialized
        Result of `serialize_bounds`, or its JSON form as a `dict`.

    Returns
    -------
    bounds
        The deserialized bounds.

    Raises
    ------
    pydantic.ValidationError
        If ``serialized`` does not have the members of any kind of bounds.
    """
    if not isinstance(serialized, SerializedBounds):
        serialized = _adapter(BoundsSerializationModel).validate_python(serialized)
    bounds: Bounds = serialized.deserialize()
    return bounds


for _tag, _model, _members in (
    ("box", Box, ("y", "x")),
    ("cells", CellGridBounds, ("grid", "bbox")),
    ("region", RegionSerializationModel, ("type", "coordinates")),
    ("intersection", IntersectionBoundsSerializationModel, ("a", "b")),
):
    _kinds.add(_Kind(frozenset(_members), _model, _tag))
