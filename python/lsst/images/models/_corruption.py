# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Trees whose members are valid one by one, but make no sense together."""

from __future__ import annotations

__all__ = ("reading",)

import contextlib
from collections.abc import Iterator

from ..errors import ArchiveError, CorruptArchiveError


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn complaints of a constructor into those of a reader.

    Parameters
    ----------
    what
        What is being made, for the message.

    Returns
    -------
    context
        Context manager for the block that makes it.

    Raises
    ------
    CorruptArchiveError
        Instead of `TypeError` and `ValueError` in the block.
    """
    try:
        yield
    except ArchiveError:
        raise
    except (TypeError, ValueError) as err:
        raise CorruptArchiveError(f"The tree of a {what} makes no sense: {err}") from err
