# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Iterate over nested trees, and warn of development schemas."""

from __future__ import annotations

__all__ = ("iter_trees", "warn_for_development_schemas")

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from ..errors import DevelopmentSchemaWarning
from ._migrations import is_development_version
from ._polymorphic import UnreadableTree
from ._tree import ArchiveTree


def iter_trees(value: Any) -> Iterator[ArchiveTree | UnreadableTree]:
    """Iterate over the trees in a tree, itself included.

    Parameters
    ----------
    value
        A tree, or the value of a member of one.
    """
    if isinstance(value, ArchiveTree | UnreadableTree):
        yield value
    children: Any = ()
    if isinstance(value, UnreadableTree):
        return
    if isinstance(value, pydantic.BaseModel):
        children = (member for _, member in value)
    elif isinstance(value, Mapping):
        children = value.values()
    elif isinstance(value, list | tuple):
        children = value
    for child in children:
        yield from iter_trees(child)


def warn_for_development_schemas(tree: ArchiveTree, *, stacklevel: int = 2) -> None:
    """Warn if a tree uses development schemas, which may still change.

    Parameters
    ----------
    tree
        Tree of a file that is written.
    stacklevel
        As for `warnings.warn`.

    Warns
    -----
    DevelopmentSchemaWarning
        If a version of a schema is a development version.
    """
    urls = {
        node.SCHEMA_URL
        for node in iter_trees(tree)
        if isinstance(node, ArchiveTree) and is_development_version(node.SCHEMA_VERSION)
    }
    if urls:
        warnings.warn(
            f"The file uses development schemas, which may still change: {sorted(urls)}",
            DevelopmentSchemaWarning,
            stacklevel=stacklevel,
        )
