# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Copying mask planes between arrays with different bit layouts."""

from __future__ import annotations

__all__ = ("merge_planes",)

from collections.abc import Iterable

import numpy as np

from ._mask_schema import MaskSchema

BLOCK_SIZE = 1 << 17
"""Number of pixels per block; the intermediate results of a block fit into the
processor cache."""


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
        Arrays of shape ``(ny, nx, mask_size)``; ``target`` is modified.
    source_schema, target_schema
        Bit layouts of the arrays.
    names
        Planes to set; both schemas contain them.

    Notes
    -----
    Planes with the same source element, target element and shift are copied
    together, so the cost depends on the number of distinct shifts and not on
    the number of planes.
    """
    moves: dict[tuple[int, int, int], int] = {}
    for name in names:
        old, new = source_schema.bit(name), target_schema.bit(name)
        shift = int(new.mask).bit_length() - int(old.mask).bit_length()
        key = (old.index, new.index, shift)
        moves[key] = moves.get(key, 0) | int(old.mask)
    rows = max(1, BLOCK_SIZE // source.shape[1])
    for y in range(0, source.shape[0], rows):
        for (old_index, new_index, shift), mask in moves.items():
            _move(
                source[y : y + rows, :, old_index], target[y : y + rows, :, new_index], shift=shift, mask=mask
            )


def _move(source: np.ndarray, target: np.ndarray, *, shift: int, mask: int) -> None:
    """Set bits of one array, shifted, in another."""
    bits = source & source.dtype.type(mask)
    # Narrow after shifting down and widen before shifting up, to keep all bits.
    if shift < 0:
        bits >>= source.dtype.type(-shift)
    bits = bits.astype(target.dtype, copy=False)
    if shift > 0:
        bits <<= target.dtype.type(shift)
    target |= bits
