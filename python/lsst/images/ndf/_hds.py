# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Structures and primitives of HDS in HDF5 words.

Source: the HDS-v5 library of Starlink, which keeps its hierarchical data
system in HDF5 files: a structure is a group whose attribute ``CLASS`` is its
type, a primitive is a dataset whose HDF5 type says which of the HDS types it
is.  ``_LOGICAL`` is an HDF5 bit field, ``_CHAR*n`` a string of fixed length
that is padded with blanks.
"""

from __future__ import annotations

__all__ = (
    "create_structure",
    "get_class",
    "import_h5py",
    "is_dataset",
    "number_type_of",
    "read_array",
    "read_records",
    "read_text",
    "set_class",
    "write_array",
    "write_records",
    "write_text",
)

from collections.abc import Iterable, Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from ..errors import CorruptArchiveError, MissingOptionalDependencyError

_LOGICAL_CHUNK = 256
"""Side of the chunks of compressed logical arrays."""

_CLASS_ATTRIBUTES = ("CLASS", "HDSTYPE")
"""Where a structure's type stands; the second one in very old files."""


def import_h5py() -> Any:
    """Return the module h5py, which is optional.

    Raises
    ------
    MissingOptionalDependencyError
        If it is not installed.
    """
    try:
        import h5py
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "Files with the extension .sdf or .h5 need the package h5py; install it, or lsst-images[ndf]."
        ) from err
    return h5py


# Structures.


def set_class(group: Any, hds_type: str) -> None:
    """Say of which HDS type a structure is.

    Parameters
    ----------
    group
        The group.
    hds_type
        The type, ``NDF`` for instance.
    """
    group.attrs.create("CLASS", np.bytes_(hds_type.encode("ascii")))


def get_class(group: Any) -> str:
    """Return the HDS type of a structure; empty when it does not say.

    Parameters
    ----------
    group
        The group.
    """
    for name in _CLASS_ATTRIBUTES:
        if name in group.attrs:
            value = group.attrs[name]
            return (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)).strip()
    return ""


def create_structure(parent: Any, name: str, hds_type: str) -> Any:
    """Return a structure below another one, which is made if need be.

    Parameters
    ----------
    parent
        Group that holds it.
    name
        Its name.
    hds_type
        Its type, if it is made.
    """
    if name in parent:
        return parent[name]
    group = parent.create_group(name)
    set_class(group, hds_type)
    return group


def is_dataset(thing: Any) -> bool:
    """Tell a primitive from a structure.

    Parameters
    ----------
    thing
        What is found under a name, or `None`.
    """
    return isinstance(thing, import_h5py().Dataset)


# Numbers.


def write_array(parent: Any, name: str, array: np.ndarray, options: Mapping[str, Any] | None = None) -> Any:
    """Write an array as a primitive.

    Parameters
    ----------
    parent
        Group that holds it.
    name
        Its name.
    array
        Of a type of `~lsst.images.serialization.NumberType`.  Those that HDS
        does not have are stored as the HDF5 type, which other HDF5 software
        understands.
    options
        Options of ``h5py.Group.create_dataset`` for compression.

    Returns
    -------
    dataset
        The primitive.
    """
    # There are no chunks of nothing, or of a scalar.
    options = dict(options or {}) if array.size and array.ndim else {}
    if array.dtype == np.bool_:
        return _write_logical(parent, name, array, options)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return parent.create_dataset(name, data=little, **options)


def _write_logical(parent: Any, name: str, array: np.ndarray, options: Mapping[str, Any]) -> Any:
    h5py = import_h5py()
    space = h5py.h5s.create_simple(array.shape) if array.ndim else h5py.h5s.create(h5py.h5s.SCALAR)
    layout = None
    if options.get("compression") in ("gzip", *range(1, 10)):
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_chunk(tuple(min(size, _LOGICAL_CHUNK) for size in array.shape))
        layout.set_deflate(int(options.get("compression_opts") or 4))
    logical = h5py.h5t.STD_B8LE
    dataset = h5py.h5d.create(parent.id, name.encode(), logical, space, layout)
    if array.size:
        # h5py has no numpy type for bit fields, and HDF5 converts none.
        dataset.write(space, space, np.ascontiguousarray(array).view(np.uint8), mtype=logical)
    return parent[name]


def number_type_of(dataset: Any) -> np.dtype:
    """Return the native-endian type of the elements of a primitive.

    Parameters
    ----------
    dataset
        The primitive; bit fields of any size are logical.
    """
    if dataset.id.get_type().get_class() == import_h5py().h5t.BITFIELD:
        return np.dtype(np.bool_)
    dtype: np.dtype = dataset.dtype.newbyteorder("=")
    return dtype


def read_array(dataset: Any, slices: tuple[slice, ...] | EllipsisType = ...) -> np.ndarray:
    """Read a part of a primitive, and only that.

    Parameters
    ----------
    dataset
        The primitive.
    slices
        One for each axis.

    Returns
    -------
    array
        Native-endian; logical for bit fields.
    """
    # A tuple of nothing but plain slices: recent h5py takes other sequences
    # for lists of indices.
    where = ... if slices is ... else tuple(slices)
    array = np.asarray(dataset[where])
    return array.astype(number_type_of(dataset), copy=False)


# Text.


def write_text(parent: Any, name: str, text: str, size: int = 0) -> None:
    """Write a string.

    Parameters
    ----------
    parent
        Group that holds it.
    name
        Its name.
    text
        ASCII.
    size
        Smallest number of characters; blanks are added.
    """
    padded = text.ljust(max(size, 1)).encode("ascii")
    parent.create_dataset(name, data=np.array(padded, dtype=f"S{len(padded)}"))


def write_records(parent: Any, name: str, records: Sequence[str], size: int) -> None:
    """Write a vector of strings of one length.

    Parameters
    ----------
    parent
        Group that holds it.
    name
        Its name.
    records
        ASCII; blanks are added to the short ones.
    size
        Number of characters of each.
    """
    padded = [record.ljust(size).encode("ascii") for record in records]
    parent.create_dataset(name, data=np.array(padded, dtype=f"S{size}"))


def read_text(dataset: Any) -> str:
    """Read one string, without the blanks behind it.

    Parameters
    ----------
    dataset
        A scalar, or a vector of which the elements are joined.

    Raises
    ------
    CorruptArchiveError
        If it holds no strings.
    """
    return "".join(read_records(dataset)).rstrip(" ")


def read_records(dataset: Any) -> list[str]:
    """Read strings, with the blanks behind them that belong to them.

    Parameters
    ----------
    dataset
        A scalar or a vector.

    Raises
    ------
    CorruptArchiveError
        If it holds no strings.
    """
    if not is_dataset(dataset) or dataset.dtype.kind not in "SO":
        raise CorruptArchiveError(f"{dataset.name!r} should hold strings of fixed length, but does not.")
    values: Iterable[Any] = np.atleast_1d(dataset[()]).tolist()
    size = dataset.dtype.itemsize if dataset.dtype.kind == "S" else 0
    # HDF5 and numpy both drop padding when they read.
    encoded = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    return [value.decode("utf-8", "replace").ljust(size) for value in encoded]
