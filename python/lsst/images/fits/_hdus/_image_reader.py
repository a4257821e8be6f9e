# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading of uncompressed images."""

from __future__ import annotations

__all__ = ("read_image",)

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._bytes._byte_source import ByteSource

_Array = np.ndarray[Any, np.dtype[Any]]

PIECE = 1 << 20
"""Bytes that are byte-swapped at a time, small enough for the processor cache."""


def read_image(
    source: ByteSource,
    address: int,
    shape: Sequence[int],
    start: Sequence[int],
    stop: Sequence[int],
    out: _Array,
) -> None:
    """Read a box of an uncompressed image.

    Parameters
    ----------
    source
        The file.
    address
        Byte of the file at which the first pixel starts.
    shape
        Shape of the image.
    start, stop
        Bounds of the box, which must lie in the image and not be empty.
    out
        Output array for the stored numbers, in native byte order and C order.
    """
    itemsize = out.dtype.itemsize
    # Trailing axes that are read completely form runs of adjacent bytes.
    axis = len(shape) - 1
    while axis > 0 and start[axis] == 0 and stop[axis] == shape[axis]:
        axis -= 1
    inner = math.prod(shape[axis + 1 :])
    run = (stop[axis] - start[axis]) * inner
    strides = [math.prod(shape[i + 1 :]) for i in range(axis)]
    first = start[axis] * inner
    addresses = [
        address + itemsize * (first + sum(i * s for i, s in zip(index, strides, strict=True)))
        for index in itertools.product(*(range(a, b) for a, b in zip(start[:axis], stop[:axis], strict=True)))
    ]
    target = out.reshape(-1).view(np.uint8).data
    size = run * itemsize
    if len(addresses) == 1:
        source.read_into(addresses[0], target)
    else:
        found = source.read_many([(at, size) for at in addresses])
        for i, data in enumerate(found):
            target[i * size : (i + 1) * size] = data
    _make_native(out)


def _make_native(pixels: _Array) -> None:
    if pixels.dtype.itemsize == 1 or pixels.dtype.newbyteorder(">").isnative:
        return
    flat = pixels.reshape(-1)
    step = PIECE // pixels.dtype.itemsize
    for first in range(0, len(flat), step):
        flat[first : first + step].byteswap(inplace=True)
