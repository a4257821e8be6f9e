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
    "register_bounds_model",
    "serialize_bounds",
)

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Protocol, runtime_checkable

import pydantic
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticOmit, core_schema
from typing_extensions import TypeAliasType

from ..errors import DuplicateRegistrationError, UnserializableTypeError
from ._bounds import Bounds
from ._box import Box
from ._cell_grid import CellGridBounds
from ._polygon import RegionSerializationModel
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

    Those with a tag belong to the published schema, and to the union below.
    """

    members: frozenset[str]
    model: type[Any]
    tag: str

    def validate(self, value: Any) -> Any:
        return _adapter(self.model).validate_python(value)


_FOREIGN = "foreign"


class _Kinds:
    """All known kinds of stored bounds."""

    def __init__(self) -> None:
        self._kinds: list[_Kind] = []

    def add(self, kind: _Kind) -> None:
        for known in self._kinds:
            if known.members == kind.members:
                raise DuplicateRegistrationError(
                    f"Bounds with members {sorted(kind.members)} belong to {known.model.__name__} already."
                )
        # Kinds with more members are asked first.
        self._kinds.append(kind)
        self._kinds.sort(key=lambda known: -len(known.members))

    def find(self, value: Any) -> _Kind | None:
        if isinstance(value, Mapping):
            return next((kind for kind in self._kinds if kind.members <= value.keys()), None)
        return next((kind for kind in self._kinds if isinstance(value, kind.model)), None)

    def tag(self, value: Any) -> str:
        kind = self.find(value)
        return kind.tag if kind is not None else _FOREIGN

    def describe(self) -> str:
        return " or ".join(str(sorted(kind.members)) for kind in self._kinds)


_kinds = _Kinds()


_adapter: Callable[[Any], pydantic.TypeAdapter[Any]] = functools.cache(pydantic.TypeAdapter)


class _ForeignBounds:
    """The branch of the union for kinds that joined later.

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


def register_bounds_model(model: type[Any], *, members: Iterable[str]) -> None:
    """Let bounds of another kind be stored.

    Parameters
    ----------
    model
        Class that pydantic can handle, with a ``deserialize`` method without
        arguments that returns `Bounds`; usually a `pydantic.BaseModel`.  It is
        what the ``serialize`` method of these bounds returns.
    members
        Names of members that are always present in the stored form, and tell
        it apart from all other kinds.  Of two kinds that match, that with more
        members wins.

    Raises
    ------
    DuplicateRegistrationError
        If there is a kind with just these members already.
    """
    _kinds.add(_Kind(frozenset(members), model, _FOREIGN))


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
        If these are no bounds, or their kind is not registered.
    """
    serialized: Any = bounds.serialize() if isinstance(bounds, Bounds) else None
    if isinstance(serialized, Mapping) or _kinds.find(serialized) is None:
        raise UnserializableTypeError(
            f"{bounds!r} cannot be stored as bounds; register_bounds_model makes other kinds known."
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
