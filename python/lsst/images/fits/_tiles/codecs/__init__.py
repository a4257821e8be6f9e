# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Compression algorithms of tile-compressed images (FITS Standard 4.0, section 10.4).

A codec is a class that decodes and encodes tiles of one algorithm.  To add an
algorithm, write a module with a subclass of `TileCodec`, register the class
below, and add a member to `~lsst.images.serialization.FitsCompressionAlgorithm`.
"""

from __future__ import annotations

__all__ = (
    "FALLBACK_CODECS",
    "DecodedBox",
    "Gzip1Codec",
    "TileCodec",
    "algorithm_names",
    "find_codec",
    "pixels_needed",
    "register_codec",
)

from collections.abc import Mapping

from ._codec import DecodedBox, TileCodec, pixels_needed
from .gzip import Gzip1Codec, Gzip2Codec
from .hcompress import HCompressCodec
from .plain import PlainCodec
from .plio import PlioCodec
from .rice import RiceCodec

_codecs: dict[str, type[TileCodec]] = {}
# Codec class of each accepted value of ZCMPTYPE.

FALLBACK_CODECS: Mapping[str, type[TileCodec]] = {
    "GZIP_COMPRESSED_DATA": Gzip1Codec,
    "UNCOMPRESSED_DATA": PlainCodec,
}
"""Codec of each column that holds tiles which the codec of the image could not compress."""


def register_codec(codec: type[TileCodec]) -> None:
    """Make a codec available for reading and writing.

    Parameters
    ----------
    codec
        The class; an earlier one with the same name is replaced.
    """
    for name in (codec.algorithm, *codec.aliases):
        _codecs[name] = codec


def find_codec(name: str) -> type[TileCodec] | None:
    """Return the codec of an algorithm.

    Parameters
    ----------
    name
        Upper-case value of ``ZCMPTYPE``.

    Returns
    -------
    `type` or `None`
        The class; `None` if no codec is registered for the algorithm.
    """
    return _codecs.get(name)


def algorithm_names(*, writable: bool = False) -> list[str]:
    """Return the names of the registered algorithms.

    Parameters
    ----------
    writable
        Whether to leave out algorithms that can only be read, and aliases.

    Returns
    -------
    `list` [ `str` ]
        Sorted values of ``ZCMPTYPE``.
    """
    return sorted(n for n, c in _codecs.items() if not writable or (c.writable and n == c.algorithm))


for _codec in (Gzip1Codec, Gzip2Codec, RiceCodec, PlainCodec, HCompressCodec, PlioCodec):
    register_codec(_codec)
