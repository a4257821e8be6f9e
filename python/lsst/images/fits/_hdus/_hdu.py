# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A header-and-data unit (HDU) of an open FITS file."""

from __future__ import annotations

__all__ = ("Hdu",)

import math
import operator
import re
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._bytes._byte_source import ByteSource
from ...errors import ArchiveReadError, CorruptArchiveError, InvalidParameterError
from ...limits import ALWAYS_ALLOWED_SIZE, check_size
from ...utils import cached_property, short_repr
from .._headers._cards import Cards, CardValue, scan
from .._headers._checksum import source_sum
from .._headers._odd_cards import parse_header
from .._headers._scaling import Scaling, read_scaling
from .._headers._structure import Structure, padded
from .._tiles._grid import normalize_slices
from .._tiles._multi_box_reader import read_boxes
from .._tiles._tile_reader import read_compressed
from .._tiles._tile_table import CompressedImage
from ._ascii_table_reader import read_ascii_table
from ._image_reader import read_image
from ._table_reader import TableData, read_binary_table

if TYPE_CHECKING:
    import astropy.io.fits

_Array = np.ndarray[Any, np.dtype[Any]]
_KIND_TEXTS = {
    "image": "an image",
    "compressed_image": "a compressed image",
    "table": "a table",
    "ascii_table": "an ASCII table",
}

Slices = tuple[slice | EllipsisType, ...] | slice | EllipsisType

_COLUMN_CARDS = re.compile(rb"(?:TTYPE|TFORM|TUNIT|TDIM)\d+")
"""Keywords that describe columns of a table."""


