# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header and tile table of a tile-compressed image (FITS Standard 4.0, section 10)."""

from __future__ import annotations

__all__ = ("CompressedImage", "TileRows")

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._bytes._byte_source import Buffer, ByteSource
from ...errors import CorruptArchiveError
from ...utils import short_repr
from .._headers._cards import CardValue, read_int
from .._headers._columns import SIZES, Column, parse_columns
from .._headers._scaling import UNSCALED, Scaling, read_scaling
from .._headers._structure import MAX_AXES, Structure
from ._dequantize import QUANTIZED
from ._dither import DITHERS
from ._grid import TileGrid
from .codecs import FALLBACK_CODECS, TileCodec, algorithm_names, find_codec

_Array = np.ndarray[Any, np.dtype[Any]]

_OPTIONAL = frozenset({"BSCALE", "BZERO", "THEAP", "ZDITHER0", "ZBLANK", "ZSCALE", "ZZERO", "ZQUANTIZ"})
"""If a header has none of these cards, pixels are stored without loss, and the heap follows the table."""

_DITHERS = {"NONE": 0, **{name: method for method, name in enumerate(DITHERS)}}


@dataclass(frozen=True, slots=True)
class TileRows:
    """Rows of the tile table, decoded.  Every array has one entry per tile."""

    offset: _Array
    """Byte of the file at which the compressed bytes start."""

    size: _Array
    """Number of compressed bytes; 0 if the tile is stored in a fallback column."""

    scale: _Array | None
    """``ZSCALE``, if pixels are quantized."""

    zero: _Array | None
    """``ZZERO``."""

    blank: _Array | int | None
    """``ZBLANK``: one value for all tiles, or one per tile."""

    fallback: Mapping[str, tuple[_Array, _Array]]
    """Offset and size in each fallback column (`codecs.FALLBACK_CODECS`)."""


