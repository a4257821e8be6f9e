# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Records that plugins declare: frozen data classes with dotted names.

A dotted name has the form ``package.module:Name``.  The module is imported
when the object is used for the first time.
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
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import PluginError
from ..utils import short_repr

if TYPE_CHECKING:
    from .._transforms import Projection

OWN_MODULES = "lsst.images."
"""Prefix of the modules of this package, whose schemas have no namespace."""

GENERIC_FORMATTER = "lsst.images.formatters.GenericFormatter"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StorageClassSpec:
    """A Butler storage class.

    Parameters
    ----------
    name
        Name of the storage class, unique in a Butler.
    pytype
        Python type, as ``package.module:Name``.  `None` means the type of the
        `DatasetSpec` that contains this record.
    inherits_from
        Name of a storage class whose components and parameters are inherited.
    parameters
        Names of the read parameters, ``bbox`` for instance.
    components
        Derived components: name of the component, name of its storage class.
    converters
        Full name of a Python type, and of the function that converts it to
        ``pytype``.
    delegate
        Full name of the storage class delegate; `None` means
        `lsst.images.butler.ImagesDelegate`.
    formatter
        Full name of the formatter, or `None` for a storage class that is only
        used for components.
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
    """A type that can be written, as a file or as a part of another object.

    Parameters
    ----------
    schema
        Name of the schema, the part before the version in a schema URL.  The
        name of a plugin's schema starts with a namespace, as in
        ``my_survey.fringe_frame``, unless it replaces a schema of another
        package.
    pytype, model
        In-memory type and serialization model, as ``package.module:Name``.
    storage_class
        Butler storage class of the type, or `None`.
    members
        Names of JSON members that together identify a tree without a schema
        URL, as in files of the first releases.
    replaces
        Name of the distribution whose declaration of ``schema`` this one
        replaces.

    Raises
    ------
    PluginError
        If the schema has no namespace, or a dotted name has another form.
    """

    STRICT: ClassVar[bool] = True
    """Whether a namespace and a method ``serialize`` are required."""

    schema: str
    pytype: str
    model: str
    storage_class: StorageClassSpec | None = None
    members: frozenset[str] = frozenset()
    replaces: str | None = None

    def __post_init__(self) -> None:
        for field, name in (("pytype", self.pytype), ("model", self.model)):
            if not all(name.partition(":")):
                raise PluginError(
                    f"The {field} of schema {short_repr(self.schema)} is {short_repr(name)}; expected a name "
                    "of the form 'package.module:Name'."
                )
        exempt = not self.STRICT or self.replaces or self.model.startswith(OWN_MODULES)
        if not (exempt or all(self.schema.partition("."))):
            raise PluginError(
                f"The schema {short_repr(self.schema)} of {self.pytype} has no namespace, so that another "
                "package may use the same name; add one, for instance "
                f"'{self.pytype.partition('.')[0].partition(':')[0]}.{self.schema:.80}'."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class BoundsSpec:
    """A bounds type that can be stored in any object that has bounds.

    Parameters
    ----------
    pytype
        In-memory type, which satisfies `~lsst.images.Bounds`, as
        ``package.module:Name``.
    model
        Type that its ``serialize`` method returns, as ``package.module:Name``:
        a class that pydantic supports, with a ``deserialize`` method without
        arguments.
    members
        Names of members that are always present in the stored form and
        identify it, because stored bounds have no schema URL.  If two
        declarations match, the one with more members is used.
    intersections
        Functions that intersect with other types: name of the other type, and
        of a function ``f(a, b)`` of a ``pytype`` and an object of the other
        type.  It returns bounds, raises `~lsst.images.NoOverlapError`, or
        returns `None` for bounds that evaluate both operands, which is also
        the result without a function.
    replaces
        Name of the distribution whose declaration of ``members`` this one
        replaces.
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
        One sentence of documentation.
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
    """A function that converts a raw tree to the next major schema version.

    Parameters
    ----------
    schema
        Name of the schema.
    from_major
        Major version of the trees that the function accepts.
    function
        Converts a raw JSON object to the next major version.  It may modify
        its argument.
    """

    schema: str
    from_major: int
    function: Callable[[dict[str, Any]], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Found:
    """A result of a first-result hook that may itself be `None`.

    Parameters
    ----------
    value
        The result.
    """

    value: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadContext:
    """The file and the parameters of a read operation.

    Parameters
    ----------
    uri
        Location of the file, or `None` for a stream.
    container
        Name of the container.
    schema
        Name of the schema of the file's root.
    component
        Name of the component, or `None` for the whole.
    parameters
        Read parameters.
    butler_info
        Butler information found in the file, as raw JSON.
    projection
        Function without arguments that reads the sky projection of the
        dataset; `None` without a file to read it from.
    """

    uri: Any = None
    container: str | None = None
    schema: str | None = None
    component: str | None = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    butler_info: Mapping[str, Any] | None = None
    projection: Callable[[], Projection[Any] | None] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class WriteContext:
    """The file of a write operation.

    Parameters
    ----------
    uri
        Location of the file.
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
    """A plugin, as listed by `Registry.plugins`.

    Parameters
    ----------
    name
        Name of its entry point, or of its module.
    package, version
        Distribution that installs it.
    hooks
        Names of the hooks it implements.
    error
        Reason why it could not be loaded, or `None`.
    """

    name: str
    package: str
    version: str
    hooks: tuple[str, ...] = ()
    error: str | None = None
