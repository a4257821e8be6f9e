# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Comparison of images and their components with objects of `lsst.afw`."""

from __future__ import annotations

__all__ = (
    "compare_amplifier_to_legacy",
    "compare_aperture_corrections_to_legacy",
    "compare_detector_to_legacy",
    "compare_field_to_legacy",
    "compare_image_to_legacy",
    "compare_mask_to_legacy",
    "compare_masked_image_to_legacy",
    "compare_observation_summary_stats_to_legacy",
    "compare_photo_calib_to_legacy",
    "compare_psf_to_legacy",
    "compare_sky_projection_to_legacy_wcs",
    "compare_visit_image_to_legacy",
)

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._exposures import ObservationSummaryStats, VisitImage
from .._geom import XY, YX, Box
from .._pixels import Image, Mask, MaskedImage, MaskPlane, get_legacy_visit_image_mask_planes
from .._transforms import Frame, Projection
from ..cameras import Amplifier, Detector
from ..errors import ImagesError
from ..fields import BaseField
from ..psfs import PointSpreadFunction
from ._checks import DEFAULT_SKY_TOLERANCE
from ._equality import check_mask_differences, check_sharing, grid_points
from ._legacy_points import arrays_to_legacy_points, legacy_coords_to_astropy, legacy_points_to_xy_array
from ._values import annotate_errors, assert_values_equal

FIELD_TOLERANCE = 1e-10
"""Relative difference of fields that is due to the order of operations."""

PIXEL_TOLERANCE = 1e-6
"""Difference of pixels that is due to rounding of sky positions."""


def compare_image_to_legacy(
    image: Image, legacy_image: Any, expect_view: bool | None = None, *, label: str = "image"
) -> None:
    """Compare an image with an afw image.

    Parameters
    ----------
    image
        The image.
    legacy_image
        The afw image.
    expect_view
        Whether they share their pixels; not checked by default.
    label
        Name of the image, for messages.

    Raises
    ------
    AssertionError
        If boxes or pixels differ.
    """
    bbox = Box.from_legacy(legacy_image.getBBox())
    assert image.bbox == bbox, f"{label}: the box {image.bbox} differs from {bbox}."
    assert_values_equal(image.array, legacy_image.array, label=label)
    check_sharing(image.array, legacy_image.array, expect_view, label)


def compare_mask_to_legacy(
    mask: Mask, legacy_mask: Any, plane_map: Mapping[str, MaskPlane] | None = None, *, label: str = "mask"
) -> None:
    """Compare a mask with an afw mask.

    Parameters
    ----------
    mask
        The mask.
    legacy_mask
        The afw mask.
    plane_map
        Planes by legacy name; others are compared under their own names.
    label
        Name of the mask, for messages.

    Raises
    ------
    AssertionError
        If they differ; notes name the planes, with the numbers of pixels set in one only.
    """
    bbox = Box.from_legacy(legacy_mask.getBBox())
    assert mask.bbox == bbox, f"{label}: the box {mask.bbox} differs from {bbox}."
    pixels = np.asarray(legacy_mask.array).view(np.uint32)
    names = {legacy: plane.name for legacy, plane in (plane_map or {}).items()}
    differences = []
    clear = np.zeros(bbox.shape, dtype=bool)
    for legacy, bit in legacy_mask.getMaskPlaneDict().items():
        theirs = pixels >> np.uint32(bit) & np.uint32(1) != 0
        name = names.get(legacy, legacy)
        ours = mask.get(name) if name in mask.schema else clear
        more, fewer = int(np.count_nonzero(ours & ~theirs)), int(np.count_nonzero(theirs & ~ours))
        if more or fewer:
            differences.append((name, (more, fewer)))
    check_mask_differences(differences, label)


def compare_masked_image_to_legacy(
    masked_image: MaskedImage,
    legacy_masked_image: Any,
    *,
    plane_map: Mapping[str, MaskPlane] | None = None,
    expect_view: bool | None = None,
    alternates: Mapping[str, Any] | None = None,
) -> None:
    """Compare a masked image with an afw masked image.

    Parameters
    ----------
    masked_image
        The masked image.
    legacy_masked_image
        The afw masked image.
    plane_map
        Planes by legacy name.
    expect_view
        Whether image and variance share their pixels; not checked by default.
    alternates
        Other versions of planes by name, such as components that were read by themselves, which
        must be equal too.

    Raises
    ------
    AssertionError
        If they differ; the message names the plane.
    """
    for source in (_planes(masked_image), dict(alternates or {})):
        for name, plane in source.items():
            legacy = getattr(legacy_masked_image, name, None)
            if name == "mask":
                compare_mask_to_legacy(plane, legacy, plane_map)
            elif name in ("image", "variance"):
                view = expect_view if plane is getattr(masked_image, name) else None
                compare_image_to_legacy(plane, legacy, view, label=name)


