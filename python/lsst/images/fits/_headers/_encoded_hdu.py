# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Encoded HDUs, ready to be written."""

from __future__ import annotations

__all__ = ("EncodedHdu",)

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO

from ..._bytes._byte_source import Buffer
from ._card_writer import CardLike, build_header
from ._cards import BLOCK_SIZE
from ._checksum import checksum_cards, data_sum, join_sums
from ._structure import padded


@dataclass(slots=True)
class EncodedHdu:
    """Structural cards and encoded data of an HDU.

    Notes
    -----
    The data are kept in the pieces that the codecs return, which are written to
    the file without another copy.
    """

    cards: list[CardLike]
    """Mandatory cards, and cards of the compression or the columns."""

    data: Sequence[Buffer] = ()
    """Pieces of the data unit, in order, without padding."""

    sums: Sequence[int] | None = field(default=None)
    """`data_sum` of each piece, if it is already computed."""

    tile: tuple[int, ...] = ()
    """Shape of a tile, if the pieces are the tile table and then each tile, in order."""

    @property
    def data_size(self) -> int:
        """Bytes in the data unit, padding included (`int`)."""
        return padded(sum(map(len, self.data)))

    def tile_bytes(self) -> list[int]:
        """Return the sizes in bytes of the tile table and of each tile.

        Returns
        -------
        `list` [ `int` ]
            The sizes; empty without tiles, or if a size does not fit into 32 bits.
        """
        lengths = list(map(len, self.data)) if self.tile else []
        return lengths if max(lengths, default=0) < 2**31 else []

    def header(self, extra: Iterable[CardLike] = (), *, checksum: bool = True) -> bytes:
        """Format the header.

        Parameters
        ----------
        extra
            Cards that are appended to the structural cards.
        checksum
            Whether to add ``CHECKSUM`` and ``DATASUM``.

        Returns
        -------
        `bytes`
            The header, in whole blocks.  Its length depends on the number of
            cards only, unless strings need ``CONTINUE`` cards.
        """
        cards = [*self.cards, *extra]
        if not checksum:
            return build_header(cards)
        if self.sums is None:
            self.sums = [data_sum(piece) for piece in self.data]
        return checksum_cards(cards, join_sums(zip(map(len, self.data), self.sums, strict=True)))

    def size(self, extra: Iterable[CardLike] = (), *, checksum: bool = True) -> int:
        """Return the number of bytes that `write` writes.

        Parameters
        ----------
        extra, checksum
            See `header`.
        """
        return len(self.header(extra, checksum=checksum)) + padded(sum(map(len, self.data)))

    def write(self, stream: IO[bytes], extra: Iterable[CardLike] = (), *, checksum: bool = True) -> int:
        """Write the HDU.

        Parameters
        ----------
        stream
            Binary stream to append to.
        extra, checksum
            See `header`.

        Returns
        -------
        `int`
            Number of bytes written.
        """
        header = self.header(extra, checksum=checksum)
        stream.write(header)
        stream.writelines(self.data)
        size = sum(map(len, self.data))
        stream.write(bytes(-size % BLOCK_SIZE))
        return len(header) + padded(size)