@dataclass(frozen=True, slots=True)
class CompressedImage:
    """Description of a tile-compressed image, without its tiles."""

    shape: tuple[int, ...]
    codec: TileCodec
    grid: TileGrid
    scaling: Scaling
    dither: int
    """0, 1 or 2, for ``ZQUANTIZ``."""
    seed: int
    """``ZDITHER0``."""
    blank: int | None
    """``ZBLANK`` card."""
    scale: float | None
    """``ZSCALE`` card; a column of this name has precedence."""
    zero: float | None
    columns: dict[str, Column]
    table: int
    """Byte of the file at which the tile table starts."""
    row_size: int
    """Bytes per row of the tile table."""
    heap: int
    """Byte of the file at which the heap starts."""
    stop: int
    """Byte of the file at which the data unit ends."""
    quantized: bool
    """Whether floating-point pixels are stored as integers."""
    ahead: bytes
    """Leading bytes of the data unit that were read together with the header."""

    @classmethod
    def parse(
        cls, values: Mapping[str, CardValue], structure: Structure, data_address: int, ahead: bytes = b""
    ) -> CompressedImage:
        """Read and check the cards of a compressed image.

        Parameters
        ----------
        values
            Values of the header cards, from `scan`.
        structure
            Values of the mandatory cards.
        data_address
            Byte of the file at which the data unit starts.
        ahead
            Leading bytes of the data unit that were read together with the
            header.

        Raises
        ------
        CorruptArchiveError
            If a card is missing or invalid, or cards contradict each other or
            the length of the data unit.
        """
        row_size, rows = structure.axes
        grid = TileGrid(*_read_shapes(values))
        shape = grid.shape
        name, bitpix = str(values.get("ZCMPTYPE")).upper(), values.get("ZBITPIX")
        codec = find_codec(name)
        if codec is None or not isinstance(bitpix, int):
            raise CorruptArchiveError(
                f"ZCMPTYPE = {short_repr(name)} or ZBITPIX = {short_repr(bitpix)} is not supported; "
                f"ZCMPTYPE must be one of {algorithm_names()}, and ZBITPIX an integer."
            )
        plain = values.keys().isdisjoint(_OPTIONAL)
        scaling = UNSCALED[bitpix] if plain and bitpix in UNSCALED else read_scaling(values, bitpix)
        scaling = codec.adjust_scaling(scaling, values)
        _check_counts(grid, codec, structure)
        theap, seed, blank, scale, zero, dither = (
            (row_size * rows, 1, None, None, None, 0) if plain else _read_numbers(values, row_size * rows)
        )
        columns: dict[str, Column] = {}
        for column in parse_columns(values, row_size):
            columns[column.name.upper()] = column
        if "COMPRESSED_DATA" not in columns:
            raise CorruptArchiveError(
                f"The tile table has no column COMPRESSED_DATA; its columns are {sorted(columns)}."
            )
        stored = scaling.stored
        scaled = "ZSCALE" in values or "ZSCALE" in columns
        quantized = stored.kind == "f" and (scaled or not codec.supports(stored))
        return cls(
            shape=shape,
            codec=codec.from_cards(values, QUANTIZED if quantized else stored),
            grid=grid,
            scaling=scaling,
            dither=dither,
            seed=seed,
            blank=blank,
            scale=scale,
            zero=zero,
            columns=columns,
            table=data_address,
            row_size=row_size,
            heap=data_address + theap,
            stop=data_address + structure.size,
            quantized=quantized,
            ahead=ahead,
        )

    def read_rows(self, source: ByteSource, rows: _Array) -> TileRows:
        """Read rows of the tile table.

        Parameters
        ----------
        source
            The file.
        rows
            Zero-based row numbers, ascending (shape ``(n,)``).

        Returns
        -------
        `TileRows`
            The decoded rows.
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
        for name in ("COMPRESSED_DATA", *FALLBACK_CODECS):
            column = self.columns.get(name)
            if column is None:
                continue
            if column.descriptor is None:
                raise CorruptArchiveError(
                    f"Column {name} of the tile table is not of variable length (P or Q)."
                )
            field = np.ascontiguousarray(table[:, column.offset : column.offset + column.width])
            pairs = field.view(column.descriptor).astype(np.int64)
            count, offset = pairs[:, 0], pairs[:, 1]
            if not count.all():
                # The offset of an empty array is undefined (FITS Standard 4.0, section 7.3.5).
                defined = offset[count != 0]
                offset = np.where(count == 0, defined[0] if len(defined) else 0, offset)
            size = count * SIZES[column.code]
            wrong = (count < 0) | (count > self.stop) | (offset < 0)
            wrong |= offset > self.stop - self.heap - size
            if wrong.any():
                i = int(np.flatnonzero(wrong)[0])
                raise CorruptArchiveError(
                    f"The tile table (column {name}) places a tile of {int(size[i])} bytes at byte "
                    f"{int(offset[i])} of the heap, which has {self.stop - self.heap} bytes."
                )
            if (total := int(size.sum())) > max(self.stop - self.heap, 0):
                raise CorruptArchiveError(
                    f"The tile table (column {name}) declares tiles of {total} bytes in a heap of "
                    f"{self.stop - self.heap} bytes; tiles must not overlap."
                )
            found[name] = offset + self.heap, size
            # Most tables have no tile in a fallback column.
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


def _check_counts(grid: TileGrid, codec: type[TileCodec], structure: Structure) -> None:
    # The number of rows and the size of the heap must be plausible for the image.
    rows, shape = structure.axes[1], grid.shape
    if math.prod(shape) and math.prod(grid.grid) != rows:
        raise CorruptArchiveError(
            f"The tile table has NAXIS2 = {short_repr(rows)} rows, but an image of shape {short_repr(shape)} "
            "has "
            f"{math.prod(grid.grid)} tiles of shape {short_repr(grid.tile)}."
        )
    if math.prod(shape) > codec.max_expansion * max(structure.pcount, 1):
        raise CorruptArchiveError(
            f"{structure.pcount} compressed bytes (PCOUNT) cannot hold an image of shape {short_repr(shape)}."
        )


def _read_shapes(values: Mapping[str, CardValue]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    naxis = values.get("ZNAXIS")
    if type(naxis) is not int or not 1 <= naxis <= MAX_AXES:
        raise CorruptArchiveError(
            f"ZNAXIS = {short_repr(naxis)} is invalid; it must be an integer from 1 to {MAX_AXES}."
        )
    shape, tile = [0] * naxis, [1] * naxis
    for i in range(1, naxis + 1):
        length = values.get(f"ZNAXIS{i}")
        # The default tile is one row (section 10.1.2).
        side = values.get(f"ZTILE{i}", length if i == 1 else 1)
        if type(length) is not int or type(side) is not int or length < 0 or side < min(1, length):
            raise CorruptArchiveError(
                f"ZNAXIS{i} = {short_repr(length)} or ZTILE{i} = {short_repr(side)} is invalid; both must be "
                "positive integers."
            )
        shape[-i], tile[-i] = length, max(side, 1)
    return tuple(shape), tuple(tile)


def _read_numbers(
    values: Mapping[str, CardValue], table_size: int
) -> tuple[int, int, int | None, float | None, float | None, int]:
    # Start of the heap, seed, ZBLANK, ZSCALE, ZZERO and kind of dither.
    theap = read_int(values, "THEAP", table_size)
    seed, blank = _integer_if_whole(values.get("ZDITHER0", 1)), _integer_if_whole(values.get("ZBLANK"))
    scale, zero = values.get("ZSCALE"), values.get("ZZERO")
    dither = str(values.get("ZQUANTIZ", "NO_DITHER")).upper()
    if (
        dither not in _DITHERS
        or type(seed) is not int
        or not isinstance(blank, int | None)
        or not isinstance(scale, int | float | None)
        or not isinstance(zero, int | float | None)
    ):
        raise CorruptArchiveError(
            f"ZQUANTIZ = {short_repr(dither)}, ZDITHER0 = {short_repr(seed)}, ZBLANK = {short_repr(blank)}, "
            f"ZSCALE = {short_repr(scale)} or ZZERO = {short_repr(zero)} is invalid; ZQUANTIZ must be one of "
            f"{sorted(_DITHERS)}, ZDITHER0 and ZBLANK integers, and the others numbers."
        )
    return (
        theap,
        seed,
        blank,
        None if scale is None else float(scale),
        None if zero is None else float(zero),
        _DITHERS[dither],
    )


def _integer_if_whole(value: CardValue) -> CardValue:
    # Some writers store integers as floating-point numbers.
    return int(value) if isinstance(value, float) and value.is_integer() else value
