# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Access to the members of HDF5 files that never leaves the file.

HDF5 follows external links, external raw storage and virtual datasets to any
file that the process can read, so that a crafted file could return its content
as pixels.
"""

from __future__ import annotations

__all__ = ("lookup", "members")

from collections.abc import Iterator
from typing import Any

from ..errors import CorruptArchiveError
from ..utils import short_repr
from ._hds import import_h5py, is_dataset

MAX_SOFT_LINKS = 16
"""Longest chain of soft links that is followed."""


def lookup(group: Any, path: str, *, soft_links: int = 0) -> Any:
    """Return a member of a group.

    Parameters
    ----------
    group
        The group; an absolute path starts at the root of its file.
    path
        Names separated by slashes.
    soft_links
        Number of soft links that led here.

    Returns
    -------
    member
        Group or dataset; `None` if it does not exist.

    Raises
    ------
    CorruptArchiveError
        If the path leads through an external link or too many soft links, or
        the content of the dataset is in other files.
    """
    h5py = import_h5py()
    found = group.file["/"] if path.startswith("/") else group
    for name in filter(None, path.split("/")):
        if is_dataset(found):
            return None
        link = found.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise CorruptArchiveError(
                f"Member {short_repr(name)} of {found.name!r} is a link to {short_repr(link.path)} in the "
                "file "
                f"{short_repr(link.filename)}; links to other files are not followed."
            )
        if isinstance(link, h5py.SoftLink):
            if soft_links >= MAX_SOFT_LINKS:
                raise CorruptArchiveError(
                    f"Member {short_repr(name)} of {found.name!r} leads through more than {MAX_SOFT_LINKS} "
                    "soft links."
                )
            found = lookup(found, link.path, soft_links=soft_links + 1)
        else:
            found = None if link is None else found[name]
        if found is None:
            return None
    _check_storage(found)
    return found


def members(group: Any) -> Iterator[Any]:
    """Iterate over the members of a group that exist.

    Parameters
    ----------
    group
        The group.

    Raises
    ------
    CorruptArchiveError
        As `lookup`.
    """
    for name in group:
        if (found := lookup(group, name)) is not None:
            yield found


def _check_storage(found: Any) -> None:
    if is_dataset(found) and (found.is_virtual or found.external):
        raise CorruptArchiveError(
            f"The content of the dataset {found.name!r} is in other files, which are not read."
        )
