# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Versions of schemas: which trees can be read, and how old ones are lifted."""

from __future__ import annotations

__all__ = ("check_version", "is_development_version", "migrate", "parse_schema_url")

import functools
import re
from typing import Any

from ..errors import ArchiveSyntaxError, SchemaVersionError
from ..plugins import registry

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(\.dev\d+)?")
_URL = re.compile(r"https?://[^/]+/(?:.*/)?schemas/(?P<name>[^/]+)")


def is_development_version(version: str) -> bool:
    """Tell whether a schema version may still change.

    Parameters
    ----------
    version
        ``major.minor.patch``, with ``.devN`` behind it for a development
        version.
    """
    return ".dev" in version


@functools.lru_cache(maxsize=256)
def parse_schema_url(url: str) -> tuple[str, str]:
    """Split a schema URL into name and version.

    Parameters
    ----------
    url
        ``https://HOST/.../schemas/NAME-VERSION``.

    Returns
    -------
    name, version
        The name may itself contain hyphens.

    Raises
    ------
    NotAnArchiveError
        If the URL is not of this form.  It is a `ValueError` too.
    """
    if (match := _URL.fullmatch(url)) is None:
        raise ArchiveSyntaxError(
            f"Schema URL {url!r:.200} does not have the required form 'https://HOST/.../schemas/NAME-VERSION'."
        )
    name, _, version = match["name"].rpartition("-")
    if not name or not version[:1].isdigit():
        raise ArchiveSyntaxError(f"Cannot parse schema name/version of {url!r:.200}; expected NAME-VERSION.")
    return name, version


def check_version(schema: str, tree: dict[str, Any], reader_version: str) -> int | None:
    """Check that a tree can be read.

    Parameters
    ----------
    schema
        Name of the schema.
    tree
        Raw JSON object.
    reader_version
        Version of the schema that this process knows.

    Returns
    -------
    major
        Major version of the tree; `None` for one without a version.

    Raises
    ------
    SchemaVersionError
        If the tree needs a newer reader, or its stamps are malformed.
    """
    version = tree.get("schema_version")
    needed = tree.get("min_read_version", 1)
    if not isinstance(needed, int):
        raise SchemaVersionError(f"A {schema!r} tree has min_read_version={needed!r}; wanted is an integer.")
    if needed > int(reader_version.partition(".")[0]):
        raise SchemaVersionError(
            f"A {schema!r} tree of version {version!r} requires reader major >= {needed}; this is "
            f"{reader_version!r}. Update the package that defines the schema."
        )
    if version is None:
        return None
    if not isinstance(version, str) or not version:
        raise SchemaVersionError(f"A {schema!r} tree has schema_version={version!r}, not a non-empty string.")
    if not version.partition(".")[0].isdigit():
        raise SchemaVersionError(
            f"A {schema!r} tree has schema_version={version!r}, which has non-integer major."
        )
    return int(version.partition(".")[0])


def migrate(schema: str, tree: dict[str, Any], major: int, wanted: int) -> dict[str, Any]:
    """Lift a raw tree to the major version that this process knows.

    Parameters
    ----------
    schema
        Name of the schema.
    tree
        Raw JSON object; it is not changed.
    major, wanted
        Major version of the tree, and the one wanted.

    Returns
    -------
    tree
        Raw JSON object of the wanted major version.

    Raises
    ------
    SchemaVersionError
        If a step is missing.
    """
    steps = registry.migrations()
    if major >= wanted or not any(name == schema for name, _ in steps):
        return tree
    while major < wanted:
        if (step := steps.get((schema, major))) is None:
            raise SchemaVersionError(
                f"There is no migration from major {major} to {major + 1} of schema {schema!r}."
            )
        # A copy, because a failed step must not spoil the tree for others.
        tree = step.function(_deep_copy(tree))
        major += 1
    return tree


def _deep_copy(tree: Any) -> Any:
    """Copy raw JSON, without the memo that `copy.deepcopy` keeps."""
    if isinstance(tree, dict):
        return {key: _deep_copy(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_deep_copy(value) for value in tree]
    return tree
