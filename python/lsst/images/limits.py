# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Limits on the memory that the content of a file may require.

A small file may declare, or decompress to, any number of bytes.  Sizes are
compared with the size of the file before memory is allocated.
"""

from __future__ import annotations

__all__ = (
    "ALWAYS_ALLOWED_SIZE",
    "DEFAULT_MAX_EXPANSION",
    "MAX_EXPANSION_VARIABLE",
    "MAX_SIP_ORDER",
    "check_size",
    "limit_from_environment",
    "max_size",
)

import os

from .errors import CorruptArchiveError, InvalidParameterError
from .utils import short_repr

ALWAYS_ALLOWED_SIZE = 256 * 1024 * 1024
"""Size in bytes that is allowed for files of any size: some 60 million pixels without any signal."""

DEFAULT_MAX_EXPANSION = 200.0
"""Default ratio of the largest allowed size in memory to the size of the file.  Images of the sky
have ratios below 10, and masks with few flags up to 100."""

MAX_EXPANSION_VARIABLE = "LSST_IMAGES_MAX_EXPANSION"
"""Environment variable with another ratio; ``inf`` disables the limit."""

MAX_SIP_ORDER = 9
"""Largest order of a SIP polynomial, whose coefficients have one digit per exponent (``A_p_q``)."""


def limit_from_environment(variable: str, default: float, meaning: str) -> float:
    """Return a limit that an environment variable may replace.

    Parameters
    ----------
    variable
        Name of the variable.
    default
        Value without the variable, or if it is empty.
    meaning
        What the variable sets, for the message: it must be a positive ``meaning``.

    Returns
    -------
    `float`
        A positive number.

    Raises
    ------
    InvalidParameterError
        If the value of the variable is not a positive number.
    """
    text = os.environ.get(variable, "")
    try:
        limit = float(text) if text else default
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise InvalidParameterError(
            f"The environment variable {variable} is {short_repr(text)}; it must be a positive {meaning}."
        )
    return limit


def max_size(file_size: int) -> float:
    """Return the largest size in memory that is allowed for an array or a decompressed file.

    Parameters
    ----------
    file_size
        Size of the file in bytes.

    Returns
    -------
    `float`
        Number of bytes.

    Raises
    ------
    InvalidParameterError
        If the value of the environment variable is not a positive number.
    """
    ratio = limit_from_environment(
        MAX_EXPANSION_VARIABLE,
        DEFAULT_MAX_EXPANSION,
        "number, the ratio of the largest allowed size in memory to the size of a file",
    )
    return max(ALWAYS_ALLOWED_SIZE, ratio * max(file_size, 1))


def check_size(size: int, file_size: int, what: str) -> None:
    """Refuse a size that is too large for its file.

    Parameters
    ----------
    size
        Number of bytes in memory.
    file_size
        Size of the file in bytes.
    what
        Part of the file, for the message.

    Raises
    ------
    CorruptArchiveError
        If the size exceeds `max_size`.
    """
    if size > ALWAYS_ALLOWED_SIZE and size > (largest := max_size(file_size)):
        raise CorruptArchiveError(
            f"{what} requires {short_repr(size)} bytes of memory, but {largest:.0f} are allowed for a file "
            f"of {file_size} bytes. The file is damaged or hostile. If it is valid, set the environment "
            f"variable {MAX_EXPANSION_VARIABLE} to a ratio above {size / max(file_size, 1):.0f}."
        )
