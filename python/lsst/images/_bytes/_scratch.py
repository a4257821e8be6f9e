# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reusable scratch memory of one thread."""

from __future__ import annotations

__all__ = ("Scratch",)

import math
from typing import Any

import numpy as np


class Scratch(dict[str, bytearray]):
    """Named buffers that are allocated once and reused for each batch of tiles.

    Notes
    -----
    The kernel maps newly allocated memory page by page, under a lock that all
    threads share; with fast codecs this takes as long as the decoding.
    """

    def memory(self, name: str, size: int) -> memoryview:
        """Return bytes with undefined content.

        Parameters
        ----------
        name
            Name of the buffer; each has one user at a time.
        size
            Number of bytes.

        Returns
        -------
        `memoryview`
            The bytes; valid until the next request with the same name.
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
            Name of the buffer; each has one user at a time.
        shape, dtype
            Shape and type.

        Returns
        -------
        `numpy.ndarray`
            The array; valid until the next request with the same name.
        """
        kind = np.dtype(dtype)
        count = math.prod(shape)
        memory = self.get(name)
        if memory is None or len(memory) < count * kind.itemsize:
            memory = self[name] = bytearray(count * kind.itemsize)
        return np.frombuffer(memory, dtype=kind, count=count).reshape(shape)
