# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Counting calls of functions of this package."""

from __future__ import annotations

__all__ = ("count_own_calls",)

import os
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import lsst.images

_PACKAGE = os.path.dirname(lsst.images.__file__) + os.sep


def count_own_calls(function: Callable[[], Any]) -> Counter[str]:
    """Count the calls of each function of `lsst.images` that another function causes.

    Comprehensions (which Python 3.12 and later do not enter), each step of a
    generator, and lambdas count as calls.
    """
    calls: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(_PACKAGE):
            calls[f"{code.co_filename.removeprefix(_PACKAGE)}:{code.co_qualname}"] += 1

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls
