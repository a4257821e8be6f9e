# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Helper functions without dependencies on the rest of the package."""

from __future__ import annotations

__all__ = (
    "cached_property",
    "UNEXPECTED",
    "did_you_mean",
    "escape_unprintable",
    "is_none",
    "qualified_name",
    "round_half_away_from_zero",
    "round_half_down",
    "round_half_up",
    "short_repr",
)

import contextlib
import difflib
import functools
import math
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property  # noqa: TID251
else:

    class cached_property(functools.cached_property):  # noqa: TID251
        """A cached property without the lock of Python 3.11.

        Parameters
        ----------
        func
            Function that computes the value.

        Notes
        -----
        All objects of a class share this lock.  If a process forks while a
        thread computes the value for any of them, the lock is never released
        in the new process.  Python 3.12 does not have it either: several
        threads may compute a value, of which one is kept.
        """

        def __init__(self, func: Callable[[Any], Any]) -> None:
            super().__init__(func)
            self.lock = contextlib.nullcontext()


MAX_PATH_LENGTH = 32_768
"""Maximum number of characters of a path or URI."""

MAX_REPR_LENGTH = 200
"""Maximum number of characters of a value in an error message."""


UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Exceptions that Python and NumPy raise for values of an unexpected type or size, for example in a
damaged file."""


def escape_unprintable(text: str) -> str:
    r"""Return a text in printable ASCII characters, as FITS headers need it.

    Parameters
    ----------
    text
        The text.

    Returns
    -------
    escaped
        The text itself if it is printable; otherwise with escape sequences of
        Python literals, such as ``\xf1``, ``\n`` and, for a backslash,
        ``\\``.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")


def round_half_up(x: float) -> int:
    """Round to the nearest integer, and half-integers towards positive infinity.

    Parameters
    ----------
    x
        A finite number.

    Returns
    -------
    rounded
        ``floor(x + 0.5)``, without the rounding error of that addition.

    Raises
    ------
    ValueError
        If ``x`` is NaN.
    OverflowError
        If ``x`` is infinite.

    Notes
    -----
    The result is the index of the pixel that contains the position ``x``: pixel
    ``n`` covers ``[n - 0.5, n + 0.5)``.
    """
    below = math.floor(x)
    return below + 1 if x - below >= 0.5 else below


def round_half_down(x: float) -> int:
    """Round to the nearest integer, and half-integers towards negative infinity.

    Parameters
    ----------
    x
        A finite number.

    Returns
    -------
    rounded
        ``ceil(x - 0.5)``, without the rounding error of that subtraction.

    Raises
    ------
    ValueError
        If ``x`` is NaN.
    OverflowError
        If ``x`` is infinite.
    """
    below = math.floor(x)
    return below + 1 if x - below > 0.5 else below


def round_half_away_from_zero(x: float) -> int:
    """Round to the nearest integer, and half-integers away from zero.

    Parameters
    ----------
    x
        A finite number.

    Returns
    -------
    rounded
        The nearest integer.

    Raises
    ------
    ValueError
        If ``x`` is NaN.
    OverflowError
        If ``x`` is infinite.
    """
    return round_half_up(x) if x >= 0 else round_half_down(x)


def is_none(x: Any) -> bool:
    """Return whether a value is `None`.

    Parameters
    ----------
    x
        Any object.

    Returns
    -------
    is_none
        The identity test as a function, for pydantic's ``exclude_if``.
    """
    return x is None


def qualified_name(cls: Any) -> str:
    """Return the name of a class or function with its module, for messages.

    Parameters
    ----------
    cls
        The class or function.
    """
    return f"{cls.__module__}.{cls.__qualname__}"


def short_repr(value: Any, max_length: int = MAX_REPR_LENGTH) -> str:
    """Return the ``repr`` of a value for an error message, cut to a maximum length.

    Parameters
    ----------
    value
        Any object.
    max_length
        Maximum number of characters.

    Returns
    -------
    text
        The ``repr``; a longer one ends in ``...`` and the number of characters
        that it has.  If ``repr`` raises, the name of the type.
    """
    # The repr of long text is made only of what is shown.
    size = len(value) if isinstance(value, str | bytes | bytearray) else 0
    if size > max_length:
        unit = "characters" if isinstance(value, str) else "bytes"
        end = f"... ({size} {unit})"
        return f"{value[: max_length - len(end)]!r:.{max_length - len(end)}}{end}"
    try:
        text = repr(value)
    except Exception:  # the repr of an object of another package may raise any exception
        return f"<{type(value).__name__}>"
    if len(text) <= max_length:
        return text
    end = f"... ({len(text)} characters)"
    return text[: max_length - len(end)] + end


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a sentence for an error message that suggests names close to an unknown one.

    Parameters
    ----------
    name
        The unknown name.
    known
        The names that exist.

    Returns
    -------
    sentence
        It begins with a blank; empty if no name is close.  A name is close if
        it is spelled similarly, one begins with the other (``SAT``), or the
        unknown one consists of its initials (``CR`` for ``COSMIC_RAY``).
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_REPR_LENGTH:
        return ""
    text = name.lower()
    by_lower = {other.lower(): other for other in known}
    close = [
        other
        for lower, other in by_lower.items()
        if lower.startswith(text)
        or (lower and text.startswith(lower))
        or text == "".join(word[:1] for word in lower.split("_"))
    ]
    close += [by_lower[lower] for lower in difflib.get_close_matches(text, by_lower)]
    found = list(dict.fromkeys(close))[:3]
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""
