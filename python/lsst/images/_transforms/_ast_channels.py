# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Classes of AST under the names and with the calls of ``astshim``, for released clients.

Available as ``lsst.images._transforms._ast.FitsChan`` and so on; this package does not use them.
"""

from __future__ import annotations

__all__ = ("FitsChan", "FrameSet", "StringStream")

from typing import Any

from ._ast import LineSource, starlink_ast

CARD_SIZE = 80

FrameSet = starlink_ast.FrameSet
"""Frames, and the mappings between them."""


class StringStream:
    """Text that a channel reads, and text that it writes.

    Parameters
    ----------
    data
        Text to read: lines, or FITS cards of 80 characters without line ends.
    """

    def __init__(self, data: str = "") -> None:
        lines = data.splitlines()
        if len(lines) == 1 and len(data) > CARD_SIZE:
            lines = [data[i : i + CARD_SIZE] for i in range(0, len(data), CARD_SIZE)]
        self._source = lines
        self._sink: list[str] = []

    def astsource(self) -> str | None:
        """Return the next line to read; `None` at the end."""
        return self._source.pop(0) if self._source else None

    def astsink(self, line: str) -> None:
        """Store a line that a channel writes.

        Parameters
        ----------
        line
            The line.
        """
        self._sink.append(line)

    def getSinkData(self) -> str:
        """Return the text that a channel has written."""
        return "".join(f"{line}\n" for line in self._sink)


class FitsChan:
    """A channel that reads and writes AST objects as FITS cards.

    Parameters
    ----------
    stream
        Cards to read, and place of the cards to write.
    options
        Attributes, such as ``"Encoding=FITS-WCS"``.
    """

    def __init__(self, stream: StringStream | None = None, options: str = "") -> None:
        self._stream = StringStream() if stream is None else stream
        self._channel = starlink_ast.FitsChan(LineSource(self._stream._source), None, options)

    def read(self) -> Any:
        """Return the AST object that the cards describe; `None` without one."""
        return self._channel.read()

    def write(self, ast_object: Any) -> int:
        """Describe an AST object by cards.

        Parameters
        ----------
        ast_object
            The object.

        Returns
        -------
        count
            Number of objects written: 0 if they cannot be described in this encoding.
        """
        count = int(self._channel.write(ast_object))
        for card in self._channel:
            self._stream.astsink(str(card))
        return count

    def __iter__(self) -> Any:
        return iter(self._channel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)
