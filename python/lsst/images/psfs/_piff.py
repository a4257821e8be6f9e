# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs that Piff has fitted."""

from __future__ import annotations

__all__ = ("PiffStar", "PiffWrapper")

import dataclasses
import functools
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from .._geom import XY, YX, Bounds, Box
from ..errors import GeometryError, LegacyConversionError
from ..fields._points import Float64Array
from ._piff_record import PiffRecord, build_piff, dissect_piff
from ._resample import normalized
from ._vectorized import VectorizedPointSpreadFunction

if TYPE_CHECKING:
    import piff


@dataclasses.dataclass(frozen=True)
class PiffStar:
    """The little that is kept of a star that a PSF was fitted to.

    Parameters
    ----------
    image_pos
        Position in pixels.
    is_flagged
        Whether the fit rejected it.
    is_reserve
        Whether it was kept out of the fit.
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
    Jarvis, M. et al. 2021, MNRAS 501, 1282.  What comes from a file is
    turned into a Piff object only when it is evaluated, so that everything
    else works without Piff, writing included; evaluating it raises
    `~lsst.images.errors.MissingOptionalDependencyError` then.

    A star exactly between two pixels has the box around the upper one, as
    with every PSF, but, if ``stamp_size`` is odd, the stamp that Piff centres
    on the lower one, so that it appears one pixel too high.  That is what the
    ``lsst.images`` of the science pipelines returns, and files with known
    values hold; keep clear of half-integer positions where a pixel matters.
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
        """Make a PSF of the values that Piff once wrote.

        Parameters
        ----------
        record
            The values.
        bounds
            Where the PSF is defined.
        stamp_size
            Number of rows and columns of all images.
        stars
            Stars that the PSF was fitted to.
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
            raise GeometryError(f"stamp_size must be positive, not {stamp_size!r}.")

    @property
    def piff_psf(self) -> piff.PSF:
        """The Piff object (`piff.PSF`).

        Raises
        ------
        ArchiveReadError
            If Piff cannot make one of what was stored.
        MissingOptionalDependencyError
            If Piff is not installed.
        """
        if self._impl is None:
            self._impl = _require_achromatic(build_piff(self.record))
        return self._impl

    @property
    def record(self) -> PiffRecord:
        """The values that Piff writes; not to be changed.

        Raises
        ------
        UnserializableTypeError
            If the PSF is of a kind that cannot be stored.
        """
        if self._record is None:
            assert self._impl is not None, "one of the two is always there"
            self._record = dissect_piff(self._impl)
        return self._record

    @property
    def stars(self) -> tuple[PiffStar, ...]:
        """Stars that the PSF was fitted to."""
        return self._star_list

    @property
    def stamp_size(self) -> int:
        """Number of rows and columns of all images (`int`)."""
        return self._stamp_size

    @property
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @functools.cached_property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; the star is centred on pixel (0, 0)."""
        size, first = self._stamp_size, -(self._stamp_size // 2)
        return Box.from_shape((size, size), start=YX(y=first, x=first))

    def _kernels(self, x: Float64Array, y: Float64Array) -> Float64Array:
        return self._draw(x, y, np.zeros_like(x), np.zeros_like(y))

    def _stars(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        if self._stamp_size % 2:
            # Halves belong to the lower pixel in Piff, while boxes take the upper one.
            dx, dy = np.where(dx == -0.5, 0.5, dx), np.where(dy == -0.5, 0.5, dy)
        return self._draw(x, y, dx, dy)

    def _draw(self, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array) -> Float64Array:
        """Let Piff draw stars, each on a stamp of its own."""
        psf = self.piff_psf  # This complains if Piff, and GalSim with it, is missing.
        import galsim

        box = self.kernel_bbox
        stack = np.empty((x.size, *box.shape))
        wcs = next(iter(psf.wcs.values()))
        for n, center in enumerate(zip(dx.tolist(), dy.tolist(), strict=True)):
            # The stamp is centred near (0, 0), where a celestial WCS has
            # another scale and orientation than at the star.
            local = wcs.local(galsim.PositionD(float(x[n]), float(y[n])))
            stamp = galsim.Image(stack[n], xmin=box.x.min, ymin=box.y.min, wcs=local)
            psf.draw(float(x[n]), float(y[n]), center=center, image=stamp)
        return normalized(stack)

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
            "This Piff PSF depends on the colour of the star; only PSFs of the position alone are supported."
        )
    return impl
