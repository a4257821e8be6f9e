# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Check schema versions, and migrate trees of older versions."""

from __future__ import annotations

__all__ = ("check_version", "is_development_version", "migrate", "parse_schema_url")

import functools
import re
from typing import Any

from ..errors import ArchiveSyntaxError, SchemaVersionError
from ..plugins import registry
from ..utils import short_repr

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(\.dev\d+)?")
_URL = re.compile(r"https?://[^/]+/(?:.*/)?schemas/(?P<name>[^/]+)")


def is_development_version(version: str) -> bool:
    """Return whether a schema version is a development version.

    Parameters
    ----------
    version
        ``major.minor.patch``, followed by ``.devN`` for a development version.
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
        If the URL does not have this form.  It is a `ValueError` too.
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
        Version of the installed model.

    Returns
    -------
    major
        Major version of the tree; `None` for one without a version.

    Raises
    ------
    SchemaVersionError
        If the tree requires a newer reader, or its versions are malformed.
    """
    version = tree.get("schema_version")
    needed = tree.get("min_read_version", 1)
    if not isinstance(needed, int):
        raise SchemaVersionError(
            f"A {short_repr(schema)} tree has min_read_version={short_repr(needed)}; expected an integer."
        )
    if needed > int(reader_version.partition(".")[0]):
        raise SchemaVersionError(
            f"A {short_repr(schema)} tree of version {short_repr(version)} requires reader major >= "
            f"{needed}; this is "
            f"{short_repr(reader_version)}. Update the package that defines the schema."
        )
    if version is None:
        return None
    if not isinstance(version, str) or not version:
        raise SchemaVersionError(
            f"A {short_repr(schema)} tree has schema_version={short_repr(version)}, not a non-empty string."
        )
    if not version.partition(".")[0].isdigit():
        raise SchemaVersionError(
            f"A {short_repr(schema)} tree has schema_version={short_repr(version)}, which has non-integer "
            "major."
        )
    return int(version.partition(".")[0])


def migrate(schema: str, tree: dict[str, Any], major: int, wanted: int) -> dict[str, Any]:
    """Migrate a raw tree to another major version.

    Parameters
    ----------
    schema
        Name of the schema.
    tree
        Raw JSON object; it is not changed.
    major, wanted
        Major version of the tree, and of the result.

    Returns
    -------
    tree
        Raw JSON object of the new major version.

    Raises
    ------
    SchemaVersionError
        If a migration of one of the steps is missing.
    """
    steps = registry.migrations()
    if major >= wanted or not any(name == schema for name, _ in steps):
        return tree
    while major < wanted:
        if (step := steps.get((schema, major))) is None:
            raise SchemaVersionError(
                f"No migration is registered from major {major} to {major + 1} of schema "
                f"{short_repr(schema)}."
            )
        # A copy, because the function may modify the tree and then fail.
        tree = step.function(_deep_copy(tree))
        major += 1
    return tree


def _deep_copy(tree: Any) -> Any:
    """Copy raw JSON, faster than `copy.deepcopy`, which keeps a memo."""
    if isinstance(tree, dict):
        return {key: _deep_copy(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_deep_copy(value) for value in tree]
    return tree
