# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Codecs that are rarely used and implemented by CFITSIO only (``HCOMPRESS_1`` and ``PLIO_1``)."""

from __future__ import annotations

__all__ = ("CfitsioCodec", "HCompressCodec", "PlioCodec")

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....errors import ArchiveWriteError, CorruptArchiveError, MissingOptionalDependencyError
from ..._bytes._byte_source import Buffer
from ..._bytes._scratch import Scratch
from ..._headers._cards import BLOCK_SIZE, CARD_SIZE
from ._codec import TileCodec

_Array = np.ndarray[Any, np.dtype[Any]]

_PRIMARY = b"".join(
    card.ljust(CARD_SIZE)
    for card in (
        b"SIMPLE  =                    T",
        b"BITPIX  =                    8",
        b"NAXIS   =                    0",
        b"EXTEND  =                    T",
        b"END",
    )
).ljust(BLOCK_SIZE)


class CfitsioCodec(TileCodec):
    """Codec that lets CFITSIO decode the whole HDU, and cannot encode."""

    writable = False
    tilewise = False

    @classmethod
    def supports(cls, dtype: np.dtype[Any]) -> bool:
        return dtype.kind in "iu"

    def decode_hdu(
        self, header: Buffer, data: Buffer, start: Sequence[int], stop: Sequence[int], out: _Array
    ) -> None:
        """Read a box of an image.

        Parameters
        ----------
        header, data
            Bytes of the HDU.
        start, stop
            Bounds of the box.
        out
            Output array for the stored numbers.

        Raises
        ------
        CorruptArchiveError
            If CFITSIO cannot decode the image.
        MissingOptionalDependencyError
            If ``fitsio`` is not installed.

        Notes
        -----
        CFITSIO opens files by name only, and not every source is a local file,
        so the HDU is written to a temporary file.
        """
        try:
            import fitsio
        except ImportError as err:
            raise MissingOptionalDependencyError(
                f"Images compressed with {self.algorithm} require the package 'fitsio'. Install it."
            ) from err
        # The numbers must be returned as stored; the caller applies the scaling.
        unscaled = bytes(header)
        for keyword in (b"BSCALE  =", b"BZERO   =", b"BLANK   ="):
            unscaled = _without(unscaled, keyword)
        descriptor, path = tempfile.mkstemp(suffix=".fits")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.writelines((_PRIMARY, unscaled, data, bytes(-len(data) % BLOCK_SIZE)))
            with fitsio.FITS(path) as file:
                pixels = file[1][tuple(map(slice, start, stop))]
        except OSError as err:
            raise CorruptArchiveError(f"CFITSIO cannot decode {self.algorithm}: {err}.") from err
        finally:
            os.unlink(path)
        out[...] = pixels

    def decode(self, tiles: Sequence[Buffer], shape: Sequence[int], needed: int, scratch: Scratch) -> _Array:
        raise CorruptArchiveError(f"Single tiles of {self.algorithm} cannot be decoded.")

    def encode(self, stack: _Array) -> list[bytes]:
        raise ArchiveWriteError(f"Images cannot be written with {self.algorithm}.")


class HCompressCodec(CfitsioCodec):
    """Codec for ``HCOMPRESS_1`` (FITS Standard 4.0, section 10.4.4)."""

    algorithm = "HCOMPRESS_1"


class PlioCodec(CfitsioCodec):
    """Codec for ``PLIO_1`` (FITS Standard 4.0, section 10.4.3)."""

    algorithm = "PLIO_1"


def _without(header: bytes, keyword: bytes) -> bytes:
    at = header.find(keyword)
    while at > 0 and at % CARD_SIZE:
        at = header.find(keyword, at + 1)
    return header if at < 0 else header[:at] + b"COMMENT ".ljust(CARD_SIZE) + header[at + CARD_SIZE :]
