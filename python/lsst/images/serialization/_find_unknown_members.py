# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find members that no model declares: compare the raw JSON with the validated tree."""

from __future__ import annotations

__all__ = ("find_unknown_members",)

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pydantic

from ._polymorphic import UnreadableTree
from ._tree import ArchiveTree
from ._unknown_members import ListItem, Step, UnknownMember, UnknownMembers

_NESTED = (dict, list)


def find_unknown_members(raw: dict[str, Any], tree: ArchiveTree) -> UnknownMembers | None:
    """Compare the raw JSON of a file with the validated tree.

    Parameters
    ----------
    raw
        Raw JSON of the tree.
    tree
        The tree that was validated from it.

    Returns
    -------
    members
        Members of ``raw``, at any depth, that no model declares; `None` if
        every member is declared.
    """
    found: list[UnknownMember] = []
    pending: list[tuple[_Place, str, Any, Any]] = [((None, ""), "", raw, tree)]
    while pending:
        place, schema, node, value = pending.pop()
        if type(node) is list:
            if isinstance(value, Sequence):
                pending.extend(
                    ((place, (node, index)), schema, item, value[index])
                    for index, item in enumerate(node[: len(value)])
                    if type(item) is dict or (type(item) is list and item and type(item[0]) in _NESTED)
                )
            continue
        if isinstance(value, ArchiveTree):
            schema = value.SCHEMA_NAME or schema
            if node.get("schema_version") != value.SCHEMA_VERSION or value.OLD_MEMBERS:
                node = _current_form(node, value)
        known, attributes = _known_members(node, value)
        if not node.keys() <= known.keys():
            path = _path_of(place)
            found += [UnknownMember(path, name, node[name], schema) for name in node if name not in known]
        for name, item in node.items():
            # Lists of numbers, which may be long, are left out.
            kind = type(item)
            if (kind is dict or (kind is list and item and type(item[0]) in _NESTED)) and name in known:
                attribute = known[name]
                inner = _inner_value(value, attribute, item) if attributes else attribute
                pending.append(((place, name), schema, item, inner))
    return UnknownMembers(tuple(found)) if found else None


_Place: TypeAlias = tuple[Any, Any]
"""Place of a raw value: the place of its parent, and a name, or a list and an index."""


def _path_of(place: _Place) -> tuple[Step, ...]:
    steps: list[Step] = []
    while place[0] is not None:
        place, step = place
        steps.append(step if isinstance(step, str) else ListItem.of(*step))
    return tuple(reversed(steps))


def _current_form(raw: dict[str, Any], tree: ArchiveTree) -> dict[str, Any]:
    """Return a raw tree with the names of members that its model declares."""
    if "schema_version" in raw:
        return tree.prepare(raw)
    # Trees of the first releases have members that were removed before 1.0.0.
    return {name: raw[name] for name in raw if name in _attributes_of(type(tree))}


def _known_members(raw: dict[str, Any], value: Any) -> tuple[Mapping[str, Any], bool]:
    """Return the members that are declared for a JSON object.

    Returns
    -------
    members
        Values by name of the member; or the attributes that have the values.
    attributes
        Whether these are attributes.
    """
    if isinstance(value, UnreadableTree):
        # Its raw JSON is written again as a whole.
        return raw, False
    if isinstance(value, pydantic.RootModel):
        value = value.root
    if isinstance(value, pydantic.BaseModel):
        known = _attributes_of(type(value))
        if raw.keys() <= known.keys() or isinstance(value, ArchiveTree):
            return known, True
        # Models of other packages, and of older releases, have members beyond their fields.
        return {**dict.fromkeys(value.model_dump(), ""), **known}, True
    if isinstance(value, Mapping):
        return value, False
    shape = (type(value), *raw, *(tuple(v) if type(v) is dict else () for v in raw.values()))
    if shape in _complete_shapes:
        return raw, False
    dumped = _dump(value)
    if not isinstance(dumped, dict):
        return raw, False
    if _has_members(raw, dumped):
        _complete_shapes.add(shape)
    return dumped, False


def _inner_value(model: pydantic.BaseModel, attribute: str, raw: Any) -> Any:
    """Return the value of a field to compare with its raw JSON, or the raw JSON if that is complete."""
    value = getattr(model, attribute, None)
    if isinstance(value, pydantic.BaseModel | Mapping | Sequence) or type(raw) is not dict:
        return value
    if value is None or _adapter_of(type(value)) is not None:
        return value
    # Only the field defines the JSON of quantities and arrays.
    shape = (type(model), attribute, *raw)
    if shape in _complete_shapes:
        return raw
    dumped = model.model_dump(mode="json", include={attribute}).get(attribute)
    if isinstance(dumped, dict) and raw.keys() <= dumped.keys():
        _complete_shapes.add(shape)
    return dumped


_complete_shapes: set[tuple[Any, ...]] = set()
"""Types with the names of the members of their JSON, two levels deep, for JSON without unknown members."""


def _has_members(raw: dict[str, Any], dumped: dict[str, Any]) -> bool:
    """Return whether all members of a raw value of two levels are known."""
    return raw.keys() <= dumped.keys() and all(
        isinstance(dumped[name], dict)
        and value.keys() <= dumped[name].keys()
        and not any(type(item) in _NESTED for item in value.values())
        if type(value) is dict
        else type(value) is not list or not value or type(value[0]) not in _NESTED
        for name, value in raw.items()
    )


@functools.cache
def _attributes_of(model: type[pydantic.BaseModel]) -> Mapping[str, str]:
    attributes = {name: name for name in (*model.model_computed_fields, *model.__private_attributes__)}
    for name, field in model.model_fields.items():
        choices = field.validation_alias
        aliases = choices.choices if isinstance(choices, pydantic.AliasChoices) else [choices]
        attributes |= {alias: name for alias in (*aliases, field.alias, name) if isinstance(alias, str)}
    return attributes


def _make_adapter(pytype: Any) -> pydantic.TypeAdapter[Any] | None:
    try:
        return pydantic.TypeAdapter(pytype)
    except pydantic.errors.PydanticUserError:
        return None


_adapter_of: Callable[[Any], pydantic.TypeAdapter[Any] | None] = functools.cache(_make_adapter)


def _dump(value: Any) -> Any:
    """Return the JSON of an object that is not a model, or `None`."""
    adapter = _adapter_of(type(value)) if value is not None else None
    return None if adapter is None else adapter.dump_python(value, mode="json")
