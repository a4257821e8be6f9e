# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How bounds of any kind are stored.

Stored bounds carry no tag; the names of their members tell the kinds apart.
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
from ._bounds import Bounds
from ._box import Box
from ._cell_grid import CellGridBounds
from ._region import RegionSerializationModel
from ._set_ops import intersect


@runtime_checkable
class SerializedBounds(Protocol):
    """What all serialized bounds have in common."""

    def deserialize(self) -> Bounds:
        """Make the bounds.

        Returns
        -------
        bounds
            Live bounds.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of stored bounds: its members, and what handles it.

    The built-in ones have a tag of their own, and belong to the published
    schema and to the union below.
    """

    members: frozenset[str]
    model: type[Any]
    tag: str

    def validate(self, value: Any) -> Any:
        return _adapter(self.model).validate_python(value)


_FOREIGN = "foreign"


class _Kinds:
    """All known kinds of stored bounds: the built-in and the declared ones."""

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
        # Only now are plugins loaded, and only the one that matches imported.
        known = sorted({*self._own, *registry.bounds()}, key=lambda members: -len(members))
        members = next((members for members in known if members <= present), None)
        if members is None:
            return None
        spec = registry.bounds().get(members)
        return self._own[members] if spec is None else _Kind(members, registry.load(spec.model), _FOREIGN)

    def tag(self, value: Any) -> str:
        kind = self.find(value)
        return kind.tag if kind is not None else _FOREIGN

    def describe(self) -> str:
        return " or ".join(str(sorted(members)) for members in [*self._own, *registry.bounds()])


def _declared_for(model: type) -> Iterator[_Kind]:
    """Find the declared kinds whose stored form is a type, or a base of it."""
    # The form of bounds that nobody imported cannot exist.
    names = {base.__name__ for base in model.__mro__}
    for members, spec in registry.bounds().items():
        if spec.model.rpartition(":")[2] in names and issubclass(model, registry.load(spec.model)):
            yield _Kind(members, registry.load(spec.model), _FOREIGN)


_kinds = _Kinds()


_adapter: Callable[[Any], pydantic.TypeAdapter[Any]] = functools.cache(pydantic.TypeAdapter)


class _ForeignBounds:
    """The branch of the union for kinds that plugins declare.

    Also takes live bounds, and serializes them first.  It is left out of JSON
    schemas, so that these do not depend on what is installed.
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
                "Bounds are needed, told apart by their members: {known}",
                {"known": _kinds.describe()},
            )
        return kind.validate(value)

    @staticmethod
    def _dump(value: Any, info: core_schema.SerializationInfo) -> Any:
        return _adapter(type(value)).dump_python(value, mode="json" if info.mode_is_json() else "python")


class _PlainUnion:
    """Publishes the union without saying that exactly one branch matches."""

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
        | Annotated[SerializedBounds, _ForeignBounds, pydantic.Tag(_FOREIGN)],
        pydantic.Discriminator(_kinds.tag),
        _PlainUnion,
    ],
)
"""Type of pydantic fields that hold stored bounds of any kind.

The value has a ``deserialize`` method without arguments.  Live bounds are
accepted as well, and serialized.
"""

SerializableBounds = BoundsSerializationModel
"""Another name of `BoundsSerializationModel`."""


class IntersectionBoundsSerializationModel(pydantic.BaseModel):
    """The stored form of an intersection that has no simpler one."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={"description": "The intersection of two bounds that has no simpler form."}
    )

    a: BoundsSerializationModel
    b: BoundsSerializationModel

    def deserialize(self) -> Bounds:
        """Intersect the stored bounds.

        Returns
        -------
        bounds
            Their intersection.
        """
        bounds: Bounds = intersect(self.a.deserialize(), self.b.deserialize())
        return bounds


def serialize_bounds(bounds: Bounds) -> SerializedBounds:
    """Make the form of bounds that is nested in pydantic models.

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
        If these are no bounds, or of a kind that nobody has declared.
    """
    serialized: Any = bounds.serialize() if isinstance(bounds, Bounds) else None
    if isinstance(serialized, Mapping) or _kinds.find(serialized) is None:
        raise UnserializableTypeError(
            f"{bounds!r} cannot be stored as bounds; the hook register_bounds() makes other kinds known."
        )
    result: SerializedBounds = serialized
    return result


def deserialize_bounds(serialized: Any) -> Bounds:
    """Undo `serialize_bounds`.

    Parameters
    ----------
    serialized
        What `serialize_bounds` made, or its JSON form as a `dict`.

    Returns
    -------
    bounds
        Live bounds.

    Raises
    ------
    pydantic.ValidationError
        If this is no stored form of bounds.
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
