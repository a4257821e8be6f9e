# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading of archives in FITS files."""

from __future__ import annotations

__all__ = ("FitsInputArchive",)

import os
import warnings
from collections.abc import Sequence
from types import EllipsisType
from typing import Any, Self

import numpy as np
import pydantic_core

from ..._bytes._open_source import open_source
from ..._bytes._remote_source import DEFAULT_PAGE_SIZE
from ...errors import (
    ArchiveReadError,
    ChecksumWarning,
    CorruptArchiveError,
    InvalidFitsArchiveError,
    NotAnArchiveError,
)
from ...serialization import ArrayReferenceModel, InputArchive, NumberType, TableModel
from ...serialization._input_archive import ArrayPart
from ...utils import short_repr
from .._hdus._file import MAX_PREFETCH_SIZE, FitsFile, Hdu
from .._headers._cards import CARD_SIZE, find_end, read_int
from .._headers._checksum import data_sum, is_header_right
from ._index_block import PRIMARY_SUM_CARD, IndexBlock, read_index_block
from ._layout import FORMAT_VERSION, ExtensionKey, PointerModel, parse_source
from ._passthrough_hdus import FitsOpaqueMetadata, RawHeader

VERIFY_VARIABLE = "LSST_IMAGES_VERIFY"
"""Environment variable that disables the verification of checksums if it is ``0``."""

_Bounds = tuple[tuple[int | None, int | None], ...]


def _bounds(slices: tuple[slice, ...]) -> _Bounds:
    # Slices themselves cannot be keys before Python 3.12.
    return tuple((s.start, s.stop) for s in slices)


