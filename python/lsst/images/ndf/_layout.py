# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""HDF5 groups of a new NDF."""

from __future__ import annotations

__all__ = ("Layout",)

from typing import Any

from ._hds import create_structure
from ._names import HdsNameShrinker

_RESERVED = frozenset({"JSON", "DATA_MODEL", "FORMAT_VERSION"})
"""Names in the group of the tree that arrays and tables cannot use."""

_NDF_COMPONENTS = frozenset(
    {"AXIS", "DATA_ARRAY", "HISTORY", "LABEL", "LSST", "MORE", "QUALITY", "TITLE", "UNITS", "VARIANCE", "WCS"}
)
"""Names of components of an NDF and of the tree, which images cannot use."""


class Layout:
    """The groups of a new file.

    Parameters
    ----------
    file
        Open, empty `h5py.File`.

    Notes
    -----
    Different archive paths have different groups: if a name is in use, a
    numbered name is used instead.
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        self._shrinker = HdsNameShrinker()
        self._names: dict[tuple[str, str, int], str] = {}
        self._home: Any = None
        self._planes: set[str] = set()

    @property
    def home(self) -> Any:
        """Group of the tree, and of arrays that are not NDF components.

        In a file with several images at the top level, which is not itself an
        NDF, this group is at the top level too.
        """
        if self._home is None:
            parent = self.file if self.is_collection else self.extensions
            self._home = create_structure(parent, "LSST", "LSST")
        return self._home

    @property
    def extensions(self) -> Any:
        """Group of the extensions of the NDF."""
        return create_structure(self.file, "MORE", "EXT")

    @property
    def is_collection(self) -> bool:
        """Whether the root group contains NDFs, and is not an NDF itself."""
        return bool(self._planes) and not {"DATA_ARRAY", "VARIANCE", "QUALITY"} & set(self.file)

    def add_plane(self, name: str) -> Any | None:
        """Create a top-level group for one of several images.

        Parameters
        ----------
        name
            Name in the archive, for instance ``red``.

        Returns
        -------
        group
            Group of an NDF; `None` if the root group is itself an NDF, or the
            name is in use.
        """
        name = self._shrinker.shrink(name)
        if "DATA_ARRAY" in self.file or name in _NDF_COMPONENTS or name in self.file or "MORE" in self.file:
            return None
        self._planes.add(name)
        return create_structure(self.file, name, "NDF")

    def add_ndf(self, path: str, version: int, column: str = "") -> Any:
        """Create the group of an array.

        Parameters
        ----------
        path
            Path in the archive.
        version
            Number of the use of the path, from 1.
        column
            Name of a column, if the path is that of a table.

        Returns
        -------
        group
            Group without an array.
        """
        *above, leaf = filter(None, path.split("/"))
        group = self._descend(self.home, above)
        if column:
            group = self._child(group, leaf, version)
            leaf, version = column, 1
        return self._child(group, leaf, version, forbidden="DATA_ARRAY", hds_type="NDF")

    def add_pointer_target(self, path: str) -> Any:
        """Create the group of a subtree.

        Parameters
        ----------
        path
            Path in the archive.

        Returns
        -------
        group
            Group without a subtree.
        """
        *above, leaf = filter(None, path.split("/"))
        return self._child(self._descend(self.home, above), leaf, 1, forbidden="JSON")

    def _descend(self, group: Any, names: list[str]) -> Any:
        for name in names:
            group = self._child(group, name, 1)
        return group

    def _child(self, parent: Any, name: str, version: int, *, forbidden: str = "", hds_type: str = "") -> Any:
        key = (parent.name, name.upper(), version)
        if (chosen := self._names.get(key)) is None:
            chosen = self._names[key] = self._choose(parent, key)
        if forbidden and chosen in parent and forbidden in parent[chosen]:
            chosen = self._fresh(parent, name)
        return create_structure(parent, chosen, hds_type or chosen)

    def _choose(self, parent: Any, key: tuple[str, str, int]) -> str:
        chosen = self._shrinker.shrink_versioned(key[1], key[2])
        taken = chosen in parent or (chosen in _RESERVED and parent.name == self.home.name)
        return self._fresh(parent, key[1]) if taken else chosen

    def _fresh(self, parent: Any, name: str) -> str:
        while (chosen := self._shrinker.fresh(name)) in parent:
            pass
        return chosen
