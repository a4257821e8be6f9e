# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The texts of values that may not have one."""

from __future__ import annotations

__all__ = ("as_text",)

from collections.abc import Callable
from typing import Any

MAX_REASON_LENGTH = 160
"""Characters of an error that stands for a value."""


def as_text(value: Any, show: Callable[[Any], str] = str) -> str:
    """Return the text of a value, or why there is none.

    Parameters
    ----------
    value
        Any object.  Those of other packages may complain when they are shown:
        a date that no calendar has does.
    show
        Makes the text: `str`, `repr`, or another function.

    Returns
    -------
    text
        What stands for a value that cannot be shown names its type and the
        error.
    """
    try:
        return show(value)
    except Exception as err:  # a stranger's value may raise anything
        reason = f"{type(err).__name__}: {err!s:.{MAX_REASON_LENGTH}}"
        return f"{type(value).__name__} that cannot be shown: {reason}"
