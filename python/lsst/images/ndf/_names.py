# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""HDS names, which are upper case and have at most 15 characters."""

from __future__ import annotations

__all__ = (
    "LSST_PATH",
    "MAX_NAME_LENGTH",
    "HdsNameShrinker",
    "archive_path_to_hdf5_path",
    "archive_path_to_hdf5_path_components",
)

import re

MAX_NAME_LENGTH = 15
"""Maximum size of a name in characters; ``DAT__SZNAM`` of the Starlink HDS library."""

LSST_PATH = "/MORE/LSST"
"""Group of everything that is not a component of an NDF."""

_LEGAL = re.compile(r"[A-Z0-9_]+")
_COUNTER_DIGITS = 3


class HdsNameShrinker:
    """Shortens names to valid HDS names; equal names have equal results.

    Parameters
    ----------
    max_length
        Maximum number of characters of a name.

    Notes
    -----
    A name that is too long is truncated, and ``_`` and a hexadecimal number are
    appended, which counts the changed names of a file.  So is a name with
    characters that HDS does not allow, so that different names have different
    results.
    """

    def __init__(self, max_length: int = MAX_NAME_LENGTH) -> None:
        self._max_length = max_length
        self._known: dict[tuple[str, int], str] = {}
        self._count = 0

    def shrink(self, name: str, reserve: int = 0) -> str:
        """Return a valid name.

        Parameters
        ----------
        name
            One component of a path.
        reserve
            Number of characters to reserve for a suffix.
        """
        name = name.upper()
        if len(name) <= self._max_length - reserve and _LEGAL.fullmatch(name):
            return name
        if (name, reserve) not in self._known:
            self._known[name, reserve] = self.fresh(name, reserve)
        return self._known[name, reserve]

    def shrink_versioned(self, base: str, version: int) -> str:
        """Return a valid name with a suffix that is the number of the use.

        Parameters
        ----------
        base
            One component of a path.
        version
            Number of the use, from 1; the first use has no suffix.
        """
        suffix = "" if version == 1 else f"_{version}"
        return self.shrink(base, reserve=len(suffix)) + suffix

    def fresh(self, name: str, reserve: int = 0) -> str:
        """Return a new valid name, with a number.

        Parameters
        ----------
        name
            One component of a path.
        reserve
            Number of characters to reserve for a suffix.
        """
        self._count += 1
        counter = f"_{self._count:0{_COUNTER_DIGITS}X}"
        legal = re.sub(r"[^A-Z0-9_]", "_", name.upper())
        return legal[: self._max_length - reserve - len(counter)] + counter


def archive_path_to_hdf5_path_components(path: str, shrinker: HdsNameShrinker | None = None) -> list[str]:
    """Convert a path in an archive to names of HDF5 groups.

    Parameters
    ----------
    path
        Path in the archive, for instance ``psf/stars``.
    shrinker
        Shrinker of the file; `None` creates a new one.

    Returns
    -------
    components
        One name for each component of the path that is not empty.
    """
    shrinker = shrinker or HdsNameShrinker()
    return [shrinker.shrink(component) for component in path.split("/") if component]


def archive_path_to_hdf5_path(path: str, shrinker: HdsNameShrinker | None = None) -> str:
    """Convert a path in an archive to an absolute HDF5 path.

    Parameters
    ----------
    path
        Path in the archive, for instance ``psf/stars``.
    shrinker
        Shrinker of the file; `None` creates a new one.

    Returns
    -------
    path
        For instance ``/MORE/LSST/PSF/STARS``.

    Notes
    -----
    A file can use a different path, for instance if names collide.  To read an
    array, use the source in the tree.
    """
    return "/".join([LSST_PATH, *archive_path_to_hdf5_path_components(path, shrinker)])
