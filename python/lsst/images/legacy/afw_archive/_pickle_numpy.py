# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""NumPy arrays and scalars from the records of a pickle.

Only types without references are supported: booleans, integers, floating
point and complex numbers, and text of fixed width.
"""

from __future__ import annotations

__all__ = ("to_array", "to_bytes", "to_flag", "to_float", "to_integer", "to_plain")

import math
import re
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError
from ...utils import short_repr
from ._pickle_records import PickleGlobal, PickleObject

_TYPES = re.compile(r"[<>|=]?(b1|i[1248]|u[1248]|f[248]|c8|c16|[SU]\d{1,5})")
"""Spellings of the supported types."""


def to_bytes(value: Any) -> bytes:
    """Return bytes from any of the forms that pickle protocols use.

    Parameters
    ----------
    value
        Value from the pickle.

    Raises
    ------
    CorruptArchiveError
        If it is something else.
    """
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, str):
        # Python 2 stored bytes as text.
        return value.encode("latin-1", "strict")
    if isinstance(value, PickleObject) and value.is_of("_codecs", "encode") and len(value.args) == 2:
        # Protocols before 3 store bytes as encoded text.
        text, encoding = value.args
        if isinstance(text, str) and encoding in ("latin1", "latin-1"):
            return text.encode("latin-1")
    if isinstance(value, PickleObject) and value.is_of("__builtin__", "bytes") and not value.args:
        return b""
    raise CorruptArchiveError(f"the pickle has a {type(value).__name__} where bytes are expected")


def _to_dtype(value: Any) -> np.dtype[Any]:
    if not (isinstance(value, PickleObject) and value.is_of("numpy", "dtype") and value.args):
        raise CorruptArchiveError(f"the pickle has a {type(value).__name__} where a numpy type is expected")
    code = value.args[0]
    if not isinstance(code, str) or _TYPES.fullmatch(code) is None:
        raise CorruptArchiveError(
            f"the pickle has the numpy type {code!r:.40}; only numbers and text are supported"
        )
    dtype = np.dtype(code)
    # The second item of the state is the byte order.
    if isinstance(value.state, tuple) and len(value.state) > 1 and value.state[1] in ("<", ">"):
        dtype = dtype.newbyteorder(value.state[1])
    return dtype


def to_array(value: Any) -> np.ndarray:
    """Return an array.

    Parameters
    ----------
    value
        The record of an array, or of a list or tuple of numbers.

    Raises
    ------
    CorruptArchiveError
        If it is something else, or its parts are inconsistent.
    """
    if isinstance(value, list | tuple):
        return np.array([to_float(item) for item in value])
    if not isinstance(value, PickleObject):
        raise CorruptArchiveError(f"the pickle has a {type(value).__name__} where an array is expected")
    if value.is_of("numpy", "_reconstruct") and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, dtype, fortran, data = value.state
        return _make_array(shape, _to_dtype(dtype), "F" if fortran is True else "C", data)
    if value.is_of("numpy", "_frombuffer") and len(value.args) == 4:
        data, dtype, shape, order = value.args
        return _make_array(shape, _to_dtype(dtype), "F" if order == "F" else "C", data)
    raise CorruptArchiveError(f"the pickle has a {value.class_name} where an array is expected")


def _make_array(shape: Any, dtype: np.dtype[Any], order: Any, data: Any) -> np.ndarray:
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 16:
        raise CorruptArchiveError("the pickle has an array with an invalid shape")
    raw = to_bytes(data)
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise CorruptArchiveError(
            f"the pickle has {len(raw)} bytes for an array of shape {shape} and type {dtype}"
        )
    array = np.frombuffer(raw, dtype=dtype).reshape(shape, order=order)
    return array.astype(dtype.newbyteorder("="))


def to_plain(value: Any) -> Any:
    """Convert a NumPy scalar to a Python value.

    Parameters
    ----------
    value
        Value from the pickle.

    Returns
    -------
    plain
        The value itself if it is not a NumPy scalar.

    Raises
    ------
    CorruptArchiveError
        If it is a damaged NumPy scalar.
    """
    if isinstance(value, PickleObject) and value.is_of("numpy", "scalar") and len(value.args) == 2:
        return _make_array((), _to_dtype(value.args[0]), "C", value.args[1]).item()
    return value


def to_float(value: Any) -> float:
    """Return a number.

    Parameters
    ----------
    value
        Value from the pickle.

    Raises
    ------
    CorruptArchiveError
        If it is not a real number.
    """
    plain = to_plain(value)
    if not isinstance(plain, int | float):
        raise CorruptArchiveError(f"the pickle has {_describe(value)} where a number is expected")
    return float(plain)


def to_integer(value: Any) -> int:
    """Return an integer.

    Parameters
    ----------
    value
        Value from the pickle.

    Raises
    ------
    CorruptArchiveError
        If it is not an integer.
    """
    number = to_float(value)
    if not number.is_integer():
        raise CorruptArchiveError(f"the pickle has {short_repr(number)} where an integer is expected")
    return int(number)


def to_flag(value: Any) -> bool:
    """Return a boolean.

    Parameters
    ----------
    value
        Value from the pickle; anything but a number is false.
    """
    plain = to_plain(value)
    return bool(plain) if isinstance(plain, int | float) else False


def _describe(value: Any) -> str:
    if isinstance(value, PickleObject):
        return f"a {value.class_name}"
    return f"{value.module}.{value.name}" if isinstance(value, PickleGlobal) else f"a {type(value).__name__}"
