# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Emphasis in the headlines of reports: ``*emphasis*`` and ``**strong**``."""

from __future__ import annotations

__all__ = ("EmphasizedText", "plain_text", "split_emphasis")

import re
from typing import TypeAlias

EmphasizedText: TypeAlias = tuple[tuple[str, str], ...]
"""Parts of a text, with their emphasis: ``""``, ``"em"`` or ``"strong"``."""

# A delimiter inside a word, as in electron**2, is text.
_MARKED = re.compile(r"(?<![\w*])(\*{1,2})(?=[^\s*])(.+?)(?<=[^\s*])\1(?![\w*])")


def split_emphasis(text: str, markup: bool) -> EmphasizedText:
    """Split a text into parts with and without emphasis.

    Parameters
    ----------
    text
        The text.
    markup
        Whether asterisks are markup; otherwise, they are text.

    Returns
    -------
    parts
        Parts without the delimiters.
    """
    if not markup:
        return ((text, ""),)
    parts, end = [], 0
    for found in _MARKED.finditer(text):
        parts.append((text[end : found.start()], ""))
        parts.append((found[2], "em" if found[1] == "*" else "strong"))
        end = found.end()
    parts.append((text[end:], ""))
    return tuple(part for part in parts if part[0])


def plain_text(text: str, markup: bool) -> str:
    """Return a text without markup.

    Parameters
    ----------
    text
        The text.
    markup
        Whether asterisks are markup; otherwise, the text is returned.
    """
    return "".join(part for part, _ in split_emphasis(text, markup))
