# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Metadata that a file has beside those of the data model, such as the cards of a FITS header."""

from __future__ import annotations

__all__ = ("NO_EXTERNAL_METADATA", "EmptyExternalMetadata", "ExternalMetadata", "ExternalMetadataValue")

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from ..utils import short_repr

ExternalMetadataValue: TypeAlias = bool | int | float | complex | str | None
"""Types of the value of external metadata."""


class ExternalMetadata(Mapping[str, ExternalMetadataValue]):
    """Read-only metadata of a file, in which a name may have several values.

    Look-ups ignore case.  Iteration gives each name once, in the order of the
    file.  If a name has several values, ``metadata[name]`` is the first.
    """

    @abstractmethod
    def get_all(self, name: str) -> tuple[ExternalMetadataValue, ...]:
        """Return all values of a name.

        Parameters
        ----------
        name
            The name, in any case.

        Returns
        -------
        values
            Values in the order of the file.

        Raises
        ------
        KeyError
            If the file does not have the name.
        """

    def __getitem__(self, name: str) -> ExternalMetadataValue:
        return self.get_all(name)[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"


class EmptyExternalMetadata(ExternalMetadata):
    """External metadata of an object that was not read from a file."""

    def get_all(self, name: str) -> tuple[ExternalMetadataValue, ...]:
        raise KeyError(f"The external metadata do not contain {short_repr(name)}: they are empty.")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


NO_EXTERNAL_METADATA = EmptyExternalMetadata()
"""External metadata of all objects that were not read from a file."""
