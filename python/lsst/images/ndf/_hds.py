# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read and write HDS structures and primitives as HDF5 groups and datasets.

Source: the HDS-v5 library of Starlink, which stores its hierarchical data
system in HDF5 files.  A structure is a group whose attribute ``CLASS`` is its
type.  A primitive is a dataset whose HDF5 type corresponds to an HDS type:
``_LOGICAL`` is an HDF5 bit field, and ``_CHAR*n`` is a string of fixed length,
padded with blanks.
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

import math
from collections.abc import Iterable, Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from ..errors import CorruptArchiveError, MissingOptionalDependencyError
from ..limits import ALWAYS_ALLOWED_SIZE, check_size
from ..utils import UNEXPECTED, short_repr

_LOGICAL_CHUNK = 256
"""Size of each axis of the chunks of compressed logical arrays."""

_CLASS_ATTRIBUTES = ("CLASS", "HDSTYPE")
"""Attributes that can hold the type of a structure; very old files have the second."""


def import_h5py() -> Any:
    """Import the optional module h5py.

    Raises
    ------
    MissingOptionalDependencyError
        If it is not installed.
    """
    try:
        import h5py
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "Files with the extension .sdf or .h5 require the package h5py. Install it with "
            "pip install 'lsst-images[ndf]'."
        ) from err
    return h5py


# Structures.


def set_class(group: Any, hds_type: str) -> None:
    """Set the HDS type of a structure.

    Parameters
    ----------
    group
        Group of the structure.
    hds_type
        The type, for instance ``NDF``.
    """
    group.attrs.create("CLASS", np.bytes_(hds_type.encode("ascii")))


def get_class(group: Any) -> str:
    """Return the HDS type of a structure, or an empty string if it has none.

    Parameters
    ----------
    group
        Group of the structure.
    """
    for name in _CLASS_ATTRIBUTES:
        if name in group.attrs:
            value = group.attrs[name]
            return (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)).strip()
    return ""


def create_structure(parent: Any, name: str, hds_type: str) -> Any:
    """Return a structure in another one, and create it if it does not exist.

    Parameters
    ----------
    parent
        Parent group.
    name
        Name of the structure.
    hds_type
        Type of the structure, if it is created.
    """
    if name in parent:
        return parent[name]
    group = parent.create_group(name)
    set_class(group, hds_type)
    return group


def is_dataset(thing: Any) -> bool:
    """Return whether an HDF5 object is a primitive.

    Parameters
    ----------
    thing
        HDF5 object, or `None`.
    """
    return isinstance(thing, import_h5py().Dataset)


# Numbers.


def write_array(parent: Any, name: str, array: np.ndarray, options: Mapping[str, Any] | None = None) -> Any:
    """Write an array as a primitive.

    Parameters
    ----------
    parent
        Parent group.
    name
        Name of the primitive.
    array
        Array of a type of `~lsst.images.serialization.NumberType`.  Types
        that HDS does not have are stored as the HDF5 type.
    options
        Options of ``h5py.Group.create_dataset`` for compression.

    Returns
    -------
    dataset
        The primitive.
    """
    # HDF5 cannot compress empty arrays and scalars.
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
        # h5py does not support bit fields with numpy, and HDF5 does not convert them.
        dataset.write(space, space, np.ascontiguousarray(array).view(np.uint8), mtype=logical)
    return parent[name]


def number_type_of(dataset: Any) -> np.dtype:
    """Return the native-endian type of the elements of a primitive.

    Parameters
    ----------
    dataset
        The primitive.  Bit fields of any size are logical values.
    """
    if dataset.id.get_type().get_class() == import_h5py().h5t.BITFIELD:
        return np.dtype(np.bool_)
    try:
        dtype: np.dtype = dataset.dtype.newbyteorder("=")
    except UNEXPECTED as err:
        raise CorruptArchiveError(
            f"The dataset {short_repr(dataset.name)} has an unsupported type of numbers: {err}"
        ) from err
    return dtype


def read_array(dataset: Any, slices: tuple[slice, ...] | EllipsisType = ...) -> np.ndarray:
    """Read a part of a primitive.

    Parameters
    ----------
    dataset
        The primitive.
    slices
        One for each axis.

    Returns
    -------
    array
        Native-endian array; boolean for bit fields.
    """
    # Recent versions of h5py interpret other sequences as lists of indices.
    where = ... if slices is ... else tuple(slices)
    _check_size(dataset, slices)
    array = np.asarray(dataset[where])
    return array.astype(number_type_of(dataset), copy=False)


def _check_size(dataset: Any, slices: tuple[slice, ...] | EllipsisType = ...) -> None:
    """Refuse datasets that declare more than can be in the file; the library allocates whole chunks."""
    if slices is ...:
        shape = dataset.shape
    else:
        shape = [len(range(*part.indices(n))) for part, n in zip(slices, dataset.shape, strict=False)]
    count = max(math.prod(shape or ()), math.prod(dataset.chunks or ()))
    if (size := count * dataset.dtype.itemsize) > ALWAYS_ALLOWED_SIZE:
        check_size(size, dataset.file.id.get_filesize(), f"The dataset {short_repr(dataset.name)}")


# Text.


def write_text(parent: Any, name: str, text: str, size: int = 0) -> None:
    """Write a string.

    Parameters
    ----------
    parent
        Parent group.
    name
        Name of the primitive.
    text
        ASCII text.
    size
        Minimum number of characters; the text is padded with blanks.
    """
    padded = text.ljust(max(size, 1)).encode("ascii")
    parent.create_dataset(name, data=np.array(padded, dtype=f"S{len(padded)}"))


def write_records(parent: Any, name: str, records: Sequence[str], size: int) -> None:
    """Write a vector of strings of one length.

    Parameters
    ----------
    parent
        Parent group.
    name
        Name of the primitive.
    records
        ASCII strings; they are padded with blanks.
    size
        Number of characters of each string.
    """
    padded = [record.ljust(size).encode("ascii") for record in records]
    parent.create_dataset(name, data=np.array(padded, dtype=f"S{size}"))


def read_text(dataset: Any) -> str:
    """Read one string, without trailing blanks.

    Parameters
    ----------
    dataset
        Scalar, or a vector whose elements are joined.

    Raises
    ------
    CorruptArchiveError
        If the dataset does not hold strings.
    """
    return "".join(read_records(dataset)).rstrip(" ")


def read_records(dataset: Any) -> list[str]:
    """Read strings, including trailing blanks.

    Parameters
    ----------
    dataset
        Scalar or vector.

    Raises
    ------
    CorruptArchiveError
        If the dataset does not hold strings.
    """
    if not is_dataset(dataset) or dataset.dtype.kind not in "SO":
        raise CorruptArchiveError(f"{dataset.name!r} is invalid: expected strings of fixed length.")
    _check_size(dataset)
    values: Iterable[Any] = np.atleast_1d(dataset[()]).tolist()
    size = dataset.dtype.itemsize if dataset.dtype.kind == "S" else 0
    # HDF5 and numpy remove padding when they read.
    encoded = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    return [value.decode("utf-8", "replace").ljust(size) for value in encoded]
