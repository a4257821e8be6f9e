# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Parts of an object that could not be read, which complain when used.

A damaged PSF must not cost the pixels it belongs to.
"""

from __future__ import annotations

__all__ = ("Deferred", "available", "copied", "is_deferred")

from typing import Any, TypeAlias, TypeVar

from typing_extensions import TypeIs

from ..errors import ArchiveReadError
from ._polymorphic import UnreadableTree

T = TypeVar("T")

Deferred: TypeAlias = ArchiveReadError | UnreadableTree
"""What stands for a part that could not be read: the reason, or the raw
branch of the file with the reason."""


def is_deferred(value: Any) -> TypeIs[Deferred]:
    """Tell whether a value only stands for one that could not be read.

    Parameters
    ----------
    value
        The value.
    """
    return isinstance(value, Deferred)


def available(value: T | Deferred) -> T:
    """Return a value, or raise the reason why there is none.

    Parameters
    ----------
    value
        The value, or what stands for it.

    Raises
    ------
    ArchiveReadError
        If the value could not be read.
    """
    reason = value.reason if isinstance(value, UnreadableTree) else value
    if isinstance(reason, ArchiveReadError):
        # One exception is raised for every use; tracebacks must not pile up.
        raise reason.with_traceback(None)
    result: Any = value
    return result  # type: ignore[no-any-return]  # what remains of the union


def copied(value: T) -> T:
    """Copy a part, unless there is none.

    Parameters
    ----------
    value
        `None`, something with a ``copy`` method, or what stands for it.
    """
    if value is None or is_deferred(value):
        return value
    result: T = value.copy()  # type: ignore[attr-defined]  # see above
    return result
