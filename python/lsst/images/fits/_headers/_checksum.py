# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""``DATASUM`` and ``CHECKSUM`` (FITS Standard 4.0, section 4.4.2.7 and appendix J)."""

from __future__ import annotations

__all__ = (
    "check_hdu",
    "checksum_cards",
    "data_sum",
    "encode_checksum",
    "is_header_right",
    "join_sums",
    "source_sum",
    "wrong_sums",
)

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ..._bytes._byte_source import Buffer, ByteSource
from ..._bytes._scratch import Scratch
from ..._bytes._thread_pool import default_threads, run_jobs
from ._card_writer import CardLike, build_header
from ._cards import Cards, CardValue

CHUNK_SIZE = 1 << 20
"""Bytes that are read and added at a time, small enough for the processor cache; a
multiple of 4, so that no chunk starts within a word."""

REMOTE_CHUNK_SIZE = 1 << 25
"""Bytes that are read and added at a time from a remote source."""

ALL_ONES = 0xFFFFFFFF
"""Sum of the words of an HDU with a correct ``CHECKSUM``; also the modulus of the sum."""

_EXCLUDED = frozenset(range(0x3A, 0x41)) | frozenset(range(0x5B, 0x61))
# Punctuation characters, which the encoding does not use.

_NO_CHECKSUM = "0" * 16


def data_sum(data: Buffer) -> int:
    """Return the ones' complement sum of bytes as big-endian 32-bit words.

    Parameters
    ----------
    data
        Bytes; the last word is padded with zeros.

    Returns
    -------
    `int`
        The sum; 0 only if all bytes are 0.
    """
    view = memoryview(data).cast("B")
    rest = len(view) % 4
    words = np.frombuffer(view[: len(view) - rest], dtype=">u4")
    total = int(words.sum(dtype=np.uint64))
    if rest:
        total += int.from_bytes(bytes(view[len(view) - rest :]).ljust(4, b"\0"), "big")
    return _fold(total)


def _fold(total: int) -> int:
    # The remainder; all ones in place of 0 unless all bytes are 0, as with an end-around carry.
    return (total - 1) % ALL_ONES + 1 if total else 0


def join_sums(pieces: Iterable[tuple[int, int]]) -> int:
    """Combine the sums of consecutive pieces.

    Parameters
    ----------
    pieces
        Length in bytes and `data_sum` of each piece, in order.

    Returns
    -------
    `int`
        The sum of all bytes.

    Notes
    -----
    The sum of a piece that starts within a word is rotated.
    """
    total = offset = 0
    for size, value in pieces:
        total += value << (8 * (-offset % 4))
        offset += size
    return _fold(total)


def source_sum(source: ByteSource, offset: int, size: int, *, threads: int | None = None) -> int:
    """Return the `data_sum` of a byte range of a file, reading it in chunks.

    Parameters
    ----------
    source
        The file.
    offset
        First byte.
    size
        Number of bytes.
    threads
        Number of threads; by default `default_threads`.

    Returns
    -------
    `int`
        The sum.

    Raises
    ------
    CorruptArchiveError
        If the file is truncated.
    """
    step = REMOTE_CHUNK_SIZE if source.remote else CHUNK_SIZE
    starts = range(0, size, step)
    sums = [0] * len(starts)
    if threads is None:
        threads = 1 if source.remote else default_threads()

    def make_worker(plan: None) -> Callable[[int], None]:
        scratch = Scratch()

        def work(number: int) -> None:
            first = number * step
            block = source.read_to_scratch(offset + first, min(step, size - first), scratch)
            sums[number] = data_sum(block)

        return work

    run_jobs(make_worker, None, range(len(starts)), min(threads, len(starts)))
    return _fold(sum(sums))


