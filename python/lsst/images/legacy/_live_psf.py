# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of PSFs from and to `lsst.afw.detection` and other packages."""

from __future__ import annotations

__all__ = ("LegacyPointSpreadFunction", "psf_from", "psf_to", "written_record")

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any, ClassVar, final

import numpy as np

from .._geom import XY, Bounds, Box, Interval
from .._pixels import Image
from ..errors import LegacyConversionError
from ..psfs import GaussianPointSpreadFunction, KernelPointSpreadFunction, PiffWrapper, PointSpreadFunction
from ..psfs._positions import check_position
from ..utils import cached_property
from ._convert_psf import make_psf
from ._live_cells import psf_from as cell_psf_from
from ._live_geom import point_to
from ._live_kept import keep_live, kept_live
from ._live_kernel import make_kernel
from ._live_modules import is_kind, stack_module
from .afw_archive import LegacyArchive, open_legacy_fits


@final
class LegacyPointSpreadFunction(PointSpreadFunction):
    """A PSF that an in-memory object of `lsst.afw` evaluates.

    Parameters
    ----------
    impl
        The afw object.
    bounds
        Where the PSF is defined.

    Notes
    -----
    It cannot be written to a file; an image is written without it, with a
    warning.  It is used for PSF classes that do not have a counterpart in this
    package.
    """

    IS_SERIALIZABLE: ClassVar[bool] = False

    def __init__(self, impl: Any, bounds: Bounds) -> None:
        self._impl = impl
        self._bounds = bounds

    @property
    def legacy_psf(self) -> Any:
        """The afw object."""
        return self._impl

    @property
    def bounds(self) -> Bounds:
        """Where the PSF is defined (`~lsst.images.Bounds`)."""
        return self._bounds

    @cached_property
    def kernel_bbox(self) -> Box:
        """Box of all kernel images; large enough for the corners of the bounds."""
        box = self._bounds.bbox
        corners = [(x, y) for x in (box.x.min, box.x.max) for y in (box.y.min, box.y.max)]
        boxes = [Box.from_legacy(self._impl.computeBBox(_point(x, y))) for x, y in corners]
        return Box(Interval.hull(*(b.y for b in boxes)), Interval.hull(*(b.x for b in boxes)))

    def compute_kernel_image(self, *, x: float, y: float) -> Image:
        """Evaluate the PSF, centred on a pixel.

        Parameters
        ----------
        x, y
            Position of the source.

        Returns
        -------
        image
            The star centred on pixel (0, 0), with the box `kernel_bbox`.
        """
        x, y = check_position(self._bounds, x=x, y=y)
        return _padded(self._impl.computeKernelImage(_point(x, y)), self.kernel_bbox)

    def compute_stellar_image(self, *, x: float, y: float) -> Image:
        """Evaluate the PSF as the image of a star.

        Parameters
        ----------
        x, y
            Position of the source.

        Returns
        -------
        image
            The star at its sub-pixel position.
        """
        x, y = check_position(self._bounds, x=x, y=y)
        return _padded(self._impl.computeImage(_point(x, y)), self.compute_stellar_bbox(x=x, y=y))


def _point(x: float, y: float) -> Any:
    return point_to(XY(float(x), float(y)), form="Point2D")


def _padded(legacy: Any, bbox: Box) -> Image:
    """Copy an image into a box of another size, and normalize it."""
    found = Box.from_legacy(legacy.getBBox())
    result = np.zeros(bbox.shape)
    both = found.intersection(bbox)
    result[both.slice_within(bbox)] = legacy.array[both.slice_within(found)]
    return Image(result / result.sum(), bbox=bbox)


def psf_from(legacy: Any, pytype: type, *, bounds: Bounds) -> PointSpreadFunction:
    """Convert a PSF.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        Requested type.
    bounds
        Where the PSF is defined.

    Returns
    -------
    psf
        PSF of the corresponding class; `LegacyPointSpreadFunction` without
        such a class.
    """
    psf = _any_psf_from(legacy, bounds)
    if not isinstance(psf, LegacyPointSpreadFunction):
        keep_live(psf, legacy)
    if not isinstance(psf, pytype):
        raise LegacyConversionError(
            f"A {type(legacy).__name__} is converted to a {type(psf).__name__}, not to a {pytype.__name__}."
        )
    return psf


def _any_psf_from(legacy: Any, bounds: Bounds) -> PointSpreadFunction:
    if is_kind(legacy, "PiffPsf"):
        return PiffWrapper(legacy._piffResult, bounds, int(legacy.width))
    if is_kind(legacy, "StitchedPsf"):
        return cell_psf_from(legacy, PointSpreadFunction)
    if not (hasattr(legacy, "computeKernelImage") and hasattr(legacy, "computeImage")):
        raise LegacyConversionError(f"Expected a PSF of lsst.afw, not a {type(legacy).__name__}.")
    if (psf := _through_a_file(legacy, bounds)) is not None:
        return psf
    return LegacyPointSpreadFunction(legacy, bounds)


def _through_a_file(legacy: Any, bounds: Bounds) -> PointSpreadFunction | None:
    """Write the PSF with afw and read its record, which has more values than its methods return.

    Returns
    -------
    psf
        `None` if the PSF cannot be written, or the record is not supported.
    """
    try:
        with written_record(legacy) as record:
            return None if record is None else make_psf(record, bounds)
    except Exception:
        # If a PSF cannot be written, afw raises exceptions that derive from Exception only.
        return None


@contextlib.contextmanager
def written_record(legacy: Any) -> Iterator[Any]:
    """Return a context manager that writes an object with afw and decodes its record.

    Parameters
    ----------
    legacy
        The afw object.

    Yields
    ------
    record
        The record of the object; `None` if it has no method to write it, or
        the file does not have an archive.
    """
    if not hasattr(legacy, "writeFits"):
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "object.fits")
        legacy.writeFits(path)
        with open_legacy_fits(path) as file:
            archive = LegacyArchive.find(file)
            yield None if archive is None else archive.root()


def psf_to(obj: PointSpreadFunction) -> Any:
    """Convert to a PSF of `lsst.afw`.

    Parameters
    ----------
    obj
        The PSF.

    Returns
    -------
    legacy
        The live PSF that ``obj`` was made from, if it was; otherwise a new one.

    Raises
    ------
    LegacyConversionError
        If afw does not have an equivalent PSF that can be created from values.
    """
    if (live := kept_live(obj)) is not None:
        return live
    if isinstance(obj, LegacyPointSpreadFunction):
        return obj.legacy_psf
    if isinstance(obj, PiffWrapper):
        size = obj.stamp_size
        return stack_module("meas.extensions.piff.piffPsf").PiffPsf(size, size, obj.piff_psf)
    if isinstance(obj, GaussianPointSpreadFunction):
        return stack_module("afw.detection").GaussianPsf(obj.stamp_size, obj.stamp_size, obj.sigma)
    if isinstance(obj, KernelPointSpreadFunction):
        kernel = make_kernel(obj.basis, obj.spatial, obj.center)
        position = () if obj.average is None else (point_to(obj.average, form="Point2D"),)
        return stack_module("meas.algorithms").KernelPsf(kernel, *position)
    raise LegacyConversionError(
        f"lsst.afw does not have an equivalent of a {type(obj).__name__} that can be created from values."
    )
