# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mappings of points from one coordinate frame to another."""

from __future__ import annotations

__all__ = ("Transform",)

import functools
from collections.abc import Iterable, Sequence
from typing import Any, Generic, Self, TypeVar, overload

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._aliases import accepts_legacy_names
from .._geom import XY, YX, Bounds, Box, parse_point, parse_positions
from ..errors import GeometryError, TransformCompositionError, UnitMismatchError
from ..io import Serializable
from ..plugins import registry
from ..utils import short_repr
from ._ast import AstMapping, starlink_ast
from ._fits_wcs import mapping_from_fits_wcs, mapping_to_fits_wcs
from ._frames import Frame, frame_label

I = TypeVar("I", bound=Frame)  # noqa: E741
O = TypeVar("O", bound=Frame)  # noqa: E741
P = TypeVar("P", bound=Frame)


class Transform(Serializable, Generic[I, O]):
    """An immutable mapping of points from one frame to another.

    Parameters
    ----------
    in_frame, out_frame
        Frames of the input and the output.
    ast_mapping
        Mapping of ``(x, y)`` in the units of the frames; of longitude and
        latitude for sky frames.  An `AstMapping`, a `starlink.Ast.Mapping`, or
        AST native text.
    in_bounds, out_bounds
        Regions in which the transform is valid; points outside are mapped too.
        By default, the ``bbox`` of the frame, if it has one.
    components
        The transforms whose composition is this one.  Set by `then`.

    Raises
    ------
    GeometryError
        If ``ast_mapping`` does not map two to two coordinates.
    """

    def __init__(
        self,
        in_frame: I,
        out_frame: O,
        ast_mapping: Any,
        in_bounds: Bounds | None = None,
        out_bounds: Bounds | None = None,
        components: Iterable[Transform[Any, Any]] = (),
    ) -> None:
        self._in_frame = in_frame
        self._out_frame = out_frame
        self._mapping = _as_mapping(ast_mapping)
        self._in_bounds = getattr(in_frame, "bbox", None) if in_bounds is None else in_bounds
        self._out_bounds = getattr(out_frame, "bbox", None) if out_bounds is None else out_bounds
        self._components = tuple(components)

    # Constructors.

    @staticmethod
    def from_fits_wcs(
        fits_wcs: Any,
        in_frame: I,
        out_frame: O,
        in_bounds: Bounds | None = None,
        out_bounds: Bounds | None = None,
        x0: int = 0,
        y0: int = 0,
    ) -> Transform[I, O]:
        """Create a transform from a FITS world coordinate system.

        Parameters
        ----------
        fits_wcs
            An `astropy.wcs.WCS` with two axes; SIP and TPV distortions are
            supported.
        in_frame
            Frame of the pixels.
        out_frame
            `ICRS` for celestial axes of any supported celestial frame and in
            either order.  Any other frame for linear axes, which are converted
            to its unit.
        in_bounds, out_bounds
            See `Transform`.
        x0, y0
            Absolute coordinates of the first column and row.

        Returns
        -------
        transform
            Transform from absolute pixels.

        Raises
        ------
        GeometryError
            If the axes do not match the output frame, or AST cannot represent
            the WCS exactly.
        """
        mapping = mapping_from_fits_wcs(fits_wcs, out_frame, x0=x0, y0=y0)
        return Transform(in_frame, out_frame, mapping, in_bounds, out_bounds)

    @staticmethod
    def identity(frame: I) -> Transform[I, I]:
        """Create the identity transform of a frame.

        Parameters
        ----------
        frame
            Frame of the input and the output.

        Returns
        -------
        transform
            Transform without components.
        """
        return Transform(frame, frame, starlink_ast.UnitMap(2))

    @staticmethod
    def affine(in_frame: I, out_frame: O, matrix: npt.ArrayLike) -> Transform[I, O]:
        """Create an affine transform.

        Parameters
        ----------
        in_frame, out_frame
            Frames of the input and the output.
        matrix
            Matrix of shape (2, 2), or (3, 3) with a last row of (0, 0, 1); it
            is applied to column vectors ``(x, y)`` or ``(x, y, 1)``.

        Returns
        -------
        transform
            Invertible transform.

        Raises
        ------
        GeometryError
            If the matrix has another shape, is singular, or is not finite.
        """
        array = np.array(matrix, dtype=np.float64)
        if array.shape not in ((2, 2), (3, 3)) or not np.isfinite(array).all():
            raise GeometryError(
                f"An affine matrix must be finite and have shape (2, 2) or (3, 3); got {short_repr(matrix)}."
            )
        if array.shape == (3, 3) and array[2].tolist() != [0.0, 0.0, 1.0]:
            raise GeometryError(
                f"The last row of a 3x3 affine matrix must be (0, 0, 1); got {array[2].tolist()}."
            )
        linear = starlink_ast.MatrixMap(array[:2, :2])
        if not linear.TranInverse or np.linalg.matrix_rank(array[:2, :2]) < 2:
            raise GeometryError(f"The affine matrix {array.tolist()} is singular; it must be invertible.")
        steps = [linear] if array.shape == (2, 2) else [linear, starlink_ast.ShiftMap(array[:2, 2].tolist())]
        return Transform(in_frame, out_frame, AstMapping.chain(*steps))

    # Properties.

    @property
    def in_frame(self) -> I:
        """Frame of the input of `apply_forward`."""
        return self._in_frame

    @property
    def out_frame(self) -> O:
        """Frame of the output of `apply_forward`."""
        return self._out_frame

    @property
    def in_bounds(self) -> Bounds | None:
        """Region of the input frame in which the transform is valid."""
        return self._in_bounds

    @property
    def out_bounds(self) -> Bounds | None:
        """Region of the output frame in which the transform is valid."""
        return self._out_bounds

    @property
    def ast_mapping(self) -> AstMapping:
        """The mapping without frames and bounds."""
        return self._mapping

    # Evaluation.

    @overload
    def apply_forward(self, point: XY[float] | YX[float], /) -> XY[float]: ...

    @overload
    def apply_forward(self, point: XY[Any] | YX[Any], /) -> XY[Any]: ...

    @overload
    def apply_forward(self, /, *, x: float, y: float) -> XY[float]: ...

    @overload
    def apply_forward(self, /, *, x: npt.ArrayLike, y: npt.ArrayLike) -> XY[Any]: ...

    def apply_forward(self, point: Any = None, /, *, x: Any = None, y: Any = None) -> XY[Any]:
        """Map points from the input to the output frame.

        Parameters
        ----------
        point
            Positions in the unit of the input frame.
        x, y
            Coordinates instead of ``point``: numbers, arrays or nested lists,
            which are broadcast.

        Returns
        -------
        point
            Positions in the unit of the output frame: two `float` for
            scalars, otherwise two arrays.  NaN where the mapping is undefined.

        Raises
        ------
        TypeError
            If neither ``point`` nor both of ``x`` and ``y`` are given, both
            forms are mixed, or a value is not a real number.
        GeometryError
            If the shapes cannot be broadcast, or the transform is undefined in
            this direction.
        """
        return self._apply(*_parse(point, x, y, caller="apply_forward"), forward=True)

    @overload
    def apply_inverse(self, point: XY[float] | YX[float], /) -> XY[float]: ...

    @overload
    def apply_inverse(self, point: XY[Any] | YX[Any], /) -> XY[Any]: ...

    @overload
    def apply_inverse(self, /, *, x: float, y: float) -> XY[float]: ...

    @overload
    def apply_inverse(self, /, *, x: npt.ArrayLike, y: npt.ArrayLike) -> XY[Any]: ...

    def apply_inverse(self, point: Any = None, /, *, x: Any = None, y: Any = None) -> XY[Any]:
        """Map points from the output to the input frame.

        Parameters
        ----------
        point
            Positions in the unit of the output frame.
        x, y
            Coordinates instead of ``point``; see `apply_forward`.

        Returns
        -------
        point
            Positions in the unit of the input frame; see `apply_forward`.

        Raises
        ------
        TypeError, GeometryError
            See `apply_forward`.
        """
        return self._apply(*_parse(point, x, y, caller="apply_inverse"), forward=False)

    def apply_forward_q(
        self, point: XY[u.Quantity] | YX[u.Quantity] | None = None, /, *, x: Any = None, y: Any = None
    ) -> XY[u.Quantity]:
        """Map points with units from the input to the output frame.

        Parameters
        ----------
        point
            Positions in any unit that converts to that of the input frame.
        x, y
            Coordinates instead of ``point``.

        Returns
        -------
        point
            Quantities in the unit of the output frame.

        Raises
        ------
        UnitMismatchError
            If a unit does not convert.
        TypeError, GeometryError
            See `apply_forward`.
        """
        return self._apply_q(point, x, y, forward=True)

    def apply_inverse_q(
        self, point: XY[u.Quantity] | YX[u.Quantity] | None = None, /, *, x: Any = None, y: Any = None
    ) -> XY[u.Quantity]:
        """Map points with units from the output to the input frame.

        Parameters
        ----------
        point
            Positions in any unit that converts to that of the output frame.
        x, y
            Coordinates instead of ``point``.

        Returns
        -------
        point
            Quantities in the unit of the input frame.

        Raises
        ------
        UnitMismatchError
            If a unit does not convert.
        TypeError, GeometryError
            See `apply_forward`.
        """
        return self._apply_q(point, x, y, forward=False)

    def _apply(self, x: Any, y: Any, *, forward: bool) -> XY[Any]:
        source: Frame = self._in_frame if forward else self._out_frame
        target: Frame = self._out_frame if forward else self._in_frame
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        # Frames may convert zero-dimensional arrays to numbers.
        x, y = np.asarray(source.standardize_x(x)), np.asarray(source.standardize_y(y))
        x, y = self._mapping.apply(x, y, forward=forward)
        x, y = target.standardize_x(x), target.standardize_y(y)
        return XY(x, y) if np.ndim(x) else XY(float(x), float(y))

    def _apply_q(self, point: Any, x: Any, y: Any, *, forward: bool) -> XY[u.Quantity]:
        caller = "apply_forward_q" if forward else "apply_inverse_q"
        source = self._in_frame.unit if forward else self._out_frame.unit
        target = self._out_frame.unit if forward else self._in_frame.unit
        x, y = parse_point(point, x, y, caller=caller)
        try:
            values = [u.Quantity(value).to_value(source) for value in (x, y)]
        except u.UnitConversionError as err:
            raise UnitMismatchError(
                f"{caller} of {self} requires units that convert to {source}; got {x!r:.60}, {y!r:.60}."
            ) from err
        except (TypeError, ValueError) as err:
            raise TypeError(f"{caller} requires quantities; got {x!r:.60}, {y!r:.60}.") from err
        mapped = self._apply(*parse_positions(None, *values, caller=caller), forward=forward)
        return mapped.map(lambda value: u.Quantity(value, target, copy=False if np.ndim(value) else None))

    # Derived transforms.

    def inverted(self) -> Transform[O, I]:
        """Return the inverse transform.

        Returns
        -------
        transform
            Inverse; its components are the inverse components in reverse order.
        """
        parts = tuple(component.inverted() for component in reversed(self._components))
        return Transform(
            self._out_frame,
            self._in_frame,
            _fold(parts) if parts else self._mapping.inverted(),
            self._out_bounds,
            self._in_bounds,
            parts,
        )

    def then(self, next: Transform[O, P], remember_components: bool = True) -> Transform[I, P]:
        """Return the composition that applies this transform first and another one second.

        Parameters
        ----------
        next
            Transform to apply second; its input frame must be the output frame
            of this one.
        remember_components
            Whether `decompose` of the result returns the components, and files
            store them separately.

        Returns
        -------
        transform
            Composition with the input bounds of this transform and the output
            bounds of the other one.

        Raises
        ------
        TransformCompositionError
            If the output frame of this transform is not the input frame of the
            other one.
        """
        if self._out_frame != next._in_frame:
            raise TransformCompositionError(
                f"Cannot apply {next} after {self}: "
                f"the frames {short_repr(next._in_frame)} and {short_repr(self._out_frame)} differ."
            )
        parts = (*self.decompose(), *next.decompose())
        return Transform(
            self._in_frame,
            next._out_frame,
            _fold(parts) if parts else self._mapping,
            self._in_bounds,
            next._out_bounds,
            parts if remember_components and len(parts) > 1 else (),
        )

    def decompose(self) -> list[Transform[Any, Any]]:
        """Return the components of the transform, in the order of application.

        Returns
        -------
        components
            The transform itself if it has no components; an empty list for an
            identity.
        """
        if self._components:
            return list(self._components)
        if self._in_frame == self._out_frame and self._mapping.is_identity:
            return []
        return [self]

    def with_bounds(self, in_bounds: Bounds | None = None, out_bounds: Bounds | None = None) -> Self:
        """Return the same transform with other bounds.

        Parameters
        ----------
        in_bounds, out_bounds
            See `Transform`.

        Returns
        -------
        transform
            New transform that shares the mapping and the components.
        """
        return type(self)(
            self._in_frame, self._out_frame, self._mapping, in_bounds, out_bounds, self._components
        )

    # Conversions.

    def as_fits_wcs(self, bbox: Box) -> Any:
        """Convert the transform to a FITS world coordinate system.

        Parameters
        ----------
        bbox
            Pixels of an array; the first one is FITS pixel (1, 1).

        Returns
        -------
        fits_wcs
            An `astropy.wcs.WCS`, or `None` if FITS cannot represent the
            transform to within 1e-4 pixels.
        """
        return mapping_to_fits_wcs(self._mapping, self._out_frame, bbox)

    def show(self, simplified: bool = False, comments: bool = False) -> str:
        """Return the mapping as AST native text.

        Parameters
        ----------
        simplified
            Whether AST simplifies the mapping first; this drops the frames of
            an AST frame set.
        comments
            Whether to include AST's explanatory comments.

        Returns
        -------
        text
            Text of many lines.
        """
        return self._mapping.show(simplified, comments)

    @staticmethod
    @accepts_legacy_names
    def from_legacy(
        legacy: Any,
        in_frame: I,
        out_frame: O,
        in_bounds: Bounds | None = None,
        out_bounds: Bounds | None = None,
    ) -> Transform[I, O]:
        """Convert a `lsst.afw.geom.TransformPoint2ToPoint2`.

        Parameters
        ----------
        legacy
            The transform.
        in_frame, out_frame, in_bounds, out_bounds
            See `Transform`; the legacy object does not have them.

        Returns
        -------
        transform
            Transform with the same mapping.
        """
        return registry.convert_from_legacy(
            legacy,
            Transform,
            in_frame=in_frame,
            out_frame=out_frame,
            in_bounds=in_bounds,
            out_bounds=out_bounds,
        )

    def to_legacy(self) -> Any:
        """Convert to a `lsst.afw.geom.TransformPoint2ToPoint2`."""
        return registry.convert_to_legacy(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Transform):
            return NotImplemented
        return self is other or (
            self._in_frame == other._in_frame
            and self._out_frame == other._out_frame
            and self._in_bounds == other._in_bounds
            and self._out_bounds == other._out_bounds
            and self._components == other._components
            and self._mapping == other._mapping
        )

    __hash__ = None  # type: ignore[assignment]  # bounds of any kind need not be hashable

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __str__(self) -> str:
        return f"{frame_label(self._in_frame)} → {frame_label(self._out_frame)}"

    def __repr__(self) -> str:
        return f"<Transform: {self}>"


def _as_mapping(mapping: Any) -> AstMapping:
    if isinstance(mapping, AstMapping):
        return mapping
    return AstMapping.from_text(mapping) if isinstance(mapping, str) else AstMapping(mapping)


def _fold(parts: Sequence[Transform[Any, Any]]) -> AstMapping:
    """Compose the mappings of components, always from the left.

    The fixed order makes mappings of equal components equal.
    """
    return functools.reduce(AstMapping.then, [part.ast_mapping for part in parts])


def _parse(point: Any, x: Any, y: Any, *, caller: str) -> tuple[Any, Any]:
    """Parse points without units.

    Quantities are rejected, because these methods return values without units.
    """
    x, y = parse_point(point, x, y, caller=caller)
    for value in (x, y):
        if isinstance(value, u.Quantity):
            raise TypeError(f"{caller} requires numbers; got {value!r:.60}. Use {caller}_q for quantities.")
    return parse_positions(None, x, y, caller=caller)
