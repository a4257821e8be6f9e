# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Text of AST objects, as `lsst.afw` puts it into tables."""

from __future__ import annotations

__all__ = ("LegacyAstText", "read_ast", "read_mapping", "split_ast_text")

import dataclasses
from typing import Any

from ..._ast_text import check_ast_text
from ..._transforms._ast import AstMapping, LineSource, starlink_ast
from ...errors import CorruptArchiveError, GeometryError, SchemaVersionError

NEWEST = 1
"""Version of the text in all files so far."""


@dataclasses.dataclass(frozen=True)
class LegacyAstText:
    """A blob taken apart.

    Parameters
    ----------
    class_name
        Name of the class that wrote it.
    text
        Native text of the AST object.
    """

    class_name: str
    text: str


def split_ast_text(blob: bytes) -> LegacyAstText:
    """Take apart what `lsst.afw` wrote for a WCS or transform.

    Parameters
    ----------
    blob
        Version, name of the class, perhaps a flag, and the dump of AST.

    Raises
    ------
    CorruptArchiveError
        If there is no dump, or one that AST should not be trusted with.
    SchemaVersionError
        If the version is newer than any known one.
    """
    try:
        text = blob.decode("ascii")
    except UnicodeDecodeError as err:
        raise CorruptArchiveError(f"the text of an AST object is not ASCII: {err}") from err
    head, begin, dump = text.partition("Begin ")
    words = head.split()
    if not begin or len(words) < 2:
        raise CorruptArchiveError(f"{text!r:.60} is no text of an AST object")
    if not words[0].isdigit() or int(words[0]) > NEWEST:
        raise SchemaVersionError(
            f"the text of a {words[1]} has version {words[0]!r}; this release reads up to {NEWEST}"
        )
    dump = begin + dump.rstrip("\0")
    check_ast_text(dump)
    return LegacyAstText(words[1], dump)


def read_ast(text: str) -> Any:
    """Make an AST object of its native text.

    Parameters
    ----------
    text
        Native text.

    Raises
    ------
    CorruptArchiveError
        If AST does not understand it.
    """
    try:
        found = starlink_ast.Channel(LineSource(text.splitlines())).read()
    except (starlink_ast.AstError, TypeError) as err:
        # The latter means that the text ends too early.
        raise CorruptArchiveError(f"AST does not understand the text {text!r:.60}: {err}") from err
    if found is None:
        raise CorruptArchiveError(f"the text {text!r:.60} describes no AST object")
    return found


def read_mapping(text: str) -> AstMapping:
    """Make a mapping from two coordinates to two of its native text.

    Parameters
    ----------
    text
        Native text.

    Raises
    ------
    CorruptArchiveError
        If AST does not understand it, or it is something else.
    """
    try:
        return AstMapping(read_ast(text))
    except (GeometryError, TypeError) as err:
        raise CorruptArchiveError(f"the text {text!r:.60} describes no mapping of pixels: {err}") from err
