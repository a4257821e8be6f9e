# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Parsing of FITS header cards from bytes.

Notes
-----
Source: FITS Standard 4.0, section 4, and the conventions for long strings
(``CONTINUE``) and long keywords (``HIERARCH``).
"""

from __future__ import annotations

__all__ = ("BLOCK_SIZE", "CARD_SIZE", "END", "CardValue", "Cards", "find_end", "read_int", "scan")

import functools
import re
from collections.abc import Iterator, Mapping

from ...errors import CorruptArchiveError
from ...utils import short_repr

BLOCK_SIZE = 2880
"""Size of a FITS block in bytes; headers and data units are padded to whole blocks."""

CARD_SIZE = 80
"""Size of a header card in bytes."""

MAX_INT64 = 2**63 - 1
"""Largest 64-bit integer, and so the largest address or size in a file."""

CACHE_SIZE = 4096
"""Maximum number of parsed cards in the cache; most cards of image HDUs are the same in all files."""

CardValue = str | bool | int | float | complex | None
"""Value of a card; `None` if it is undefined."""

_COMMENTARY = (b"COMMENT ", b"HISTORY ", b"        ")
_SIMPLE = re.compile(
    r"([A-Z0-9_-]+) *= *"
    r"(?:'([^']*)'|([+-]?[0-9]+)|([TF])|([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[EDed][+-]?[0-9]+)?))"
    r" *(?:/|$)"
)
_STRING = re.compile(r"\s*'((?:[^']|'')*)'")
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[ED][+-]?[0-9]+)?\Z", re.IGNORECASE)
_COMPLEX = re.compile(r"\(\s*([^,\s]+)\s*,\s*([^)\s]+)\s*\)\Z")
END = b"END" + b" " * 77
"""The card that ends a header."""


def find_end(data: bytes, start: int = 0) -> int:
    """Find the ``END`` card of a header.

    Parameters
    ----------
    data
        Header bytes, from the first card on.
    start
        Offset at which the search starts; a multiple of 80.

    Returns
    -------
    `int`
        Offset of the card; -1 if it does not exist.
    """
    at = data.find(END, start)
    while at > 0 and at % CARD_SIZE:
        at = data.find(END, at + 1)
    return at


def scan(header: bytes) -> dict[str, CardValue]:
    """Read the values of all cards in one pass.

    Parameters
    ----------
    header
        Header bytes; a multiple of 80.

    Returns
    -------
    `dict` [ `str`, `str` | `bool` | `int` | `float` ]
        Value of the first card of each keyword of up to eight characters;
        strings without surrounding blanks.  Cards without a value, long
        strings and strings with quotes are omitted; `Cards` parses them.
    """
    found: dict[str, CardValue] = {}
    text = header.decode("latin-1")
    for at in range(0, len(text), CARD_SIZE):
        pair = _simple(text[at : at + CARD_SIZE])
        if pair is not None and pair[0] not in found:
            found[pair[0]] = pair[1]
    return found


@functools.lru_cache(maxsize=CACHE_SIZE)
def _simple(card: str) -> tuple[str, CardValue] | None:
    # Keyword and value of a card with a simple value.
    match = _SIMPLE.match(card)
    if match is None or card[8] != "=":
        return None
    keyword, string, integer, logical, real = match.groups()
    if integer is not None:
        return keyword, int(integer)
    if string is not None:
        return None if string.endswith("&") else (keyword, string.strip())
    if logical is not None:
        return keyword, logical == "T"
    return keyword, float(real.upper().replace("D", "E"))


def read_int(
    values: Mapping[str, CardValue],
    keyword: str,
    default: int | None = None,
    *,
    minimum: int = 0,
    maximum: int = MAX_INT64,
) -> int:
    """Return the value of a card that must be an integer.

    Parameters
    ----------
    values
        Values of the header cards, from `scan`.
    keyword
        Keyword of the card.
    default
        Result if the card does not exist; `None` if it is mandatory.
    minimum, maximum
        Limits of valid values.

    Raises
    ------
    CorruptArchiveError
        If the card is missing, or its value is of another type or outside of
        the limits.  Floating-point values that are whole numbers are accepted.
    """
    value = values.get(keyword, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not minimum <= value <= maximum:
        raise CorruptArchiveError(
            f"{keyword} = {value!r} in a FITS header is invalid; it must be an integer from {minimum} to "
            f"{maximum}."
            if keyword in values
            else f"The mandatory card {keyword} is missing in a FITS header."
        )
    return value


class Cards:
    """A header whose cards are parsed on access.

    Parameters
    ----------
    data
        Header bytes; the ``END`` card and everything after it is ignored.

    Notes
    -----
    A keyword is searched for in the bytes, which is faster than building a
    dictionary if few keywords are needed.
    """

    __slots__ = ("_data", "_values")

    def __init__(self, data: bytes) -> None:
        end = find_end(data)
        self._data = data if end < 0 else data[:end]
        self._values: dict[str, CardValue] | None = None

    def values(self) -> dict[str, CardValue]:
        """Return the values of all cards with a simple value; see `scan`."""
        if self._values is None:
            self._values = scan(self._data)
        return self._values

    @property
    def raw(self) -> bytes:
        """The 80-byte cards without ``END`` and padding (`bytes`)."""
        return self._data

    def __len__(self) -> int:
        return len(self._data) // CARD_SIZE

    def __contains__(self, keyword: object) -> bool:
        return isinstance(keyword, str) and self._find(keyword) >= 0

    def get(self, keyword: str, default: CardValue = None) -> CardValue:
        """Return the value of the first card with a keyword.

        Parameters
        ----------
        keyword
            Upper-case keyword, without ``HIERARCH``.
        default
            Result if the card does not exist or its value is undefined.

        Returns
        -------
        `str`, `bool`, `int`, `float`, `complex` or `None`
            The value; long strings are joined from their ``CONTINUE`` cards.
        """
        at = self._find(keyword)
        if at < 0:
            return default
        value = self._value_at(at)
        return default if value is None else value

    def get_int(self, keyword: str, default: int | None = None) -> int:
        """Return an integer value.

        Parameters
        ----------
        keyword
            Upper-case keyword.
        default
            Result if the card does not exist.

        Raises
        ------
        CorruptArchiveError
            If the value is of another type, or the card is missing and
            ``default`` is `None`.
        """
        value = self.get(keyword, default)
        if type(value) is not int:
            if isinstance(value, float) and value.is_integer():
                return int(value)
            raise CorruptArchiveError(
                f"{keyword} = {short_repr(value)} in a FITS header is invalid; it must be an integer."
                if keyword in self
                else f"The mandatory card {keyword} is missing in a FITS header."
            )
        return value

    def get_str(self, keyword: str, default: str | None = None) -> str:
        """Return a string value, without surrounding blanks.

        Parameters
        ----------
        keyword
            Upper-case keyword.
        default
            Result if the card does not exist.

        Raises
        ------
        CorruptArchiveError
            If the value is of another type, or the card is missing and
            ``default`` is `None`.
        """
        value = self.get(keyword, default)
        if not isinstance(value, str):
            raise CorruptArchiveError(
                f"{keyword} = {short_repr(value)} in a FITS header is invalid; it must be a string."
            )
        return value.strip()

    def get_float(self, keyword: str, default: float | None = None) -> float:
        """Return a number as `float`.

        Parameters
        ----------
        keyword
            Upper-case keyword.
        default
            Result if the card does not exist.

        Raises
        ------
        CorruptArchiveError
            If the value is of another type, or the card is missing and
            ``default`` is `None`.
        """
        value = self.get(keyword, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CorruptArchiveError(
                f"{keyword} = {short_repr(value)} in a FITS header is invalid; it must be a number."
            )
        return float(value)

    def __iter__(self) -> Iterator[tuple[str, CardValue, str]]:
        """Iterate over (keyword, value, comment).

        The value of commentary cards is their text; ``CONTINUE`` cards are
        joined with the value that they continue.
        """
        data = self._data
        for at in range(0, len(data), CARD_SIZE):
            if data[at : at + 8] != b"CONTINUE":
                yield self._card_at(at)

    def _find(self, keyword: str) -> int:
        data = self._data
        name = keyword.encode("latin-1", "replace")
        if len(name) <= 8 and b" " not in name:
            sought = name.ljust(8) + b"="
            at = data.find(sought)
            while at > 0 and at % CARD_SIZE:
                at = data.find(sought, at + 1)
            if at >= 0:
                return at
        sought = b"HIERARCH " + name
        at = data.find(sought)
        while at >= 0:
            if at % CARD_SIZE == 0 and data[at + len(sought) : at + CARD_SIZE].lstrip().startswith(b"="):
                return at
            at = data.find(sought, at + 1)
        return -1

    def _value_at(self, at: int) -> CardValue:
        data = self._data
        offset = 10 if data[at + 8 : at + 9] == b"=" else data.index(b"=", at, at + CARD_SIZE) + 1 - at
        text = data[at + offset : at + CARD_SIZE].decode("latin-1")
        value = _parse(text)[0]
        if isinstance(value, str) and value.endswith("&"):
            value = self._continued(at, value, "")[0]
        return value

    def _card_at(self, at: int) -> tuple[str, CardValue, str]:
        data = self._data
        head = data[at : at + 10]
        if head[8:9] == b"=" and head[:8] not in _COMMENTARY:
            keyword, text = head[:8], data[at + 10 : at + CARD_SIZE]
        elif head.startswith(b"HIERARCH ") and b"=" in data[at : at + CARD_SIZE]:
            keyword, _, text = data[at + 9 : at + CARD_SIZE].partition(b"=")
        else:
            words = data[at + 8 : at + CARD_SIZE].decode("latin-1").rstrip()
            return head[:8].decode("latin-1").rstrip(), words, ""
        value, comment = _parse(text.decode("latin-1"))
        if isinstance(value, str) and value.endswith("&"):
            value, comment = self._continued(at, value, comment)
        return keyword.decode("latin-1").strip(), value, comment

    def _continued(self, at: int, value: str, comment: str) -> tuple[str, str]:
        data = self._data
        start = at
        while value.endswith("&"):
            at += CARD_SIZE
            if data[at : at + 8] != b"CONTINUE":
                # Without a CONTINUE card, the ampersand is part of the text.
                return value, comment
            more, remark = _parse(data[at + 8 : at + CARD_SIZE].decode("latin-1"))
            value = value[:-1] + (more if isinstance(more, str) else "")
            comment = f"{comment} {remark}".strip() if at > start else comment
        return value, comment


def _parse(text: str) -> tuple[CardValue, str]:
    # Value and comment of one card; the text starts after the value indicator.
    match = _STRING.match(text)
    if match:
        comment = text[match.end() :].partition("/")[2].strip()
        # Trailing blanks are not significant, leading blanks are.
        return match[1].replace("''", "'").rstrip(), comment
    word, _, comment = text.partition("/")
    return _number(word.strip()), comment.strip()


def _number(word: str) -> CardValue:
    if _INTEGER.match(word):
        return int(word)
    if word in ("T", "F"):
        return word == "T"
    if not word:
        return None
    if _FLOAT.match(word):
        return float(word.upper().replace("D", "E"))
    if (match := _COMPLEX.match(word)) and _FLOAT.match(match[1]) and _FLOAT.match(match[2]):
        return complex(float(match[1]), float(match[2]))
    # Some writers omit the quotes of strings.
    return word
