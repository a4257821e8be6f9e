# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Records of the classes and calls in a pickle."""

from __future__ import annotations

__all__ = ("PickleGlobal", "PickleObject")

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class PickleGlobal:
    """The name of a class or function, which is not imported.

    Parameters
    ----------
    module, name
        Module and name.
    """

    module: str
    name: str


@dataclasses.dataclass(eq=False)
class PickleObject:
    """The recipe of a pickled object, which is not created.

    Parameters
    ----------
    factory
        The callable: a `PickleGlobal`, or any other value in its place.
    args
        Its arguments.
    kwargs
        Its keyword arguments.
    state
        Argument of ``__setstate__``.
    items, entries
        Values that unpickling appends, and those that it sets by key.
    """

    factory: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[Any, Any] = dataclasses.field(default_factory=dict)
    state: Any = None
    items: list[Any] = dataclasses.field(default_factory=list, repr=False)
    entries: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        # Records may be recursive, or deeply nested.
        return f"<PickleObject of {self.class_name}>"

    @property
    def class_name(self) -> str:
        """Name of the class or function; a question mark if it is not a name."""
        return self.factory.name if isinstance(self.factory, PickleGlobal) else "?"

    def is_of(self, module: str, *names: str) -> bool:
        """Return whether a class or function creates this object.

        Parameters
        ----------
        module
            Top-level package.
        *names
            Names of classes or functions.
        """
        return (
            isinstance(self.factory, PickleGlobal)
            and self.factory.module.partition(".")[0] == module
            and self.factory.name in names
        )

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes that the state sets, by name."""
        states = self.state if isinstance(self.state, tuple) else (self.state,)
        found: dict[str, Any] = {}
        for state in states[:2]:
            if isinstance(state, dict):
                found.update({key: value for key, value in state.items() if isinstance(key, str)})
        return found
