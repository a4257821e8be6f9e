# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The table archive of an `lsst.afw` file: objects by identifier.

An index table lists, for each object, its class and the rows of the data
tables in which it is stored.  Objects refer to each other by identifier.
"""

from __future__ import annotations

__all__ = ("LegacyArchive",)

import functools
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import (
    ArchiveReadError,
    CorruptArchiveError,
    ImagesError,
    InvalidComponentError,
    MissingOptionalDependencyError,
    SchemaVersionError,
)
from ...fits import FitsFile, Hdu
from ...utils import cached_property, short_repr
from ._entries import LegacyEntry, LegacyOpaque, Reference, read_index
from ._locate import find_index, read_pointers
from ._registry import Decoder, find_decoder
from ._rows import LegacyRows
from ._table import LegacyTable

MAX_NESTING = 100
"""Maximum depth of objects that refer to other objects."""

MAX_PREFETCH_SIZE = 32 * 1024 * 1024
"""Maximum size of an archive that is fetched in one request, in bytes."""

KEPT_ERRORS = (ArchiveReadError, SchemaVersionError, MissingOptionalDependencyError)
"""Errors of decoders that are raised again with the same type; others become `CorruptArchiveError`."""


class LegacyArchive:
    """The objects of an open `lsst.afw` file, each decoded on first use.

    Parameters
    ----------
    file
        The open file.
    index
        The HDU with the index.
    number
        Number of that HDU.
    components
        Numbers of the components of an exposure by upper-case name, if they
        were read already.

    Notes
    -----
    An object that several others refer to is decoded once.  A damaged object
    raises an error when it is read; other objects can still be read.
    """

    def __init__(
        self, file: FitsFile, index: Hdu, number: int, *, components: Mapping[str, int] | None = None
    ) -> None:
        self.file = file
        self._index = index
        self._number = number
        self._tables: dict[int, LegacyTable] = {}
        self._objects: dict[int, Any] = {}
        self._open: list[int] = []
        self._decoders: dict[str, Decoder | None] = {}
        self._lock = threading.RLock()
        if components is not None:
            self.components = components
        ahead = file.source.size - index.data_address
        if file.source.remote and 0 < ahead <= MAX_PREFETCH_SIZE:
            # The archive extends to the end of the file.
            file.source.prefetch([(index.data_address, ahead)])

    @classmethod
    def find(cls, file: FitsFile, *, components: Mapping[str, int] | None = None) -> LegacyArchive | None:
        """Find the archive of a file.

        Parameters
        ----------
        file
            The open file.
        components
            See `LegacyArchive`.

        Returns
        -------
        archive
            `None` if the file does not have an archive.

        Raises
        ------
        CorruptArchiveError
            If the header refers to an archive that is missing.
        """
        found = find_index(file)
        return None if found is None else cls(file, *found, components=components)

    @cached_property
    def entries(self) -> Mapping[int, LegacyEntry]:
        """Entries of the index, by identifier of the object.

        Raises
        ------
        CorruptArchiveError
            If the index is damaged.
        """
        try:
            return {entry.id: entry for entry in read_index(LegacyTable(self._index))}
        except (CorruptArchiveError, ValueError, TypeError, OverflowError) as err:
            raise CorruptArchiveError(f"{self.file.name}: the archive index is damaged: {err}.") from err

    @cached_property
    def components(self) -> Mapping[str, int]:
        """Identifiers of the components of an exposure, by upper-case name."""
        return read_pointers(self.file.hdu(0).cards)

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def ids(self, class_name: str) -> list[int]:
        """List the identifiers of the objects of a class.

        Parameters
        ----------
        class_name
            Name of the class.
        """
        return sorted(entry.id for entry in self.entries.values() if entry.class_name == class_name)

    def component(self, name: str) -> Any:
        """Return a component of an exposure.

        Parameters
        ----------
        name
            ``SKYWCS``, ``PSF``, ``PHOTOCALIB``, ``DETECTOR``,
            ``VALID_POLYGON``, ``COADD_INPUTS``, ``AP_CORR_MAP``,
            ``TRANSMISSION_CURVE``, ``FILTER``, ``SUMMARY_STATS``, ``WCS``, or
            any other name in the header.

        Returns
        -------
        component
            A record, a `LegacyOpaque`, or `None` if the exposure does not
            have this component.

        Raises
        ------
        ArchiveReadError
            If the object is damaged.
        """
        try:
            return self.get(self.components.get(name.upper(), 0))
        except ArchiveReadError as err:
            err.add_note(f"While reading component {short_repr(name)} of {self.file.name}.")
            raise

    def root(self) -> Any:
        """Return the object that was written to the archive, when that was only one.

        Raises
        ------
        InvalidComponentError
            If the archive is empty.
        """
        # afw numbers objects in the order of writing, starting with 1.
        return self.get(1)

    def get(self, number: int) -> Any:
        """Return an object.

        Parameters
        ----------
        number
            Identifier of the object; 0 means a missing object.

        Returns
        -------
        object
            A record of its class, a `LegacyOpaque` for a class without
            decoder, or `None` for 0.

        Raises
        ------
        InvalidComponentError
            If the archive does not have this object.
        ArchiveReadError
            If the object is damaged.
        """
        if number == 0:
            return None
        with self._lock:
            if number not in self._objects:
                self._objects[number] = self._decode(number)
            return self._objects[number]

    def reference(self, number: int) -> Reference:
        """Return a reference to an object, without decoding it.

        Parameters
        ----------
        number
            Identifier of the object.
        """
        return Reference(self, int(number))

    def references(self, numbers: Iterable[int]) -> list[Reference]:
        """Return references to objects, without decoding them.

        Parameters
        ----------
        numbers
            Identifiers of the objects.
        """
        return list(map(functools.partial(Reference, self), numbers))

    def tables(self, entry: LegacyEntry) -> tuple[LegacyRows, ...]:
        """Return the rows of an object.

        Parameters
        ----------
        entry
            Entry of the object in the index.

        Raises
        ------
        CorruptArchiveError
            If tables or rows are missing.
        """
        return tuple([LegacyRows(self._table(cat), row, count) for cat, row, count in entry.pieces])

    def load_all(self) -> None:
        """Read all tables, so that the file can be closed.

        Damaged tables are skipped; reading their objects raises the error.
        """
        wanted = {cat for entry in self.entries.values() for cat, _, _ in entry.pieces}
        for cat in sorted(wanted):
            try:
                self._table(cat)
            except ArchiveReadError:
                continue

    def _table(self, cat: int) -> LegacyTable:
        if cat not in self._tables:
            hdu = self.file.hdu(self._number + cat)
            if hdu.values.get("AR_CATN", cat) != cat:
                raise CorruptArchiveError(
                    f"HDU {self._number + cat} is table {short_repr(hdu.values.get('AR_CATN'))} of the "
                    "archive, "
                    f"not table {cat}"
                )
            self._tables[cat] = LegacyTable(hdu)
        return self._tables[cat]

    def _decode(self, number: int) -> Any:
        entry = self.entries.get(number)
        if entry is None:
            raise InvalidComponentError(
                f"{self.file.name}: the archive has no object {number}; it has {len(self.entries)} objects."
            )
        if number in self._open or len(self._open) >= MAX_NESTING:
            chain = " > ".join(map(str, [*self._open[-5:], number]))
            raise CorruptArchiveError(
                f"{self.file.name}: archived objects contain themselves: {chain}. The file is damaged."
            )
        self._open.append(number)
        try:
            if entry.class_name not in self._decoders:
                self._decoders[entry.class_name] = find_decoder(entry.class_name)
            decoder = self._decoders[entry.class_name]
            tables = self.tables(entry)
            return LegacyOpaque(entry, tables) if decoder is None else decoder(self, entry, tables)
        except Exception as err:
            # Any error of a decoder means that this object cannot be read.
            raise self._named(err, entry) from err
        finally:
            self._open.pop()

    def _named(self, err: Exception, entry: LegacyEntry) -> Exception:
        where = f"{self.file.name}: object {entry.id} of the archive, a {entry.class_name}"
        reason = str(err).rstrip(".") if isinstance(err, ImagesError) else f"{type(err).__name__}: {err}"
        kind: type[ImagesError] = CorruptArchiveError
        if type(err) in KEPT_ERRORS:
            kind = type(err)  # type: ignore[assignment]  # a subclass of ImagesError
        return kind(f"{where}, cannot be read: {reason}.")
