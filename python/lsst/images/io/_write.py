# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Writing an object to a file."""

from __future__ import annotations

__all__ = ("write", "write_fits", "write_json", "write_ndf")

import contextlib
import functools
import tempfile
from collections.abc import Mapping
from typing import Any

import pydantic
import pydantic_core

from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import (
    ArchiveWriteError,
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
from ..serialization._metadata import writable_metadata
from ._atomic import atomic_output
from ._compression import is_compressed_name
from ._containers import container_for_name, container_for_path, output_class


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
        An object of a type that a plugin declares.
    path
        Location of the file, which appears when it is complete.
    format
        Name of the container; `None`: by the extension of the name.
    metadata
        Metadata for the file, on top of what the object has.
    butler_info
        Butler dataset and provenance.  What the object was read with is not
        carried over.
    overwrite
        Whether to replace an existing file that is not empty, in one step
        when the new one is complete.
    **options
        Options of the container, ``compression_options`` for instance.

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
        If the extension or the format is unknown, or asks for compression of
        the whole file.
    UnserializableTypeError
        If no plugin knows how to write the type.
    ArchiveWriteError
        If anything else fails; nothing is left behind.
    """
    uri = ResourcePath(path, forceDirectory=False)
    spec = container_for_path(uri) if format is None else container_for_name(format)
    if is_compressed_name(uri):
        raise UnsupportedFormatError(
            f"Cannot write {uri}: files are compressed tile by tile, not as a whole. "
            "Leave the last suffix out."
        )
    if isinstance(butler_info, pydantic.BaseModel):
        butler_info = butler_info.model_dump(mode="json")
    context = WriteContext(uri=uri, container=spec.name, butler_info=butler_info)
    passthrough = attachments_of(obj).passthrough
    with (
        atomic_output(uri, overwrite=overwrite) as stream,
        contextlib.closing(output_class(spec).create(stream, passthrough=passthrough, **options)) as archive,
    ):
        tree = _serialize_root(obj, archive, context)
        tree.metadata = writable_metadata(
            {**tree.metadata, **_hook_metadata(obj, context), **(metadata or {})}
        )
        tree.butler_info = None if butler_info is None else dict(butler_info)
        _check_tree(tree)
        try:
            archive.finish(tree)
        except pydantic_core.PydanticSerializationError as err:
            raise ArchiveWriteError(f"The tree of a {type(obj).__name__} cannot be written: {err}") from err
    return tree


def _serialize_root(obj: Any, archive: OutputArchive, context: WriteContext) -> ArchiveTree:
    model: Any = registry.model_for_type(type(obj))
    try:
        tree: ArchiveTree = model.serialize(obj, archive.nested(model.ROOT_NAME))
    except pydantic.ValidationError as err:
        raise ArchiveWriteError(f"A {type(obj).__name__} cannot be written: {err}") from err
    # The tree may hold the object's own dictionaries.
    return tree.model_copy()


def _hook_metadata(obj: Any, context: WriteContext) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for answer in reversed(registry.hook.before_write(obj=obj, context=context)):
        merged.update(answer)
    return merged


def _check_tree(tree: ArchiveTree) -> None:
    """Refuse what could not be read back, and warn of what may change."""
    for node in iter_trees(tree):
        if isinstance(node, UnreadableTree) and node.refers_to_arrays:
            raise UnserializableTypeError(
                "A branch that cannot be read refers to arrays of the file it came from, so it cannot "
                f"be written elsewhere: {node.reason}"
            )
    warn_for_development_schemas(tree, stacklevel=5)


write_fits = functools.partial(write, format="fits")
"""`write` with the container that ``lsst.images.fits.write`` promises."""

write_json = functools.partial(write, format="json")
"""`write` with the container that ``lsst.images.json.write`` promises."""


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
        An object of a type that a plugin declares.
    filename
        Location of the file; `None` writes to a temporary file that is
        deleted, for the returned tree.
    metadata
        Metadata for the file, on top of what the object has.
    butler_info
        Butler dataset and provenance.
    compression_options
        Options of h5py for arrays, ``{"compression": "gzip"}`` for instance.
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
