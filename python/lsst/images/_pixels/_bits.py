# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Moving mask planes from one layout of bits to another."""

from __future__ import annotations

__all__ = ("merge_planes",)

from collections.abc import Iterable

import numpy as np

from ._mask_schema import MaskSchema

BLOCK = 1 << 17
"""Pixels to move at a time: their intermediate results fit into a cache."""


def merge_planes(
    source: np.ndarray,
    source_schema: MaskSchema,
    target: np.ndarray,
    target_schema: MaskSchema,
    names: Iterable[str],
) -> None:
    """Set planes in one mask array wherever they are set in another.

    Parameters
    ----------
    source, target
        Arrays of shape ``(ny, nx, mask_size)``; ``target`` is changed.
    source_schema, target_schema
        Their layouts.
    names
        Planes to set; both layouts have them.

    Notes
    -----
    Planes that move by the same number of bits between the same elements
    move together, so the cost depends on how different the layouts are, and
    not on the number of planes.
    """
    moves: dict[tuple[int, int, int], int] = {}
    for name in names:
        old, new = source_schema.bit(name), target_schema.bit(name)
        shift = int(new.mask).bit_length() - int(old.mask).bit_length()
        key = (old.index, new.index, shift)
        moves[key] = moves.get(key, 0) | int(old.mask)
    rows = max(1, BLOCK // source.shape[1])
    for y in range(0, source.shape[0], rows):
        for (old_index, new_index, shift), mask in moves.items():
            _move(
                source[y : y + rows, :, old_index], target[y : y + rows, :, new_index], shift=shift, mask=mask
            )


def _move(source: np.ndarray, target: np.ndarray, *, shift: int, mask: int) -> None:
    """Set bits of one array, shifted, in another."""
    bits = source & source.dtype.type(mask)
    # Narrow after shifting down and widen before shifting up: no bit is lost
    # on the way.
    if shift < 0:
        bits >>= source.dtype.type(-shift)
    bits = bits.astype(target.dtype, copy=False)
    if shift > 0:
        bits <<= target.dtype.type(shift)
    target |= bits
