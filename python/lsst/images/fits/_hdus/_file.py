# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Access to the HDUs of an open FITS file by number, name or address."""

from __future__ import annotations

__all__ = ("FitsFile", "Hdu")

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO, Self

from lsst.resources import ResourcePathExpression

from ..._bytes._byte_source import Buffer, ByteSource
from ..._bytes._open_source import open_source
from ...errors import CorruptArchiveError, InvalidComponentError, NotAnArchiveError
from ...utils import short_repr
from .._headers._cards import BLOCK_SIZE, CARD_SIZE, END, find_end, scan
from ._hdu import Hdu, Slices

HEADER_READ_SIZE = 4 * BLOCK_SIZE
"""Bytes that are read at first for a header of a local file."""

REMOTE_HEADER_READ_SIZE = 24 * BLOCK_SIZE
"""Bytes that are read at first for a header of a remote file, where a request takes longer than the
transfer of 70 kB."""

MAX_PREFETCH_SIZE = 48 * 1024 * 1024
"""Maximum number of bytes of pixels that are prefetched; less than `READ_CACHE_MAX_BYTES`."""

MAX_HEADER_SIZE = 64 * 1024 * 1024
"""Maximum size of a header in bytes; longer ones are treated as damaged."""


class FitsFile:
    """An open FITS file.

    Parameters
    ----------
    source
        Source of the bytes, which is closed together with the file.

    Raises
    ------
    NotAnArchiveError
        If the source is not a FITS file; the source is closed.

    Notes
    -----
    Headers are read on first access and cached; data units are skipped by their
    size.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self._by_address: dict[int, Hdu] = {}
        self._in_order: list[Hdu] = []
        try:
            data = bytes(source.peek(0, HEADER_READ_SIZE))
            if not data.startswith(b"SIMPLE  ="):
                raise self._not_fits_error(data)
        except BaseException:
            source.close()
            raise
        self.first_values = scan(data[:BLOCK_SIZE])
        """Values of the first 36 cards of the primary header (`dict`)."""

    @classmethod
    def open(cls, target: ResourcePathExpression | Buffer | IO[bytes] | ByteSource) -> FitsFile:
        """Open a file.

        Parameters
        ----------
        target
            A path, URI or `lsst.resources.ResourcePath`; bytes; a binary
            stream that can seek; or a `ByteSource`.

        Returns
        -------
        `FitsFile`
            The file; a context manager.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        NotAnArchiveError
            If it is not a FITS file.
        """
        return cls(open_source(target))

    @property
    def name(self) -> str:
        """Path or URI of the file (`str`)."""
        return self.source.name

    def hdu(self, index: int) -> Hdu:
        """Return an HDU by its number.

        Parameters
        ----------
        index
            Zero-based number; 0 is the primary HDU.

        Raises
        ------
        InvalidComponentError
            If the file has fewer HDUs.
        CorruptArchiveError
            If an earlier header is damaged.
        """
        if index < 0:
            raise InvalidComponentError(
                f"{self.name}: HDU number {short_repr(index)} is invalid; it must be 0 or more."
            )
        order = self._in_order
        while len(order) <= index:
            address = order[-1].stop if order else 0
            if order and address >= self.source.size:
                raise InvalidComponentError(
                    f"{self.name} has no HDU {short_repr(index)}; its HDUs are 0 to {len(order) - 1}."
                )
            if order and address not in self._by_address and self._is_trailing_data(address):
                raise InvalidComponentError(
                    f"{self.name} has no HDU {short_repr(index)}; its HDUs are 0 to "
                    f"{len(order) - 1}, followed by other bytes."
                )
            hdu = self.hdu_at(address)
            hdu.index = len(order)
            order.append(hdu)
        return order[index]

    def hdu_at(self, address: int) -> Hdu:
        """Return the HDU whose header starts at an address.

        Parameters
        ----------
        address
            Byte of the file at which the header starts.

        Raises
        ------
        CorruptArchiveError
            If no header starts at this address.
        """
        if (found := self._by_address.get(address)) is not None:
            return found
        source = self.source
        if not 0 <= address < source.size:
            raise self._no_header_error(address, b"")
        data = bytes(source.peek(address, REMOTE_HEADER_READ_SIZE if source.remote else HEADER_READ_SIZE))
        if not data.startswith(b"XTENSION=" if address else b"SIMPLE  ="):
            raise self._no_header_error(address, data)
        end = data.find(END)
        size = -(-(end + CARD_SIZE) // BLOCK_SIZE) * BLOCK_SIZE
        if end < 0 or end % CARD_SIZE or size > len(data):
            data, size = self._read_long_header(address, data)
        found = self._by_address[address] = Hdu(source, data[:size], address, ahead=data[size:])
        return found

    def find(self, name: str, ver: int = 1) -> Hdu:
        """Return the HDU with a name.

        Parameters
        ----------
        name
            ``EXTNAME``, case-insensitive.
        ver
            ``EXTVER``.

        Raises
        ------
        InvalidComponentError
            If no HDU has this name.
        """
        names = []
        for hdu in self:
            if hdu.name.upper() == name.upper() and hdu.ver == ver:
                return hdu
            names.append(hdu.name)
        raise InvalidComponentError(
            f"{self.name} has no HDU {short_repr(name)} (EXTVER {ver}); its HDUs are {short_repr(names)}."
        )

    def __iter__(self) -> Iterator[Hdu]:
        """Iterate over all HDUs; only headers are read."""
        index = 0
        while True:
            try:
                hdu = self.hdu(index)
            except InvalidComponentError:
                return
            yield hdu
            index += 1

    def fetch_headers(self, places: Iterable[int | tuple[int, int]]) -> None:
        """Prefetch headers of a remote file in one round trip; do nothing for other files.

        Parameters
        ----------
        places
            Address of each header, or address and number of bytes.

        Notes
        -----
        The default number of bytes usually includes the tile table.
        """
        if self.source.remote:
            self.source.prefetch([p if isinstance(p, tuple) else (p, HEADER_READ_SIZE) for p in places])

    def fetch_pixels(
        self, requests: Iterable[tuple[Hdu, Slices]], also: Iterable[tuple[int, int]] = ()
    ) -> None:
        """Prefetch pixels of a remote file in one round trip; do nothing for other files.

        Parameters
        ----------
        requests
            HDUs and slices, as for `Hdu.read_image`.
        also
            Offset and length of other ranges to prefetch.

        Notes
        -----
        Rows of tile tables that are not cached take another round trip before.
        If the pixels exceed `MAX_PREFETCH_SIZE`, they are not prefetched, and
        each read fetches its own.
        """
        if not self.source.remote:
            return
        listed = list(requests)
        self.source.prefetch([hdu.tile_rows(slices) for hdu, slices in listed])
        ranges = set(also)
        ranges |= {place for hdu, slices in listed for place in hdu.byte_ranges(slices) if place[1]}
        if sum(size for _, size in ranges) <= MAX_PREFETCH_SIZE:
            self.source.prefetch(sorted(ranges))

    def close(self) -> None:
        """Close the file."""
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.source.close()

    def _is_trailing_data(self, address: int) -> bool:
        # The standard (3.5) allows special records after the last HDU, and many
        # programs write other padding.
        return bytes(self._peek(address)[:9]) != b"XTENSION="

    def _peek(self, address: int) -> bytes:
        return bytes(
            self.source.peek(address, REMOTE_HEADER_READ_SIZE if self.source.remote else HEADER_READ_SIZE)
        )

    def _read_long_header(self, address: int, data: bytes) -> tuple[bytes, int]:
        # The bytes of a header and following bytes, and the size of the header.
        source = self.source
        scanned = 0
        end = find_end(data)
        while end < 0:
            scanned = len(data) - len(data) % CARD_SIZE
            left = source.size - address - len(data)
            if not left or len(data) > MAX_HEADER_SIZE or b"\0" in data[-BLOCK_SIZE:]:
                raise CorruptArchiveError(
                    f"{self.name}: the header at byte {address} has no END card in {len(data)} bytes. "
                    "The file is truncated or damaged."
                )
            data += bytes(source.read(address + len(data), min(len(data), left)))
            end = find_end(data, scanned)
        size = -(-(end + CARD_SIZE) // BLOCK_SIZE) * BLOCK_SIZE
        if size > len(data):
            missing = size - len(data)
            if missing > source.size - address - len(data):
                raise CorruptArchiveError(
                    f"{self.name} is truncated: the header at byte {address} ends within a block."
                )
            data += bytes(source.read(address + len(data), missing))
        return data, size

    def _no_header_error(self, address: int, data: bytes) -> CorruptArchiveError | NotAnArchiveError:
        if address == 0:
            return self._not_fits_error(data)
        if not 0 <= address < self.source.size:
            return CorruptArchiveError(
                f"{self.name} is truncated: a header is expected at byte {address}, but the file has "
                f"{self.source.size} bytes."
            )
        return CorruptArchiveError(
            f"{self.name}: no header starts at byte {address}: {short_repr(data[:16])} is found in place of "
            "'XTENSION='. The index or an earlier header is wrong."
        )

    def _not_fits_error(self, data: bytes) -> NotAnArchiveError:
        found = f"it starts with {data[:16]!r}, not with 'SIMPLE  ='" if data else "it is empty"
        return NotAnArchiveError(f"{self.name} is not a FITS file: {found}.")