class Hdu:
    """A header-and-data unit.

    Parameters
    ----------
    source
        The file.
    header
        Header bytes with padding.
    header_address
        Byte of the file at which the header starts.
    index
        Number of the HDU in the file; `None` if it is unknown.
    ahead
        Leading bytes of the data unit that were read together with the header.

    Raises
    ------
    CorruptArchiveError
        If a mandatory card is missing or invalid, or the data unit is longer
        than the file.
    """

    def __init__(
        self,
        source: ByteSource,
        header: bytes,
        header_address: int,
        index: int | None = None,
        ahead: bytes = b"",
    ) -> None:
        self._source = source
        self.index = index
        self.header_address = header_address
        """Byte of the file at which the header starts (`int`)."""
        self.data_address = header_address + len(header)
        """Byte of the file at which the data unit starts (`int`)."""
        self._raw = header
        self._ahead = ahead
        self.values = scan(header)
        """Values of all cards with a simple value, by keyword (`dict`); read-only."""
        try:
            self._structure = Structure.parse(self.values)
            if self._structure.size > source.size - self.data_address:
                raise CorruptArchiveError(
                    f"the header specifies {self._structure.size} bytes of data at byte {self.data_address}, "
                    f"but the file ends after {source.size} bytes. It is truncated or damaged."
                )
        except CorruptArchiveError as err:
            raise self._with_location(err) from err
        self.kind = self._structure.kind
        """``"image"``, ``"compressed_image"``, ``"table"``, ``"ascii_table"`` or ``"other"``."""

    def __repr__(self) -> str:
        return f"<Hdu {self.label} {self.kind} {self.shape!r}>"

    @property
    def data_size(self) -> int:
        """Size of the data unit in bytes, including padding (`int`)."""
        return padded(self._structure.size)

    @property
    def used_size(self) -> int:
        """Size of the data unit in bytes, without padding (`int`)."""
        return self._structure.size

    @property
    def stop(self) -> int:
        """Byte of the file at which the next header starts (`int`)."""
        return self.data_address + self.data_size

    @cached_property
    def cards(self) -> Cards:
        """The header, parsed on access (`Cards`)."""
        return Cards(self._raw)

    @cached_property
    def name(self) -> str:
        """``EXTNAME``, or an empty string (`str`)."""
        return str(self.cards.get("EXTNAME", "")).strip()

    @cached_property
    def ver(self) -> int:
        """``EXTVER``, 1 by default (`int`)."""
        return self.cards.get_int("EXTVER", 1)

    @cached_property
    def header(self) -> astropy.io.fits.Header:
        """All cards as an `astropy.io.fits.Header`; the same object each time."""
        return parse_header(self.cards.raw)

    @cached_property
    def compressed(self) -> CompressedImage:
        """Description of the tile-compressed image (`CompressedImage`)."""
        if self.kind != "compressed_image":
            raise ArchiveReadError(f"{self._where} is not a compressed image, but {self._kind_text}.")
        try:
            image = CompressedImage.parse(self.values, self._structure, self.data_address, self._ahead)
        except CorruptArchiveError as err:
            raise self._with_location(err) from err
        # Decoders use up to 8 bytes per pixel.
        if (size := 8 * math.prod(image.grid.tile)) > ALWAYS_ALLOWED_SIZE:
            self._check_size(size, f"a tile of shape {image.grid.tile}")
        return image

    @cached_property
    def _scaling(self) -> Scaling:
        if self.kind == "compressed_image":
            return self.compressed.scaling
        try:
            return read_scaling(self.values, self._structure.bitpix)
        except CorruptArchiveError as err:
            raise self._with_location(err) from err

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image in C order; ``(rows,)`` of a table."""
        if self.kind == "compressed_image":
            return self.compressed.shape
        if self.kind == "image":
            return tuple(reversed(self._structure.axes))
        return (self._structure.axes[1],) if len(self._structure.axes) > 1 else ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Native type of the pixels that `read_image` returns (`numpy.dtype`)."""
        self._check_image()
        return self._scaling.dtype

    def read_image(
        self, slices: Slices = ..., *, out: _Array | None = None, threads: int | None = None
    ) -> _Array:
        """Read pixels.

        Parameters
        ----------
        slices
            Part to read: a slice or a tuple of slices, with or without an
            ellipsis.  Slices outside the image are an error.
        out
            Output array of the shape of the part and of type `dtype`; a new
            array by default.
        threads
            Number of threads that decode tiles; by default the environment
            variable ``LSST_IMAGES_THREADS`` or the number of processors.

        Returns
        -------
        `numpy.ndarray`
            Pixels in native byte order, with the scaling of the header applied.

        Raises
        ------
        BoxIndexError
            If a slice does not fit into the image.
        CorruptArchiveError
            If the file is damaged.
        InvalidParameterError
            If ``out`` has another shape or type, or ``slices`` contains other
            objects than slices.
        """
        image: CompressedImage | None = None
        if self.kind == "compressed_image":
            image = self.compressed
            full, scaling = image.shape, image.scaling
        else:
            self._check_image()
            full, scaling = self.shape, self._scaling
        start, stop, step = normalize_slices(slices, full)
        strided = max(step, default=1) > 1
        shape = tuple(map(operator.sub, stop, start))
        if (size := math.prod(shape) * scaling.stored.itemsize) > ALWAYS_ALLOWED_SIZE:
            self._check_size(size, f"the array of shape {short_repr(shape)}")
        if out is not None:
            self._check_out(out, tuple(-(-n // s) for n, s in zip(shape, step, strict=True)))
        direct = not strided and scaling.scale == 1.0 and scaling.zero == 0.0
        if out is not None and direct and out.flags.c_contiguous and out.dtype.isnative:
            work = out.view(scaling.stored)
        else:
            work = np.empty(shape, dtype=scaling.stored)
        if work.size:
            try:
                if image is not None:
                    read_compressed(image, self._source, start, stop, work, threads=threads)
                else:
                    read_image(self._source, self.data_address, self.shape, start, stop, work)
            except CorruptArchiveError as err:
                raise self._with_location(err) from err
        if out is None and direct and scaling.flip is None:
            return work
        return self._finish(work, step if strided else None, out)

    def _check_out(self, out: _Array, shape: tuple[int, ...]) -> None:
        if out.shape != shape or out.dtype.newbyteorder("=") != self._scaling.dtype:
            raise InvalidParameterError(
                f"out has shape {short_repr(out.shape)} and type {out.dtype}, but shape {short_repr(shape)} "
                "and type "
                f"{self._scaling.dtype} are needed."
            )

    def read_boxes(self, boxes: Sequence[Slices], *, threads: int | None = None) -> list[_Array]:
        """Read several parts; each tile is decoded once.

        Parameters
        ----------
        boxes
            Slices of each part, as for `read_image`, with steps of 1.
        threads
            See `read_image`.

        Returns
        -------
        `list` [ `numpy.ndarray` ]
            Pixels of each part, in order.

        Raises
        ------
        BoxIndexError
            If a slice does not fit into the image.
        CorruptArchiveError
            If the file is damaged.
        """
        self._check_image()
        if self.kind == "image":
            return [self.read_image(box, threads=threads) for box in boxes]
        bounds = [normalize_slices(box, self.shape) for box in boxes]
        pixels = sum(math.prod(map(operator.sub, stop, start)) for start, stop, _ in bounds)
        self._check_size(pixels * self._scaling.stored.itemsize, "the part that is read")
        works = [
            np.empty([b - a for a, b in zip(start, stop, strict=True)], dtype=self._scaling.stored)
            for start, stop, _ in bounds
        ]
        wanted = [(b[0], b[1]) for b, work in zip(bounds, works, strict=True) if work.size]
        try:
            read_boxes(self.compressed, self._source, wanted, [w for w in works if w.size], threads=threads)
        except CorruptArchiveError as err:
            raise self._with_location(err) from err
        return [
            self._finish(work, b[2] if max(b[2], default=1) > 1 else None, None)
            for b, work in zip(bounds, works, strict=True)
        ]

    def tile_rows(self, slices: Slices = ...) -> tuple[int, int]:
        """Return the byte range of the tile table rows of a part.

        Parameters
        ----------
        slices
            Part of the image, as for `read_image`.

        Returns
        -------
        offset, length : `int`
            Byte range in the file; the length is 0 if the HDU has no tile table.
        """
        if self.kind != "compressed_image":
            return self.data_address, 0
        start, stop, _ = normalize_slices(slices, self.shape)
        if not all(b > a for a, b in zip(start, stop, strict=True)):
            return self.data_address, 0
        image = self.compressed
        rows = image.grid.select(start, stop).rows
        first, last = int(rows[0]) * image.row_size, (int(rows[-1]) + 1) * image.row_size
        return self.data_address + first, last - first

    def byte_ranges(self, slices: Slices = ...) -> list[tuple[int, int]]:
        """Return the byte ranges of a part of the image.

        Parameters
        ----------
        slices
            Part of the image, as for `read_image`.

        Returns
        -------
        `list` [ `tuple` [ `int`, `int` ] ]
            Offset and length of each tile if the image is compressed, and
            otherwise of the rows from the first to the last.
        """
        start, stop, _ = normalize_slices(slices, self.shape)
        if not all(b > a for a, b in zip(start, stop, strict=True)):
            return []
        if self.kind == "image":
            row = math.prod(self.shape[1:]) * self._scaling.stored.itemsize
            return [(self.data_address + start[0] * row, (stop[0] - start[0]) * row)]
        image = self.compressed
        rows = image.read_rows(self._source, image.grid.select(start, stop).rows)
        return list(zip(rows.offset.tolist(), rows.size.tolist(), strict=True))

    def _finish(self, work: _Array, step: tuple[int, ...] | None, out: _Array | None) -> _Array:
        scaling = self._scaling
        if step is not None:
            work = np.ascontiguousarray(work[tuple(slice(None, None, s) for s in step)])
        if scaling.scale != 1.0 or scaling.zero != 0.0:
            result = np.empty(work.shape, dtype=scaling.dtype) if out is None else out
            scaling.apply(work, result)
            return result
        scaling.finish(work)
        pixels = work.view(scaling.dtype)
        if out is None:
            return pixels
        if not np.may_share_memory(pixels, out):
            out[...] = pixels
        return out

    def read_table(self) -> TableData:
        """Read a table.

        Returns
        -------
        `TableData`
            The table, whose columns are decoded on access.

        Raises
        ------
        ArchiveReadError
            If the HDU is not a table.
        CorruptArchiveError
            If the table is damaged.
        """
        try:
            if self.kind == "ascii_table":
                header = self._source.read(self.header_address, self.data_address - self.header_address)
                return read_ascii_table(header, self._source.read(self.data_address, self._structure.size))
            if self.kind in ("table", "compressed_image"):
                values = self._column_values
                return read_binary_table(self._source, values, self._structure, self.data_address)
        except CorruptArchiveError as err:
            raise self._with_location(err) from err
        raise ArchiveReadError(f"{self._where} is not a table, but {self._kind_text}.")

    @property
    def _column_values(self) -> Mapping[str, CardValue]:
        """Values of the header cards, including long names and units of columns."""
        if b"CONTINUE" not in self._raw:
            return self.values
        long = [
            word for word in map(bytes.decode, _COLUMN_CARDS.findall(self._raw)) if word not in self.values
        ]
        return {**self.values, **{keyword: self.cards.get(keyword) for keyword in long}}

    def read_data(self) -> bytes:
        """Return the bytes of the data unit, without padding."""
        return bytes(self._source.read(self.data_address, self._structure.size))

    def check_data_sum(self, *, threads: int | None = None) -> bool:
        """Compare the data unit with ``DATASUM``.

        Parameters
        ----------
        threads
            See `read_image`.

        Returns
        -------
        `bool`
            Whether the header has a ``DATASUM``.

        Raises
        ------
        CorruptArchiveError
            If the sums differ.
        """
        stated = self.values.get("DATASUM")
        if stated is None or not str(stated).strip():
            return False
        # Padding does not change the sum, and some files end without it.
        size = min(self.data_size, self._source.size - self.data_address)
        found = source_sum(self._source, self.data_address, size, threads=threads)
        if str(stated).strip() != str(found):
            raise CorruptArchiveError(
                f"{self._where}: the checksum of the data is {found}, but DATASUM = {short_repr(stated)}. "
                "The file was "
                "damaged or edited after it was written; copy or download it again."
            )
        return True

    def _check_size(self, size: int, what: str) -> None:
        check_size(size, self._source.size, f"{self._where}: {what}")

    def _check_image(self) -> None:
        if self.kind not in ("image", "compressed_image"):
            raise ArchiveReadError(f"{self._where} is not an image, but {self._kind_text}.")
        if self.kind == "image" and not self._structure.axes:
            raise ArchiveReadError(f"{self._where} has no pixels (NAXIS = 0).")

    @property
    def label(self) -> str:
        """Number or address, and name of the HDU, for messages (`str`)."""
        place = f"HDU {self.index}" if self.index is not None else f"HDU at byte {self.header_address}"
        return f"{place} ({self.name})" if self.name else place

    @property
    def _kind_text(self) -> str:
        return _KIND_TEXTS.get(self.kind, "of an unknown type")

    @property
    def _where(self) -> str:
        return f"{self._source.name}: {self.label}"

    def _with_location(self, err: CorruptArchiveError) -> CorruptArchiveError:
        # Errors of the lower layers do not include the file and the HDU.
        return type(err)(f"{self._where}: {err}")
