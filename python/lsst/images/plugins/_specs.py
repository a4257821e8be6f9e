# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What plugins declare: plain frozen records with dotted names.

A dotted name is spelled ``package.module:Name``.  Nothing is imported until
the thing it names is needed, so declaring costs nothing.
"""

from __future__ import annotations

__all__ = (
    "BoundsSpec",
    "ContainerSpec",
    "DatasetSpec",
    "DatasetTypeSpec",
    "Found",
    "Migration",
    "PluginInfo",
    "ReadContext",
    "StorageClassSpec",
    "WriteContext",
)

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

GENERIC_FORMATTER = "lsst.images.formatters.GenericFormatter"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StorageClassSpec:
    """A Butler storage class.

    Parameters
    ----------
    name
        Name of the storage class, unique in a Butler.
    pytype
        Python type, as ``package.module:Name``.  `None`: the type of the
        `DatasetSpec` that holds this record.
    inherits_from
        Name of a storage class whose components and parameters are kept.
    parameters
        Names of the read parameters, ``bbox`` for instance.
    components
        Derived components: name of the component, name of its storage class.
    converters
        Full name of a Python type, and of the function that makes ours of it.
    delegate
        Full name of the class that serves components and parameters of
        objects in memory; `None`: the package's own.
    formatter
        Full name of the formatter, or `None` for a storage class that only
        ever is a component.
    write_parameters
        Write parameters of the formatter, ``{"format": "json"}`` for instance.
    """

    name: str
    pytype: str | None = None
    inherits_from: str | None = None
    parameters: frozenset[str] = frozenset()
    components: Mapping[str, str] = dataclasses.field(default_factory=dict)
    converters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    delegate: str | None = None
    formatter: str | None = GENERIC_FORMATTER
    write_parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """A type that can be the content of a file, or of a part of one.

    Parameters
    ----------
    schema
        Name of the schema, the part before the version in a schema URL.
    pytype, model
        In-memory type and serialization model, as ``package.module:Name``.
    storage_class
        How a Butler knows the type, if it does.
    members
        Names of JSON members that together identify a tree that carries no
        schema URL, as files of the first releases do.
    replaces
        Name of the distribution whose claim on ``schema`` this one replaces.
    """

    schema: str
    pytype: str
    model: str
    storage_class: StorageClassSpec | None = None
    members: frozenset[str] = frozenset()
    replaces: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BoundsSpec:
    """A kind of bounds that can be stored in whatever has bounds.

    Parameters
    ----------
    pytype
        In-memory type, which satisfies `~lsst.images.Bounds`, as
        ``package.module:Name``.
    model
        What its ``serialize`` returns: a class that pydantic can handle, with
        a ``deserialize`` method without arguments; as ``package.module:Name``.
    members
        Names of members that are always present in the stored form, and tell
        it apart from all other kinds, since stored bounds carry no schema URL.
        Of two kinds that match, that with more members wins.
    intersections
        How to intersect with other types: name of the type, and of a function
        ``f(a, b)`` of one of ``pytype`` and one of the other type.  It returns
        bounds, or `None` for bounds that ask both, as without a function; or
        raises `~lsst.images.NoOverlapError`.
    replaces
        Name of the distribution whose claim on ``members`` this one replaces.
    """

    pytype: str
    model: str
    members: frozenset[str]
    intersections: Mapping[str, str] = dataclasses.field(default_factory=dict)
    replaces: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetTypeSpec:
    """A preset for registering a Butler dataset type.

    Parameters
    ----------
    name
        Name of the dataset type, ``calexp`` for instance.
    dimensions
        Names of its dimensions.
    storage_class
        Name of its storage class.
    description
        One sentence for people.
    """

    name: str
    dimensions: tuple[str, ...]
    storage_class: str
    description: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """A file format that can hold arrays, tables and a JSON tree.

    Parameters
    ----------
    name
        Short name, the value of ``format=``.
    extensions
        File name extensions with their leading dot, the first of which is
        written by default.
    input_archive, output_archive
        Subclasses of `~lsst.images.serialization.InputArchive` and
        `~lsst.images.serialization.OutputArchive`, as ``package.module:Name``.
    recognizes
        Predicate on the first 64 bytes of a file: whether the file has this
        format.
    formatter_options
        Those of the options ``compression_options``, ``compression_seed`` and
        ``primary_cards`` that the Butler formatter passes to
        ``output_archive``.  Write recipes need ``compression_options``.
    """

    name: str
    extensions: tuple[str, ...]
    input_archive: str
    output_archive: str
    recognizes: Callable[[bytes], bool]
    formatter_options: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Migration:
    """A step that lifts the raw tree of a schema by one major version.

    Parameters
    ----------
    schema
        Name of the schema.
    from_major
        Major version of the trees this step takes.
    function
        From a raw JSON object to one of the next major version.  It may
        change its argument.
    """

    schema: str
    from_major: int
    function: Callable[[dict[str, Any]], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Found:
    """An answer of a hook that may itself be `None`.

    Parameters
    ----------
    value
        The answer.
    """

    value: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadContext:
    """What is known while something is read.

    Parameters
    ----------
    uri
        Where it is read from, or `None` for a stream.
    container
        Name of the container.
    schema
        Name of the schema of the file's root.
    component
        Name of the component that is read, or `None` for the whole.
    parameters
        Read parameters.
    butler_info
        Butler information found in the file, as raw JSON.
    projection
        Called without arguments, reads the sky projection of the dataset;
        `None` when there is nothing to read it from.
    """

    uri: Any = None
    container: str | None = None
    schema: str | None = None
    component: str | None = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    butler_info: Mapping[str, Any] | None = None
    projection: Callable[[], Any] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class WriteContext:
    """What is known while something is written.

    Parameters
    ----------
    uri
        Where it will be.
    container
        Name of the container.
    butler_info
        Butler information that will be written, as raw JSON.
    """

    uri: Any = None
    container: str | None = None
    butler_info: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class PluginInfo:
    """One plugin, as `Registry.plugins` lists it.

    Parameters
    ----------
    name
        Name of the plugin: of its entry point, or its module.
    package, version
        Distribution it comes from.
    hooks
        Names of the hooks it implements.
    error
        Why it was left out, or `None`.
    """

    name: str
    package: str
    version: str
    hooks: tuple[str, ...] = ()
    error: str | None = None
