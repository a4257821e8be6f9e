# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Slicing of images: ``image.local[y, x]`` and ``image.absolute[y, x]``."""

from __future__ import annotations

__all__ = ("AbsoluteSliceProxy", "LocalSliceProxy")

from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from .._geom import XY, YX, Box, BoxSliceFactory
from ..utils import short_repr

Slices: TypeAlias = tuple[slice, slice] | XY[slice] | YX[slice]
"""Valid keys: slices of rows and columns."""


class Sliceable(Protocol):
    """Protocol of the parents of slice proxies."""

    @property
    def bbox(self) -> Box:
        """Pixels of the image."""

    def __getitem__(self, bbox: Box) -> Any: ...

    def __setitem__(self, bbox: Box, value: Any) -> None: ...


T = TypeVar("T", bound=Sliceable)


class _SliceProxy(Generic[T]):
    """Base class of the slice proxies.

    Parameters
    ----------
    parent
        The image.
    """

    __slots__ = ("_parent",)

    _NAME = ""

    def __init__(self, parent: T) -> None:
        self._parent = parent

    def __getitem__(self, slices: Slices) -> T:
        return self._parent[self._make_box(slices)]  # type: ignore[no-any-return]  # an image slices to its type

    def __setitem__(self, slices: Slices, value: Any) -> None:
        self._parent[self._make_box(slices)] = value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._parent!r}>"

    @property
    def _factory(self) -> BoxSliceFactory:
        return self._parent.bbox.absolute

    def _make_box(self, slices: Any) -> Box:
        if isinstance(slices, tuple) and len(slices) == 2 and all(isinstance(s, slice) for s in slices):
            return self._factory[slices]
        err = TypeError(
            f"{type(self._parent).__name__}.{self._NAME} requires two slices, [y0:y1, x0:x1]; got "
            f"{short_repr(slices)}."
        )
        if hasattr(self._parent, "array"):
            err.add_note("For single pixels, index the 'array' attribute, whose first pixel is [0, 0].")
        raise err


class AbsoluteSliceProxy(_SliceProxy[T]):
    """Proxy that slices an image in absolute coordinates.

    Parameters
    ----------
    parent
        The image.

    Notes
    -----
    Missing ends are those of the image; an end outside the image raises
    `IndexError`.  Negative numbers are coordinates; they do not count from the
    end.
    """

    __slots__ = ()

    _NAME = "absolute"


class LocalSliceProxy(_SliceProxy[T]):
    """Proxy that slices an image in coordinates of its array, from ``(0, 0)``.

    Parameters
    ----------
    parent
        The image.

    Notes
    -----
    Negative numbers count from the end, and ends beyond the image are
    clipped; an empty result raises `IndexError`.
    """

    __slots__ = ()

    _NAME = "local"

    @property
    def _factory(self) -> BoxSliceFactory:
        return self._parent.bbox.local
