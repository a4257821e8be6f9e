# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Keeping code out of Piff objects that come from files.

Piff hands some of the strings that it reads to ``eval``: the interpolant of a
pixel grid, for instance.  A file must not run code, so only strings that
cannot do anything reach Piff.
"""

from __future__ import annotations

__all__ = ("refuse_code",)

import ast
import re
from collections.abc import Iterable
from typing import Any

from ..errors import ArchiveReadError

_PLAIN = re.compile(r"[\w .,:;+\-/%#@=]*")
"""Words and numbers: nothing in them can be called or indexed."""

_HARMLESS_CALLS = frozenset(
    "Lanczos Quintic Cubic Linear Nearest SincInterpolant Delta GSParams "
    "Gaussian Moffat Kolmogorov VonKarman".split()
)
"""Constructors of GalSim that Piff's own files name."""


def refuse_code(values: Iterable[Any]) -> None:
    """Refuse strings that could do something when they are evaluated.

    Parameters
    ----------
    values
        Values that Piff will read; lists are looked into.

    Raises
    ------
    ArchiveReadError
        If a string is neither a plain one, nor a literal, nor a call of one of
        GalSim's interpolants or profiles with constant arguments.
    """
    for value in values:
        if isinstance(value, list | tuple):
            refuse_code(value)
        elif isinstance(value, bytes):
            refuse_code([value.decode("latin-1")])
        elif isinstance(value, str) and not _is_harmless(value):
            raise ArchiveReadError(
                f"A Piff PSF holds the text {value!r:.80}, which Piff would evaluate as code; only calls of "
                f"{sorted(_HARMLESS_CALLS)} with constant arguments are let through."
            )


def _is_harmless(text: str) -> bool:
    if _PLAIN.fullmatch(text):
        return True
    try:
        return _is_constant(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # What does not parse cannot be evaluated either.
        return True


def _is_constant(node: ast.expr) -> bool:
    """Tell whether an expression is made of literals and harmless calls."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.List | ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_constant(key) for key in node.keys) and all(
            map(_is_constant, node.values)
        )
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    if not isinstance(node, ast.Call):
        return False
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    return _called(node.func) in _HARMLESS_CALLS and all(map(_is_constant, arguments))


def _called(function: ast.expr) -> str | None:
    """Return what is called, if it is a name, or a name of GalSim."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.attr if function.value.id == "galsim" else None
    return None
