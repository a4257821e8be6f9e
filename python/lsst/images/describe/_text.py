# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Formatting of values whose formatting may raise."""

from __future__ import annotations

__all__ = ("as_text",)

from collections.abc import Callable
from typing import Any

MAX_REASON_LENGTH = 160
"""Maximum length of the error message in a placeholder, in characters."""


def as_text(value: Any, show: Callable[[Any], str] = str) -> str:
    """Return the text of a value, or a placeholder if formatting raises.

    Parameters
    ----------
    value
        Any object.  Formatting an object of another package may raise, for
        example an invalid date.
    show
        Function that formats the value: `str`, `repr`, or another function.

    Returns
    -------
    text
        Text of the value.  The placeholder for a value that cannot be formatted
        contains its type and the error.
    """
    try:
        return show(value)
    except Exception as err:  # formatting a third-party object may raise any exception
        reason = f"{type(err).__name__}: {err!s:.{MAX_REASON_LENGTH}}"
        return f"{type(value).__name__} that cannot be shown: {reason}"
