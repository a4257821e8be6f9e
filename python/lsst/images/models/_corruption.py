# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of errors of constructors to errors of readers."""

from __future__ import annotations

__all__ = ("reading",)

import contextlib
from collections.abc import Iterator

from ..errors import ArchiveError, CorruptArchiveError


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Convert errors of a constructor to errors of a reader.

    The fields of a tree may be valid one by one, but inconsistent.

    Parameters
    ----------
    what
        Name of the object that is constructed, for the message.

    Returns
    -------
    context
        Context manager for the block that constructs it.

    Raises
    ------
    CorruptArchiveError
        If the block raises `TypeError` or `ValueError`.
    """
    try:
        yield
    except ArchiveError:
        raise
    except (TypeError, ValueError) as err:
        raise CorruptArchiveError(f"The tree of a {what} is invalid: {err}") from err
