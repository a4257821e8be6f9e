# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Deferred errors: placeholders for parts of an object that cannot be read.

The error is raised when the part is used, so that an image with a damaged PSF
can be read.
"""

from __future__ import annotations

__all__ = ("Deferred", "available", "copied", "is_deferred")

from typing import Any, TypeAlias, TypeVar

from typing_extensions import TypeIs

from ..errors import ArchiveReadError
from ._polymorphic import UnreadableTree

T = TypeVar("T")

Deferred: TypeAlias = ArchiveReadError | UnreadableTree
"""Placeholder for a part that cannot be read: the error, or the raw subtree with
the error."""


def is_deferred(value: Any) -> TypeIs[Deferred]:
    """Return whether a value is a placeholder for a part that cannot be read.

    Parameters
    ----------
    value
        The value.
    """
    return isinstance(value, Deferred)


def available(value: T | Deferred) -> T:
    """Return a value, or raise its deferred error.

    Parameters
    ----------
    value
        The value, or a placeholder.

    Raises
    ------
    ArchiveReadError
        If the value is a placeholder.
    """
    reason = value.reason if isinstance(value, UnreadableTree) else value
    if isinstance(reason, ArchiveReadError):
        # The same exception is raised at each use; without this, its traceback would grow.
        raise reason.with_traceback(None)
    result: Any = value
    return result  # type: ignore[no-any-return]  # what remains of the union


def copied(value: T) -> T:
    """Copy a part.

    Parameters
    ----------
    value
        An object with a ``copy`` method; `None` and placeholders are returned
        unchanged.
    """
    if value is None or is_deferred(value):
        return value
    result: T = value.copy()  # type: ignore[attr-defined]  # see above
    return result
