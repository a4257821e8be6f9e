# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read and write the WCS component of an NDF, an AST frame set as text records.

The tree stores the sky projection, so the component is written only for
Starlink software, and read only from NDFs of other software.
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
"""Size of a record in characters; the first marks a new line or a continuation."""

_NEW, _CONTINUED = " ", "+"


class AstSource(Protocol):
    """A transform that can be serialized as AST text."""

    def show(self) -> str:
        """Return the AST text of a mapping or frame set."""


class SkyProjection(Protocol):
    """Interface of the sky projection of an array."""

    @property
    def pixel_to_sky_transform(self) -> AstSource:
        """Transform from absolute pixels ``(x, y)`` to ICRS radians."""


# Records.


def records_from_lines(lines: Iterable[str]) -> list[str]:
    """Split lines of AST text into records.

    Parameters
    ----------
    lines
        Lines of any length.

    Returns
    -------
    records
        Strings of at most `RECORD_SIZE` characters.
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
    """Join records to lines of AST text.

    Parameters
    ----------
    records
        Records including trailing blanks, which can be part of a quoted
        string that is continued in the next record.

    Returns
    -------
    lines
        Lines without leading and trailing blanks.
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
    """Return the WCS of a two-dimensional NDF.

    Parameters
    ----------
    projection
        Sky projection in absolute pixels.
    bbox
        Pixels of the array.

    Returns
    -------
    lines
        AST text of a frame set with the frames GRID, in which the first pixel
        is 1, PIXEL, which are absolute pixels, and a sky frame.
    """
    ast = _import_ast()
    mapping, sky = _split(projection)
    frame_set = ast.FrameSet(ast.Frame(2, "Domain=GRID"))
    pixel = ast.Frame(2, "Domain=PIXEL,Label(1)=x,Label(2)=y,Unit(1)=pix,Unit(2)=pix")
    frame_set.addframe(ast.BASE, ast.ShiftMap([bbox.x.start - 1, bbox.y.start - 1]), pixel)
    frame_set.addframe(ast.CURRENT, mapping, sky)
    return _lines(frame_set)


def mask_wcs_lines(projection: SkyProjection, bbox: Box) -> list[str]:
    """Return the WCS of a mask, whose slowest axis is the byte axis.

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
    """Return the mapping from pixels to the sky, and the sky frame."""
    ast = _import_ast()
    found = _parse(projection.pixel_to_sky_transform.show().splitlines())
    if isinstance(found, ast.FrameSet):
        sky = found.getframe(ast.CURRENT)
        mapping = found.getmapping(ast.BASE, ast.CURRENT)
        return mapping, sky if sky.isaskyframe() else ast.SkyFrame("System=ICRS")
    return found, ast.SkyFrame("System=ICRS")


# Reading.


def pixel_to_sky_text(lines: Sequence[str], x0: int, y0: int) -> str:
    """Extract the mapping from absolute pixels to ICRS from a frame set.

    Parameters
    ----------
    lines
        AST text of a frame set whose base frame is GRID.
    x0, y0
        Absolute coordinates of the first pixel.

    Returns
    -------
    text
        AST text of a frame set from PIXEL to a sky frame.

    Raises
    ------
    ValueError
        If the frame set has no celestial frame, or the text is not valid AST
        text.
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
        raise ValueError(f"Invalid AST text: {err}") from err


def _select_sky(frame_set: Any) -> None:
    """Make a sky frame the current frame, in ICRS with the longitude first."""
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
    # The import is slow, and only files with a projection need it.
    import starlink.Ast

    return starlink.Ast


def _parse(lines: Sequence[str]) -> Any:
    # The parser does not accept the tabs before comments.
    plain = [line.replace("\t", " ") for line in lines]
    try:
        # Damaged text can crash AST, so the text is checked first.
        check_ast_text("\n".join(plain))
    except CorruptArchiveError as err:
        raise ValueError(str(err)) from err
    return _import_ast().Channel(plain).read()


class _Lines(list[str]):
    """Sink for the output of a channel."""

    # The sink is a C function, because a Python function would let other
    # threads call AST, which is not thread-safe, in the meantime.
    astsink = list.append


def _lines(thing: Any) -> list[str]:
    sink = _Lines()
    _import_ast().Channel(None, sink, "Full=-1,Comment=0,Indent=0").write(thing)
    return sink
