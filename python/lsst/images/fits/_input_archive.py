# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading one of our FITS files: tree and index first, then what is asked for."""

from __future__ import annotations

__all__ = ("FitsInputArchive",)

import functools
from types import EllipsisType
from typing import Any, Self

import numpy as np
import pydantic_core

from ..errors import (
    ArchiveReadError,
    CorruptArchiveError,
    InvalidFitsArchiveError,
    NotAnArchiveError,
)
from ..serialization import ArrayReferenceModel, InputArchive, NumberType, TableModel
from ._file import FitsFile, Hdu
from ._layout import FORMAT_VERSION, ExtensionKey, PointerModel, parse_source
from ._opaque import FitsOpaqueMetadata, RawHeader
from ._tail import Tail, read_tail


class FitsInputArchive(InputArchive):
    """An open FITS file of ours.

    Parameters
    ----------
    file
        The open file, of which the archive takes possession.
    """

    CONTAINER = "fits"

    def __init__(self, file: FitsFile) -> None:
        super().__init__()
        self._file = file
        # All that is needed stands in the first block, however long the
        # header; the schema, which comes last, is in the tree as well.
        self._primary = file.first_values
        if "JSONADDR" not in self._primary:
            raise NotAnArchiveError(
                f"{file.name} is a FITS file, but without the cards FMTVER and JSONADDR of our own. "
                "A file of lsst.afw is read with read_legacy()."
            )
        if (version := self._primary.get("FMTVER", 0)) > FORMAT_VERSION:
            raise ArchiveReadError(
                f"{file.name} has FMTVER={version}; this package reads up to {FORMAT_VERSION}. Update it."
            )
        self._headers: dict[ExtensionKey, RawHeader] = {}
        self._parsed: dict[int, dict[str, Any]] = {}

    @classmethod
    def open(cls, target: Any, *, partial: bool = True) -> Self:
        file = FitsFile.open(target)
        try:
            return cls(file)
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        self._file.close()

    # Facts.

    @property
    def format_version(self) -> int | None:
        return self._primary.get("FMTVER")

    @property
    def schema_url(self) -> str | None:
        url = self.get_raw_tree().get("schema_url") or self._file.hdu(0).cards.get("DATAMODL")
        return url if isinstance(url, str) else None

    def get_raw_tree(self) -> dict[str, Any]:
        return self._parsed_row(0)

    def get_baggage(self) -> FitsOpaqueMetadata:
        baggage = FitsOpaqueMetadata()
        for key, header in self._headers.items():
            baggage.add_raw(key, header)
        baggage.add_raw(ExtensionKey(), RawHeader(self._file.hdu(0).cards.raw, is_primary=True))
        return baggage

    # The special HDUs.

    @functools.cached_property
    def _tail(self) -> Tail:
        try:
            json, index = (
                (self._primary[f"{name}ADDR"], self._primary[f"{name}SIZE"]) for name in ("JSON", "INDX")
            )
        except KeyError as err:
            raise CorruptArchiveError(
                f"{self._file.name} lacks the card {err} in its primary header."
            ) from None
        return read_tail(self._file.source, json, index)

    def _parsed_row(self, number: int) -> dict[str, Any]:
        if (tree := self._parsed.get(number)) is not None:
            return tree
        rows = self._tail.rows
        if not 0 <= number < len(rows):
            raise InvalidFitsArchiveError(f"The tree refers to row {number} of {len(rows)} in HDU JSON.")
        try:
            tree = pydantic_core.from_json(rows[number], allow_inf_nan=True)
        except ValueError as err:
            raise CorruptArchiveError(
                f"Row {number} of HDU JSON in {self._file.name} is damaged: {err}"
            ) from err
        if not isinstance(tree, dict):
            raise CorruptArchiveError(f"Row {number} of HDU JSON in {self._file.name} is not a JSON object.")
        self._parsed[number] = tree
        return tree

    def _find(self, key: ExtensionKey) -> Hdu:
        if (address := self._tail.addresses.get((key.name, key.ver))) is None:
            raise InvalidFitsArchiveError(
                f"The tree refers to {key}, which {self._file.name} does not have; it has "
                f"{[str(ExtensionKey(*known)) for known in self._tail.addresses if known[0]]}."
            )
        hdu = self._file.hdu_at(address)
        found = str(hdu.values.get("EXTNAME", "")).upper(), hdu.values.get("EXTVER", 1)
        if found != (key.name, key.ver):
            raise InvalidFitsArchiveError(
                f"The index of {self._file.name} says that {key} is at byte {address}, but there is "
                f"{found}: the file was edited or is damaged."
            )
        return hdu

    # What the base asks for.

    def _read_array(self, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray:
        key, _ = parse_source(model.source)
        hdu = self._find(key)
        if hdu.kind not in ("image", "compressed_image"):
            raise InvalidFitsArchiveError(f"{key} is a {hdu.kind}, but the tree wants an image.")
        if model.shape and tuple(model.shape) != tuple(hdu.shape):
            raise InvalidFitsArchiveError(
                f"{key} is an array of shape {tuple(hdu.shape)}, but the tree says {tuple(model.shape)}."
            )
        self._headers.setdefault(key, RawHeader(hdu._raw))
        array = hdu.read_image(slices)
        if model.datatype is NumberType.bool and array.dtype == np.uint8:
            array = array.view(np.bool_)
        if array.dtype.name != model.datatype.value:
            raise InvalidFitsArchiveError(
                f"{key} is an array of {array.dtype.name}, but the tree says {model.datatype.value}."
            )
        return array

    def _read_columns(self, model: TableModel) -> np.ndarray:
        key, _ = parse_source(model.columns[0].data.source)  # type: ignore[union-attr]  # not inline
        hdu = self._find(key)
        if hdu.kind != "table":
            raise InvalidFitsArchiveError(f"{key} is a {hdu.kind}, but the tree wants a table.")
        data = hdu.read_table()
        columns = {}
        for position, column in enumerate(model.columns, 1):
            _, number = parse_source(column.data.source)  # type: ignore[union-attr]  # not inline
            columns[column.name] = data.column((number or position) - 1)
        dtype = [(name, array.dtype, array.shape[1:]) for name, array in columns.items()]
        result = np.empty(len(next(iter(columns.values()))), dtype=dtype)
        for name, array in columns.items():
            result[name] = array
        return result

    def _read_pointer(self, pointer: dict[str, Any]) -> dict[str, Any]:
        return self._parsed_row(PointerModel.model_validate(pointer).row)
