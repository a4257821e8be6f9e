# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Live objects of `lsst.afw`, kept with the immutable objects made from them.

Converting such an object back returns the live object that it was made from,
which describes the same thing and may have more than our object can hold.
"""

from __future__ import annotations

__all__ = ("keep_live", "kept_live")

import weakref
from typing import Any

_KEPT: dict[int, tuple[weakref.ref[Any], Any]] = {}
"""Live objects by the identity of the converted object, which need not be hashable."""


def keep_live(converted: Any, legacy: Any) -> None:
    """Keep a live object as long as the object made from it exists.

    Parameters
    ----------
    converted
        An immutable object.  Copies, also pickled ones, and modified versions
        do not keep the live object.
    legacy
        The live object.
    """
    number = id(converted)
    try:
        reference = weakref.ref(converted, lambda _: _KEPT.pop(number, None))
    except TypeError:
        # Numbers and strings, for instance, which hold all that they were made of.
        return
    _KEPT[number] = (reference, legacy)


def kept_live(converted: Any) -> Any | None:
    """Return the live object that an object was made from.

    Parameters
    ----------
    converted
        The object.

    Returns
    -------
    legacy
        `None` if it was not made from a live object, or is a copy.
    """
    reference, legacy = _KEPT.get(id(converted), (None, None))
    return legacy if reference is not None and reference() is converted else None
