# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Wrapper of the AST library; no other module calls `starlink.Ast` directly.

AST objects are mutable and cannot be pickled.  `AstMapping` owns its object,
never modifies it, and is pickled as AST native text, which is also the form
stored in files.  `starlink.Ast` holds the GIL during its calls, so instances
may be shared between threads.  For this, its channels must not call functions
written in Python, because the interpreter may switch threads inside them.

Source: Starlink User Note 211, R.F. Warren-Smith and D.S. Berry, "AST: A
Library for Handling World Coordinate Systems in Astronomy".
"""

from __future__ import annotations

__all__ = ("AstMapping", "LineSource", "starlink_ast", "write_fits_cards")

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import starlink.Ast as starlink_ast

from .._aliases import moved_names
from .._ast_text import check_ast_text
from ..errors import CorruptArchiveError, GeometryError, InvalidMappingError

__getattr__ = moved_names(__name__)

_SILENT = "Comment=0,Full=-1"
"""Channel options: write values without comments and defaults."""


class AstMapping:
    """An immutable AST mapping of two coordinates to two coordinates.

    Parameters
    ----------
    ast_object
        A `starlink.Ast.Mapping`.  A frame set represents the mapping from its
        base frame to its current frame, and is kept as a frame set.  The object
        is copied.

    Raises
    ------
    GeometryError
        If the mapping does not have two inputs and two outputs.
    TypeError
        If ``ast_object`` is not a mapping.
    """

    __slots__ = ("_evaluator", "_parsed", "_text", "_values")

    def __init__(self, ast_object: Any) -> None:
        if not isinstance(ast_object, starlink_ast.Mapping):
            raise TypeError(f"Expected a starlink.Ast.Mapping; got {type(ast_object).__name__}.")
        if (ast_object.Nin, ast_object.Nout) != (2, 2):
            raise GeometryError(
                f"Expected a mapping from 2 to 2 coordinates; this {type(ast_object).__name__} "
                f"maps {ast_object.Nin} to {ast_object.Nout}."
            )
        self._parsed = ast_object.copy()
        self._evaluator: Any = None
        self._text: str | None = None
        self._values: tuple[str, ...] | None = None

    @classmethod
    def from_text(cls, text: str) -> AstMapping:
        """Create a mapping from AST native text.

        Parameters
        ----------
        text
            Text of a mapping or frame set, with or without comments.

        Returns
        -------
        mapping
            Mapping with this exact `text`.

        Raises
        ------
        GeometryError
            If AST cannot parse the text, or the text does not describe a
            mapping from two to two coordinates.
        """
        result = cls(_parse(text))
        result._text = text
        return result

    @classmethod
    def deferred(cls, text: str) -> AstMapping:
        """Create a mapping whose AST native text is parsed on first use.

        Most reads of pixels never evaluate the sky projection.

        Parameters
        ----------
        text
            Text of a mapping or frame set.  If it is invalid, the first use of
            the mapping raises the error of `from_text`.

        Returns
        -------
        mapping
            Mapping with this exact `text`.
        """
        result = cls.__new__(cls)
        result._parsed = result._evaluator = result._values = None
        result._text = text
        return result

    @property
    def _object(self) -> Any:
        if self._parsed is None:
            self._parsed = AstMapping(_parse(self.text))._parsed
        return self._parsed

    @classmethod
    def chain(cls, *ast_objects: Any) -> AstMapping:
        """Create a mapping that applies AST mappings in sequence.

        Parameters
        ----------
        *ast_objects
            At least one `starlink.Ast.Mapping`.

        Returns
        -------
        mapping
            The composed mapping.
        """
        return cls(functools.reduce(lambda a, b: starlink_ast.CmpMap(a, b, True), ast_objects))

    @property
    def ast_object(self) -> Any:
        """A copy of the AST object."""
        return self._object.copy()

    @property
    def is_frame_set(self) -> bool:
        """Whether the mapping is a frame set."""
        return isinstance(self._object, starlink_ast.FrameSet)

    @property
    def is_identity(self) -> bool:
        """Whether AST simplifies the mapping to the identity."""
        return isinstance(self._simple, starlink_ast.UnitMap)

    @property
    def text(self) -> str:
        """AST native text: as it was read, otherwise as AST writes it."""
        if self._text is None:
            self._text = f"{self._object}\n"
        return self._text

    @property
    def mapping(self) -> Any:
        """The AST mapping without frames; callers must not modify it."""
        if self.is_frame_set:
            return self._object.getmapping(starlink_ast.BASE, starlink_ast.CURRENT)
        return self._object

    @property
    def _simple(self) -> Any:
        """The simplified mapping, which is the one that is evaluated."""
        if self._evaluator is None:
            self._evaluator = self.mapping.simplify()
        return self._evaluator

    def show(self, simplified: bool = False, comments: bool = False) -> str:
        """Return the mapping as AST native text.

        Parameters
        ----------
        simplified
            Whether AST simplifies the mapping first; this drops the frames of
            a frame set.
        comments
            Whether to include AST's explanatory comments.

        Returns
        -------
        text
            Text that ends with a line break.
        """
        shown = self._simple if simplified else self._object
        return f"{shown}\n" if comments else "\n".join([*_dump(shown), ""])

    def apply(
        self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], *, forward: bool = True
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Map points.

        Parameters
        ----------
        x, y
            Coordinates, of one shape.
        forward
            Whether to apply the forward transformation, or the inverse.

        Returns
        -------
        x, y
            Mapped coordinates, of the same shape; NaN where the mapping is
            undefined.

        Raises
        ------
        GeometryError
            If the mapping is undefined in this direction.
        """
        mapping = self._simple
        if not (mapping.TranForward if forward else mapping.TranInverse):
            raise GeometryError(
                f"The mapping has no {'forward' if forward else 'inverse'} transformation; "
                "it may be singular, or a polynomial without inverse."
            )
        points = np.empty((2, x.size))
        points[0], points[1] = x.ravel(), y.ravel()
        if not x.size:
            return points[0].reshape(x.shape), points[1].reshape(x.shape)
        try:
            mapped = mapping.tran(points, forward)
        except (ValueError, starlink_ast.AstError) as err:
            raise GeometryError(f"AST cannot map these points: {err}") from err
        # AST marks undefined values by the lowest finite double; some of its
        # classes also return infinities.
        if not (mapped.min() > starlink_ast.BAD and mapped.max() < np.inf):
            mapped[~(np.abs(mapped) < -starlink_ast.BAD)] = np.nan
        # Some projections have a limit at infinity, but pixels are finite.
        if not np.isfinite(points).all():
            mapped[:, ~np.isfinite(points).all(axis=0)] = np.nan
        return mapped[0].reshape(x.shape), mapped[1].reshape(x.shape)

    def inverted(self) -> AstMapping:
        """Return the inverse mapping.

        Returns
        -------
        mapping
            The inverse; a frame set if this mapping is a frame set.
        """
        inverse = self._object.copy()
        inverse.invert()
        return AstMapping(inverse)

    def then(self, following: AstMapping) -> AstMapping:
        """Return the composition that applies this mapping first and another one second.

        Parameters
        ----------
        following
            The mapping to apply second.

        Returns
        -------
        mapping
            The composed mapping, without the frames of frame sets.
        """
        return AstMapping.chain(self.mapping, following.mapping)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AstMapping):
            return NotImplemented
        return self is other or self._all_values() == other._all_values()

    def __hash__(self) -> int:
        return hash(self._all_values())

    def _all_values(self) -> tuple[str, ...]:
        """Return the attribute values that define the mapping, for comparisons."""
        if self._values is None:
            # AST may store in an object that it cannot be simplified further.
            self._values = tuple(line for line in _dump(self._object) if "IsSimp =" not in line)
        return self._values

    def __repr__(self) -> str:
        return f"<AstMapping: {type(self._object).__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Deferred: invalid text from a file raises on use after unpickling, too.
        return AstMapping.deferred, (self.text,)

    def __copy__(self) -> AstMapping:
        return self

    def __deepcopy__(self, memo: Any) -> AstMapping:
        return self


