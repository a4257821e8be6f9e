# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What an object brings along from the file it was read from."""

from __future__ import annotations

__all__ = ("Attachments", "Baggage", "NO_ATTACHMENTS")

import dataclasses
from typing import Any, Protocol, Self


class Baggage(Protocol):
    """What a container wants back when the object is written again.

    For FITS these are the header cards that nobody understood.
    """

    def for_subset(self) -> Self:
        """Return what a copy or a subset of the object keeps."""


@dataclasses.dataclass(frozen=True)
class Attachments:
    """Facts about an object that are not part of it.

    Parameters
    ----------
    butler_info
        Butler dataset and provenance found in the file, as raw JSON, or what
        stands for them if they are damaged.
    baggage
        What the container wants back.
    """

    butler_info: Any = None
    baggage: Baggage | None = None

    def for_subset(self) -> Attachments:
        """Return what a copy or a subset of the object keeps."""
        if self.baggage is None:
            return self
        return Attachments(self.butler_info, self.baggage.for_subset())


NO_ATTACHMENTS = Attachments()
"""What an object made in memory has."""
