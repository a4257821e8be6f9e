# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the header of a tile-compressed image says (FITS Standard 4.0, section 10)."""

from __future__ import annotations

__all__ = ("CompressedImage", "TileRows")

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from .._bytes._byte_source import Buffer, ByteSource
from .._headers._cards import CardValue
from .._headers._columns import SIZES, Column, parse_columns
from .._headers._scaling import UNSCALED, Scaling, read_scaling
from .._headers._structure import Structure
from ._grid import TileGrid

_Array = np.ndarray[Any, np.dtype[Any]]

CODECS = {
    "GZIP_1": "GZIP_1",
    "GZIP_2": "GZIP_2",
    "RICE_1": "RICE_1",
    "RICE_ONE": "RICE_1",
    "NOCOMPRESS": "NOCOMPRESS",
    "PLIO_1": "PLIO_1",
    "HCOMPRESS_1": "HCOMPRESS_1",
}
"""Codec of each spelling of ``ZCMPTYPE``."""

OURS = frozenset({"GZIP_1", "GZIP_2", "RICE_1", "NOCOMPRESS"})
"""Codecs that this package decodes by itself."""

MAX_EXPANSION = 4096
"""Pixels that one compressed byte can stand for, generously: deflate reaches
1032 bytes per byte.  A header that claims more would only make us allocate
memory for nothing."""

_RARE = frozenset({"BSCALE", "BZERO", "THEAP", "ZDITHER0", "ZBLANK", "ZSCALE", "ZZERO", "ZQUANTIZ"})
"""Cards without which pixels are stored without loss, and the heap follows the table."""

_DITHERS = {"NONE": 0, "NO_DITHER": 0, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}


@dataclass(frozen=True, slots=True)
class TileRows:
    """Rows of the tile table, decoded.  Every array has one entry per tile."""

    offset: _Array
    """Where the compressed bytes start in the file."""

    size: _Array
    """Number of compressed bytes; 0 where the tile uses a fallback column."""

    scale: _Array | None
    """``ZSCALE``, if pixels are quantized."""

    zero: _Array | None
    """``ZZERO``."""

    blank: _Array | int | None
    """``ZBLANK``: one for all, or one for each tile."""

    fallback: Mapping[str, tuple[_Array, _Array]]
    """Offset and size in other columns: ``GZIP_COMPRESSED_DATA``, ``UNCOMPRESSED_DATA``."""