def encode_checksum(value: int) -> str:
    """Encode a sum as 16 letters and digits that add its complement to the sum of a header.

    Parameters
    ----------
    value
        Sum of the HDU with a ``CHECKSUM`` of 16 zeros.

    Returns
    -------
    `str`
        Value of the ``CHECKSUM`` card.
    """
    columns = []
    for byte in (ALL_ONES - value).to_bytes(4, "big"):
        # Four nearly equal characters with the sum of the byte ...
        quarter, rest = divmod(byte, 4)
        four = [quarter + ord("0") + (rest if i == 0 else 0) for i in range(4)]
        # ... are adjusted in pairs until none is a punctuation character.
        while any(c in _EXCLUDED for c in four):
            for i in (0, 2):
                if four[i] in _EXCLUDED or four[i + 1] in _EXCLUDED:
                    four[i] += 1
                    four[i + 1] -= 1
        columns.append(four)
    text = "".join(chr(columns[j][i]) for i in range(4) for j in range(4))
    # The value of the card starts in column 12, the last byte of a word.
    return text[-1] + text[:-1]


def checksum_cards(cards: Iterable[CardLike], data: int) -> bytes:
    """Format a header that ends with ``CHECKSUM`` and ``DATASUM``.

    Parameters
    ----------
    cards
        All other cards.
    data
        `data_sum` of the data unit.

    Returns
    -------
    `bytes`
        The header, in whole blocks.
    """
    listed = list(cards)
    sums: list[CardLike] = [
        ("CHECKSUM", _NO_CHECKSUM, "HDU checksum"),
        ("DATASUM", str(data), "data unit checksum"),
    ]
    header = build_header(listed + sums)
    value = encode_checksum(_fold(data_sum(header) + data))
    at = header.rindex(b"CHECKSUM= '" + _NO_CHECKSUM.encode()) + 11
    return header[:at] + value.encode("ascii") + header[at + 16 :]


def wrong_sums(hdus: Iterable[tuple[str, Buffer, Mapping[str, CardValue]]]) -> tuple[str, ...]:
    """Compare complete HDUs with their ``CHECKSUM``.

    Parameters
    ----------
    hdus
        Name of each HDU, its header and data unit with padding, and the values
        of its cards.

    Returns
    -------
    `tuple` [ `str`, ... ]
        Names of the HDUs that disagree; those without ``CHECKSUM`` and those that
        are not whole words long agree.
    """
    wrong = []
    for name, content, values in hdus:
        if values.get("CHECKSUM") and len(content) % 4 == 0:
            if int(np.frombuffer(content, ">u4").sum(dtype=np.uint64)) % ALL_ONES:
                wrong.append(name)
    return tuple(wrong)


def is_header_right(header: Buffer, values: Mapping[str, CardValue]) -> bool:
    """Return whether a header agrees with its ``CHECKSUM``; the data unit is not read.

    Parameters
    ----------
    header
        Header bytes with padding.
    values
        Values of the cards, from `scan`.

    Returns
    -------
    `bool`
        `True` also if the header does not have both ``CHECKSUM`` and
        ``DATASUM``.

    Notes
    -----
    ``CHECKSUM`` covers the whole HDU, to which the data unit contributes
    ``DATASUM``.
    """
    stated = values.get("DATASUM")
    if not stated or not values.get("CHECKSUM"):
        return True
    if not isinstance(stated, str) or not stated.isdecimal():
        return False
    return (int(np.frombuffer(header, ">u4").sum(dtype=np.uint64)) + int(stated)) % ALL_ONES == 0


def check_hdu(header: Buffer, data: int) -> list[str]:
    """Compare the sums of an HDU with those in its header.

    Parameters
    ----------
    header
        Header bytes with padding.
    data
        `data_sum` of the data unit.

    Returns
    -------
    `list` [ `str` ]
        Names of the cards that disagree: ``"DATASUM"``, ``"CHECKSUM"``; cards
        that are missing or empty agree with anything.
    """
    cards = Cards(bytes(header))
    wrong = []
    stated = cards.get("DATASUM")
    if stated not in (None, "") and (not str(stated).strip().isdecimal() or int(str(stated)) != data):
        wrong.append("DATASUM")
    if cards.get("CHECKSUM") not in (None, "") and _fold(data_sum(header) + data) not in (ALL_ONES, 0):
        wrong.append("CHECKSUM")
    return wrong
