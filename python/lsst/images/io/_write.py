# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write an object to a file."""

from __future__ import annotations

__all__ = ("write", "write_fits", "write_json", "write_ndf")

import contextlib
import functools
import tempfile
import warnings
from collections.abc import Mapping
from typing import Any

import pydantic
import pydantic_core

from lsst.resources import ResourcePathExpression

from ..errors import (
    ArchiveWriteError,
    LossyConversionWarning,
    UnserializableTypeError,
    UnsupportedFormatError,
)
from ..plugins import WriteContext, registry
from ..serialization import (
    ArchiveTree,
    OutputArchive,
    UnreadableTree,
    attachments_of,
    iter_trees,
    warn_for_development_schemas,
)
from ..serialization._metadata_view import writable_metadata
from ..serialization._unknown_arrays import store_references
from ..serialization._unknown_members import UnknownMembers, keep_unknown_members
from ._atomic import atomic_output
from ._compression import is_compressed_name
from ._containers import container_for_name, container_for_path, output_class, parse_location


def write(
    obj: Any,
    path: ResourcePathExpression,
    *,
    format: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    butler_info: Mapping[str, Any] | pydantic.BaseModel | None = None,
    overwrite: bool = False,
    **options: Any,
) -> ArchiveTree:
    """Write an object to a new file.

    Parameters
    ----------
    obj
        Object of a type that a plugin registers.
    path
        Location of the file.  The file appears when it is complete.
    format
        Name of the container; `None` selects it by the file name extension.
    metadata
        Metadata for the file, in addition to those of the object.
    butler_info
        Butler dataset and provenance to store in the file.  Those that the
        object was read with are not stored.
    overwrite
        Whether to replace an existing file that is not empty, in one step
        when the new one is complete.
    **options
        Options of the container, for instance ``compression_options``.

    Returns
    -------
    tree
        Root of the tree that was written.

    Raises
    ------
    FileExistsError
        If the file exists and is not empty, unless ``overwrite`` is given; or
        if it is not a regular file.
    UnsupportedFormatError
        If the extension or the format is unknown, or the extension is that of
        a compressed file.
    UnserializableTypeError
        If no plugin registers the type.
    InvalidArgumentError
        If the container does not have one of the options.
    ArchiveWriteError
        If anything else fails; an incomplete file is removed.
    """
    uri = parse_location(path)
    spec = container_for_path(uri) if format is None else container_for_name(format)
    if is_compressed_name(uri):
        raise UnsupportedFormatError(
            f"Cannot write {uri}: files are not compressed as a whole; their images are compressed by tiles. "
            "Remove the last suffix of the name."
        )
    if isinstance(butler_info, pydantic.BaseModel):
        butler_info = butler_info.model_dump(mode="json")
    context = WriteContext(uri=uri, container=spec.name, butler_info=butler_info)
    attachments = attachments_of(obj)
    with (
        atomic_output(uri, overwrite=overwrite) as stream,
        contextlib.closing(
            output_class(spec).create(stream, passthrough=attachments.passthrough, **options)
        ) as archive,
    ):
        tree = archive.serialize_root(obj)
        _keep_unknown_members(tree, attachments.unknown_members, archive)
        tree.metadata = writable_metadata(
            {**tree.metadata, **_hook_metadata(obj, context), **(metadata or {})}
        )
        tree.butler_info = None if butler_info is None else dict(butler_info)
        _check_tree(tree)
        try:
            archive.finish(tree)
        except pydantic_core.PydanticSerializationError as err:
            raise ArchiveWriteError(f"The tree of a {type(obj).__name__} is not valid JSON: {err}") from err
    return tree


def _keep_unknown_members(tree: ArchiveTree, members: UnknownMembers | None, archive: OutputArchive) -> None:
    """Write members that are not interpreted again; warn of those that cannot be written."""
    if members is None:
        return
    members, unreadable = store_references(members, archive)
    if lost := [*unreadable.members, *keep_unknown_members(tree, members)]:
        warnings.warn(
            "Members of the original file that this version of the package does not interpret are left out, "
            "because the written object does not have their parents, or they refer to the original file: "
            f"{UnknownMembers(tuple(lost))}.",
            LossyConversionWarning,
            stacklevel=4,
        )


def _hook_metadata(obj: Any, context: WriteContext) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for answer in reversed(registry.hook.before_write(obj=obj, context=context)):
        merged.update(answer)
    return merged


def _check_tree(tree: ArchiveTree) -> None:
    """Raise an error for a tree that could not be read back; warn of development schemas."""
    for node in iter_trees(tree):
        if isinstance(node, UnreadableTree) and node.refers_to_arrays:
            raise UnserializableTypeError(
                "Cannot write an object with an unreadable subtree that refers to arrays of the file it was "
                f"read from. Remove that part of the object first. Reason: {node.reason}"
            )
    warn_for_development_schemas(tree, stacklevel=5)


write_fits = functools.partial(write, format="fits")
"""`write` for FITS files, available as ``lsst.images.fits.write``."""

write_json = functools.partial(write, format="json")
"""`write` for JSON files, available as ``lsst.images.json.write``."""


def write_ndf(
    obj: Any,
    filename: ResourcePathExpression | None = None,
    *,
    metadata: Mapping[str, Any] | None = None,
    butler_info: Mapping[str, Any] | pydantic.BaseModel | None = None,
    compression_options: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> ArchiveTree:
    """Write an object to a new NDF.

    Parameters
    ----------
    obj
        Object of a type that a plugin registers.
    filename
        Location of the file; `None` writes to a temporary file that is
        deleted, for the returned tree.
    metadata
        Metadata for the file, in addition to those of the object.
    butler_info
        Butler dataset and provenance to store in the file.
    compression_options
        Options of h5py for arrays, for instance ``{"compression": "gzip"}``.
    overwrite
        Whether to replace an existing file that is not empty.

    Returns
    -------
    tree
        Root of the tree that was written.

    Raises
    ------
    FileExistsError
        If the file exists and is not empty.
    """
    options: dict[str, Any] = {"overwrite": overwrite}
    if compression_options:
        options["compression_options"] = compression_options
    with tempfile.TemporaryDirectory() as scratch:
        target = f"{scratch}/object.sdf" if filename is None else filename
        return write(obj, target, format="ndf", metadata=metadata, butler_info=butler_info, **options)
