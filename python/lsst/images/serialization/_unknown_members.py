# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Members of a tree that its models do not declare, kept from reading to writing.

Files of a newer minor version have members that this version does not
interpret.  They are attached to the object that is read, and are written again
at the same place.
"""

from __future__ import annotations

__all__ = ("ListItem", "UnknownMember", "UnknownMembers", "keep_unknown_members")

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from ..errors import NotAnArchiveError
from ._migrations import parse_schema_url
from ._tree import AMENDMENT, ArchiveTree

_STAMPS = frozenset({"schema_version", "schema_url", "min_read_version", "source"})
"""Members that differ between two files of the same object."""

_MAX_MARK_LENGTH = 80
"""Length, in characters, of the longest string that identifies an item of a list."""


@dataclasses.dataclass(frozen=True)
class ListItem:
    """An element of the path of a member: one item of a list.

    Parameters
    ----------
    index
        Index of the item in the file that was read.
    length
        Length of the list in that file.
    marks
        Numbers and short strings of the item, by which it is found again.
    """

    index: int
    length: int
    marks: Mapping[str, Any]

    @classmethod
    def of(cls, items: list[Any], index: int) -> ListItem:
        """Describe an item of a raw list.

        Parameters
        ----------
        items
            The list.
        index
            Index of the item.
        """
        item = items[index]
        pairs = item.items() if isinstance(item, dict) else ()
        return cls(index, len(items), {k: v for k, v in pairs if k not in _STAMPS and _is_mark(v)})

    def find(self, items: list[Any], known: frozenset[str]) -> Any:
        """Return the same item of a list that is written, or `None`.

        Parameters
        ----------
        items
            The raw list.
        known
            Names of marks that are themselves unknown members.
        """
        marks = [(k, v) for k, v in self.marks.items() if k not in known]
        same = [
            item
            for item in items
            if isinstance(item, dict) and all(k in item and item[k] == v for k, v in marks)
        ]
        if len(items) == self.length and (len(same) != 1 or items[self.index] in same):
            return items[self.index]
        return same[0] if len(same) == 1 and marks else None


Step: TypeAlias = str | ListItem


@dataclasses.dataclass(frozen=True)
class UnknownMember:
    """One member that no model declares.

    Parameters
    ----------
    parent
        Path of the JSON object that has the member.
    name
        Name of the member.
    value
        Its raw JSON.
    schema
        Schema of the innermost tree that contains it.
    """

    parent: tuple[Step, ...]
    name: str
    value: Any
    schema: str

    def __str__(self) -> str:
        steps = (str(step.index) if isinstance(step, ListItem) else step for step in self.parent)
        return "/".join((*steps, self.name))


@dataclasses.dataclass(frozen=True)
class UnknownMembers:
    """The members of one file that no model declares.

    Parameters
    ----------
    members
        The members, in the order of their paths.
    """

    members: tuple[UnknownMember, ...]

    def __str__(self) -> str:
        names = sorted(map(str, self.members))
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        return ", ".join(names[:10]) + more

    def without(self, name: str) -> UnknownMembers | None:
        """Return the members outside one component.

        Parameters
        ----------
        name
            Name of the component.
        """
        found = [member for member in self.members if member.parent[:1] != (name,)]
        return UnknownMembers(tuple(found)) if found else None

    def insert(self, tree: dict[str, Any]) -> list[UnknownMember]:
        """Insert the members into the raw JSON of a tree.

        Parameters
        ----------
        tree
            The tree, which is modified.

        Returns
        -------
        lost
            Members whose place does not exist in this tree.
        """
        unknown = frozenset(member.name for member in self.members)
        places = [_find_place(tree, member, unknown) for member in self.members]
        for place, member in zip(places, self.members, strict=True):
            if place is not None:
                place.setdefault(member.name, member.value)
        return [m for m, place in zip(self.members, places, strict=True) if place is None]


def keep_unknown_members(tree: ArchiveTree, members: UnknownMembers) -> list[UnknownMember]:
    """Insert unknown members whenever a tree is written as JSON.

    Parameters
    ----------
    tree
        Root of the tree.
    members
        The members.

    Returns
    -------
    lost
        Members that this tree does not have a place for.
    """
    lost = members.insert(json.loads(tree.model_dump_json()))
    vars(tree)[AMENDMENT] = functools.partial(_amend, members)
    return lost


def _amend(members: UnknownMembers, text: str, options: Mapping[str, Any]) -> str:
    tree = json.loads(text)
    members.insert(tree)
    return json.dumps(
        tree,
        ensure_ascii=options.get("ensure_ascii", False),
        indent=options.get("indent"),
        separators=(",", ":") if options.get("indent") is None else None,
    )


def _find_place(
    tree: dict[str, Any], member: UnknownMember, unknown: frozenset[str]
) -> dict[str, Any] | None:
    node: Any = tree
    schema = _schema_of(tree, "")
    for step in member.parent:
        if isinstance(step, ListItem):
            node = step.find(node, unknown) if isinstance(node, list) else None
        else:
            node = node.get(step) if isinstance(node, dict) else None
        schema = _schema_of(node, schema)
    if not isinstance(node, dict):
        return None
    # The raw JSON of a placeholder has its members already.
    return node if schema == member.schema or member.name in node else None


def _schema_of(node: Any, outer: str) -> str:
    url = node.get("schema_url") if isinstance(node, dict) else None
    try:
        return parse_schema_url(url)[0] if isinstance(url, str) else outer
    except NotAnArchiveError:
        return outer


def _is_mark(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _MAX_MARK_LENGTH)
