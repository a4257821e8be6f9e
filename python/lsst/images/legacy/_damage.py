# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of unexpected exceptions from damaged legacy files to `CorruptArchiveError`."""

from __future__ import annotations

__all__ = ("reading",)

import contextlib
from collections.abc import Iterator

from ..errors import CorruptArchiveError, ImagesError
from ..utils import UNEXPECTED


@contextlib.contextmanager
def reading(file: str, what: str, *, note: str = "") -> Iterator[None]:
    """Convert unexpected exceptions of a block of code that depends on the content of a file.

    Parameters
    ----------
    file
        Name of the file.
    what
        Name of the part that is read, for messages.
    note
        Note to add to `ImagesError` exceptions.

    Yields
    ------
    nothing
        The body of the ``with`` statement is the block of code.

    Raises
    ------
    CorruptArchiveError
        In place of an exception of `UNEXPECTED`.
    """
    try:
        yield
    except ImagesError as err:
        if note:
            err.add_note(note)
        raise
    except UNEXPECTED as err:
        damage = CorruptArchiveError(f"The {what} of {file} cannot be read: {type(err).__name__}: {err}")
        if note:
            damage.add_note(note)
        raise damage from err
