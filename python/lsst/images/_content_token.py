# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Hash the content of objects, for dask.

The hash covers everything that pickling stores, except for caches and for
attachments that record the file an object was read from.
"""

from __future__ import annotations

__all__ = ("token",)

import hashlib
import sys
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

EXCLUDED_ATTRIBUTES = ("_fits_wcs", "_attachments", "_frozen")
"""Attributes that are caches or attachments, not content."""

ATOMIC_TYPES = (str, bytes, int, float, complex, bool, type(None), type(...), slice, range)


def token(obj: Any) -> tuple[str, str]:
    """Return the type and a hash of the content of an object.

    Parameters
    ----------
    obj
        Any object of this package that can be pickled.

    Returns
    -------
    type_name, digest
        Equal for objects of equal content, in any process.

    Raises
    ------
    TypeError
        If it contains an object that cannot be pickled.
    """
    hasher = hashlib.blake2b(digest_size=20)
    _Feeder(hasher).feed(obj)
    return f"{type(obj).__module__}.{type(obj).__qualname__}", hasher.hexdigest()


class _Feeder:
    """Feed an object to a hash, recursively.

    Parameters
    ----------
    hasher
        The hash.
    """

    def __init__(self, hasher: Any) -> None:
        self.hasher = hasher

    def feed(self, value: Any) -> None:
        """Feed a value.

        Parameters
        ----------
        value
            The value.
        """
        self._mark(type(value).__qualname__)
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            self._mark(value.dtype.str, *value.shape)
            self.hasher.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
        elif isinstance(value, np.generic):
            self._mark(value.dtype.str)
            self.hasher.update(value.tobytes())
        elif type(value) in ATOMIC_TYPES:
            self._mark(repr(value))
        elif isinstance(value, np.dtype | type | FunctionType | BuiltinFunctionType):
            self._mark(
                value.str if isinstance(value, np.dtype) else f"{value.__module__}.{value.__qualname__}"
            )
        elif _is_unit(value):
            # Units cache their hash, which differs between processes.
            self._mark(value.to_string())
        else:
            self._feed_parts(value)

    def _feed_parts(self, value: Any) -> None:
        if type(value) is dict:
            items = sorted(value.items(), key=lambda item: repr(item[0]))
            self._feed_all([part for item in items for part in item])
        elif isinstance(value, AbstractSet) and type(value) in (set, frozenset):
            self._feed_all(sorted(value, key=repr))
        elif type(value) in (list, tuple):
            self._feed_all(value)
        elif hasattr(value, "to_simple") and hasattr(value, "from_simple"):
            # Observation information, whose coordinates and times have caches.
            self.feed(dict(value.to_simple()))
        else:
            self._feed_reduced(value)

    def _feed_all(self, parts: Sequence[Any]) -> None:
        self._mark(len(parts))
        for part in parts:
            self.feed(part)

    def _feed_reduced(self, value: Any) -> None:
        reduced = value.__reduce_ex__(4)
        if isinstance(reduced, str):
            self._mark(reduced)
            return
        function, arguments, *rest = reduced
        state, items, pairs = (*rest, None, None, None)[:3]
        if isinstance(state, Mapping):
            state = {key: part for key, part in state.items() if key not in EXCLUDED_ATTRIBUTES}
        self._feed_all([function, arguments, state])
        self._feed_all([] if items is None else list(items))
        self._feed_all([] if pairs is None else list(pairs))

    def _mark(self, *labels: Any) -> None:
        """Feed labels, each with its length, so that their concatenation is unambiguous."""
        for label in labels:
            data = str(label).encode()
            self.hasher.update(b"%d:" % len(data))
            self.hasher.update(data)


def _is_unit(value: Any) -> bool:
    # A unit exists only if astropy is imported, and boxes do not need it.
    units = sys.modules.get("astropy.units")
    return units is not None and isinstance(value, units.UnitBase)