def _planes(masked_image: MaskedImage) -> dict[str, Any]:
    return {name: getattr(masked_image, name) for name in ("image", "mask", "variance")}


def compare_psf_to_legacy(
    psf: PointSpreadFunction,
    legacy_psf: Any,
    points: YX[np.ndarray] | XY[np.ndarray] | None = None,
    expect_legacy_raise_on_out_of_bounds: bool = False,
) -> int:
    """Compare kernel and stellar images of a PSF with those of an afw PSF.

    Parameters
    ----------
    psf
        The PSF.
    legacy_psf
        The afw PSF.
    points
        Where to compare them; a grid by default.
    expect_legacy_raise_on_out_of_bounds
        Whether the afw PSF must raise an error where ours does.

    Returns
    -------
    count
        Number of points at which both could be evaluated.

    Raises
    ------
    AssertionError
        If images differ.
    """
    found = grid_points(psf.bounds.bbox) if points is None else points
    legacy_points = arrays_to_legacy_points(np.asarray(found.x), np.asarray(found.y))
    count = 0
    for point in legacy_points:
        try:
            ours = psf.compute_kernel_image(x=point.x, y=point.y)
        except ImagesError:
            if expect_legacy_raise_on_out_of_bounds:
                _assert_raises(legacy_psf, point)
            continue
        with annotate_errors(f"At x={point.x}, y={point.y}."):
            _compare_stamps(ours, legacy_psf.computeKernelImage(point), "kernel image")
            stellar = psf.compute_stellar_image(x=point.x, y=point.y)
            _compare_stamps(stellar, legacy_psf.computeImage(point), "stellar image")
        count += 1
    return count


def _assert_raises(legacy_psf: Any, point: Any) -> None:
    try:
        legacy_psf.computeKernelImage(point)
    except Exception:
        return
    raise AssertionError(f"The afw PSF can be evaluated at x={point.x}, y={point.y}, ours cannot.")


def _compare_stamps(ours: Image, legacy: Any, label: str) -> None:
    bbox = Box.from_legacy(legacy.getBBox())
    assert ours.bbox == bbox, f"{label}: the box {ours.bbox} differs from {bbox}."
    limit = 1e-12 * float(np.max(np.abs(legacy.array)))
    assert_values_equal(ours.array, np.asarray(legacy.array), atol=limit, label=label)


def compare_field_to_legacy(field: BaseField, legacy_field: Any, subimage_bbox: Box) -> None:
    """Compare a field with an afw ``BoundedField``.

    Parameters
    ----------
    field
        The field.
    legacy_field
        The afw field.
    subimage_bbox
        Where to compare them.

    Raises
    ------
    AssertionError
        If values differ.
    """
    points = grid_points(subimage_bbox)
    ours = np.asarray(field.evaluate(x=points.x, y=points.y))
    theirs = [legacy_field.evaluate(point) for point in arrays_to_legacy_points(points.x, points.y)]
    assert_values_equal(ours, np.array(theirs, dtype=float), rtol=FIELD_TOLERANCE, label="field")


def compare_aperture_corrections_to_legacy(
    aperture_corrections: Mapping[str, BaseField], legacy_ap_corr_map: Any, subimage_bbox: Box
) -> None:
    """Compare aperture corrections with an afw ``ApCorrMap``.

    Parameters
    ----------
    aperture_corrections
        Fields by name.
    legacy_ap_corr_map
        The afw map.
    subimage_bbox
        Where to compare the fields.

    Raises
    ------
    AssertionError
        If names or values differ.
    """
    legacy = dict(legacy_ap_corr_map.items())
    assert aperture_corrections.keys() == legacy.keys(), (
        f"The names {sorted(aperture_corrections)} differ from {sorted(legacy)}."
    )
    for name, field in aperture_corrections.items():
        with annotate_errors(f"While comparing the aperture correction {name!r}."):
            compare_field_to_legacy(field, legacy[name], subimage_bbox)


