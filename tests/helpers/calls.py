# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Count calls of functions of the package and opened files."""

from __future__ import annotations

__all__ = ("MAX_CALLS", "count_own_calls", "record_opens")

import contextlib
import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import lsst.images

MAX_CALLS = 90
"""Calls of functions of the package that reading one component may take."""

_PACKAGE = os.path.dirname(lsst.images.__file__) + os.sep
_recorders: list[tuple[str, list[str]]] = []
"""Path and opened files of each active `record_opens`."""


def count_own_calls(function: Callable[[], Any]) -> Counter[str]:
    """Call a function and count the calls of functions of the package by file and name.

    Lambdas, steps of generators and, before Python 3.12, comprehensions are counted too.
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


@contextlib.contextmanager
def record_opens(path: str) -> Iterator[list[str]]:
    """Record each time that this process opens a file."""
    _install_audit_hook()
    recorder: tuple[str, list[str]] = (os.path.abspath(path), [])
    _recorders.append(recorder)
    try:
        yield recorder[1]
    finally:
        _recorders.remove(recorder)


@functools.cache
def _install_audit_hook() -> None:
    # Audit hooks cannot be removed; this one is inactive without recorders.
    sys.addaudithook(_record)


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _recorders and isinstance(arguments[0], str | bytes | os.PathLike):
        name = os.path.abspath(os.fsdecode(arguments[0]))
        for path, opened in _recorders:
            if name == path:
                opened.append(name)