def _parse(text: str) -> Any:
    """Parse AST native text to an AST mapping."""
    try:
        # AST crashes on some malformed texts, so check the text first.
        check_ast_text(text)
        found = starlink_ast.Channel(LineSource(text.splitlines())).read()
    except (CorruptArchiveError, TypeError, starlink_ast.AstError) as err:
        raise InvalidMappingError(f"Cannot parse the AST text {text!r:.60}: {err}") from err
    if not isinstance(found, starlink_ast.Mapping):
        what = "no object" if found is None else f"a {type(found).__name__}"
        raise InvalidMappingError(f"The text {text!r:.60} describes {what}; an AST mapping is needed.")
    return found


class LineSource:
    """Source of lines for AST channels.

    According to the documentation of pyast a plain list would suffice, but
    then AST does not accept comments.

    Parameters
    ----------
    lines
        The lines, without line breaks.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        # A C function instead of a method; see the module docstring.
        self.astsource = functools.partial(next, iter(lines), None)


class _Sink:
    """Sink of lines for AST channels."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.astsink = self.lines.append


def _dump(ast_object: Any, options: str = _SILENT) -> list[str]:
    sink = _Sink()
    starlink_ast.Channel(None, sink, options).write(ast_object)
    return sink.lines


def write_fits_cards(ast_object: Any, options: str) -> list[str]:
    """Convert an AST frame set to FITS header cards.

    Parameters
    ----------
    ast_object
        The frame set; its base frame is that of FITS pixels.
    options
        Attributes of the `starlink.Ast.FitsChan`.

    Returns
    -------
    cards
        Cards of 80 characters; empty if FITS cannot represent the mapping.

    Raises
    ------
    GeometryError
        If AST fails.
    """
    sink = _Sink()
    try:
        channel = starlink_ast.FitsChan(None, sink, options)
        if channel.write(ast_object) == 0:
            return []
        channel.writefits()
    except starlink_ast.AstError as err:
        raise GeometryError(f"AST cannot write the mapping as FITS cards: {err}") from err
    return sink.lines