def compare_photo_calib_to_legacy(
    photometric_scaling: BaseField | None,
    legacy_photo_calib: Any,
    *,
    applied_legacy_photo_calib: Any = None,
    subimage_bbox: Box,
) -> None:
    """Compare a photometric scaling with an afw ``PhotoCalib``.

    Parameters
    ----------
    photometric_scaling
        The field, or `None` if the image has none.
    legacy_photo_calib
        The afw calibration of the image: 1 if it has been applied.
    applied_legacy_photo_calib
        The calibration that has been applied to the pixels, if any.
    subimage_bbox
        Where to compare them.

    Raises
    ------
    AssertionError
        If values differ.
    """
    legacy = legacy_photo_calib if applied_legacy_photo_calib is None else applied_legacy_photo_calib
    if photometric_scaling is None:
        mean = float(legacy.getCalibrationMean())
        assert mean == 1.0, f"The image has no photometric scaling; that of afw is {mean}."
        return
    points = grid_points(subimage_bbox)
    ours = np.asarray(photometric_scaling.evaluate(x=points.x, y=points.y))
    legacy_points = arrays_to_legacy_points(points.x, points.y)
    # afw gives access to the field only relative to the mean.
    mean = float(legacy.getCalibrationMean())
    theirs = [mean] * len(legacy_points)
    if not legacy._isConstant:
        scaled = legacy.computeScaledCalibration()
        theirs = [mean * scaled.evaluate(point) for point in legacy_points]
    assert_values_equal(ours, np.array(theirs), rtol=FIELD_TOLERANCE, label="photometric scaling")


def compare_observation_summary_stats_to_legacy(
    summary_stats: ObservationSummaryStats, legacy_summary_stats: Any
) -> None:
    """Compare summary statistics with afw ``ExposureSummaryStats``.

    Parameters
    ----------
    summary_stats
        The statistics.
    legacy_summary_stats
        The afw statistics.

    Raises
    ------
    AssertionError
        If a statistic differs; NaN equals NaN.
    """
    for name in ObservationSummaryStats.statistics():
        if hasattr(legacy_summary_stats, name):
            ours, theirs = (getattr(stats, name) for stats in (summary_stats, legacy_summary_stats))
            with annotate_errors(f"While comparing the statistic {name}."):
                np.testing.assert_equal(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float))


def compare_sky_projection_to_legacy_wcs(
    sky_projection: Projection[Any],
    legacy_wcs: Any,
    pixel_frame: Frame,
    subimage_bbox: Box,
    is_fits: bool = False,
) -> None:
    """Compare a projection with an afw ``SkyWcs``.

    Parameters
    ----------
    sky_projection
        The projection.
    legacy_wcs
        The afw object.
    pixel_frame
        Pixel frame that the projection must have.
    subimage_bbox
        Where to compare them.
    is_fits
        Whether a FITS header can represent the projection exactly.

    Raises
    ------
    AssertionError
        If positions or frames differ.
    """
    points = grid_points(subimage_bbox)
    legacy_points = arrays_to_legacy_points(points.x, points.y)
    sky = legacy_coords_to_astropy([legacy_wcs.pixelToSky(p.x, p.y) for p in legacy_points])
    frame = sky_projection.pixel_frame
    assert frame == pixel_frame, f"pixel_frame: {frame} differs from {pixel_frame}."
    ours = sky_projection.pixel_to_sky(x=points.x, y=points.y)
    assert_values_equal(ours, sky, atol=DEFAULT_SKY_TOLERANCE, label="sky")
    # The inverse of a distortion is approximate, and the same on both sides.
    back = sky_projection.sky_to_pixel(sky)
    legacy_back = [legacy_wcs.skyToPixel(legacy_wcs.pixelToSky(p.x, p.y)) for p in legacy_points]
    for axis, theirs in zip("xy", legacy_points_to_xy_array(legacy_back), strict=True):
        assert_values_equal(getattr(back, axis), theirs, atol=PIXEL_TOLERANCE, label=f"pixel {axis}")
    if is_fits:
        assert sky_projection.as_fits_wcs(subimage_bbox) is not None, "The projection has no FITS WCS."


def compare_amplifier_to_legacy(
    amplifier: Amplifier,
    legacy_amplifier: Any,
    *,
    is_raw_assembled: bool,
    expect_nominal_calibrations: bool = True,
) -> None:
    """Compare an amplifier with an afw ``Amplifier``.

    Parameters
    ----------
    amplifier
        The amplifier.
    legacy_amplifier
        The afw object.
    is_raw_assembled
        Whether its raw boxes refer to an image of all amplifiers.
    expect_nominal_calibrations
        Whether the amplifier must have nominal calibrations.

    Raises
    ------
    AssertionError
        If they differ.
    """
    expected = Amplifier.from_legacy(legacy_amplifier, is_raw_assembled)
    assert amplifier.name == str(legacy_amplifier.getName()), f"name: {amplifier.name}"
    assert amplifier.bbox == Box.from_legacy(legacy_amplifier.getBBox()), f"bbox: {amplifier.bbox}"
    has_calibrations = amplifier.nominal_calibrations is not None
    assert has_calibrations == expect_nominal_calibrations, f"nominal_calibrations: {has_calibrations}"
    for name in ("readout_corner", "assembled_raw_geometry", "unassembled_raw_geometry"):
        ours, theirs = (getattr(value, name, None) for value in (amplifier, expected))
        if theirs is not None:
            assert ours == theirs, f"{name}: {ours} differs from {theirs}."
    if expect_nominal_calibrations:
        assert amplifier.nominal_calibrations == expected.nominal_calibrations, "nominal_calibrations differ."


