# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""AST text in tables of `lsst.afw`."""

from __future__ import annotations

__all__ = ("LegacyAstText", "read_ast", "read_mapping", "split_ast_text")

import dataclasses
from typing import Any

from ..._ast_text import check_ast_text
from ..._transforms._ast import AstMapping, LineSource, starlink_ast
from ...errors import CorruptArchiveError, GeometryError, SchemaVersionError
from ...utils import short_repr

MAX_VERSION = 1
"""Latest version of the text that is supported."""


@dataclasses.dataclass(frozen=True)
class LegacyAstText:
    """The parts of a blob with AST text.

    Parameters
    ----------
    class_name
        Name of the afw class that wrote the blob.
    text
        Native text of the AST object.
    """

    class_name: str
    text: str


def split_ast_text(blob: bytes) -> LegacyAstText:
    """Split a blob that `lsst.afw` wrote for a WCS or transform.

    Parameters
    ----------
    blob
        Version, name of the class, an optional flag, and AST text.

    Raises
    ------
    CorruptArchiveError
        If the AST text is missing, or could crash AST.
    SchemaVersionError
        If the version is newer than this release supports.
    """
    try:
        text = blob.decode("ascii")
    except UnicodeDecodeError as err:
        raise CorruptArchiveError(f"the text of an AST object is not ASCII: {err}") from err
    head, begin, dump = text.partition("Begin ")
    words = head.split()
    if not begin or len(words) < 2:
        raise CorruptArchiveError(f"{text!r:.60} is not AST text with a version and a class name")
    if not words[0].isdigit() or int(words[0]) > MAX_VERSION:
        raise SchemaVersionError(
            f"the text of a {words[1]} has version {short_repr(words[0])}; this release reads up to "
            f"{MAX_VERSION}"
        )
    dump = begin + dump.rstrip("\0")
    check_ast_text(dump)
    return LegacyAstText(words[1], dump)


def read_ast(text: str) -> Any:
    """Create an AST object from its native text.

    Parameters
    ----------
    text
        Native text.

    Raises
    ------
    CorruptArchiveError
        If AST cannot read it.
    """
    try:
        found = starlink_ast.Channel(LineSource(text.splitlines())).read()
    except (starlink_ast.AstError, TypeError) as err:
        # starlink.Ast raises TypeError if the text is truncated.
        raise CorruptArchiveError(f"AST cannot read the text {text!r:.60}: {err}") from err
    if found is None:
        raise CorruptArchiveError(f"the text {text!r:.60} does not describe an AST object")
    return found


def read_mapping(text: str) -> AstMapping:
    """Create a mapping between two-dimensional coordinates from its native text.

    Parameters
    ----------
    text
        Native text.

    Raises
    ------
    CorruptArchiveError
        If AST cannot read it, or it is not a two-dimensional mapping.
    """
    try:
        return AstMapping(read_ast(text))
    except (GeometryError, TypeError) as err:
        raise CorruptArchiveError(
            f"the text {text!r:.60} does not describe a mapping of pixels: {err}"
        ) from err
