# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read NDFs of this package and of other software."""

from __future__ import annotations

__all__ = ("NdfInputArchive",)

import contextlib
from types import EllipsisType
from typing import Any, Self

import numpy as np
import pydantic_core

from ..errors import CorruptArchiveError, SchemaVersionError
from ..serialization import ArrayReferenceModel, InlineArrayModel, InputArchive, TableModel
from ..utils import short_repr
from ._cards import HeaderCards
from ._hds import is_dataset, number_type_of, read_array, read_records, read_text
from ._links import lookup
from ._source import open_hdf5, reading
from ._starlink import StarlinkNdf

FORMAT_VERSION = 1
"""Version of the layout that this module reads."""

SOURCE_PREFIX = "ndf:"
"""Prefix of the HDF5 path of a dataset in the tree."""

TREE_GROUPS = ("/MORE/LSST", "/LSST")
"""Groups that may contain the tree, in the order of precedence."""


class NdfInputArchive(InputArchive):
    """An open NDF.

    Parameters
    ----------
    file
        Open `h5py.File`.
    resources
        Resources to close with the archive.
    schema
        Schema used to describe an NDF without a tree, ``image`` or
        ``masked_image``; `None` selects it by the components of the NDF.

    Notes
    -----
    Arrays, or the requested parts of them, are read from the file on demand.
    """

    CONTAINER = "ndf"

    def __init__(self, file: Any, resources: contextlib.ExitStack, *, schema: str | None = None) -> None:
        super().__init__()
        self._file = file
        self._resources = resources
        self._home = _find_home(file)
        self._foreign = StarlinkNdf(file) if self._home is None else None
        self._schema = schema
        self._tree: dict[str, Any] | None = None
        if self.format_version is not None and self.format_version > FORMAT_VERSION:
            raise SchemaVersionError(
                f"The file has FORMAT_VERSION {self.format_version}; this version of lsst.images reads "
                f"versions up to {FORMAT_VERSION}. Update lsst.images."
            )

    @classmethod
    def open(cls, target: Any, *, partial: bool = True, schema: str | None = None) -> Self:
        """Open a file.

        Parameters
        ----------
        target
            URI, path, or seekable binary stream.
        partial
            Whether only parts of the file will be read; otherwise a remote
            file is downloaded as a whole.
        schema
            Schema used to describe an NDF without a tree.

        Returns
        -------
        archive
            The open archive.
        """
        file, resources = open_hdf5(target, partial=partial)
        with resources:
            with reading("The HDF5 file"):
                archive = cls(file, resources, schema=schema)
            archive._resources = resources.pop_all()
        return archive

    def close(self) -> None:
        self._resources.close()

    @property
    def is_foreign(self) -> bool:
        """Whether the file is an NDF of other software, without a tree."""
        return self._foreign is not None

    # Content.

    @property
    def schema_url(self) -> str | None:
        if self._home is not None and (model := lookup(self._home, "DATA_MODEL")) is not None:
            with reading(f"Dataset {model.name!r}"):
                return read_text(model).strip()
        url = self.get_raw_tree().get("schema_url")
        return url if isinstance(url, str) else None

    @property
    def format_version(self) -> int | None:
        if self._home is None or (version := lookup(self._home, "FORMAT_VERSION")) is None:
            return None
        with reading("FORMAT_VERSION"):
            return int(version[()])

    def get_raw_tree(self) -> dict[str, Any]:
        if self._tree is None:
            if self._foreign is not None:
                self._tree = self._foreign.make_tree(self._schema or self._foreign.best_schema)
            else:
                self._tree = _read_json(lookup(self._home, "JSON"))
        return self._tree

    def get_passthrough(self) -> HeaderCards | None:
        if self._foreign is not None:
            cards = HeaderCards.from_foreign(self._foreign.cards)
        else:
            fits = lookup(self._file, "/MORE/FITS")
            with reading("/MORE/FITS"):
                cards = HeaderCards(() if fits is None else tuple(read_records(fits)))
        return cards if cards.cards else None

    # Arrays.

    def _read_array(self, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray:
        if self._foreign is not None:
            with reading(f"Array {model.source!r}"):
                if (array := self._foreign.read(model, slices)) is not None:
                    return array
        dataset = self._find(model.source)
        _check_type(model.datatype.value, dataset)
        with reading(f"Array {dataset.name!r}"):
            if dataset.shape == model.shape and not _is_mask(dataset):
                return read_array(dataset, slices)
            return self._read_reshaped(dataset, model, slices)

    def _read_reshaped(
        self, dataset: Any, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType
    ) -> np.ndarray:
        """Read an array whose axes in the file differ from those in the tree."""
        where = (slice(None),) * len(model.shape) if slices is ... else slices
        if _is_mask(dataset) and model.shape == (*dataset.shape[1:], dataset.shape[0]):
            return np.moveaxis(read_array(dataset, (*where[2:], *where[:2])), 0, -1)
        if model.shape in ((), dataset.shape):
            # Trees of the first releases do not have shapes.
            return read_array(dataset, slices)
        raise CorruptArchiveError(
            f"Array {dataset.name!r} has the shape {dataset.shape}, but the tree declares {model.shape}."
        )

    def _read_columns(self, model: TableModel) -> np.ndarray:
        columns = {}
        for column in model.columns:
            if isinstance(column.data, InlineArrayModel):
                columns[column.name] = column.data.to_array()
                continue
            dataset = self._find(column.data.source)
            _check_type(column.data.datatype.value, dataset)
            with reading(f"Column {column.name!r}"):
                columns[column.name] = values = read_array(dataset)
            if values.shape[1:] != column.data.shape or values.ndim == 0:
                raise CorruptArchiveError(
                    f"Column {column.name!r} at {dataset.name!r} has the shape {values.shape[1:]} per row, "
                    f"but the tree declares {column.data.shape}."
                )
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise CorruptArchiveError(f"The columns of a table differ in length: {lengths}.")
        result = np.empty(
            next(iter(lengths.values()), 0),
            dtype=[(name, values.dtype, values.shape[1:]) for name, values in columns.items()],
        )
        for name, values in columns.items():
            result[name] = values
        return result

    def _read_pointer(self, pointer: dict[str, Any]) -> dict[str, Any]:
        path = pointer.get("path")
        if not isinstance(path, str):
            raise CorruptArchiveError(
                f"Pointer {short_repr(pointer)} is invalid: expected a string as member 'path'."
            )
        return _read_json(self._find(f"{SOURCE_PREFIX}{path}"))

    def _find(self, source: str | int) -> Any:
        if not (isinstance(source, str) and source.startswith(SOURCE_PREFIX)):
            raise CorruptArchiveError(
                f"The tree refers to {short_repr(source)}; expected '{SOURCE_PREFIX}/PATH/OF/DATASET' in an "
                "NDF."
            )
        with reading(f"Source {source!r}"):
            found = lookup(self._file, source.removeprefix(SOURCE_PREFIX))
        if not is_dataset(found):
            raise CorruptArchiveError(
                f"The tree refers to {short_repr(source)}, but the file has no dataset at that path."
            )
        return found


def _find_home(file: Any) -> Any:
    """Return the group that holds the tree, or `None`."""
    for path in TREE_GROUPS:
        if is_dataset(lookup(file, f"{path}/JSON")):
            return lookup(file, path)
    return None


def _read_json(dataset: Any) -> dict[str, Any]:
    with reading(f"The tree at {dataset.name!r}"):
        tree = pydantic_core.from_json(read_text(dataset), allow_inf_nan=True)
    if not isinstance(tree, dict):
        raise CorruptArchiveError(f"{dataset.name!r} holds a JSON {type(tree).__name__}, not an object.")
    return tree


def _check_type(declared: str, dataset: Any) -> None:
    if number_type_of(dataset).name != declared:
        raise CorruptArchiveError(
            f"Array {dataset.name!r} is of type {number_type_of(dataset).name}, but the tree declares "
            f"{declared}."
        )


def _is_mask(dataset: Any) -> bool:
    """Return whether the slowest axis in the file is the last one in the tree.

    This is so for masks, the only arrays with three axes that have a flag for
    bad pixels.
    """
    return dataset.ndim == 3 and "BAD_PIXEL" in dataset.parent