def compare_detector_to_legacy(
    detector: Detector,
    legacy_detector: Any,
    *,
    is_raw_assembled: bool,
    expect_nominal_calibrations: bool = True,
) -> None:
    """Compare a detector with an afw ``Detector``.

    Parameters
    ----------
    detector
        The detector.
    legacy_detector
        The afw object.
    is_raw_assembled, expect_nominal_calibrations
        As for `compare_amplifier_to_legacy`.

    Raises
    ------
    AssertionError
        If they differ.
    """
    facts = {
        "id": int(legacy_detector.getId()),
        "name": str(legacy_detector.getName()),
        "serial": str(legacy_detector.getSerial()),
        "bbox": Box.from_legacy(legacy_detector.getBBox()),
    }
    for name, value in facts.items():
        assert getattr(detector, name) == value, f"{name}: {getattr(detector, name)} differs from {value}."
    amplifiers = list(legacy_detector.getAmplifiers())
    assert len(detector.amplifiers) == len(amplifiers), "The numbers of amplifiers differ."
    for ours, theirs in zip(detector.amplifiers, amplifiers, strict=True):
        with annotate_errors(f"While comparing the amplifier {ours.name}."):
            compare_amplifier_to_legacy(
                ours,
                theirs,
                is_raw_assembled=is_raw_assembled,
                expect_nominal_calibrations=expect_nominal_calibrations,
            )


def compare_visit_image_to_legacy(
    visit_image: VisitImage,
    legacy_exposure: Any,
    *,
    plane_map: Mapping[str, MaskPlane] | None = None,
    expect_view: bool | None = None,
    instrument: str,
    visit: int,
    detector: int,
    applied_legacy_photo_calib: Any = None,
    alternates: Mapping[str, Any] | None = None,
    check_photometric_scaling: bool = True,
) -> None:
    """Compare a visit image with an afw exposure.

    Parameters
    ----------
    visit_image
        The visit image.
    legacy_exposure
        The afw exposure.
    plane_map
        Planes by legacy name; those of visit images by default.
    expect_view
        Whether image and variance share their pixels; not checked by default.
    instrument, visit, detector
        Identity that the pixel frame must have.
    applied_legacy_photo_calib
        The calibration that has been applied to the pixels, if any.
    alternates
        Other versions of planes by name, which must be equal too.
    check_photometric_scaling
        Whether to compare the photometric calibration.

    Raises
    ------
    AssertionError
        If they differ; the message names the component.
    """
    planes = get_legacy_visit_image_mask_planes() if plane_map is None else plane_map
    compare_masked_image_to_legacy(
        visit_image,
        legacy_exposure,
        plane_map=planes,
        expect_view=expect_view,
        alternates=alternates,
    )
    bbox, info = visit_image.bbox, legacy_exposure.info
    if (wcs := legacy_exposure.getWcs()) is not None:
        assert visit_image.projection is not None, "The image has no projection."
        frame: Any = visit_image.projection.pixel_frame
        found = tuple(getattr(frame, name, None) for name in ("instrument", "visit", "detector"))
        assert found == (instrument, visit, detector), f"The pixel frame is that of {found}."
        compare_sky_projection_to_legacy_wcs(visit_image.projection, wcs, frame, bbox)
    if (psf := legacy_exposure.getPsf()) is not None:
        assert visit_image.psf is not None, "The image has no PSF."
        with annotate_errors("While comparing the PSF."):
            assert compare_psf_to_legacy(visit_image.psf, psf, grid_points(bbox)) > 0, "No kernels."
    if (legacy_detector := legacy_exposure.getDetector()) is not None:
        assert visit_image.detector is not None, "The image has no detector."
        assert visit_image.detector.id == int(legacy_detector.getId()), "detector.id differs."
    if (corrections := info.getApCorrMap()) is not None:
        compare_aperture_corrections_to_legacy(visit_image.aperture_corrections, corrections, bbox)
    if (stats := info.getSummaryStats()) is not None:
        compare_observation_summary_stats_to_legacy(visit_image.summary_stats, stats)
    if check_photometric_scaling and (calib := info.getPhotoCalib()) is not None:
        compare_photo_calib_to_legacy(
            visit_image.photometric_scaling,
            calib,
            applied_legacy_photo_calib=applied_legacy_photo_calib,
            subimage_bbox=bbox,
        )
