# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The one place that talks to the AST library.

An AST object can be changed in place and cannot be pickled.  The wrapper here
owns its object, never changes it, and is pickled as AST's native text, which
is also what files hold.  `starlink.Ast` keeps the interpreter lock while it
works, so that wrappers may be shared between threads; for that its channels
must not be given functions written in Python, in which threads take turns.

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

from .._ast_text import check_ast_text
from ..errors import CorruptArchiveError, GeometryError, InvalidMappingError

_SILENT = "Comment=0,Full=-1"
"""Channel options: values only, without comments and defaults."""


class AstMapping:
    """A mapping between two planes, done by AST; immutable.

    Parameters
    ----------
    ast_object
        A `starlink.Ast.Mapping`; a frame set stands for the mapping from its
        base to its current frame, and is kept as a frame set.  The wrapper
        takes a copy.

    Raises
    ------
    GeometryError
        If it does not map two coordinates to two.
    TypeError
        If it is no mapping.
    """

    __slots__ = ("_evaluator", "_parsed", "_text", "_values")

    def __init__(self, ast_object: Any) -> None:
        if not isinstance(ast_object, starlink_ast.Mapping):
            raise TypeError(f"A starlink.Ast.Mapping is needed, not {type(ast_object).__name__}.")
        if (ast_object.Nin, ast_object.Nout) != (2, 2):
            raise GeometryError(
                f"A mapping from 2 to 2 coordinates is needed; this {type(ast_object).__name__} "
                f"maps {ast_object.Nin} to {ast_object.Nout}."
            )
        self._parsed = ast_object.copy()
        self._evaluator: Any = None
        self._text: str | None = None
        self._values: tuple[str, ...] | None = None

    @classmethod
    def from_text(cls, text: str) -> AstMapping:
        """Make a mapping of AST's native text.

        Parameters
        ----------
        text
            Text of a mapping or frame set, with or without comments.

        Returns
        -------
        mapping
            Has just this `text`.

        Raises
        ------
        GeometryError
            If AST does not understand the text, or it does not stand for a
            mapping from two to two coordinates.
        """
        result = cls(_parse(text))
        result._text = text
        return result

    @classmethod
    def deferred(cls, text: str) -> AstMapping:
        """Make a mapping of AST's native text when it is first used.

        Most reads of pixels never ask where on the sky they are.

        Parameters
        ----------
        text
            Text of a mapping or frame set.  Whoever uses a mapping whose text
            is wrong gets the error that `from_text` raises.

        Returns
        -------
        mapping
            Has just this `text`.
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
        """Make a mapping that applies AST mappings one after the other.

        Parameters
        ----------
        *ast_objects
            At least one `starlink.Ast.Mapping`.

        Returns
        -------
        mapping
            Their chain.
        """
        return cls(functools.reduce(lambda a, b: starlink_ast.CmpMap(a, b, True), ast_objects))

    @property
    def ast_object(self) -> Any:
        """A copy of the AST object."""
        return self._object.copy()

    @property
    def is_frame_set(self) -> bool:
        """Whether the mapping is kept with the frames between which it maps."""
        return isinstance(self._object, starlink_ast.FrameSet)

    @property
    def is_identity(self) -> bool:
        """Whether the mapping changes nothing, as far as AST can tell."""
        return isinstance(self._simple, starlink_ast.UnitMap)

    @property
    def text(self) -> str:
        """The native text, as it was read or as AST writes it."""
        if self._text is None:
            self._text = f"{self._object}\n"
        return self._text

    @property
    def mapping(self) -> Any:
        """The AST mapping alone, without frames; not to be changed."""
        if self.is_frame_set:
            return self._object.getmapping(starlink_ast.BASE, starlink_ast.CURRENT)
        return self._object

    @property
    def _simple(self) -> Any:
        """The mapping with its steps merged, which is what gets evaluated."""
        if self._evaluator is None:
            self._evaluator = self.mapping.simplify()
        return self._evaluator

    def show(self, simplified: bool = False, comments: bool = False) -> str:
        """Write the mapping as native text.

        Parameters
        ----------
        simplified
            Whether AST merges the steps of the mapping first; this loses the
            frames of a frame set.
        comments
            Whether the text explains itself.

        Returns
        -------
        text
            Ends with a line break.
        """
        shown = self._simple if simplified else self._object
        return f"{shown}\n" if comments else "".join(f"{line}\n" for line in _dump(shown))

    def apply(
        self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], *, forward: bool = True
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Map points.

        Parameters
        ----------
        x, y
            Coordinates, of one shape.
        forward
            Whether points are mapped forward, or backward.

        Returns
        -------
        x, y
            Mapped coordinates, of the same shape; NaN where the mapping is
            not defined.

        Raises
        ------
        GeometryError
            If the mapping is not defined in this direction.
        """
        mapping = self._simple
        if not (mapping.TranForward if forward else mapping.TranInverse):
            raise GeometryError(
                f"The mapping is not defined {'forward' if forward else 'backward'}; "
                "it may be singular, or be a polynomial without inverse."
            )
        points = np.empty((2, x.size))
        points[0], points[1] = x.ravel(), y.ravel()
        if not x.size:
            return points[0].reshape(x.shape), points[1].reshape(x.shape)
        try:
            mapped = mapping.tran(points, forward)
        except (ValueError, starlink_ast.AstError) as err:
            raise GeometryError(f"AST cannot map these points: {err}") from err
        # AST's marker of undefined values is the lowest finite number; some of
        # its classes let infinities through.
        if not (mapped.min() > starlink_ast.BAD and mapped.max() < np.inf):
            mapped[~(np.abs(mapped) < -starlink_ast.BAD)] = np.nan
        # Some projections have a limit at infinity, but no pixel is there.
        if not np.isfinite(points).all():
            mapped[:, ~np.isfinite(points).all(axis=0)] = np.nan
        return mapped[0].reshape(x.shape), mapped[1].reshape(x.shape)

    def inverted(self) -> AstMapping:
        """Make the mapping in the other direction.

        Returns
        -------
        mapping
            A frame set for a frame set.
        """
        inverse = self._object.copy()
        inverse.invert()
        return AstMapping(inverse)

    def then(self, following: AstMapping) -> AstMapping:
        """Make the mapping that applies another one after this one.

        Parameters
        ----------
        following
            The other one.

        Returns
        -------
        mapping
            Without the frames of either.
        """
        return AstMapping.chain(self.mapping, following.mapping)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AstMapping):
            return NotImplemented
        return self is other or self._all_values() == other._all_values()

    def __hash__(self) -> int:
        return hash(self._all_values())

    def _all_values(self) -> tuple[str, ...]:
        """Return the values that tell this mapping from others."""
        if self._values is None:
            # AST may remember in an object that it cannot be made simpler.
            self._values = tuple(line for line in _dump(self._object) if "IsSimp =" not in line)
        return self._values

    def __repr__(self) -> str:
        return f"<AstMapping: {type(self._object).__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Text of a file may be wrong, and complains where it arrives, too.
        return AstMapping.deferred, (self.text,)

    def __copy__(self) -> AstMapping:
        return self

    def __deepcopy__(self, memo: Any) -> AstMapping:
        return self


