# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""JSON Schema documents of trees, which are frozen when they are released.

A frozen document must not change: a change of the allowed content of a file
requires a new schema version.  Titles, descriptions and names of definitions
may change.
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
_ANNOTATION_KEYWORDS = ("title", "description", "$defs")
"""Keywords that do not constrain the content."""

_BY_NAME = ("properties", "patternProperties")
"""Keywords whose keys are names of members, not keywords."""


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
    """Return the JSON Schema document of the trees that a model reads.

    Parameters
    ----------
    cls
        The model.

    Returns
    -------
    schema
        The document; definitions of other schemas have their URL as
        ``x-lsst-schema-url``.
    """
    schema: dict[str, Any] = json.loads(_generate(cls)[0])
    return schema


def schema_dependencies(cls: type[ArchiveTree]) -> set[type[ArchiveTree]]:
    """Return the models that a model contains, or is derived from.

    Parameters
    ----------
    cls
        The model.

    Returns
    -------
    models
        Models of members at any depth, and base classes.  Members that accept
        a subtree of any schema are not included.
    """
    bases = {base for base in cls.__mro__ if issubclass(base, ArchiveTree) and base.SCHEMA_NAME}
    return {*_generate(cls)[1], *bases} - {cls}


def frozen_schema_filename(cls: type[ArchiveTree]) -> str:
    """Return the file name of a frozen schema.

    Parameters
    ----------
    cls
        The model.
    """
    return f"{cls.SCHEMA_NAME}-{cls.SCHEMA_VERSION}.json"


def frozen_schema_path(directory: str | os.PathLike[str], cls: type[ArchiveTree]) -> Path:
    """Return the path of the file of a frozen schema.

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
        Package that declares the schemas.

    Returns
    -------
    paths
        Files that were written.

    Raises
    ------
    FrozenSchemaError
        If a schema differs from its frozen document, or contains a
        development schema.  No file is written then.
    """
    faults = [fault for fault in check_frozen_schemas(directory, package) if not fault.endswith(": missing")]
    for cls in _released(package):
        unreleased = [dep.SCHEMA_URL for dep in schema_dependencies(cls) if _is_development(dep)]
        faults += [f"{cls.SCHEMA_NAME} contains the development schema {url}" for url in sorted(unreleased)]
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
    """Compare the released schemas with their frozen documents.

    Parameters
    ----------
    directory
        Directory of all frozen schemas.
    package
        Package that declares the schemas.

    Returns
    -------
    faults
        One message for each schema that is not frozen, or was changed.
    """
    faults = []
    for cls in _released(package):
        path = frozen_schema_path(directory, cls)
        if not path.exists():
            faults.append(f"{path}: missing")
        elif _constraints(json.loads(path.read_text())) != _constraints(dump_schema(cls)):
            faults.append(f"{path}: finalized schema changed; bump SCHEMA_VERSION")
    return faults


def _released(package: str) -> Iterator[type[ArchiveTree]]:
    return (cls for cls in available_schema_classes(package) if not _is_development(cls))


def _is_development(cls: type[ArchiveTree]) -> bool:
    return is_development_version(cls.SCHEMA_VERSION)


def _constraints(schema: dict[str, Any]) -> str:
    """Return the constraints of a document, without descriptions and names of definitions."""
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
            if names or key not in _ANNOTATION_KEYWORDS
        }

    return json.dumps(expand(schema), sort_keys=True)


class _Generator(GenerateJsonSchema):
    """Record the models of other schemas, and add their URLs."""

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
            # JSON does not support NaN; pydantic omits the default after this error.
            raise PydanticSerializationError(str(err)) from err
        return encoded


@functools.cache
def _generate(cls: type[ArchiveTree]) -> tuple[str, frozenset[type[ArchiveTree]]]:
    """Return the document as text, and the models that it contains."""
    seen: set[type[ArchiveTree]] = set()
    # Pydantic creates the generator, so the result is stored in its class.
    schema = cls.model_json_schema(schema_generator=type("_Generator", (_Generator,), {"seen": seen}))
    schema.pop("x-lsst-schema-url", None)
    return json.dumps({**schema, "$id": cls.SCHEMA_URL, "title": cls.SCHEMA_NAME}), frozenset(seen)
