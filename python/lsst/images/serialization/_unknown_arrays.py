# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Arrays and tables that unknown members refer to, kept from reading to writing."""

from __future__ import annotations

__all__ = ("load_references", "store_references")

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pydantic

from ..errors import ImagesError
from ._arrays import ArrayReferenceModel
from ._input_archive import InputArchive
from ._output_archive import OutputArchive
from ._polymorphic import is_reference
from ._tables import TableModel
from ._unknown_members import UnknownMember, UnknownMembers


@dataclasses.dataclass(frozen=True, eq=False)
class _Stored:
    """The content of an array or a table, in place of its raw JSON.

    Parameters
    ----------
    content
        The values.
    raw
        The JSON that referred to them.
    table
        Model of a table; `None` for an array.
    """

    content: np.ndarray
    raw: dict[str, Any]
    table: TableModel | None = None


def load_references(members: UnknownMembers, archive: InputArchive) -> UnknownMembers:
    """Read the arrays and tables that members refer to.

    Parameters
    ----------
    members
        Members with raw JSON.
    archive
        Archive that holds the arrays.

    Returns
    -------
    members
        Members with the content of the arrays.
    """

    def load(node: dict[str, Any], _: str) -> Any:
        try:
            if isinstance(node.get("source"), str) and "datatype" in node:
                return _Stored(archive.get_array(ArrayReferenceModel.model_validate(node)), node)
            if isinstance(node.get("columns"), list):
                table = TableModel.model_validate(node)
                return None if table.is_inline else _Stored(archive.get_structured_array(table), node, table)
        except (ImagesError, pydantic.ValidationError):
            # The reference is not usable; the member is left out on writing.
            pass
        # The content of a pointer may contain further references.
        return node if _is_fits_pointer(node) else None

    return _replace(members.members, load)


def store_references(
    members: UnknownMembers, archive: OutputArchive
) -> tuple[UnknownMembers, UnknownMembers]:
    """Write the arrays and tables of members.

    Parameters
    ----------
    members
        Result of `load_references`.
    archive
        Archive to write to.

    Returns
    -------
    stored
        Members with raw JSON that refers to the new archive.
    lost
        Members that refer to parts of the original file that could not be
        read.
    """

    def store(node: Any, path: str) -> Any:
        if not isinstance(node, _Stored):
            return None
        model: pydantic.BaseModel
        if node.table is None:
            model = archive.add_array(node.content, name=path)
        else:
            columns = node.table.columns
            model = archive.add_structured_array(
                node.content,
                name=path,
                units={column.name: column.unit for column in columns},
                descriptions={column.name: column.description for column in columns},
                meta=node.table.meta,
            )
        return {**_without_form(node.raw), **model.model_dump(mode="json")}

    usable = [member for member in members.members if not _refers_to_file(member.value)]
    lost = [member for member in members.members if _refers_to_file(member.value)]
    return _replace(tuple(usable), store), UnknownMembers(tuple(lost))


def _is_fits_pointer(node: dict[str, Any]) -> bool:
    return node.keys() == {"column", "row"}


def _without_form(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a raw reference that its models do not declare."""
    known = {*ArrayReferenceModel.model_fields, *TableModel.model_fields}
    return {name: value for name, value in raw.items() if name not in known}


def _replace(members: tuple[UnknownMember, ...], change: Callable[[Any, str], Any]) -> UnknownMembers:
    return UnknownMembers(
        tuple(
            dataclasses.replace(member, value=_replaced(member.value, str(member), change))
            for member in members
        )
    )


def _replaced(node: Any, path: str, change: Callable[[Any, str], Any]) -> Any:
    """Return a copy of raw JSON with the objects that a function changes; it returns `None` for others."""
    if isinstance(node, dict | _Stored) and (changed := change(node, path)) is not None:
        return changed
    if isinstance(node, dict):
        return {name: _replaced(value, f"{path}/{name}", change) for name, value in node.items()}
    if isinstance(node, list) and any(isinstance(item, dict | list | _Stored) for item in node):
        return [_replaced(value, f"{path}/{index}", change) for index, value in enumerate(node)]
    return node


def _refers_to_file(node: Any) -> bool:
    """Return whether raw JSON contains references that were not replaced by their content."""
    if isinstance(node, dict):
        return (
            (is_reference(node) and ("datatype" in node or "source" not in node))
            or _is_fits_pointer(node)
            or any(map(_refers_to_file, node.values()))
        )
    return isinstance(node, list) and any(map(_refers_to_file, node))
