# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Places in a new file for things that have no place of their own."""

from __future__ import annotations

__all__ = ("Layout",)

from typing import Any

from ._hds import create_structure
from ._names import HdsNameShrinker

_RESERVED = frozenset({"JSON", "DATA_MODEL", "FORMAT_VERSION"})
"""Names beside which hoisted things stand."""

_NDF_COMPONENTS = frozenset(
    {"AXIS", "DATA_ARRAY", "HISTORY", "LABEL", "LSST", "MORE", "QUALITY", "TITLE", "UNITS", "VARIANCE", "WCS"}
)
"""Names that mean something at the top of a file."""


class Layout:
    """The groups of a new file.

    Parameters
    ----------
    file
        Open, empty `h5py.File`.

    Notes
    -----
    Different archive paths never get the same place: when a name is taken,
    by something else or by a part of an NDF, a numbered one is used.
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        self._shrinker = HdsNameShrinker()
        self._names: dict[tuple[str, str, int], str] = {}
        self._home: Any = None
        self._planes: set[str] = set()

    @property
    def home(self) -> Any:
        """Group of the tree and of everything that is hoisted.

        In a file whose images stand side by side at the top, and which thus
        is no NDF as a whole, it stands beside them.
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
        """Whether the top holds NDFs instead of being one."""
        return bool(self._planes) and not {"DATA_ARRAY", "VARIANCE", "QUALITY"} & set(self.file)

    def add_plane(self, name: str) -> Any | None:
        """Make a place at the top for one of several images.

        Parameters
        ----------
        name
            Name in the archive, ``red`` for instance.

        Returns
        -------
        group
            The group of an NDF; `None` where the file has a main image
            already, or the name means something else.
        """
        name = self._shrinker.shrink(name)
        if "DATA_ARRAY" in self.file or name in _NDF_COMPONENTS or name in self.file or "MORE" in self.file:
            return None
        self._planes.add(name)
        return create_structure(self.file, name, "NDF")

    def add_ndf(self, path: str, version: int, column: str = "") -> Any:
        """Make a place for a hoisted array.

        Parameters
        ----------
        path
            Path in the archive.
        version
            How often the path was used.
        column
            Name of a column, when the path is that of a table.

        Returns
        -------
        group
            Empty of arrays.
        """
        *above, leaf = filter(None, path.split("/"))
        group = self._descend(self.home, above)
        if column:
            group = self._child(group, leaf, version)
            leaf, version = column, 1
        return self._child(group, leaf, version, forbidden="DATA_ARRAY", hds_type="NDF")

    def add_pointer_target(self, path: str) -> Any:
        """Make a place for a sub-tree.

        Parameters
        ----------
        path
            Path in the archive.

        Returns
        -------
        group
            Without a sub-tree.
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
