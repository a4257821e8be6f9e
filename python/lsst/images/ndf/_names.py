# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Names that HDS allows: upper case, and no longer than 15 characters."""

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
"""``DAT__SZNAM`` of the Starlink HDS library."""

LSST_PATH = "/MORE/LSST"
"""Where everything goes for which an NDF has no place of its own."""

_LEGAL = re.compile(r"[A-Z0-9_]+")
_COUNTER_DIGITS = 3


class HdsNameShrinker:
    """Shortens names, the same name always to the same result.

    Parameters
    ----------
    max_length
        Number of characters that a name may have.

    Notes
    -----
    A name that is too long keeps its first characters, and gets ``_`` and a
    hexadecimal number that counts the shortened names of a file.  A name
    with characters that HDS does not allow is treated likewise, so that two
    such names never become one.
    """

    def __init__(self, max_length: int = MAX_NAME_LENGTH) -> None:
        self._max_length = max_length
        self._known: dict[tuple[str, int], str] = {}
        self._count = 0

    def shrink(self, name: str, reserve: int = 0) -> str:
        """Return a name that is short enough.

        Parameters
        ----------
        name
            One component of a path.
        reserve
            Number of characters to leave for a suffix.
        """
        name = name.upper()
        if len(name) <= self._max_length - reserve and _LEGAL.fullmatch(name):
            return name
        if (name, reserve) not in self._known:
            self._known[name, reserve] = self.fresh(name, reserve)
        return self._known[name, reserve]

    def shrink_versioned(self, base: str, version: int) -> str:
        """Return a name for the n-th use of a name, whose number stays visible.

        Parameters
        ----------
        base
            One component of a path.
        version
            1 for the first use, which has no suffix.
        """
        suffix = "" if version == 1 else f"_{version}"
        return self.shrink(base, reserve=len(suffix)) + suffix

    def fresh(self, name: str, reserve: int = 0) -> str:
        """Return a numbered name that was never returned before.

        Parameters
        ----------
        name
            One component of a path.
        reserve
            Number of characters to leave for a suffix.
        """
        self._count += 1
        counter = f"_{self._count:0{_COUNTER_DIGITS}X}"
        legal = re.sub(r"[^A-Z0-9_]", "_", name.upper())
        return legal[: self._max_length - reserve - len(counter)] + counter


def archive_path_to_hdf5_path_components(path: str, shrinker: HdsNameShrinker | None = None) -> list[str]:
    """Turn the path of something in an archive into names of HDF5 groups.

    Parameters
    ----------
    path
        Path in the archive, ``psf/stars`` for instance.
    shrinker
        The shrinker of the file; `None` for a new one.

    Returns
    -------
    components
        One name for each component that is not empty.
    """
    shrinker = shrinker or HdsNameShrinker()
    return [shrinker.shrink(component) for component in path.split("/") if component]


def archive_path_to_hdf5_path(path: str, shrinker: HdsNameShrinker | None = None) -> str:
    """Turn the path of something in an archive into an absolute HDF5 path.

    Parameters
    ----------
    path
        Path in the archive, ``psf/stars`` for instance.
    shrinker
        The shrinker of the file; `None` for a new one.

    Returns
    -------
    path
        ``/MORE/LSST/PSF/STARS`` for instance.

    Notes
    -----
    Files of others, and ours when names collide, may use a different path:
    for reading, follow the source that the tree names.
    """
    return "/".join([LSST_PATH, *archive_path_to_hdf5_path_components(path, shrinker)])
