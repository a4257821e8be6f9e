# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Memory of one thread that is used again for each batch of tiles."""

from __future__ import annotations

__all__ = ("Scratch",)

import math
from typing import Any

import numpy as np


class Scratch(dict[str, bytearray]):
    """Arrays that are made once and used again.

    Notes
    -----
    Fresh memory for each batch would come from the kernel, page by page, under
    a lock that all threads share; on fast codecs that costs as much as the
    decoding.
    """

    def memory(self, name: str, size: int) -> memoryview:
        """Return bytes with undefined content.

        Parameters
        ----------
        name
            Which ones; each has one user at a time.
        size
            How many.

        Returns
        -------
        `memoryview`
            The bytes; valid until the same name is asked for again.
        """
        memory = self.get(name)
        if memory is None or len(memory) < size:
            memory = self[name] = bytearray(size)
        return memoryview(memory)[:size]

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Return an array with undefined content.

        Parameters
        ----------
        name
            Which one; each has one user at a time.
        shape, dtype
            Shape and type.

        Returns
        -------
        `numpy.ndarray`
            The array; valid until the same name is asked for again.
        """
        kind = np.dtype(dtype)
        count = math.prod(shape)
        memory = self.get(name)
        if memory is None or len(memory) < count * kind.itemsize:
            memory = self[name] = bytearray(count * kind.itemsize)
        return np.frombuffer(memory, dtype=kind, count=count).reshape(shape)
