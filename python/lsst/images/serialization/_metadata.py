# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Check metadata: which names and values can be written to a tree."""

from __future__ import annotations

__all__ = ("check_metadata",)

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import UnserializableTypeError
from ..utils import short_repr
from ._fields import MetadataValue


def check_metadata(metadata: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Convert metadata to the form that is written to a tree.

    Parameters
    ----------
    metadata
        Metadata of an object.  Numpy scalars become Python scalars.

    Returns
    -------
    metadata
        A copy.

    Raises
    ------
    UnserializableTypeError
        If a name is not a string, a value is nested or has another type, or
        a string cannot be encoded.
    """
    result: dict[str, MetadataValue] = {}
    for key, value in metadata.items():
        plain = value.item() if isinstance(value, np.generic) else value
        if not isinstance(key, str) or not isinstance(plain, int | float | str | bool | None):
            raise UnserializableTypeError(
                f"metadata[{short_repr(key)}] = {value!r:.80} cannot be written: names are strings, and "
                "values are "
                "int, float, str, bool or None. Give each part of a nested value its own name."
            )
        if not _is_text(key) or (isinstance(plain, str) and not _is_text(plain)):
            raise UnserializableTypeError(
                f"metadata[{short_repr(key)}] = {plain!r:.80} cannot be written: it contains an unpaired "
                "surrogate, which UTF-8 cannot encode. Decode the source with errors='replace'."
            )
        result[key] = plain
    return result


def _is_text(text: str) -> bool:
    """Return whether a string can be encoded as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
