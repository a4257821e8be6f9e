# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Facts about an object that come from its file and are not part of the object."""

from __future__ import annotations

__all__ = ("Attachments", "NO_ATTACHMENTS", "PassthroughMetadata", "attach", "attach_from", "attachments_of")

import dataclasses
from typing import Any, Final, Protocol, Self

from ._external_metadata import NO_EXTERNAL_METADATA, ExternalMetadata
from ._unknown_members import UnknownMembers


class PassthroughMetadata(Protocol):
    """File content that the container preserves when the object is rewritten.

    For FITS these are the header cards that no reader interpreted.
    """

    def for_subset(self) -> Self:
        """Return what a copy or a subset of the object keeps."""

    def external_metadata(self) -> ExternalMetadata:
        """Return the preserved header cards as read-only metadata."""


@dataclasses.dataclass(frozen=True)
class Attachments:
    """Facts about an object that are not part of it.

    Parameters
    ----------
    butler_info
        Butler dataset and provenance found in the file, as raw JSON, or a
        deferred error if they are damaged.
    passthrough
        File content that the container preserves on rewriting.
    unknown_members
        Members of the tree that are not interpreted, and are written again.
    """

    butler_info: Any = None
    passthrough: PassthroughMetadata | None = None
    unknown_members: UnknownMembers | None = None

    def for_subset(self) -> Attachments:
        """Return what a copy or a subset of the object keeps."""
        if self.passthrough is None:
            return self
        return dataclasses.replace(self, passthrough=self.passthrough.for_subset())

    @property
    def external_metadata(self) -> ExternalMetadata:
        """Header cards that came with the file (`ExternalMetadata`)."""
        # A plugin's container may preserve content that has no header cards.
        find = getattr(self.passthrough, "external_metadata", None)
        return NO_EXTERNAL_METADATA if find is None else find()


NO_ATTACHMENTS = Attachments()
"""Attachments of an object that was made in memory."""

_KEEP: Final = object()


def attachments_of(obj: Any) -> Attachments:
    """Return the attachments of an object; none for types that cannot have any.

    Parameters
    ----------
    obj
        Any object.
    """
    found: Attachments = getattr(obj, "_attachments", NO_ATTACHMENTS)
    return found


def attach(
    obj: Any, *, butler_info: Any = _KEEP, passthrough: Any = _KEEP, unknown_members: Any = _KEEP
) -> None:
    """Set the attachments of an object.

    Parameters
    ----------
    obj
        The object.  Types that cannot have attachments are left unchanged.
    butler_info
        Butler dataset and provenance, as raw JSON; by default, unchanged.
    passthrough
        File content that the container preserves; by default, unchanged.
    unknown_members
        Members of the tree that are not interpreted; by default, unchanged.
    """
    if (known := getattr(obj, "_attachments", None)) is None:
        return
    obj._attachments = Attachments(
        known.butler_info if butler_info is _KEEP else butler_info,
        known.passthrough if passthrough is _KEEP else passthrough,
        known.unknown_members if unknown_members is _KEEP else unknown_members,
    )


def attach_from(obj: Any, source: Any, *, whole: bool) -> None:
    """Copy the attachments of one object to another.

    Parameters
    ----------
    obj
        The object to change.
    source
        Object to copy from.
    whole
        Whether ``obj`` has all the pixels of ``source``, unchanged, so that
        it keeps passthrough metadata that describe them.
    """
    obj._attachments = source._attachments if whole else source._attachments.for_subset()
