# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The signature of decoders of archived classes."""

from __future__ import annotations

__all__ = ("LegacyDecoder",)

from typing import Protocol, TypeVar

from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows

_T_co = TypeVar("_T_co", covariant=True)


class LegacyDecoder(Protocol[_T_co]):
    """A function that decodes archived objects of a class."""

    def __call__(
        self, archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...], /
    ) -> _T_co:
        """Decode an object.

        Parameters
        ----------
        archive
            The archive; `LegacyArchive.reference` returns objects that the
            object refers to.
        entry
            Entry of the object in the index of the archive.
        tables
            Rows of the object in each of its tables.

        Returns
        -------
        obj
            A finished object of this package (a
            `~lsst.images.psfs.PointSpreadFunction`, a
            `~lsst.images.fields.BaseField`, a `~lsst.images.Projection`, ...),
            a `~lsst.images.legacy.LegacyConvertible` if the object depends on
            the image, or a record that only `LegacyArchive` users see.

        Raises
        ------
        Exception
            Any exception becomes a `~lsst.images.errors.CorruptArchiveError`
            that names the file, the object and its class.
        """
        ...
