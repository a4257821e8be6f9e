# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Rare forms, left to libraries that know them all."""

from __future__ import annotations

__all__ = ("read_with_cfitsio",)

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import CorruptArchiveError, MissingOptionalDependencyError
from .._bytes._byte_source import Buffer
from .._headers._cards import BLOCK
from ._tile_table import CompressedImage

_Array = np.ndarray[Any, np.dtype[Any]]

_PRIMARY = b"".join(
    card.ljust(80)
    for card in (
        b"SIMPLE  =                    T",
        b"BITPIX  =                    8",
        b"NAXIS   =                    0",
        b"EXTEND  =                    T",
        b"END",
    )
).ljust(BLOCK)


def read_with_cfitsio(
    header: Buffer,
    data: Buffer,
    image: CompressedImage,
    start: Sequence[int],
    stop: Sequence[int],
    out: _Array,
) -> None:
    """Read a box of an image whose codec only CFITSIO has.

    Parameters
    ----------
    header, data
        The HDU's bytes.
    image
        What the header says.
    start, stop
        Bounds of the box.
    out
        Where the stored numbers go.

    Raises
    ------
    CorruptArchiveError
        If CFITSIO cannot decode the image.
    MissingOptionalDependencyError
        If ``fitsio`` is not installed.

    Notes
    -----
    CFITSIO opens files by name only, and not every source has one, so it gets
    a small file that holds nothing but the one HDU.
    """
    try:
        import fitsio
    except ImportError as err:
        raise MissingOptionalDependencyError(
            f"Images compressed with {image.codec} need the package 'fitsio'; install it."
        ) from err
    # Pixels are wanted as they are stored; the caller knows what to do with them.
    plain = bytes(header)
    for keyword in (b"BSCALE  =", b"BZERO   =", b"BLANK   ="):
        plain = _without(plain, keyword)
    descriptor, path = tempfile.mkstemp(suffix=".fits")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines((_PRIMARY, plain, data, bytes(-len(data) % BLOCK)))
        with fitsio.FITS(path) as file:
            pixels = file[1][tuple(map(slice, start, stop))]
    except OSError as err:
        raise CorruptArchiveError(f"CFITSIO cannot decode {image.codec}: {err}.") from err
    finally:
        os.unlink(path)
    out[...] = pixels


def _without(header: bytes, keyword: bytes) -> bytes:
    at = header.find(keyword)
    while at > 0 and at % 80:
        at = header.find(keyword, at + 1)
    return header if at < 0 else header[:at] + b"COMMENT ".ljust(80) + header[at + 80 :]