def _parse(text: str) -> Any:
    """Make an AST mapping of its native text."""
    try:
        # AST does not survive every damage, so it must not see any.
        check_ast_text(text)
        found = starlink_ast.Channel(LineSource(text.splitlines())).read()
    except (CorruptArchiveError, TypeError, starlink_ast.AstError) as err:
        raise InvalidMappingError(f"AST does not understand the text {text!r:.60}: {err}") from err
    if not isinstance(found, starlink_ast.Mapping):
        what = "no object" if found is None else f"a {type(found).__name__}"
        raise InvalidMappingError(f"The text {text!r:.60} describes {what}; an AST mapping is needed.")
    return found


class LineSource:
    """Where AST's channels read lines from.

    A plain list would do by the documentation of pyast, but comments are not
    understood then.

    Parameters
    ----------
    lines
        The lines, without line breaks.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        # No method, see the top of this module.
        self.astsource = functools.partial(next, iter(lines), None)


class _Sink:
    """Where AST's channels write lines to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.astsink = self.lines.append


def _dump(ast_object: Any, options: str = _SILENT) -> list[str]:
    sink = _Sink()
    starlink_ast.Channel(None, sink, options).write(ast_object)
    return sink.lines


def write_fits_cards(ast_object: Any, options: str) -> list[str]:
    """Write an AST frame set as FITS header cards.

    Parameters
    ----------
    ast_object
        The frame set; its base frame is that of FITS pixels.
    options
        Attributes of the `starlink.Ast.FitsChan`.

    Returns
    -------
    cards
        Cards of 80 characters; none if FITS has no words for the mapping.

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