@dataclass(frozen=True, slots=True)
class CompressedImage:
    """A tile-compressed image: everything but its tiles."""

    shape: tuple[int, ...]
    codec: str
    grid: TileGrid
    scaling: Scaling
    dither: int
    """0, 1 or 2, for ``ZQUANTIZ``."""
    seed: int
    """``ZDITHER0``."""
    block: int
    """Pixels in a Rice block."""
    blank: int | None
    """``ZBLANK`` card."""
    scale: float | None
    """``ZSCALE`` card; the column goes first."""
    zero: float | None
    columns: dict[str, Column]
    table: int
    """Where the tile table starts in the file."""
    row_size: int
    heap: int
    """Where the heap starts in the file."""
    stop: int
    """Where the data unit ends."""
    quantized: bool
    """Whether floating-point pixels are stored as integers."""
    itemsize: int
    """Bytes of one number in a compressed tile."""
    ahead: bytes
    """First bytes of the data unit, as far as they are known."""

    @classmethod
    def parse(
        cls, values: Mapping[str, CardValue], structure: Structure, data_address: int, ahead: bytes = b""
    ) -> CompressedImage:
        """Read and check the cards of a compressed image.

        Parameters
        ----------
        values
            What `scan` found in the header.
        structure
            What the mandatory cards say.
        data_address
            Where the data unit starts.
        ahead
            Its first bytes, as far as they are known.

        Raises
        ------
        CorruptArchiveError
            If they contradict each other or the length of the data.
        """
        row_size, rows = structure.axes
        grid = TileGrid(*_read_shapes(values))
        shape = grid.shape
        name, bitpix = str(values.get("ZCMPTYPE")).upper(), values.get("ZBITPIX")
        if name not in CODECS or not isinstance(bitpix, int):
            raise CorruptArchiveError(
                f"ZCMPTYPE = {name!r} or ZBITPIX = {bitpix!r} is not known; "
                f"one of {sorted(CODECS)} and an integer are needed."
            )
        codec = CODECS[name]
        plain = values.keys().isdisjoint(_RARE)
        scaling = UNSCALED[bitpix] if plain and bitpix in UNSCALED else read_scaling(values, bitpix)
        if math.prod(shape) and math.prod(grid.grid) != rows:
            raise CorruptArchiveError(f"{math.prod(grid.grid)} tiles are needed, but NAXIS2 = {rows!r}.")
        if codec in OURS and math.prod(shape) > MAX_EXPANSION * max(structure.pcount, 1):
            raise CorruptArchiveError(
                f"{structure.pcount} compressed bytes (PCOUNT) cannot hold an image of shape {shape!r}."
            )
        bytepix, block = _read_rice(values) if codec == "RICE_1" else (4, 32)
        theap, seed, blank, scale, zero, dither = (
            (row_size * rows, 1, None, None, None, 0) if plain else _read_numbers(values, row_size * rows)
        )
        columns: dict[str, Column] = {}
        for column in parse_columns(values, row_size):
            columns[column.name.upper()] = column
        if "COMPRESSED_DATA" not in columns:
            raise CorruptArchiveError(f"No column COMPRESSED_DATA; there are {sorted(columns)}.")
        scaled = codec == "RICE_1" or "ZSCALE" in values or "ZSCALE" in columns
        quantized = scaled and scaling.stored.kind == "f"
        return cls(
            shape=shape,
            codec=codec,
            grid=grid,
            scaling=scaling,
            dither=dither,
            seed=seed,
            block=block,
            blank=blank,
            scale=scale,
            zero=zero,
            columns=columns,
            table=data_address,
            row_size=row_size,
            heap=data_address + theap,
            stop=data_address + structure.size,
            quantized=quantized,
            itemsize=bytepix if quantized or codec == "RICE_1" else scaling.stored.itemsize,
            ahead=ahead,
        )

    def read_rows(self, source: ByteSource, rows: _Array) -> TileRows:
        """Read rows of the tile table.

        Parameters
        ----------
        source
            The file.
        rows
            Row numbers, ascending (shape ``(n,)``).

        Returns
        -------
        `TileRows`
            What they say.
        """
        first, last = int(rows[0]), int(rows[-1])
        start, stop = first * self.row_size, (last + 1) * self.row_size
        raw: Buffer = self.ahead[start:stop]
        if len(raw) < stop - start:
            raw = source.read(self.table + start, stop - start)
        table = np.frombuffer(raw, dtype=np.uint8).reshape(-1, self.row_size)
        if len(table) != len(rows):
            table = table[rows - first]
        found: dict[str, tuple[_Array, _Array]] = {}
        for name in ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"):
            column = self.columns.get(name)
            if column is None:
                continue
            if column.descriptor is None:
                raise CorruptArchiveError(f"Column {name} of a compressed image has no variable length.")
            field = np.ascontiguousarray(table[:, column.offset : column.offset + column.width])
            pairs = field.view(column.descriptor).astype(np.int64)
            size, offset = pairs[:, 0] * SIZES[column.code], pairs[:, 1]
            wrong = (size < 0) | (offset < 0) | (offset > self.stop - self.heap - size)
            if wrong.any():
                i = int(np.flatnonzero(wrong)[0])
                raise CorruptArchiveError(
                    f"A tile claims {int(size[i])} bytes at byte {int(offset[i])} of a heap (column {name}) "
                    f"of {self.stop - self.heap} bytes."
                )
            found[name] = offset + self.heap, size
            # Most tables have no tile that needs another column.
            if name == "COMPRESSED_DATA" and size.all():
                break
        offset, size = found.pop("COMPRESSED_DATA")
        scale = zero = None
        blank: _Array | int | None = None
        if self.quantized:
            scale = self._numbers(table, "ZSCALE", 1.0 if self.scale is None else self.scale)
            zero = self._numbers(table, "ZZERO", 0.0 if self.zero is None else self.zero)
            blank = (
                self._numbers(table, "ZBLANK", 0).astype(np.int64) if "ZBLANK" in self.columns else self.blank
            )
        return TileRows(offset, size, scale, zero, blank, found)

    def _numbers(self, table: _Array, name: str, default: float) -> _Array:
        column = self.columns.get(name)
        if column is None:
            return np.full(len(table), default, dtype=np.float64)
        field = np.ascontiguousarray(table[:, column.offset : column.offset + column.width])
        numbers: _Array = field.view(column.element)[:, 0].astype(np.float64)
        return numbers


