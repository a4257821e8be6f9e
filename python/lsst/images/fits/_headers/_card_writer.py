# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header cards from Python values (FITS Standard 4.0, section 4.2)."""

from __future__ import annotations

__all__ = ("CardLike", "build_header", "format_card")

import math
import re
from collections.abc import Iterable
from typing import Any

from ...errors import ArchiveWriteError
from ._cards import BLOCK, CARD

CardLike = bytes | tuple[str, Any] | tuple[str, Any, str]
"""A card to be written: keyword, value and perhaps comment; or 80-byte cards as they are."""

_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}\Z")
_LONG_KEYWORD = re.compile(r"[!-<>-~]+(?: [!-<>-~]+)*\Z")
_TEXT = re.compile(r"[ -~]*\Z")
_COMMENTARY = ("COMMENT", "HISTORY", "")
_END = b"END".ljust(CARD)


def build_header(cards: Iterable[CardLike]) -> bytes:
    """Make a header.

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
        If a keyword or value cannot stand in a header.
    """
    pieces = [card if isinstance(card, bytes) else format_card(*card) for card in cards]
    pieces.append(_END)
    header = b"".join(pieces)
    return header.ljust(-(-len(header) // BLOCK) * BLOCK)


def format_card(keyword: str, value: Any = None, comment: str = "") -> bytes:
    """Format one card, or several if a string is long.

    Parameters
    ----------
    keyword
        Keyword; longer ones, and those with blanks, use the ``HIERARCH``
        convention.
    value
        A string, number, boolean, or `None` for an undefined value; the text
        of a ``COMMENT``, ``HISTORY`` or blank card.
    comment
        Comment; cut where the card ends.

    Returns
    -------
    `bytes`
        80 bytes, or a multiple of it.

    Raises
    ------
    ArchiveWriteError
        If the keyword or value cannot stand in a header.
    """
    if keyword in _COMMENTARY:
        return _commentary(keyword, "" if value is None else str(value))
    if _KEYWORD.match(keyword):
        head = keyword.ljust(8) + "= "
    elif _LONG_KEYWORD.match(keyword) and len(keyword) < 50:
        head = f"HIERARCH {keyword} = "
    else:
        raise ArchiveWriteError(f"{keyword!r} is no FITS keyword: printable ASCII without '=' is needed.")
    if isinstance(value, str):
        return _string(head, keyword, value, comment)
    text = _number(keyword, value)
    card = head + (text.rjust(20) if len(head) == 10 else text)
    if len(card) > CARD:
        raise ArchiveWriteError(f"Keyword {keyword!r} and its value {value!r} do not fit into a card.")
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
        f"{keyword} = {value!r} cannot stand in a FITS header; "
        "a string, a finite number, a boolean or None can."
    )


def _with_comment(card: str, comment: str) -> bytes:
    if comment:
        card = f"{card.ljust(30)} / {_ascii(comment)}"[:CARD]
    return card.ljust(CARD).encode("ascii")


def _ascii(text: str) -> str:
    # Comments are for people: better a question mark than no file.
    return text if _TEXT.match(text) else re.sub(r"[^ -~]", "?", text)


def _string(head: str, keyword: str, value: str, comment: str) -> bytes:
    if not _TEXT.match(value):
        raise ArchiveWriteError(
            f"{keyword} = {value!r} cannot stand in a FITS header; only printable ASCII characters can."
        )
    quoted = value.replace("'", "''")
    # A final ampersand would look like a continuation, so it gets one: an empty one.
    if len(head) + len(quoted) + 2 <= CARD and not value.endswith("&"):
        return _with_comment(f"{head}'{quoted.ljust(8)}'", comment)
    cards = []
    while True:
        room = CARD - len(head) - 3
        if len(quoted) <= room and not (quoted.endswith("&") and room - len(quoted) < 1):
            break
        # A doubled quote must not be cut in two.
        cut = room - (1 if quoted[:room].count("'") % 2 else 0)
        cards.append(f"{head}'{quoted[:cut]}&'".ljust(CARD).encode("ascii"))
        quoted, head = quoted[cut:], "CONTINUE  "
    if not cards:
        cards.append(f"{head}'{quoted}&'".ljust(CARD).encode("ascii"))
        quoted, head = "", "CONTINUE  "
    cards.append(_with_comment(f"{head}'{quoted}'", comment))
    return b"".join(cards)


def _commentary(keyword: str, text: str) -> bytes:
    clean = _ascii(text)
    lines = [clean[i : i + 72] for i in range(0, len(clean), 72)] or [""]
    return b"".join((keyword.ljust(8) + line).ljust(CARD).encode("ascii") for line in lines)
