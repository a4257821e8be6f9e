# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Errors of damage that nobody foresaw, made errors of ours at every door."""

from __future__ import annotations

__all__ = ("UNFORESEEN", "reading")

import contextlib
from collections.abc import Iterator

from ..errors import CorruptArchiveError, ImagesError

UNFORESEEN = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
"""What Python and numpy say of a header or a table that makes no sense."""


@contextlib.contextmanager
def reading(file: str, what: str, *, note: str = "") -> Iterator[None]:
    """Guard what depends on the content of a file.

    Parameters
    ----------
    file
        Name of the file.
    what
        What is read of it, for messages.
    note
        Added to errors of ours.

    Yields
    ------
    nothing
        The guard is around the body of the ``with``.

    Raises
    ------
    CorruptArchiveError
        Instead of an error that is not ours.
    """
    try:
        yield
    except ImagesError as err:
        if note:
            err.add_note(note)
        raise
    except UNFORESEEN as err:
        damage = CorruptArchiveError(f"The {what} of {file} cannot be read: {type(err).__name__}: {err}")
        if note:
            damage.add_note(note)
        raise damage from err
