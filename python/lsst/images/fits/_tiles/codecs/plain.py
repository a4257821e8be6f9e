# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Codec for tiles without compression (``NOCOMPRESS``)."""

from __future__ import annotations

__all__ = ("PlainCodec",)

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...._bytes._byte_source import Buffer
from ...._bytes._scratch import Scratch
from ._codec import TileCodec, big_endian, numbers_from_bytes

_Array = np.ndarray[Any, np.dtype[Any]]


class PlainCodec(TileCodec):
    """Codec that stores tiles as big-endian numbers."""

    algorithm = "NOCOMPRESS"

    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        return np.stack([numbers_from_bytes(tile, shape, self.numbers) for tile in tiles])

    def encode(self, stack: _Array) -> list[bytes]:
        return [tile.tobytes() for tile in stack.astype(big_endian(stack.dtype))]
