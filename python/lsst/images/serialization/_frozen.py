# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""JSON Schema documents of trees, and their freezing when they are released.

A document that is frozen is never written again: whoever changes what a file
may hold gives the schema a new version.  Titles, descriptions and the names of
definitions may change.
"""

from __future__ import annotations

__all__ = (
    "available_schema_classes",
    "check_frozen_schemas",
    "dump_schema",
    "frozen_schema_filename",
    "frozen_schema_path",
    "schema_dependencies",
    "write_frozen_schemas",
)

import functools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError

from ..errors import FrozenSchemaError
from ..plugins import registry
from ._migrations import is_development_version
from ._tree import ArchiveTree

_SECTION = re.compile(r"\n\s*\n[A-Z][a-z]+\n-{3,}\n.*", re.DOTALL)
_IDLE = ("title", "description", "$defs")
"""Keywords that by themselves demand nothing."""

_BY_NAME = ("properties", "patternProperties")
"""Keywords whose keys are names of others and no keywords."""


def available_schema_classes(package: str = "lsst.images") -> list[type[ArchiveTree]]:
    """List the serialization models of a package.

    Parameters
    ----------
    package
        Dotted name of the package.

    Returns
    -------
    models
        Sorted by name of their schema.
    """
    return [
        cls
        for name in sorted(registry.datasets())
        if (cls := registry.model_for_schema(name)) is not None
        and f"{cls.__module__}.".startswith(f"{package}.")
    ]


def dump_schema(cls: type[ArchiveTree]) -> dict[str, Any]:
    """Describe the trees that a model reads as a JSON Schema document.

    Parameters
    ----------
    cls
        The model.

    Returns
    -------
    schema
        The document; models of other schemas that it holds have their URL as
        ``x-lsst-schema-url``.
    """
    schema: dict[str, Any] = json.loads(_generate(cls)[0])
    return schema


def schema_dependencies(cls: type[ArchiveTree]) -> set[type[ArchiveTree]]:
    """Find the models that a model is made of, or derived from.

    Parameters
    ----------
    cls
        The model.

    Returns
    -------
    models
        Those of members, of members of members and so on, and bases.  What
        may be in a member that takes a branch of any schema is not known.
    """
    bases = {base for base in cls.__mro__ if issubclass(base, ArchiveTree) and base.SCHEMA_NAME}
    return {*_generate(cls)[1], *bases} - {cls}


def frozen_schema_filename(cls: type[ArchiveTree]) -> str:
    """Return the name of the file that holds a frozen schema.

    Parameters
    ----------
    cls
        The model.
    """
    return f"{cls.SCHEMA_NAME}-{cls.SCHEMA_VERSION}.json"


def frozen_schema_path(directory: str | os.PathLike[str], cls: type[ArchiveTree]) -> Path:
    """Return the path of the file that holds a frozen schema.

    Parameters
    ----------
    directory
        Directory of all frozen schemas.
    cls
        The model.
    """
    return Path(directory) / cls.SCHEMA_NAME / frozen_schema_filename(cls)


def write_frozen_schemas(directory: str | os.PathLike[str], package: str = "lsst.images") -> list[Path]:
    """Freeze the released schemas that are not frozen yet.

    Parameters
    ----------
    directory
        Directory of all frozen schemas.
    package
        Package whose schemas are meant.

    Returns
    -------
    paths
        Files that were written.

    Raises
    ------
    FrozenSchemaError
        If a schema is not what was frozen, or is made of one that may still
        change.  Nothing is written then.
    """
    faults = [fault for fault in check_frozen_schemas(directory, package) if not fault.endswith(": missing")]
    for cls in _released(package):
        loose = [dep.SCHEMA_URL for dep in schema_dependencies(cls) if _is_loose(dep)]
        faults += [f"{cls.SCHEMA_NAME}: made of the development schema {url}" for url in sorted(loose)]
    if faults:
        raise FrozenSchemaError("Schemas cannot be frozen: " + "; ".join(faults))
    written = []
    for cls in _released(package):
        path = frozen_schema_path(directory, cls)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(dump_schema(cls), indent=2, sort_keys=True, allow_nan=False) + "\n")
            written.append(path)
    return written


def check_frozen_schemas(directory: str | os.PathLike[str], package: str = "lsst.images") -> list[str]:
    """Compare the released schemas with what was frozen.

    Parameters
    ----------
    directory
        Directory of all frozen schemas.
    package
        Package whose schemas are meant.

    Returns
    -------
    faults
        One sentence for each schema that is not frozen or was changed.
    """
    faults = []
    for cls in _released(package):
        path = frozen_schema_path(directory, cls)
        if not path.exists():
            faults.append(f"{path}: missing")
        elif _meaning(json.loads(path.read_text())) != _meaning(dump_schema(cls)):
            faults.append(f"{path}: finalized schema changed; bump SCHEMA_VERSION")
    return faults


def _released(package: str) -> Iterator[type[ArchiveTree]]:
    return (cls for cls in available_schema_classes(package) if not _is_loose(cls))


def _is_loose(cls: type[ArchiveTree]) -> bool:
    return is_development_version(cls.SCHEMA_VERSION)


def _meaning(schema: dict[str, Any]) -> str:
    """Return what a document demands: no prose, and no names of definitions."""
    definitions = schema.get("$defs", {})

    def expand(node: Any, inside: tuple[str, ...] = (), names: bool = False) -> Any:
        if isinstance(node, list | tuple):
            return [expand(item, inside) for item in node]
        if not isinstance(node, dict):
            return node
        if not names and "$ref" in node:
            name = node["$ref"].removeprefix("#/$defs/")
            if name in inside:
                return {"recursive": len(inside) - inside.index(name)}
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return expand({**definitions[name], **rest}, (*inside, name))
        return {
            key: expand(value, inside, not names and key in _BY_NAME)
            for key, value in node.items()
            if names or key not in _IDLE
        }

    return json.dumps(expand(schema), sort_keys=True)


class _Generator(GenerateJsonSchema):
    """Remembers the models of other schemas, and names them."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}
    seen: set[type[ArchiveTree]]

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        result = super().model_schema(schema)
        if "description" in result:
            result["description"] = _SECTION.sub("", result["description"])
        cls = schema["cls"]
        if issubclass(cls, ArchiveTree) and cls.SCHEMA_NAME:
            self.seen.add(cls)
            result["x-lsst-schema-url"] = cls.SCHEMA_URL
        return result

    def encode_default(self, dft: Any) -> Any:
        encoded = super().encode_default(dft)
        try:
            json.dumps(encoded, allow_nan=False)
        except ValueError as err:
            # JSON has no NaN; this makes pydantic leave the default out.
            raise PydanticSerializationError(str(err)) from err
        return encoded


@functools.cache
def _generate(cls: type[ArchiveTree]) -> tuple[str, frozenset[type[ArchiveTree]]]:
    """Return the document as text, and the models that it is made of."""
    seen: set[type[ArchiveTree]] = set()
    # Pydantic makes the generator itself, so what it has seen is in its class.
    schema = cls.model_json_schema(schema_generator=type("_Generator", (_Generator,), {"seen": seen}))
    schema.pop("x-lsst-schema-url", None)
    return json.dumps({**schema, "$id": cls.SCHEMA_URL, "title": cls.SCHEMA_NAME}), frozenset(seen)
