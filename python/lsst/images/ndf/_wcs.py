# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The WCS component of an NDF: an AST frame set as records of text.

Our own reader needs none of it, since the tree holds the projection; the
component is there so that Starlink software finds the sky.  Of NDFs that
others wrote it is all there is.
"""

from __future__ import annotations

__all__ = (
    "RECORD_SIZE",
    "AstSource",
    "SkyProjection",
    "image_wcs_lines",
    "lines_from_records",
    "mask_wcs_lines",
    "pixel_to_sky_text",
    "records_from_lines",
)

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from .._ast_text import check_ast_text
from .._geom import Box
from ..errors import CorruptArchiveError

RECORD_SIZE = 32
"""Characters of a record; the first one tells new lines from continuations."""

_NEW, _CONTINUED = " ", "+"


class AstSource(Protocol):
    """A transform that can say itself in the native text of AST."""

    def show(self) -> str:
        """Return the text of a mapping or frame set."""


class SkyProjection(Protocol):
    """What is asked of the projection that comes with an array."""

    @property
    def pixel_to_sky_transform(self) -> AstSource:
        """Absolute pixels ``(x, y)`` to ICRS radians."""


# Records.


def records_from_lines(lines: Iterable[str]) -> list[str]:
    """Cut lines of AST text into records.

    Parameters
    ----------
    lines
        Lines of any length.

    Returns
    -------
    records
        Of `RECORD_SIZE` characters at most.
    """
    size = RECORD_SIZE - 1
    records = []
    for line in filter(None, map(str.strip, lines)):
        flag = _NEW
        for start in range(0, len(line), size):
            records.append(flag + line[start : start + size])
            flag = _CONTINUED
    return records


def lines_from_records(records: Sequence[str]) -> list[str]:
    """Put lines of AST text together again.

    Parameters
    ----------
    records
        With all their trailing blanks: one may stand inside a quoted string
        that two records share.

    Returns
    -------
    lines
        Without blanks at their ends.
    """
    if any(record[:1] not in (_NEW, _CONTINUED) for record in records):
        return [record.strip() for record in records]
    lines: list[str] = []
    for record in records:
        if record[:1] == _CONTINUED and lines:
            lines[-1] += record[1:]
        else:
            lines.append(record[1:])
    return [line.strip() for line in lines]


# Writing.


def image_wcs_lines(projection: SkyProjection, bbox: Box) -> list[str]:
    """Describe the sky of a two-dimensional NDF.

    Parameters
    ----------
    projection
        Sky projection in absolute pixels.
    bbox
        Pixels of the array.

    Returns
    -------
    lines
        AST text of a frame set: GRID, whose first pixel is 1, PIXEL, which
        here are our absolute pixels, and the sky.
    """
    ast = _import_ast()
    mapping, sky = _split(projection)
    frame_set = ast.FrameSet(ast.Frame(2, "Domain=GRID"))
    pixel = ast.Frame(2, "Domain=PIXEL,Label(1)=x,Label(2)=y,Unit(1)=pix,Unit(2)=pix")
    frame_set.addframe(ast.BASE, ast.ShiftMap([bbox.x.start - 1, bbox.y.start - 1]), pixel)
    frame_set.addframe(ast.CURRENT, mapping, sky)
    return _lines(frame_set)


def mask_wcs_lines(projection: SkyProjection, bbox: Box) -> list[str]:
    """Describe the sky of a mask, whose slowest axis counts the bytes.

    Parameters
    ----------
    projection
        Sky projection in absolute pixels.
    bbox
        Pixels of the mask.

    Returns
    -------
    lines
        AST text of a frame set with three axes.
    """
    ast = _import_ast()
    mapping, sky = _split(projection)
    frame_set = ast.FrameSet(ast.Frame(3, "Domain=GRID"))
    pixel = ast.Frame(3, "Domain=PIXEL,Label(1)=x,Label(2)=y,Label(3)=mask-byte")
    frame_set.addframe(ast.BASE, ast.ShiftMap([bbox.x.start - 1, bbox.y.start - 1, -1]), pixel)
    byte = ast.Frame(1, "Domain=MASK,Label(1)=mask-byte")
    frame_set.addframe(ast.CURRENT, ast.CmpMap(mapping, ast.UnitMap(1), False), ast.CmpFrame(sky, byte))
    return _lines(frame_set)


def _split(projection: SkyProjection) -> tuple[Any, Any]:
    """Return the mapping from pixels to the sky, and a frame for the sky."""
    ast = _import_ast()
    found = _parse(projection.pixel_to_sky_transform.show().splitlines())
    if isinstance(found, ast.FrameSet):
        sky = found.getframe(ast.CURRENT)
        mapping = found.getmapping(ast.BASE, ast.CURRENT)
        return mapping, sky if sky.isaskyframe() else ast.SkyFrame("System=ICRS")
    return found, ast.SkyFrame("System=ICRS")


# Reading what others wrote.


def pixel_to_sky_text(lines: Sequence[str], x0: int, y0: int) -> str:
    """Take the mapping from absolute pixels to ICRS out of a frame set.

    Parameters
    ----------
    lines
        AST text of a frame set whose base frame is GRID.
    x0, y0
        Absolute coordinates of the first pixel.

    Returns
    -------
    text
        AST text of a frame set from PIXEL to the sky.

    Raises
    ------
    ValueError
        If there is no celestial frame, or the text is none of AST.
    """
    ast = _import_ast()
    try:
        frame_set = _parse(lines)
        if not isinstance(frame_set, ast.FrameSet):
            raise ValueError(f"The text describes a {type(frame_set).__name__}, not a FrameSet.")
        _select_sky(frame_set)
        mapping = frame_set.getmapping(ast.BASE, ast.CURRENT)
        if mapping.Nin != 2:
            raise ValueError(f"The mapping to the sky has {mapping.Nin} pixel axes, not 2.")
        # The first pixel is 1 in GRID.
        shifted = ast.CmpMap(ast.ShiftMap([1 - x0, 1 - y0]), mapping, True)
        result = ast.FrameSet(ast.Frame(2, "Domain=PIXEL,Unit(1)=pix,Unit(2)=pix"))
        result.addframe(ast.BASE, shifted, frame_set.getframe(ast.CURRENT))
        return "\n".join(_lines(result))
    except ast.AstError as err:
        raise ValueError(f"AST does not understand the text: {err}") from err


def _select_sky(frame_set: Any) -> None:
    """Make a sky frame in ICRS, longitude first, the current one."""
    ast = _import_ast()
    candidates = [frame_set.Current, *range(frame_set.Nframe, 0, -1)]
    for number in candidates:
        if frame_set.getframe(number).isaskyframe():
            frame_set.Current = number
            break
    else:
        raise ValueError("None of the frames is celestial.")
    frame_set.set("System=ICRS")
    if frame_set.getframe(ast.CURRENT).LonAxis != 1:
        frame_set.permaxes([2, 1])


# AST.


def _import_ast() -> Any:
    # Heavy, and only files with a projection need it.
    import starlink.Ast

    return starlink.Ast


def _parse(lines: Sequence[str]) -> Any:
    # Comments follow a tab, on which the parser stumbles.
    plain = [line.replace("\t", " ") for line in lines]
    try:
        # AST does not survive every damage, so it must not see any.
        check_ast_text("\n".join(plain))
    except CorruptArchiveError as err:
        raise ValueError(str(err)) from err
    return _import_ast().Channel(plain).read()


class _Lines(list[str]):
    """Where a channel writes to."""

    # A function written in Python would let other threads use AST meanwhile,
    # which does not survive that.
    astsink = list.append


def _lines(thing: Any) -> list[str]:
    sink = _Lines()
    _import_ast().Channel(None, sink, "Full=-1,Comment=0,Indent=0").write(thing)
    return sink
