# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""``DATASUM`` and ``CHECKSUM`` (FITS Standard 4.0, section 4.4.2.7 and appendix J)."""

from __future__ import annotations

__all__ = ("check_hdu", "checksum_cards", "data_sum", "encode_checksum", "join_sums", "source_sum")

from collections.abc import Callable, Iterable

import numpy as np

from .._bytes._byte_source import Buffer, ByteSource
from .._bytes._scratch import Scratch
from .._bytes._thread_pool import default_threads, run_jobs
from ._card_writer import CardLike, build_header
from ._cards import Cards

CHUNK = 1 << 20
"""Bytes that are added up at a time: they stay in the cache between being read
and being added.  A multiple of 4, so that no chunk starts within a word."""

REMOTE_CHUNK = 1 << 25
"""The same for a remote source, where a request costs more than memory."""

ALL_ONES = 0xFFFFFFFF
"""What the words of a sound HDU add up to; also the modulus of the sum."""

_EXCLUDED = frozenset(range(0x3A, 0x41)) | frozenset(range(0x5B, 0x61))
# Punctuation between digits, upper and lower case, which the encoding avoids.

_NO_CHECKSUM = "0" * 16


def data_sum(data: Buffer) -> int:
    """Add up bytes as big-endian 32-bit words in ones' complement.

    Parameters
    ----------
    data
        Bytes; if they do not fill the last word, zeros are added.

    Returns
    -------
    `int`
        The sum; 0 only if all bytes are 0.
    """
    view = memoryview(data).cast("B")
    tail = len(view) % 4
    words = np.frombuffer(view[: len(view) - tail], dtype=">u4")
    total = int(words.sum(dtype=np.uint64))
    if tail:
        total += int.from_bytes(bytes(view[len(view) - tail :]).ljust(4, b"\0"), "big")
    return _fold(total)


def _fold(total: int) -> int:
    # The remainder, but with all ones where the standard's end-around carry gives them.
    return (total - 1) % ALL_ONES + 1 if total else 0


def join_sums(pieces: Iterable[tuple[int, int]]) -> int:
    """Put the sum of a stretch of bytes together from its pieces.

    Parameters
    ----------
    pieces
        Length in bytes and `data_sum` of each piece, in order.

    Returns
    -------
    `int`
        The sum of all.

    Notes
    -----
    A piece that starts within a word counts as if its sum were rotated.
    """
    total = offset = 0
    for size, value in pieces:
        total += value << (8 * (-offset % 4))
        offset += size
    return _fold(total)


def source_sum(source: ByteSource, offset: int, size: int, *, threads: int | None = None) -> int:
    """Add up a stretch of a file as `data_sum` does, without holding it in memory.

    Parameters
    ----------
    source
        The file.
    offset
        Byte where to begin.
    size
        Number of bytes.
    threads
        Number of threads; by default what `default_threads` says.

    Returns
    -------
    `int`
        The sum.

    Raises
    ------
    CorruptArchiveError
        If the file ends too early.
    """
    step = REMOTE_CHUNK if source.remote else CHUNK
    starts = range(0, size, step)
    sums = [0] * len(starts)
    if threads is None:
        threads = 1 if source.remote else default_threads()

    def make_worker(plan: None) -> Callable[[int], None]:
        scratch = Scratch()

        def work(number: int) -> None:
            first = number * step
            block = source.borrow(offset + first, min(step, size - first), scratch)
            sums[number] = data_sum(block)

        return work

    run_jobs(make_worker, None, range(len(starts)), min(threads, len(starts)))
    return _fold(sum(sums))


def encode_checksum(value: int) -> str:
    """Write a sum as 16 letters and digits, which add its complement to a header.

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
        # Four characters that add up to the byte, as equal as possible ...
        quarter, rest = divmod(byte, 4)
        four = [quarter + ord("0") + (rest if i == 0 else 0) for i in range(4)]
        # ... and moved apart in pairs until none is punctuation.
        while any(c in _EXCLUDED for c in four):
            for i in (0, 2):
                if four[i] in _EXCLUDED or four[i + 1] in _EXCLUDED:
                    four[i] += 1
                    four[i + 1] -= 1
        columns.append(four)
    text = "".join(chr(columns[j][i]) for i in range(4) for j in range(4))
    # The card's value starts at column 12, one byte off the words.
    return text[-1] + text[:-1]


def checksum_cards(cards: Iterable[CardLike], data: int) -> bytes:
    """Make a header that ends with ``CHECKSUM`` and ``DATASUM``.

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
    tail: list[CardLike] = [
        ("CHECKSUM", _NO_CHECKSUM, "HDU checksum"),
        ("DATASUM", str(data), "data unit checksum"),
    ]
    header = build_header(listed + tail)
    value = encode_checksum(_fold(data_sum(header) + data))
    at = header.rindex(b"CHECKSUM= '" + _NO_CHECKSUM.encode()) + 11
    return header[:at] + value.encode("ascii") + header[at + 16 :]


def check_hdu(header: Buffer, data: int) -> list[str]:
    """Compare an HDU with the sums in its header.

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
