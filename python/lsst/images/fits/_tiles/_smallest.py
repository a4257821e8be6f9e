# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Choice of the compression algorithm of an image from samples of its pixels."""

from __future__ import annotations

__all__ = ("smallest_algorithm",)

from typing import Any

import numpy as np

from ._tile_writer import DEFAULT_ALGORITHM, compress_image

CANDIDATES = (DEFAULT_ALGORITHM, "RICE_1")
"""Algorithms that are compared; the first is preferred if two are equal."""

SAMPLE_PLACES = (0.1, 0.37, 0.63, 0.9)
"""Positions of the samples along each axis, as fractions of its length."""

SAMPLE_SIDE = 256
"""Length of a sample along the last two axes; it is 1 along the others."""

_Array = np.ndarray[Any, np.dtype[Any]]


def smallest_algorithm(
    array: _Array, *, quantize_level: float | None = None, dither: str = "NO_DITHER"
) -> str:
    """Return the algorithm that compresses an image to the smallest size.

    Parameters
    ----------
    array
        Pixels.
    quantize_level, dither
        Options of `compress_image`.

    Returns
    -------
    `str`
        ``"GZIP_2"`` or ``"RICE_1"``; the former if samples are equal in size, as those of
        pixels that ``RICE_1`` does not support.
    """
    samples = [_sample(array, place) for place in SAMPLE_PLACES]

    def size(algorithm: str) -> int:
        encoded = [
            compress_image(
                sample, algorithm=algorithm, quantize_level=quantize_level, dither=dither, threads=1
            )
            for sample in samples
        ]
        return sum(sum(map(len, hdu.data)) for hdu in encoded)

    return min(CANDIDATES, key=size)


def _sample(array: _Array, place: float) -> _Array:
    cut = []
    for axis, length in enumerate(array.shape):
        side = min(SAMPLE_SIDE if axis >= array.ndim - 2 else 1, length)
        start = int((length - side) * place)
        cut.append(slice(start, start + side))
    return array[tuple(cut)]
