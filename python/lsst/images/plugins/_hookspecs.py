# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The whole extension surface: every hook that a plugin may implement.

*Declarations* are asked of every plugin, once, at first use.  *Questions* go
to the plugins one by one, strangers before the built-in ones, until one gives
an answer that is not `None`.  *Notices* reach every plugin.
"""

from __future__ import annotations

__all__ = ("hookimpl", "hookspec")

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from ._specs import (
    BoundsSpec,
    ContainerSpec,
    DatasetSpec,
    DatasetTypeSpec,
    Found,
    Migration,
    ReadContext,
    StorageClassSpec,
    WriteContext,
)

PROJECT = "lsst_images"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

# Declarations.


@hookspec
def register_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]  # a hook has no body
    """Declare types that can be written: schema, type, model, storage class."""


@hookspec
def register_bounds() -> Iterable[BoundsSpec]:  # type: ignore[empty-body]  # a hook has no body
    """Declare kinds of bounds: type, stored form, intersections."""


@hookspec
def register_storage_classes() -> Iterable[StorageClassSpec]:  # type: ignore[empty-body]  # a hook has no body
    """Declare storage classes that belong to no single dataset type."""


@hookspec
def register_dataset_types() -> Iterable[DatasetTypeSpec]:  # type: ignore[empty-body]  # a hook has no body
    """Declare presets for Butler dataset types, ``calexp`` for instance."""


@hookspec
def register_containers() -> Iterable[ContainerSpec]:  # type: ignore[empty-body]  # a hook has no body
    """Declare file formats."""


@hookspec
def register_migrations() -> Iterable[Migration]:  # type: ignore[empty-body]  # a hook has no body
    """Declare steps that lift trees of an older major version."""


@hookspec
def register_legacy_decoders() -> Mapping[str, str]:  # type: ignore[empty-body]  # a hook has no body
    """Declare decoders for classes of `lsst.afw` table archives.

    Returns
    -------
    decoders
        Name of the archived class, and ``package.module:function`` of a
        `~lsst.images.legacy.LegacyDecoder`.  It may return a finished object
        of this package, or a `~lsst.images.legacy.LegacyConvertible` if the
        object depends on the image.
    """


@hookspec
def register_commands(cli: Any) -> None:
    """Add subcommands to the ``lsst-images`` command line.

    Parameters
    ----------
    cli
        The `click.Group` to add to.
    """


# Questions.


@hookspec(firstresult=True)
def parse_bbox(value: Any, context: ReadContext) -> Any | None:
    """Make a `~lsst.images.Box` of whatever was given as ``bbox``.

    Parameters
    ----------
    value
        A pair of slices, an afw box, a sky circle, ...
    context
        What is known about the read; ``context.projection()`` reads the sky
        projection.
    """


@hookspec(firstresult=True)
def guess_container(uri: Any, head: bytes) -> str | None:
    """Name the container of a file that nobody recognizes.

    Parameters
    ----------
    uri
        Where the file is.
    head
        Its first bytes.
    """


@hookspec(firstresult=True)
def read_component(reader: Any, name: str, parameters: Mapping[str, Any]) -> Found | None:
    """Read a component of an open file.

    Parameters
    ----------
    reader
        An open `~lsst.images.io.Reader`.
    name
        Name of the component.
    parameters
        Read parameters.
    """


@hookspec(firstresult=True)
def convert_from_legacy(legacy: Any, pytype: type, options: Mapping[str, Any]) -> Any | None:
    """Convert an object of `lsst.afw`, or an HDU list, into one of ours.

    Parameters
    ----------
    legacy
        The object.
    pytype
        The type wanted.
    options
        Keyword arguments of the ``from_legacy`` that asks.
    """


@hookspec(firstresult=True)
def convert_to_legacy(obj: Any, options: Mapping[str, Any]) -> Any | None:
    """Convert one of our objects into its `lsst.afw` counterpart.

    Parameters
    ----------
    obj
        The object.
    options
        Keyword arguments of the ``to_legacy`` that asks.
    """


@hookspec(firstresult=True)
def read_legacy(uri: Any, pytype: type, component: str | None, options: Mapping[str, Any]) -> Found | None:
    """Read a file that `lsst.afw` wrote.

    Parameters
    ----------
    uri
        Where the file is.
    pytype
        The type wanted.
    component
        Name of the component wanted, or `None` for the whole.
    options
        Keyword arguments of the ``read_legacy`` that asks.
    """


@hookspec(firstresult=True)
def describe(obj: Any, options: Any) -> Any:
    """Describe an object for people.

    Parameters
    ----------
    obj
        The object.
    options
        How much to say (`~lsst.images.describe.DescribeOptions`); an
        implementation that does not care leaves this argument out.

    Returns
    -------
    report
        A `~lsst.images.describe.Report` or a text of a few lines; `None`
        leaves the object to others.
    """


# Notices.


@hookspec
def after_read(obj: Any, context: ReadContext) -> None:
    """Hear of an object that was just read.

    Parameters
    ----------
    obj
        The object.
    context
        Where it came from.
    """


@hookspec
def before_write(obj: Any, context: WriteContext) -> Mapping[str, Any] | None:
    """Hear of an object that will be written; add metadata to the file.

    Parameters
    ----------
    obj
        The object; it must not be changed.
    context
        Where it goes.

    Returns
    -------
    metadata
        Added to the metadata of the file, not to the object's.
    """
