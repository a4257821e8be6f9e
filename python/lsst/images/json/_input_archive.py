# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read JSON files, which consist of the tree with all arrays inline."""

from __future__ import annotations

__all__ = ("JsonInputArchive", "parse_json")

import gc
from types import EllipsisType
from typing import Any, NoReturn, Self

import pydantic_core

from lsst.resources import ResourcePath

from .._bytes._open_source import read_bytes
from ..errors import ArchiveReadError, ArchiveSyntaxError, CorruptArchiveError, NotAnArchiveError
from ..serialization import ArrayReferenceModel, InputArchive, TableModel
from ..utils import short_repr


class JsonInputArchive(InputArchive):
    """An open JSON file.

    Parameters
    ----------
    tree
        The parsed document.
    """

    CONTAINER = "json"

    def __init__(self, tree: dict[str, Any]) -> None:
        super().__init__()
        self._tree = tree

    @classmethod
    def open(cls, target: Any, *, partial: bool = True) -> Self:
        if hasattr(target, "seek"):
            return cls(parse_json(target.read()))
        content = read_bytes(ResourcePath(target, forceDirectory=False))
        return cls(parse_json(content))

    def close(self) -> None:
        self._tree = {}

    @property
    def schema_url(self) -> str | None:
        url = self._tree.get("schema_url")
        return url if isinstance(url, str) else None

    def get_raw_tree(self) -> dict[str, Any]:
        return self._tree

    def get_passthrough(self) -> None:
        return None

    def _read_array(self, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType) -> NoReturn:
        raise _reference_error(model.source)

    def _read_columns(self, model: TableModel) -> NoReturn:
        raise _reference_error([column.name for column in model.columns])

    def _read_pointer(self, pointer: dict[str, Any]) -> dict[str, Any]:
        reference = pointer.get("$ref")
        prefix, _, number = str(reference).rpartition("/")
        targets = self._tree.get("indirect", [])
        if prefix != "#/indirect" or not number.isdigit() or int(number) >= len(targets):
            raise CorruptArchiveError(
                f"Pointer {short_repr(pointer)} is invalid; expected '#/indirect/N' with N below "
                f"{len(targets)}."
            )
        target: dict[str, Any] = targets[int(number)]
        return target


def parse_json(content: bytes) -> dict[str, Any]:
    """Parse a JSON tree; the literals ``NaN`` and ``Infinity`` are allowed.

    Parameters
    ----------
    content
        UTF-8 text of a JSON object.

    Raises
    ------
    NotAnArchiveError
        If the text is not a JSON object, or is nested deeper than the limit
        of the parser, 200 levels.
    """
    collects = gc.isenabled()
    # Garbage collection of millions of new lists would take longer than
    # parsing, and could free nothing.
    gc.disable()
    try:
        tree = pydantic_core.from_json(content, allow_inf_nan=True)
    except ValueError as err:
        raise ArchiveSyntaxError(f"Not a JSON file: {err}") from err
    finally:
        if collects:
            gc.enable()
    if not isinstance(tree, dict):
        raise NotAnArchiveError(f"The file holds a JSON {type(tree).__name__}, not an object.")
    return tree


def _reference_error(source: Any) -> ArchiveReadError:
    return ArchiveReadError(
        f"The tree of the JSON file refers to the external array {short_repr(source)}; expected inline "
        "arrays only."
    )
