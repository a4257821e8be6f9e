# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of in-memory objects of `lsst.afw`: the function for each type."""

from __future__ import annotations

__all__ = ("from_legacy", "to_legacy")

from collections.abc import Callable, Mapping
from typing import Any

from .._exposures import ObservationSummaryStats, VisitImage
from .._geom import XY, YX, Box, CellGrid, CellIJ, Interval, Polygon
from .._pixels import Image, Mask, MaskedImage
from .._transforms import CameraFrameSet, Projection, Transform
from ..cameras import (
    Amplifier,
    AmplifierCalibrations,
    AmplifierRawGeometry,
    Detector,
    DetectorType,
    Orientation,
    ReadoutCorner,
)
from ..cells import CellCoadd, CellField, CellPointSpreadFunction, CoaddProvenance
from ..convolution_kernels import ImageBasisConvolutionKernel
from ..fields import BaseField
from ..psfs import PointSpreadFunction
from . import (
    _live_camera,
    _live_cells,
    _live_detector,
    _live_exposure,
    _live_fields,
    _live_geom,
    _live_kernel,
    _live_pixels,
    _live_psf,
    _live_summary_stats,
    _live_templates,
    _live_wcs,
)

# The first base class in this order is used.
_FROM: tuple[tuple[type, Callable[..., Any]], ...] = (
    (CellCoadd, _live_cells.coadd_from),
    (VisitImage, _live_exposure.visit_image_from),
    (MaskedImage, _live_pixels.masked_image_from),
    (Image, _live_pixels.image_from),
    (Mask, _live_pixels.mask_from),
    (Projection, _live_wcs.projection_from),
    (Transform, _live_wcs.transform_from),
    (CameraFrameSet, _live_detector.camera_from),
    (CellField, _live_cells.field_from),
    (BaseField, _live_fields.field_from),
    (dict, _live_fields.corrections_from),
    (CellPointSpreadFunction, _live_cells.psf_from),
    (PointSpreadFunction, _live_psf.psf_from),
    (ImageBasisConvolutionKernel, _live_kernel.kernel_from),
    (CoaddProvenance, _live_cells.provenance_from),
    (Detector, _live_detector.detector_from),
    (Amplifier, _live_camera.amplifier_from),
    (AmplifierRawGeometry, _live_camera.geometry_from),
    (AmplifierCalibrations, _live_camera.calibrations_from),
    (Orientation, _live_camera.orientation_from),
    (DetectorType, _live_camera.enum_from),
    (ReadoutCorner, _live_camera.enum_from),
    (list, _live_templates.templates_from),
)
"""Functions that convert from `lsst.afw`, by type of this package; called with
the object, the type, and the options."""

_TO: tuple[tuple[type, Callable[..., Any]], ...] = (
    (Interval, _live_geom.interval_to),
    (Box, _live_geom.box_to),
    (XY, _live_geom.point_to),
    (YX, _live_geom.point_to),
    (CellIJ, _live_geom.cell_to),
    (CellGrid, _live_geom.grid_to),
    (Polygon, _live_geom.polygon_to),
    (CellCoadd, _live_cells.coadd_to),
    (VisitImage, _live_exposure.visit_image_to),
    (MaskedImage, _live_pixels.masked_image_to),
    (Image, _live_pixels.image_to),
    (Mask, _live_pixels.mask_to),
    (Projection, _live_wcs.projection_to),
    (Transform, _live_wcs.transform_to),
    (CellField, _live_cells.field_to),
    (BaseField, _live_fields.field_to),
    (dict, _live_fields.corrections_to),
    (CellPointSpreadFunction, _live_cells.psf_to),
    (PointSpreadFunction, _live_psf.psf_to),
    (ImageBasisConvolutionKernel, _live_kernel.kernel_to),
    (CoaddProvenance, _live_cells.provenance_to),
    (Detector, _live_detector.detector_to),
    (Amplifier, _live_camera.amplifier_to),
    (Orientation, _live_camera.orientation_to),
    (DetectorType, _live_camera.enum_to),
    (ReadoutCorner, _live_camera.enum_to),
    (ObservationSummaryStats, _live_summary_stats.summary_stats_to),
)
"""Functions that convert to `lsst.afw`, by type of this package; called with the
object and the options."""


def from_legacy(legacy: Any, pytype: type, options: Mapping[str, Any]) -> Any | None:
    """Convert an object of `lsst.afw`.

    Parameters
    ----------
    legacy
        The object.
    pytype
        The requested type.
    options
        Keyword arguments of ``from_legacy``.

    Returns
    -------
    converted
        `None` if the type is not supported.

    Raises
    ------
    LegacyConversionError
        If the object is of another type.
    """
    for base, convert in _FROM:
        if issubclass(pytype, base):
            return convert(legacy, pytype, **options)
    return None


def to_legacy(obj: Any, options: Mapping[str, Any]) -> Any | None:
    """Convert an object of this package.

    Parameters
    ----------
    obj
        The object.
    options
        Keyword arguments of ``to_legacy``.

    Returns
    -------
    converted
        `None` if `lsst.afw` does not have a counterpart.

    Raises
    ------
    MissingOptionalDependencyError
        If `lsst.afw` is not installed.
    LegacyConversionError
        If the counterpart cannot represent the object.
    """
    if obj is None:
        return _live_fields.unscaled_to(**options)
    for base, convert in _TO:
        if isinstance(obj, base):
            return convert(obj, **options)
    return None
