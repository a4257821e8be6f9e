# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs that are fitted by Piff."""

from __future__ import annotations

__all__ = ("PiffStar", "PiffWrapper")

import dataclasses
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from .._geom import XY, YX, Bounds, Box
from ..errors import ArchiveReadError, GeometryError, LegacyConversionError
from ..fields._points import Float64Array
from ..utils import UNEXPECTED, cached_property, short_repr
from ._piff_record import PiffRecord, build_piff, dissect_piff
from ._resample import normalized
from ._vectorized import VectorizedPointSpreadFunction

if TYPE_CHECKING:
    import piff


@dataclasses.dataclass(frozen=True)
class PiffStar:
    """A summary of a star to which a PSF was fitted.

    Parameters
    ----------
    image_pos
        Position in pixels.
    is_flagged
        Whether the fit rejected it.
    is_reserve
        Whether it was excluded from the fit, for validation.
    """

    image_pos: XY[float]
    is_flagged: bool = False
    is_reserve: bool = False


@final
class PiffWrapper(VectorizedPointSpreadFunction):
    """A PSF of the package Piff.

    Parameters
    ----------
    impl
        The Piff object, a `piff.PSF`.
    bounds
        Where the PSF is defined.
    stamp_size
        Number of rows and columns of all images.

    Raises
    ------
    LegacyConversionError
        If the PSF depends on the colour of the star.
    GeometryError
        If ``stamp_size`` is not positive.

    Notes
    -----
    Jarvis, M. et al. 2021, MNRAS 501, 1282.  Values from a file are converted
    to a Piff object when the PSF is first evaluated.  All other operations,
    including writing, work without Piff; without it, evaluation raises
    `~lsst.images.errors.MissingOptionalDependencyError`.

    If the position of a star is exactly between two pixels and ``stamp_size``
    is odd, the box of its image is centred on the upper pixel, as for every
    PSF, but Piff centres the stamp on the lower pixel, so the star is one pixel
    too high.  This is the behaviour of ``lsst.images`` in the science
    pipelines; avoid half-integer positions where a pixel matters.
    """

    def __init__(self, impl: piff.PSF, bounds: Bounds, stamp_size: int) -> None:
        self._set(bounds, stamp_size)
        self._impl: piff.PSF | None = _require_achromatic(impl)
        self._record: PiffRecord | None = None
        self._star_list: tuple[PiffStar, ...] = tuple(map(_summarize, getattr(impl, "stars", ())))

    @classmethod
    def from_record(
        cls, record: PiffRecord, bounds: Bounds, stamp_size: int, *, stars: Iterable[PiffStar] = ()
    ) -> Self:
        """Create a PSF from the values that Piff writes to files.

        Parameters
        ----------
        record
            The values.
        bounds
            Where the PSF is defined.
        stamp_size
            Number of rows and columns of all images.
        stars
            Stars to which the PSF was fitted.
        """
        self = cls.__new__(cls)
        self._set(bounds, stamp_size)
        self._impl = None
        self._record = record
        self._star_list = tuple(stars)
        return self

    def _set(self, bounds: Bounds, stamp_size: int) -> None:
        self._bounds = bounds
        self._stamp_size = operator.index(stamp_size)
        if self._stamp_size <= 0:
            raise GeometryError(f"stamp_size must be positive; got {short_repr(stamp_size)}.")

    @property
    def piff_psf(self) -> piff.PSF:
        """The Piff object (`piff.PSF`).

        Raises
        ------
        ArchiveReadError
            If Piff cannot create an object from the stored values.
        MissingOptionalDependencyError
            If Piff is not installed.
        """
        if self._impl is None:
            self._impl = _require_achromatic(build_piff(self.record))
        return self._impl

    @property
    def record(self) -> PiffRecord:
        """The values that Piff writes; callers must not modify them.

        Raises
        ------
        UnserializableTypeError
            If this type of Piff PSF cannot be stored.
        """
        if self._record is None:
            assert self._impl is not None, "either _impl or _record is set"
            self._record = dissect_piff(self._impl)
        return self._record

    @property
    def stars(self) -> tuple[PiffStar, ...]:
        """Stars to which the PSF was fitted."""
        return self._star_list

    @property
    def stamp_size(self) -> int:
        """Number of rows and columns of all images (`int`)."""
        return self._stamp_size

    @property
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @cached_property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""
        size, first = self._stamp_size, -(self._stamp_size // 2)
        return Box.from_shape((size, size), start=YX(y=first, x=first))

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        return self._draw(x, y, np.zeros_like(x), np.zeros_like(y))

    def _stars(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        if self._stamp_size % 2:
            # Piff rounds half-integers down, while the boxes are rounded up.
            dx, dy = np.where(dx == -0.5, 0.5, dx), np.where(dy == -0.5, 0.5, dy)
        return self._draw(x, y, dx, dy)

    def _draw(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        """Draw stars with Piff, each on its own stamp."""
        psf = self.piff_psf  # Raises if Piff, which requires GalSim, is not installed.
        import galsim

        box = self.kernel_bbox
        stack = np.empty((x.size, *box.shape))
        wcs = next(iter(psf.wcs.values()))
        for n, center in enumerate(zip(dx.tolist(), dy.tolist(), strict=True)):
            # The stamp is centred near (0, 0), where the scale and orientation
            # of a celestial WCS differ from those at the star.
            local = wcs.local(galsim.PositionD(float(x[n]), float(y[n])))
            stamp = galsim.Image(stack[n], xmin=box.x.min, ymin=box.y.min, wcs=local)
            try:
                psf.draw(float(x[n]), float(y[n]), center=center, image=stamp)
            except (*UNEXPECTED, AssertionError, galsim.GalSimError) as err:
                raise self._draw_error(x[n], y[n], err) from err
        return normalized(stack)

    @staticmethod
    def _draw_error(x: float, y: float, err: Exception) -> ArchiveReadError:
        return ArchiveReadError(
            f"Piff cannot draw the PSF at x={x}, y={y}: {short_repr(err)}. Its parameters are invalid there."
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PiffWrapper):
            return NotImplemented
        return (
            self._stamp_size == other._stamp_size
            and bool(self._bounds == other._bounds)
            and self._star_list == other._star_list
            and self.record == other.record
        )

    __hash__ = None  # type: ignore[assignment]  # equality compares arrays


def _summarize(star: Any) -> PiffStar:
    position = XY(float(star.image_pos.x), float(star.image_pos.y))
    return PiffStar(position, bool(star.is_flagged), bool(star.is_reserve))


def _require_achromatic(impl: piff.PSF) -> piff.PSF:
    if "colorValue" in impl.interp_property_names:
        raise LegacyConversionError(
            "Unsupported Piff PSF that depends on the colour of the star; only PSFs that depend on the "
            "position alone are supported."
        )
    return impl