class FitsInputArchive(InputArchive):
    """An open FITS file with an archive of this package.

    Parameters
    ----------
    file
        The open file, which the archive closes.
    verify
        Whether each HDU is compared with its ``DATASUM`` before it is read.
    check_headers
        Whether headers, the tree and the index are compared with their
        ``CHECKSUM`` when they are read.

    Notes
    -----
    A wrong ``CHECKSUM`` causes a `ChecksumWarning` and not an error, because
    the pixels may be undamaged, and because many programs edit headers
    without new checksums.  If neither ``JSON`` nor ``INDEX`` has a
    ``CHECKSUM``, the file was written by a program that does not compute
    checksums but may have copied those of another file: then headers are not
    checked, and a wrong ``DATASUM`` is a warning too.
    """

    CONTAINER = "fits"

    def __init__(self, file: FitsFile, *, verify: bool = False, check_headers: bool = True) -> None:
        self._file = file
        self.remote = file.source.remote
        self._verify = verify
        self._check_headers = check_headers
        self._checked: set[int] = set()
        self._verified: set[int] = set()
        self._ahead: dict[tuple[ExtensionKey, _Bounds], list[np.ndarray]] = {}
        # All required cards are in the first block, even of long headers; the
        # schema, which is the last card, is also in the tree.
        self._primary: dict[str, Any] = dict(file.first_values)
        if "JSONADDR" not in self._primary:
            raise NotAnArchiveError(
                f"{file.name} is a FITS file, but not an archive of lsst.images: it has no cards FMTVER and "
                "JSONADDR. Use read_legacy() to read a file of lsst.afw."
            )
        version = self._primary.get("FMTVER", 0)
        if type(version) is not int or version < 0:
            # Raises an error unless it is a whole number of floating-point type.
            version = read_int(self._primary, "FMTVER", 0)
        if version > FORMAT_VERSION:
            raise ArchiveReadError(
                f"{file.name} has FMTVER={version}; this version of lsst.images reads up to "
                f"{FORMAT_VERSION}. Update lsst.images."
            )
        self._headers: dict[ExtensionKey, RawHeader] = {}
        self._parsed: dict[int, dict[str, Any]] = {}
        self._index_block: IndexBlock | None = None

    @classmethod
    def open(
        cls,
        target: Any,
        *,
        partial: bool = True,
        verify: bool | None = None,
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Self:
        """Open a file.

        Parameters
        ----------
        target
            URI, path, or seekable binary stream.
        partial
            Whether only parts of the file will be read.
        verify
            Whether data units are compared with their ``DATASUM`` before they
            are read; by default if ``partial`` is false and the environment
            variable ``LSST_IMAGES_VERIFY`` is not ``0``.  Headers, tree and
            index are always compared, unless ``verify`` is false or the
            variable is ``0``.
        page_size
            Maximum number of bytes per request for a remote file.

        Raises
        ------
        NotAnArchiveError
            If the file is not an archive of this package.
        """
        file = FitsFile(open_source(target, page_size))
        try:
            if verify is None:
                check_headers = os.environ.get(VERIFY_VARIABLE, "1") != "0"
                return cls(file, verify=check_headers and not partial, check_headers=check_headers)
            return cls(file, verify=verify, check_headers=verify)
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        self._file.source.close()

    # Properties and trees.

    @property
    def format_version(self) -> int | None:
        return self._primary.get("FMTVER")

    @property
    def schema_url(self) -> str | None:
        url = self.get_raw_tree().get("schema_url") or self._primary_hdu().cards.get("DATAMODL")
        return url if isinstance(url, str) else None

    def get_raw_tree(self, row: int = 0) -> dict[str, Any]:
        """Return the root tree, or another tree of the HDU ``JSON``.

        Parameters
        ----------
        row
            Row of the HDU ``JSON``.
        """
        if (tree := self._parsed.get(row)) is not None:
            return tree
        block = self._index_block or self._read_index_block()
        if not 0 <= row < len(block.rows):
            raise InvalidFitsArchiveError(
                f"The tree refers to row {row} of the HDU JSON, which has {len(block.rows)} rows."
            )
        try:
            tree = pydantic_core.from_json(block.rows[row], allow_inf_nan=True)
        except ValueError as err:
            raise CorruptArchiveError(
                f"Row {row} of HDU JSON in {self._file.name} is damaged: {err}"
            ) from err
        if not isinstance(tree, dict):
            raise CorruptArchiveError(f"Row {row} of HDU JSON in {self._file.name} is not a JSON object.")
        self._parsed[row] = tree
        return tree

    def get_passthrough(self) -> FitsOpaqueMetadata:
        passthrough = FitsOpaqueMetadata()
        for key, header in self._headers.items():
            passthrough.add_raw(key, header)
        passthrough.add_raw(ExtensionKey(), RawHeader(self._primary_hdu().cards.raw, is_primary=True))
        for source, strip in self._header_strippers.items():
            if (stripped := passthrough.header(parse_source(source)[0])) is not None:
                strip(stripped)
        return passthrough

    def _primary_hdu(self) -> Hdu:
        hdu = self._file.hdu(0)
        block = self._index_block or self._read_index_block()
        if block.has_checksums and self._check_headers and 0 not in self._checked:
            self._checked.add(0)
            if block.primary_sum is None or "CHECKSUM" in hdu.values:
                if not is_header_right(hdu._raw, hdu.values):
                    self._warn("the primary header", "CHECKSUM", "it")
            elif (
                # Cards were added or removed by a program, which damage cannot do.
                block.primary_size == find_end(hdu._raw) // CARD_SIZE
                and block.primary_sum != data_sum(hdu._raw)
            ):
                self._warn("the primary header", f"{PRIMARY_SUM_CARD} of INDEX", "the header")
        return hdu

    def _read_index_block(self) -> IndexBlock:
        block = self._index_block = read_index_block(self._file.source, self._primary)
        if self._check_headers:
            for name in block.wrong:
                self._warn(name, "CHECKSUM", "its rows")
        return block

    def _warn(self, where: str, card: str, part: str) -> None:
        warnings.warn(
            f"{self._file.name}: {where}: the {card} is wrong, so {part} may have wrong values. The file was "
            "damaged, or edited without a new checksum. Copy or download it again, or list all problems with "
            "'lsst-images verify'.",
            ChecksumWarning,
            stacklevel=3,
        )

    def _locate(self, key: ExtensionKey) -> Hdu:
        block = self._index_block or self._read_index_block()
        if (address := block.addresses.get((key.name, key.ver))) is None:
            raise InvalidFitsArchiveError(
                f"The tree refers to {key}, which is not in {self._file.name}; its HDUs are "
                f"{[str(ExtensionKey(*known)) for known in block.addresses if known[0]]}."
            )
        hdu = self._file.hdu_at(address)
        found = str(hdu.values.get("EXTNAME", "")).upper(), hdu.values.get("EXTVER", 1)
        if found != (key.name, key.ver):
            raise InvalidFitsArchiveError(
                f"The index of {self._file.name} lists {key} at byte {address}, but the HDU there is "
                f"{found}. The file was edited or is damaged."
            )
        if block.has_checksums and self._check_headers and address not in self._checked:
            self._checked.add(address)
            if not is_header_right(hdu._raw, hdu.values):
                self._warn(hdu.label, "CHECKSUM", "its header")
        return hdu

    def _find(self, key: ExtensionKey) -> Hdu:
        hdu = self._locate(key)
        address = hdu.header_address
        if self._verify and address not in self._verified:
            self._verified.add(address)
            if self.remote and hdu.values.get("DATASUM"):
                # Cached for the following read of the pixels.
                self._file.source.prefetch([(hdu.data_address, hdu.used_size)])
            try:
                hdu.check_data_sum()
            except CorruptArchiveError:
                if self._index_block is None or self._index_block.has_checksums:
                    raise
                self._warn(hdu.label, "DATASUM", "its data unit")
        return hdu

    # Reading of several arrays.

    def expect(self, parts: Sequence[ArrayPart]) -> None:
        if not self.remote:
            return
        found = [
            (parse_source(model.source)[0], tuple(model.shape), slices)
            for model, slices in parts
            if isinstance(model, ArrayReferenceModel)
        ]
        wanted: dict[tuple[str, int], list[Any]] = {}
        for key, shape, slices in found:
            wanted.setdefault((key.name, key.ver), []).append((shape, slices))
        source = self._file.source
        block = self._index_block or self._read_index_block()
        source.prefetch(block.ranges_to_fetch(wanted, source.size, MAX_PREFETCH_SIZE))
        # Ranges that the index does not contain, or for which it is wrong.
        self._file.fetch_pixels([(self._locate(key), slices) for key, _, slices in found])

    def read_ahead(self, parts: Sequence[ArrayPart]) -> None:
        self._ahead.clear()
        self.expect(parts)
        wanted: dict[ExtensionKey, list[tuple[slice, ...]]] = {}
        for model, slices in parts:
            if isinstance(model, ArrayReferenceModel) and slices is not ...:
                wanted.setdefault(parse_source(model.source)[0], []).append(slices)
        try:
            for key, boxes in wanted.items():
                for slices, array in zip(boxes, self._find(key).read_boxes(boxes), strict=True):
                    self._ahead.setdefault((key, _bounds(slices)), []).append(array)
        except BaseException:
            self._ahead.clear()
            raise

    def _take(self, key: ExtensionKey, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray | None:
        if slices is ...:
            return None
        # Each array is returned once, because the caller may modify it.
        ready = self._ahead.get((key, _bounds(slices)))
        return ready.pop() if ready else None

    # Abstract methods of the base class.

    def _read_array(self, model: ArrayReferenceModel, slices: tuple[slice, ...] | EllipsisType) -> np.ndarray:
        key, _ = parse_source(model.source)
        if self.remote and not self._ahead:
            # No requests are made if the ranges are already prefetched.
            self.expect([(model, slices)])
        hdu = self._find(key)
        if hdu.kind not in ("image", "compressed_image"):
            raise InvalidFitsArchiveError(
                f"{key} is of type {short_repr(hdu.kind)}, but the tree refers to an image."
            )
        shape = hdu.compressed.shape if hdu.kind == "compressed_image" else hdu.shape
        if model.shape and model.shape != shape:
            raise InvalidFitsArchiveError(
                f"{key} is an array of shape {shape}, but the tree specifies {model.shape}."
            )
        self._headers.setdefault(key, RawHeader(hdu._raw))
        array = self._take(key, slices) if self._ahead else None
        if array is None:
            array = hdu.read_image(slices)
        if model.datatype is NumberType.bool and array.dtype == np.uint8:
            array = array.view(np.bool_)
        if array.dtype.name != model.datatype.value:
            raise InvalidFitsArchiveError(
                f"{key} is an array of type {array.dtype.name}, but the tree specifies "
                f"{model.datatype.value}."
            )
        return array

    def _read_columns(self, model: TableModel) -> np.ndarray:
        key, _ = parse_source(model.columns[0].data.source)  # type: ignore[union-attr]  # not inline
        hdu = self._find(key)
        if hdu.kind != "table":
            raise InvalidFitsArchiveError(
                f"{key} is of type {short_repr(hdu.kind)}, but the tree refers to a table."
            )
        data = hdu.read_table()
        columns = {}
        for position, column in enumerate(model.columns, 1):
            _, number = parse_source(column.data.source)  # type: ignore[union-attr]  # not inline
            values = data.column((number or position) - 1)
            if isinstance(values, list):
                raise InvalidFitsArchiveError(
                    f"Column {column.name!r} of {key} has cells of variable length, which are not supported."
                )
            columns[column.name] = values
        dtype = [(name, array.dtype, array.shape[1:]) for name, array in columns.items()]
        result = np.empty(len(next(iter(columns.values()))), dtype=dtype)
        for name, array in columns.items():
            result[name] = array
        return result

    def _read_pointer(self, pointer: dict[str, Any]) -> dict[str, Any]:
        return self.get_raw_tree(PointerModel.model_validate(pointer).row)
