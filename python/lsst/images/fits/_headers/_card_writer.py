# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Formatting of header cards (FITS Standard 4.0, section 4.2)."""

from __future__ import annotations

__all__ = ("CardLike", "build_header", "format_card")

import math
import re
from collections.abc import Iterable
from typing import Any

from ...errors import ArchiveWriteError
from ...utils import short_repr
from ._cards import BLOCK_SIZE, CARD_SIZE

CardLike = bytes | tuple[str, Any] | tuple[str, Any, str]
"""A card to write: keyword, value and optional comment; or formatted cards of 80 bytes each."""

_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}\Z")
_LONG_KEYWORD = re.compile(r"[!-<>-~]+(?: [!-<>-~]+)*\Z")
_TEXT = re.compile(r"[ -~]*\Z")
_COMMENTARY = ("COMMENT", "HISTORY", "")
_END = b"END".ljust(CARD_SIZE)


def build_header(cards: Iterable[CardLike]) -> bytes:
    """Format a header.

    Parameters
    ----------
    cards
        Cards in order, without ``END``.

    Returns
    -------
    `bytes`
        The header with ``END`` and padding, in whole blocks.

    Raises
    ------
    ArchiveWriteError
        If a keyword or value is not allowed in a FITS header.
    """
    pieces = [card if isinstance(card, bytes) else format_card(*card) for card in cards]
    pieces.append(_END)
    header = b"".join(pieces)
    return header.ljust(-(-len(header) // BLOCK_SIZE) * BLOCK_SIZE)


def format_card(keyword: str, value: Any = None, comment: str = "") -> bytes:
    """Format one card, or several for a long string.

    Parameters
    ----------
    keyword
        Keyword; keywords of more than 8 characters or with blanks use the
        ``HIERARCH`` convention.
    value
        A string, number, boolean, or `None` for an undefined value; the text
        of a ``COMMENT``, ``HISTORY`` or blank card.
    comment
        Comment; truncated at the end of the card.

    Returns
    -------
    `bytes`
        The card; a multiple of 80 bytes.

    Raises
    ------
    ArchiveWriteError
        If the keyword or value is not allowed in a FITS header.
    """
    if keyword in _COMMENTARY:
        return _commentary(keyword, "" if value is None else str(value))
    if _KEYWORD.match(keyword):
        head = keyword.ljust(8) + "= "
    elif _LONG_KEYWORD.match(keyword) and len(keyword) < 50:
        head = f"HIERARCH {keyword} = "
    else:
        raise ArchiveWriteError(
            f"{short_repr(keyword)} is not a valid FITS keyword; use printable ASCII characters without '='."
        )
    if isinstance(value, str):
        return _string(head, keyword, value, comment)
    text = _number(keyword, value)
    card = head + (text.rjust(20) if len(head) == 10 else text)
    if len(card) > CARD_SIZE:
        raise ArchiveWriteError(
            f"Keyword {short_repr(keyword)} and value {short_repr(value)} do not fit into a card of "
            f"{CARD_SIZE} characters."
        )
    return _with_comment(card, comment)


def _number(keyword: str, value: Any) -> str:
    if hasattr(value, "item"):
        value = value.item()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value).upper()
        return text if "." in text or "E" in text else text + ".0"
    if isinstance(value, complex):
        return f"({_number(keyword, value.real)}, {_number(keyword, value.imag)})"
    raise ArchiveWriteError(
        f"{keyword} = {short_repr(value)} cannot be written to a FITS header; "
        "use a string, a finite number, a boolean or None."
    )


def _with_comment(card: str, comment: str) -> bytes:
    if comment:
        card = f"{card.ljust(30)} / {_ascii(comment)}"[:CARD_SIZE]
    return card.ljust(CARD_SIZE).encode("ascii")


def _ascii(text: str) -> str:
    # Characters in comments that FITS does not allow are replaced.
    return text if _TEXT.match(text) else re.sub(r"[^ -~]", "?", text)


def _string(head: str, keyword: str, value: str, comment: str) -> bytes:
    if not _TEXT.match(value):
        raise ArchiveWriteError(
            f"{keyword} = {short_repr(value)} cannot be written to a FITS header; use printable ASCII "
            "characters only."
        )
    quoted = value.replace("'", "''")
    # A final ampersand indicates a continuation, so an empty CONTINUE card is added.
    if len(head) + len(quoted) + 2 <= CARD_SIZE and not value.endswith("&"):
        return _with_comment(f"{head}'{quoted.ljust(8)}'", comment)
    cards = []
    while True:
        available = CARD_SIZE - len(head) - 3
        if len(quoted) <= available and not (quoted.endswith("&") and available - len(quoted) < 1):
            break
        # A doubled quote must not be split.
        cut = available - (1 if quoted[:available].count("'") % 2 else 0)
        cards.append(f"{head}'{quoted[:cut]}&'".ljust(CARD_SIZE).encode("ascii"))
        quoted, head = quoted[cut:], "CONTINUE  "
    if not cards:
        cards.append(f"{head}'{quoted}&'".ljust(CARD_SIZE).encode("ascii"))
        quoted, head = "", "CONTINUE  "
    cards.append(_with_comment(f"{head}'{quoted}'", comment))
    return b"".join(cards)


def _commentary(keyword: str, text: str) -> bytes:
    clean = _ascii(text)
    lines = [clean[i : i + 72] for i in range(0, len(clean), 72)] or [""]
    return b"".join((keyword.ljust(8) + line).ljust(CARD_SIZE).encode("ascii") for line in lines)
