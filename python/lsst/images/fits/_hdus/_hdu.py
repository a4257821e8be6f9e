# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""One header-and-data unit of an open file."""

from __future__ import annotations

__all__ = ("Hdu",)

import functools
import math
import operator
import re
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArchiveReadError, CorruptArchiveError, InvalidParameterError
from .._bytes._byte_source import ByteSource
from .._headers._cards import Cards, CardValue, scan
from .._headers._checksum import source_sum
from .._headers._scaling import Scaling, read_scaling
from .._headers._structure import Structure, padded
from .._tiles._grid import normalize_slices
from .._tiles._multi_box_reader import read_boxes
from .._tiles._tile_reader import read_compressed
from .._tiles._tile_table import CompressedImage
from .._tiles.codecs.cfitsio import CfitsioCodec
from ._ascii_table_reader import read_ascii_table
from ._image_reader import read_plain
from ._table_reader import TableData, read_binary_table

if TYPE_CHECKING:
    import astropy.io.fits

_Array = np.ndarray[Any, np.dtype[Any]]
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
        Where the header starts in the file.
    index
        Number of the HDU in the file; `None` if it was reached by address.
    ahead
        First bytes of the data unit, as many as came along with the header.

    Raises
    ------
    CorruptArchiveError
        If a mandatory card is missing or impossible, or the data unit is
        longer than the file.
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
        """Byte of the file where the header starts (`int`)."""
        self.data_address = header_address + len(header)
        """Byte of the file where the data unit starts (`int`)."""
        self._raw = header
        self._ahead = ahead
        self.values = scan(header)
        """Values of all cards with a plain value, by keyword (`dict`); do not change it."""
        try:
            self._structure = Structure.parse(self.values)
            if self._structure.size > source.size - self.data_address:
                raise CorruptArchiveError(
                    f"the header promises {self._structure.size} bytes of data at byte {self.data_address}, "
                    f"but the file ends after {source.size} bytes. It is truncated or damaged."
                )
        except CorruptArchiveError as err:
            raise self._renamed(err) from err
        self.kind = self._structure.kind
        """``"image"``, ``"compressed_image"``, ``"table"``, ``"ascii_table"`` or ``"other"``."""

    def __repr__(self) -> str:
        return f"<Hdu {self.label} {self.kind} {self.shape!r}>"

    @property
    def data_size(self) -> int:
        """Bytes in the data unit, padding included (`int`)."""
        return padded(self._structure.size)

    @property
    def used_size(self) -> int:
        """Bytes in the data unit, without the padding (`int`)."""
        return self._structure.size

    @property
    def stop(self) -> int:
        """Byte of the file where the next header starts (`int`)."""
        return self.data_address + self.data_size

    @functools.cached_property
    def cards(self) -> Cards:
        """The header, parsed card by card on demand (`Cards`)."""
        return Cards(self._raw)

    @functools.cached_property
    def name(self) -> str:
        """``EXTNAME``, or an empty string (`str`)."""
        return str(self.cards.get("EXTNAME", "")).strip()

    @functools.cached_property
    def ver(self) -> int:
        """``EXTVER``, 1 by default (`int`)."""
        return self.cards.get_int("EXTVER", 1)

    @functools.cached_property
    def header(self) -> astropy.io.fits.Header:
        """All cards as an `astropy.io.fits.Header`; the same object each time."""
        return self.cards.to_header()

    @functools.cached_property
    def compressed(self) -> CompressedImage:
        """How a tile-compressed image is stored (`CompressedImage`)."""
        if self.kind != "compressed_image":
            raise ArchiveReadError(f"{self._where} is no compressed image, but of kind {self.kind!r}.")
        try:
            return CompressedImage.parse(self.values, self._structure, self.data_address, self._ahead)
        except CorruptArchiveError as err:
            raise self._renamed(err) from err

    @functools.cached_property
    def _scaling(self) -> Scaling:
        if self.kind == "compressed_image":
            return self.compressed.scaling
        try:
            return read_scaling(self.values, self._structure.bitpix)
        except CorruptArchiveError as err:
            raise self._renamed(err) from err

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
            Which part: a slice or a tuple of slices, with or without an
            ellipsis.  Slices that reach beyond the image are an error.
        out
            Array to fill, of the right shape and of type `dtype`; a new one
            by default.
        threads
            Number of threads that decode tiles; by default the environment
            variable ``LSST_IMAGES_THREADS`` or the number of processors.

        Returns
        -------
        `numpy.ndarray`
            Pixels in native byte order, scaled as the header says.

        Raises
        ------
        BoxIndexError
            If a slice does not fit into the image.
        CorruptArchiveError
            If the file is damaged.
        InvalidParameterError
            If ``out`` does not fit, or ``slices`` has anything but slices.
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
        if out is not None:
            self._check_out(out, tuple(-(-n // s) for n, s in zip(shape, step, strict=True)))
        direct = not strided and scaling.scale == 1.0 and scaling.zero == 0.0
        if out is not None and direct and out.flags.c_contiguous and out.dtype.isnative:
            work = out.view(scaling.stored)
        else:
            work = np.empty(shape, dtype=scaling.stored)
        if work.size:
            try:
                if image is not None and image.codec.tilewise:
                    read_compressed(image, self._source, start, stop, work, threads=threads)
                else:
                    self._read_rare(start, stop, work)
            except CorruptArchiveError as err:
                raise self._renamed(err) from err
        if out is None and direct and scaling.flip is None:
            return work
        return self._finish(work, step if strided else None, out)

    def _check_out(self, out: _Array, shape: tuple[int, ...]) -> None:
        if out.shape != shape or out.dtype.newbyteorder("=") != self._scaling.dtype:
            raise InvalidParameterError(
                f"out has shape {out.shape!r} and type {out.dtype}; "
                f"{shape!r} and {self._scaling.dtype} are needed."
            )

    def read_boxes(self, boxes: Sequence[Slices], *, threads: int | None = None) -> list[_Array]:
        """Read several parts at once, decoding no tile twice.

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
        if self.kind == "image" or not self.compressed.codec.tilewise:
            return [self.read_image(box, threads=threads) for box in boxes]
        bounds = [normalize_slices(box, self.shape) for box in boxes]
        works = [
            np.empty([b - a for a, b in zip(start, stop, strict=True)], dtype=self._scaling.stored)
            for start, stop, _ in bounds
        ]
        wanted = [(b[0], b[1]) for b, work in zip(bounds, works, strict=True) if work.size]
        try:
            read_boxes(self.compressed, self._source, wanted, [w for w in works if w.size], threads=threads)
        except CorruptArchiveError as err:
            raise self._renamed(err) from err
        return [
            self._finish(work, b[2] if max(b[2], default=1) > 1 else None, None)
            for b, work in zip(bounds, works, strict=True)
        ]

    def tile_rows(self, slices: Slices = ...) -> tuple[int, int]:
        """Return where in the file it says where the tiles of a part are.

        Parameters
        ----------
        slices
            Which part, as for `read_image`.

        Returns
        -------
        offset, length : `int`
            Rows of the tile table; the length is 0 if there is none.
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
        """Return where in the file the bytes of a part of the image lie.

        Parameters
        ----------
        slices
            Which part, as for `read_image`.

        Returns
        -------
        `list` [ `tuple` [ `int`, `int` ] ]
            Offset and length of each range; of the tiles, if the image is
            compressed, and else of the rows from the first to the last.
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

    def _read_rare(self, start: tuple[int, ...], stop: tuple[int, ...], work: _Array) -> None:
        if self.kind == "image":
            read_plain(self._source, self.data_address, self.shape, start, stop, work)
            return
        data = self._source.read(self.data_address, self._structure.size)
        codec = self.compressed.codec
        assert isinstance(codec, CfitsioCodec), "every other codec decodes tiles"
        codec.decode_hdu(self._raw, data, start, stop, work)

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
            The rows; columns are decoded when they are asked for.

        Raises
        ------
        ArchiveReadError
            If this is no table.
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
            raise self._renamed(err) from err
        raise ArchiveReadError(f"{self._where} is no table, but of kind {self.kind!r}.")

    @property
    def _column_values(self) -> Mapping[str, CardValue]:
        """Values of cards, long names and units of columns included."""
        if b"CONTINUE" not in self._raw:
            return self.values
        long = [
            word for word in map(bytes.decode, _COLUMN_CARDS.findall(self._raw)) if word not in self.values
        ]
        return {**self.values, **{keyword: self.cards.get(keyword) for keyword in long}}

    def read_data(self) -> bytes:
        """Return the bytes of the data unit as they are, without padding."""
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
            Whether there is a sum to compare with.

        Raises
        ------
        CorruptArchiveError
            If they differ.
        """
        stated = self.values.get("DATASUM")
        if stated is None or not str(stated).strip():
            return False
        # Padding adds nothing, and some files end without it.
        size = min(self.data_size, self._source.size - self.data_address)
        found = source_sum(self._source, self.data_address, size, threads=threads)
        if str(stated).strip() != str(found):
            raise CorruptArchiveError(
                f"{self._where}: the data add up to {found}, but DATASUM = {stated!r}. The file was damaged "
                "or edited after it was written; fetch it again."
            )
        return True

    def _check_image(self) -> None:
        if self.kind not in ("image", "compressed_image"):
            raise ArchiveReadError(f"{self._where} is no image, but of kind {self.kind!r}.")
        if self.kind == "image" and not self._structure.axes:
            raise ArchiveReadError(f"{self._where} has no pixels (NAXIS = 0).")

    @property
    def label(self) -> str:
        """What to call the HDU in messages (`str`)."""
        place = f"HDU {self.index}" if self.index is not None else f"HDU at byte {self.header_address}"
        return f"{place} ({self.name})" if self.name else place

    @property
    def _where(self) -> str:
        return f"{self._source.name}: {self.label}"

    def _renamed(self, err: CorruptArchiveError) -> CorruptArchiveError:
        # The lower floors know values; which file and HDU, we know.
        return type(err)(f"{self._where}: {err}")
