# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Named models of the background of an image."""

from __future__ import annotations

__all__ = ("Background", "BackgroundMap")

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from ..io import Serializable
from ..utils import short_repr
from ._base import BaseField


@dataclasses.dataclass(frozen=True)
class Background:
    """A background model.

    Parameters
    ----------
    name
        Name of the model in a `BackgroundMap`.
    field
        The model, which is subtracted from the pixels.
    description
        Human-readable description.
    """

    name: str
    field: BaseField
    description: str = ""

    __hash__ = None  # type: ignore[assignment]  # fields are not hashable


class BackgroundMap(Serializable, Mapping[str, Background]):
    """The background models of an image, in order, by name.

    Parameters
    ----------
    backgrounds
        Models with different names.
    subtracted
        Name of the model that has been subtracted from the pixels.

    Raises
    ------
    KeyError
        If names are not unique, or ``subtracted`` is not one of them.
    """

    def __init__(self, backgrounds: Iterable[Background] = (), subtracted: str | None = None) -> None:
        self._backgrounds: dict[str, Background] = {}
        self._subtracted: str | None = None
        for background in backgrounds:
            self.add(background.name, background.field, background.description)
        if subtracted is not None:
            if subtracted not in self._backgrounds:
                raise KeyError(
                    f"Unknown background {short_repr(subtracted)}; available backgrounds: "
                    f"{list(self._backgrounds)}."
                )
            self._subtracted = subtracted

    @property
    def subtracted(self) -> Background | None:
        """The background that has been subtracted from the pixels, or `None`."""
        return None if self._subtracted is None else self._backgrounds[self._subtracted]

    def add(self, name: str, field: BaseField, description: str = "", *, is_subtracted: bool = False) -> None:
        """Add a background at the end.

        Parameters
        ----------
        name
            A name that is not in use.
        field
            The model.
        description
            Human-readable description.
        is_subtracted
            Whether to set this model as `subtracted`.

        Raises
        ------
        KeyError
            If the name is in use.
        """
        if name in self._backgrounds:
            raise KeyError(
                f"A background named {short_repr(name)} already exists; choose a name that is not one of "
                f"{list(self._backgrounds)}."
            )
        self._backgrounds[name] = Background(name, field, description)
        if is_subtracted:
            self._subtracted = name

    def copy(self) -> BackgroundMap:
        """Copy the map; the models are immutable and shared."""
        return BackgroundMap(self._backgrounds.values(), self._subtracted)

    __copy__ = copy

    def __getitem__(self, name: str) -> Background:
        return self._backgrounds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._backgrounds)

    def __len__(self) -> int:
        return len(self._backgrounds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BackgroundMap):
            return NotImplemented
        return self._subtracted == other._subtracted and list(self._backgrounds.items()) == list(
            other._backgrounds.items()
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __str__(self) -> str:
        names = [name + (" (subtracted)" if name == self._subtracted else "") for name in self]
        return ", ".join(names) or "no backgrounds"

    def __repr__(self) -> str:
        return f"BackgroundMap({list(self._backgrounds.values())!r}, subtracted={self._subtracted!r})"
