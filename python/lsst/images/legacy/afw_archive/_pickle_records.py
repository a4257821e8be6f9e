# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What is left of the calls of a pickle: names and arguments."""

from __future__ import annotations

__all__ = ("PickleGlobal", "PickleObject")

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class PickleGlobal:
    """The name of a class or function, which was not looked up.

    Parameters
    ----------
    module, name
        Where it was.
    """

    module: str
    name: str


@dataclasses.dataclass(eq=False)
class PickleObject:
    """An object that was not made.

    Parameters
    ----------
    factory
        What would have been called: a `PickleGlobal`, or whatever the pickle
        has instead.
    args
        Its arguments.
    kwargs
        Its keyword arguments.
    state
        What the object would have been told of its state.
    items, entries
        What would have been appended to it, and put into it by key.
    """

    factory: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[Any, Any] = dataclasses.field(default_factory=dict)
    state: Any = None
    items: list[Any] = dataclasses.field(default_factory=list, repr=False)
    entries: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        # Records may contain themselves, or be very deep.
        return f"<PickleObject of {self.class_name}>"

    @property
    def class_name(self) -> str:
        """Name of the class or function, or a question mark."""
        return self.factory.name if isinstance(self.factory, PickleGlobal) else "?"

    def is_of(self, module: str, *names: str) -> bool:
        """Tell whether a class or function was to make this object.

        Parameters
        ----------
        module
            Top-level package.
        *names
            Any of these.
        """
        return (
            isinstance(self.factory, PickleGlobal)
            and self.factory.module.partition(".")[0] == module
            and self.factory.name in names
        )

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes that the state would have set, by name."""
        states = self.state if isinstance(self.state, tuple) else (self.state,)
        found: dict[str, Any] = {}
        for state in states[:2]:
            if isinstance(state, dict):
                found.update({key: value for key, value in state.items() if isinstance(key, str)})
        return found
