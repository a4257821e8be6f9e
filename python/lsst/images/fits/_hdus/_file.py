# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""An open FITS file: its HDUs, by number, name or address."""

from __future__ import annotations

__all__ = ("FitsFile", "Hdu")

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO, Self

from lsst.resources import ResourcePathExpression

from ...errors import CorruptArchiveError, InvalidComponentError, NotAnArchiveError
from .._bytes._byte_source import Buffer, ByteSource
from .._bytes._open_source import open_source
from .._headers._cards import BLOCK, CARD, END, find_end, scan
from ._hdu import Hdu, Slices

FIRST_READ = 4 * BLOCK
"""Bytes that are read at once of a header of a local file."""

FIRST_READ_REMOTE = 24 * BLOCK
"""The same for a remote one, where a request costs more than 70 kB."""

MAX_FETCHED = 48 * 1024 * 1024
"""Bytes of pixels that are fetched ahead: fewer than what a source keeps."""

MAX_HEADER = 64 * 1024 * 1024
"""No header is longer; whatever seems to be is garbage."""


class FitsFile:
    """An open FITS file.

    Parameters
    ----------
    source
        The bytes; closed together with the file.

    Raises
    ------
    NotAnArchiveError
        If they do not begin like a FITS file; the source is closed.

    Notes
    -----
    Nothing is read before it is asked for, and nothing twice: headers that have
    been read are kept, and data units are skipped by arithmetic.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self._by_address: dict[int, Hdu] = {}
        self._in_order: list[Hdu] = []
        try:
            data = bytes(source.glance(0, FIRST_READ))
            if not data.startswith(b"SIMPLE  ="):
                raise self._no_fits(data)
        except BaseException:
            source.close()
            raise
        self.first_values = scan(data[:BLOCK])
        """Values of the first 36 cards of the primary header, the others not read (`dict`)."""

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
            If there is no such file.
        NotAnArchiveError
            If it does not begin like a FITS file.
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
            Number from 0, the primary HDU, on.

        Raises
        ------
        InvalidComponentError
            If there are not so many.
        CorruptArchiveError
            If a header on the way is damaged.
        """
        if index < 0:
            raise InvalidComponentError(f"{self.name}: HDU {index!r} is not possible; count from 0.")
        order = self._in_order
        while len(order) <= index:
            address = order[-1].stop if order else 0
            if order and address >= self.source.size:
                raise InvalidComponentError(
                    f"{self.name} has no HDU {index!r}; it has 0 to {len(order) - 1}."
                )
            if order and address not in self._by_address and self._is_tail(address):
                raise InvalidComponentError(
                    f"{self.name} has no HDU {index!r}; it has 0 to {len(order) - 1}, and other bytes after."
                )
            hdu = self.hdu_at(address)
            hdu.index = len(order)
            order.append(hdu)
        return order[index]

    def hdu_at(self, address: int) -> Hdu:
        """Return the HDU whose header starts at a byte of the file.

        Parameters
        ----------
        address
            The byte.

        Raises
        ------
        CorruptArchiveError
            If no header starts there.
        """
        if (found := self._by_address.get(address)) is not None:
            return found
        source = self.source
        if not 0 <= address < source.size:
            raise self._no_header(address, b"")
        data = bytes(source.glance(address, FIRST_READ_REMOTE if source.remote else FIRST_READ))
        if not data.startswith(b"XTENSION=" if address else b"SIMPLE  ="):
            raise self._no_header(address, data)
        end = data.find(END)
        size = -(-(end + CARD) // BLOCK) * BLOCK
        if end < 0 or end % CARD or size > len(data):
            data, size = self._read_long_header(address, data)
        found = self._by_address[address] = Hdu(source, data[:size], address, ahead=data[size:])
        return found

    def find(self, name: str, ver: int = 1) -> Hdu:
        """Return the HDU with a name.

        Parameters
        ----------
        name
            ``EXTNAME``, of any case.
        ver
            ``EXTVER``.

        Raises
        ------
        InvalidComponentError
            If there is none.
        """
        names = []
        for hdu in self:
            if hdu.name.upper() == name.upper() and hdu.ver == ver:
                return hdu
            names.append(hdu.name)
        raise InvalidComponentError(f"{self.name} has no HDU {name!r} (EXTVER {ver}); it has {names!r}.")

    def __iter__(self) -> Iterator[Hdu]:
        """Iterate over all HDUs, reading nothing but headers."""
        index = 0
        while True:
            try:
                hdu = self.hdu(index)
            except InvalidComponentError:
                return
            yield hdu
            index += 1

    def fetch_headers(self, places: Iterable[int | tuple[int, int]]) -> None:
        """Bring headers near that will be read soon, all in one round trip.

        Parameters
        ----------
        places
            Where the headers start, or where and how many bytes to bring.

        Notes
        -----
        Tile tables of usual length come along.  Local files need no such help
        and ignore it.
        """
        if self.source.remote:
            self.source.prefetch([p if isinstance(p, tuple) else (p, FIRST_READ) for p in places])

    def fetch_pixels(
        self, requests: Iterable[tuple[Hdu, Slices]], also: Iterable[tuple[int, int]] = ()
    ) -> None:
        """Bring pixels near that will be read soon, all in one round trip.

        Parameters
        ----------
        requests
            HDUs and slices, as for `Hdu.read_image`.
        also
            Offset and length of other ranges that will be read.

        Notes
        -----
        Rows of tile tables that are not near cost a trip before.  More pixels than
        can be kept are not fetched; each read then fetches its own.
        """
        if not self.source.remote:
            return
        listed = list(requests)
        self.source.prefetch([hdu.tile_rows(slices) for hdu, slices in listed])
        ranges = set(also)
        ranges |= {place for hdu, slices in listed for place in hdu.byte_ranges(slices) if place[1]}
        if sum(size for _, size in ranges) <= MAX_FETCHED:
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

    def _is_tail(self, address: int) -> bool:
        # The standard (3.5) allows special records after the last HDU; many
        # tools also leave padding of other kinds there.
        return bytes(self._glance(address)[:9]) != b"XTENSION="

    def _glance(self, address: int) -> bytes:
        return bytes(self.source.glance(address, FIRST_READ_REMOTE if self.source.remote else FIRST_READ))

    def _read_long_header(self, address: int, data: bytes) -> tuple[bytes, int]:
        # All bytes of a header of which some were read, and its length.
        source = self.source
        scanned = 0
        end = find_end(data)
        while end < 0:
            scanned = len(data) - len(data) % CARD
            left = source.size - address - len(data)
            if not left or len(data) > MAX_HEADER or b"\0" in data[-BLOCK:]:
                raise CorruptArchiveError(
                    f"{self.name}: the header at byte {address} has no END card in {len(data)} bytes. "
                    "The file is truncated or damaged."
                )
            data += bytes(source.read(address + len(data), min(len(data), left)))
            end = find_end(data, scanned)
        size = -(-(end + CARD) // BLOCK) * BLOCK
        if size > len(data):
            missing = size - len(data)
            if missing > source.size - address - len(data):
                raise CorruptArchiveError(f"{self.name}: the header at byte {address} ends within a block.")
            data += bytes(source.read(address + len(data), missing))
        return data, size

    def _no_header(self, address: int, data: bytes) -> CorruptArchiveError | NotAnArchiveError:
        if address == 0:
            return self._no_fits(data)
        if not 0 <= address < self.source.size:
            return CorruptArchiveError(
                f"{self.name}: no header can start at byte {address} of {self.source.size}. "
                "The file is truncated."
            )
        return CorruptArchiveError(
            f"{self.name}: no header starts at byte {address}, where {data[:16]!r} is found "
            "instead of 'XTENSION='. An index or a header before it is wrong."
        )

    def _no_fits(self, data: bytes) -> NotAnArchiveError:
        found = f"it starts with {data[:16]!r}, not with 'SIMPLE  ='" if data else "it is empty"
        return NotAnArchiveError(f"{self.name} is no FITS file: {found}.")
