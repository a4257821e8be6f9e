# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Metadata as they go into a tree."""

from __future__ import annotations

__all__ = ("writable_metadata",)

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import UnserializableTypeError
from ._fields import MetadataValue


def writable_metadata(metadata: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Return metadata in the form that goes into a tree.

    Parameters
    ----------
    metadata
        Metadata of an object.  Numpy scalars become Python's.

    Returns
    -------
    metadata
        A copy.

    Raises
    ------
    UnserializableTypeError
        If a name is no string, a value is nested or of another type, or
        either is no text.
    """
    result: dict[str, MetadataValue] = {}
    for key, value in metadata.items():
        plain = value.item() if isinstance(value, np.generic) else value
        if not isinstance(key, str) or not isinstance(plain, int | float | str | bool | None):
            raise UnserializableTypeError(
                f"metadata[{key!r}] = {value!r:.80} cannot be written: names are strings, and values are "
                "int, float, str, bool or None; nested values need a name for each of their parts."
            )
        if not _is_text(key) or (isinstance(plain, str) and not _is_text(plain)):
            raise UnserializableTypeError(
                f"metadata[{key!r}] = {plain!r:.80} cannot be written: half a surrogate pair is no text. "
                "Decode with errors='replace' where it comes from."
            )
        result[key] = plain
    return result


def _is_text(text: str) -> bool:
    """Tell whether a string can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
