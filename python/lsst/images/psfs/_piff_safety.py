# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation of the text in stored Piff PSFs before Piff evaluates it.

Piff passes some of the strings that it reads to ``eval``: the interpolant of a
pixel grid, for instance.  A file must not run code, crash the process or use
it up, so only text on an allow-list reaches Piff.
"""

from __future__ import annotations

__all__ = ("MAX_LANCZOS_ORDER", "refuse_code")

import ast
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ..errors import ArchiveReadError

MAX_TEXT_SIZE = 1024
"""Maximum length of a text that is passed to Piff, in characters."""

MAX_LANCZOS_ORDER = 100
"""Maximum order of a Lanczos interpolant; GalSim tabulates kernels of this width."""

_PLAIN = re.compile(r"[\w .,:;+\-/%#@=]*", re.ASCII)
"""Plain text: words and numbers without calls or subscripts."""

Range: TypeAlias = tuple[float, float]

_SIZE: Range = (1e-6, 1e6)
_ACCURACY: Range = (1e-12, 0.5)
_FLAG: Range = (0, 1)

_GSPARAMS: Mapping[str, Range] = {
    "minimum_fft_size": (1, 65536),
    "maximum_fft_size": (1, 65536),
    "folding_threshold": (1e-6, 0.5),
    "stepk_minimum_hlr": (0.1, 100.0),
    "maxk_threshold": (1e-6, 0.5),
    "kvalue_accuracy": _ACCURACY,
    "xvalue_accuracy": _ACCURACY,
    "table_spacing": (0.01, 100.0),
    "realspace_relerr": _ACCURACY,
    "realspace_abserr": _ACCURACY,
    "integration_relerr": _ACCURACY,
    "integration_abserr": _ACCURACY,
    "shoot_accuracy": _ACCURACY,
}
_PROFILE_SIZES = dict.fromkeys(("sigma", "fwhm", "half_light_radius", "scale_radius", "flux"), _SIZE)
_SEEING = dict.fromkeys(("lam", "r0", "lam_over_r0", "r0_500", "fwhm", "half_light_radius", "flux"), _SIZE)

_CALLS: Mapping[str, Mapping[str, Range]] = {
    # SincInterpolant is left out: GalSim ends the process when it is used.
    "Lanczos": {"n": (1, MAX_LANCZOS_ORDER), "conserve_dc": _FLAG},
    "Quintic": {},
    "Cubic": {},
    "Linear": {},
    "Nearest": {},
    "Delta": {},
    "GSParams": _GSPARAMS,
    "Gaussian": _PROFILE_SIZES,
    "Moffat": {**_PROFILE_SIZES, "beta": (1.1, 100.0), "trunc": (0.0, 1e6)},
    "Kolmogorov": _SEEING,
    "VonKarman": {**_SEEING, "L0": _SIZE, "do_delta": _FLAG},
}
"""Constructors of GalSim that may be called: numeric arguments in the order of
their positions, with the values allowed."""


def refuse_code(values: Iterable[Any]) -> None:
    """Reject strings that are not safe to evaluate.

    Parameters
    ----------
    values
        Values that Piff will read; lists are searched.

    Raises
    ------
    ArchiveReadError
        If a string is longer than `MAX_TEXT_SIZE`, or is not plain text, a
        literal, or a call of one of GalSim's interpolants or profiles with
        constant arguments in the ranges allowed.  Text that cannot be parsed
        is refused, too.
    """
    for value in values:
        if isinstance(value, list | tuple):
            refuse_code(value)
        elif isinstance(value, bytes):
            refuse_code([value.decode("latin-1")])
        elif isinstance(value, str) and not _is_harmless(value):
            raise ArchiveReadError(
                f"A Piff PSF contains the text {value!r:.80}, which Piff would evaluate as code. Allowed are "
                f"plain text of up to {MAX_TEXT_SIZE} characters and calls of {sorted(_CALLS)} with constant "
                "arguments of ordinary size."
            )


def _is_harmless(text: str) -> bool:
    if len(text) > MAX_TEXT_SIZE:
        return False
    if _PLAIN.fullmatch(text):
        return True
    try:
        return _is_constant(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_constant(node: ast.expr) -> bool:
    """Return whether an expression consists of literals and allowed calls."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.List | ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_constant(key) for key in node.keys) and all(
            map(_is_constant, node.values)
        )
    if isinstance(node, ast.UnaryOp):
        return _number(node) is not None
    return isinstance(node, ast.Call) and _is_allowed_call(node)


def _is_allowed_call(node: ast.Call) -> bool:
    name = _called(node.func) or ""
    allowed = _CALLS.get(name)
    # The representations of profiles name all of their arguments.
    positional = len(allowed) if allowed is not None and name in ("Lanczos", "GSParams") else 0
    if allowed is None or len(node.args) > positional:
        return False
    named = dict(zip(allowed, node.args, strict=False))
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in named:
            return False
        named[keyword.arg] = keyword.value
    return all(_is_allowed_argument(name, value, allowed.get(name)) for name, value in named.items())


def _is_allowed_argument(name: str, node: ast.expr, limits: Range | None) -> bool:
    if name == "gsparams":
        return isinstance(node, ast.Call) and _called(node.func) == "GSParams" and _is_allowed_call(node)
    number = _number(node)
    return limits is not None and number is not None and limits[0] <= number <= limits[1]


def _number(node: ast.expr) -> float | None:
    """Return the value of a literal number with an optional sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _number(node.operand)
        return -number if number is not None and isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        return node.value if math.isfinite(node.value) else None
    return None


def _called(function: ast.expr) -> str | None:
    """Return the name of the called function, if it is a plain name or an attribute of galsim."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.attr if function.value.id == "galsim" else None
    return None