def _read_shapes(values: Mapping[str, CardValue]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    naxis = values.get("ZNAXIS")
    if type(naxis) is not int or not 1 <= naxis <= 999:
        raise CorruptArchiveError(f"ZNAXIS = {naxis!r}; 1 to 999 is needed.")
    shape, tile = [0] * naxis, [1] * naxis
    for i in range(1, naxis + 1):
        length = values.get(f"ZNAXIS{i}")
        # Without cards a tile is one row (section 10.1.2).
        side = values.get(f"ZTILE{i}", length if i == 1 else 1)
        if type(length) is not int or type(side) is not int or length < 0 or side < min(1, length):
            raise CorruptArchiveError(f"ZNAXIS{i} = {length!r} and ZTILE{i} = {side!r} are not possible.")
        shape[-i], tile[-i] = length, max(side, 1)
    return tuple(shape), tuple(tile)


def _read_rice(values: Mapping[str, CardValue]) -> tuple[int, int]:
    # Bytes of an integer, and pixels of a block.
    found: dict[str, int] = {}
    i = 1
    while (name := values.get(f"ZNAME{i}")) is not None:
        value = values.get(f"ZVAL{i}")
        if isinstance(value, int | float):
            found[str(name).strip().upper()] = int(value)
        i += 1
    bytepix, block = found.get("BYTEPIX", 4), found.get("BLOCKSIZE", 32)
    if bytepix not in (1, 2, 4) or block not in (16, 32):
        raise CorruptArchiveError(f"BYTEPIX {bytepix!r} or BLOCKSIZE {block!r} is not possible.")
    return bytepix, block


def _read_numbers(
    values: Mapping[str, CardValue], table_size: int
) -> tuple[int, int, int | None, float | None, float | None, int]:
    # Start of the heap, seed, ZBLANK, ZSCALE, ZZERO and kind of dither.
    theap, seed = values.get("THEAP", table_size), values.get("ZDITHER0", 1)
    blank, scale, zero = values.get("ZBLANK"), values.get("ZSCALE"), values.get("ZZERO")
    dither = str(values.get("ZQUANTIZ", "NO_DITHER")).upper()
    if (
        dither not in _DITHERS
        or type(theap) is not int
        or type(seed) is not int
        or not isinstance(blank, int | None)
        or not isinstance(scale, int | float | None)
        or not isinstance(zero, int | float | None)
    ):
        raise CorruptArchiveError(
            f"ZQUANTIZ = {dither!r}, ZDITHER0 = {seed!r}, ZBLANK = {blank!r}, ZSCALE = {scale!r}, "
            f"ZZERO = {zero!r} or THEAP = {theap!r} is not possible; "
            f"ZQUANTIZ is one of {sorted(_DITHERS)}."
        )
    return (
        theap,
        seed,
        blank,
        None if scale is None else float(scale),
        None if zero is None else float(zero),
        _DITHERS[dither],
    )
