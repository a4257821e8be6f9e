# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Specifications of all hooks that a plugin may implement.

*Declaration hooks* are called once for every plugin, at first use, and their
results are merged.  *First-result hooks* (``firstresult=True`` of pluggy) are
called plugin by plugin, third-party plugins before the built-in ones, until
one returns a result that is not `None`.  *Notification hooks* are called for
every plugin.

``doc/examples/hooks`` has one complete plugin for each hook, in a file of the
hook's name; the page "Writing a plugin" shows them, and tests execute them.
"""

from __future__ import annotations

__all__ = ("hookimpl", "hookspec")

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import click

    from lsst.resources import ResourcePath

    from .._geom import Box
    from ..describe import DescribeOptions, Report
    from ..io import Reader

PROJECT = "lsst_images"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

# Declaration hooks.


@hookspec
def register_datasets() -> Iterable[DatasetSpec]:
    """Declare types that can be written: schema, type, model, storage class."""


@hookspec
def register_bounds() -> Iterable[BoundsSpec]:
    """Declare bounds types: type, stored form, intersections."""


@hookspec
def register_storage_classes() -> Iterable[StorageClassSpec]:
    """Declare storage classes that do not belong to one `DatasetSpec`."""


@hookspec
def register_dataset_types() -> Iterable[DatasetTypeSpec]:
    """Declare presets for Butler dataset types, ``calexp`` for instance."""


@hookspec
def register_containers() -> Iterable[ContainerSpec]:
    """Declare containers (file formats)."""


@hookspec
def register_migrations() -> Iterable[Migration]:
    """Declare functions that convert trees of an older major schema version."""


@hookspec
def register_legacy_decoders() -> Mapping[str, str]:
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
def register_commands(cli: click.Group) -> None:
    """Add subcommands to the ``lsst-images`` command line.

    Parameters
    ----------
    cli
        Group to add to.
    """


# First-result hooks.


@hookspec(firstresult=True)
def parse_bbox(value: object, context: ReadContext) -> Box | None:
    """Convert the value of a ``bbox`` argument to a `~lsst.images.Box`.

    Parameters
    ----------
    value
        The argument: a pair of slices, an afw box or a circle on the sky, for
        example.
    context
        The file that is read; ``context.projection()`` reads its sky
        projection.
    """


@hookspec(firstresult=True)
def guess_container(uri: ResourcePath | None, head: bytes) -> str | None:
    """Return the container of a file that no `ContainerSpec` recognizes.

    Parameters
    ----------
    uri
        Location of the file, or `None` for a stream.
    head
        First bytes of the file.

    Returns
    -------
    name
        Name of a declared container.
    """


@hookspec(firstresult=True)
def read_component(reader: Reader[Any], name: str, parameters: Mapping[str, Any]) -> Found | None:
    """Read a component of an open file.

    Parameters
    ----------
    reader
        Reader of the file; ``reader.read_own_component`` reads a component
        without calling this hook.
    name
        Name of the component.
    parameters
        Read parameters.
    """


@hookspec(firstresult=True)
def convert_to(obj: object, target: type, options: Mapping[str, Any]) -> object | None:
    """Convert an object to a type of another package, or back.

    Parameters
    ----------
    obj
        The object: an `~lsst.images.Image` or an `astropy.nddata.CCDData`, for
        example.
    target
        Type to convert to: `astropy.nddata.CCDData` or `~lsst.images.Image`,
        for example.
    options
        Options of the conversion.

    Returns
    -------
    converted
        An instance of ``target``.
    """


@hookspec(firstresult=True)
def convert_from_legacy(legacy: object, pytype: type, options: Mapping[str, Any]) -> object | None:
    """Convert an object of `lsst.afw`, or an HDU list, to a type of this package.

    Parameters
    ----------
    legacy
        The object.
    pytype
        Type to convert to.
    options
        Keyword arguments of the ``from_legacy`` method that is called.

    Returns
    -------
    converted
        An instance of ``pytype``.
    """


@hookspec(firstresult=True)
def convert_to_legacy(obj: object, options: Mapping[str, Any]) -> object | None:
    """Convert an object of this package to its `lsst.afw` counterpart.

    Parameters
    ----------
    obj
        The object.
    options
        Keyword arguments of the ``to_legacy`` method that is called.
    """


@hookspec(firstresult=True)
def read_legacy(uri: Any, pytype: type, component: str | None, options: Mapping[str, Any]) -> Found | None:
    """Read a file that `lsst.afw` wrote.

    Parameters
    ----------
    uri
        URI, path, or seekable binary stream.
    pytype
        Type to read it as.
    component
        Name of the component to read, or `None` for the whole.
    options
        Keyword arguments of the ``read_legacy`` method that is called.
    """


@hookspec(firstresult=True)
def describe(obj: object, options: DescribeOptions) -> Report | str | None:
    """Describe an object for display.

    Parameters
    ----------
    obj
        The object.
    options
        Level of detail; an implementation may omit this argument.

    Returns
    -------
    report
        A report, or a text of a few lines.
    """


# Notification hooks.


@hookspec
def after_read(obj: object, context: ReadContext) -> None:
    """Run after an object or component was read.

    Parameters
    ----------
    obj
        The object.
    context
        The file it was read from, and the parameters.
    """


@hookspec
def before_write(obj: object, context: WriteContext) -> Mapping[str, Any] | None:
    """Run before an object is written, and add metadata to the file.

    Parameters
    ----------
    obj
        The object; it must not be modified.
    context
        The file it will be written to.

    Returns
    -------
    metadata
        Metadata of the file; the object's own metadata does not change.
    """
