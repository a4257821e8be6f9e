# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Rare forms, left to libraries that know them all."""

from __future__ import annotations

__all__ = ("read_ascii_table", "read_with_cfitsio")

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import CorruptArchiveError, MissingOptionalDependencyError
from ._byte_source import Buffer
from ._cards import BLOCK
from ._columns import Column
from ._compressed import CompressedImage
from ._table import TableData

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


def read_ascii_table(header: Buffer, data: Buffer) -> TableData:
    """Read an ASCII table with astropy.

    Parameters
    ----------
    header, data
        The HDU's bytes.

    Returns
    -------
    `TableData`
        The table, as if it had been a binary one.
    """
    import astropy.io.fits

    try:
        hdu = astropy.io.fits.TableHDU.fromstring(bytes(header) + bytes(data) + b" " * (-len(data) % BLOCK))
        columns = {name: np.asarray(hdu.data[name]) for name in hdu.columns.names}
    except (ValueError, TypeError, OSError) as err:
        raise CorruptArchiveError(f"astropy cannot read an ASCII table: {err}.") from err
    fields: list[Column] = []
    blocks: list[_Array] = []
    offset = 0
    for name, values in columns.items():
        code = {"U": "A", "S": "A", "i": "K", "f": "D"}[values.dtype.kind]
        stored = np.char.encode(values, "latin-1") if code == "A" else values.astype(f">{values.dtype.kind}8")
        block = np.ascontiguousarray(stored).view(np.uint8).reshape(len(values), -1)
        repeat = block.shape[1] if code == "A" else 1
        fields.append(Column(name, code, repeat, offset, block.shape[1], None, None, 1.0, 0.0, None))
        blocks.append(block)
        offset += block.shape[1]
    rows = np.concatenate(blocks, axis=1) if blocks else np.empty((0, 0), dtype=np.uint8)
    return TableData(fields, rows, memoryview(b""))
