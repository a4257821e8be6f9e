# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files of `lsst.afw` read as types of this package, compared with the values of `lsst.afw`."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import numpy.testing as npt
import pytest
from helpers.legacy_archives import RENAMED
from lsst.images import Box, CameraFrameSet, MaskedImage, Polygon, VisitImage
from lsst.images.cameras import Detector
from lsst.images.cells import CellCoadd
from lsst.images.errors import LossyConversionWarning
from lsst.images.legacy import open_legacy

ROOT = Path(__file__).resolve().parents[1].parent / "shared" / "data"
EXPOSURES = sorted(path.stem for path in (ROOT / "afw").glob("*exposure*.json"))

pytestmark = pytest.mark.skipif(not EXPOSURES, reason=f"the real files are not at {ROOT}")
exposures = pytest.mark.parametrize("name", EXPOSURES or ["none"])


@functools.cache
def read_truth(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"afw/{name}.json").read_text())
    return found


@functools.cache
def read_image(name: str) -> VisitImage:
    image = VisitImage.read_legacy(ROOT / f"afw/{name}.fits")
    assert isinstance(image, VisitImage)
    return image


def wanted(name: str, key: str) -> Any:
    """Return a part of the truth file; skip the test if the file does not have it."""
    if not (found := read_truth(name).get(key)):
        pytest.skip(f"{name} has no {key}")
    return found


def box_of(truth: dict[str, int]) -> Box:
    return Box.factory[truth["y_min"] : truth["y_max"] + 1, truth["x_min"] : truth["x_max"] + 1]


def columns(samples: list[dict[str, float]], *names: str) -> list[np.ndarray]:
    return [np.array([sample[name] for sample in samples]) for name in names]


def digest(array: np.ndarray) -> str:
    array = np.array(array, dtype=array.dtype.newbyteorder("<"))
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return hashlib.sha256(array.tobytes()).hexdigest()


@exposures
def test_pixels_equal_afw(name: str) -> None:
    truth, image = read_truth(name), read_image(name)
    assert image.bbox == box_of(truth["bbox"])
    if not (pixels := truth.get("pixels")):
        pytest.skip(f"{name} has no digests of pixels")
    expected = pixels.get("image_afw_readback", pixels["image"])
    assert digest(image.image.array) == expected["sha256_le"]
    variance = pixels.get("variance_afw_readback", pixels["variance"])
    ours = np.where(np.isinf(image.variance.array), np.float32(np.nan), image.variance.array)
    assert digest(ours) == variance["sha256_le"]


@exposures
def test_mask_planes_with_pixels_are_kept(name: str) -> None:
    truth, mask = read_truth(name), read_image(name).mask
    if not (pixels := truth.get("pixels")):
        pytest.skip(f"{name} has no digests of pixels")
    total = np.zeros(mask.bbox.shape, dtype=np.uint32)
    for legacy, bit in truth["mask_plane_dict"].items():
        ours = RENAMED.get(legacy, legacy)
        if ours in mask.schema:
            total |= mask.get(ours).astype(np.uint32) << np.uint32(bit)
    expected = pixels.get("mask_afw_readback", pixels["mask"])["sha256_le"]
    assert digest(total.view(np.int32)) == expected


@exposures
def test_projection_equals_afw(name: str) -> None:
    samples = wanted(name, "wcs")["samples"]
    projection = read_image(name).projection
    x, y, ra, dec = columns(samples, "x", "y", "ra_deg", "dec_deg")
    found = projection.pixel_to_sky_transform.apply_forward(x=x, y=y)
    cos = np.cos(np.radians(dec))
    error = np.hypot((np.degrees(found.x) - ra) * cos, np.degrees(found.y) - dec) * 3600
    assert error.max() < 1e-9
    assert (projection.fits_approximation is not None) == read_truth(name)["wcs"]["hasFitsApproximation"]


# Tolerances relative to the peak; afw interpolates warping kernels in a table.
PSF_TOLERANCE = {"WarpedPsf": 3e-5, "CoaddPsf": 3e-5, "PsfexPsf": 1e-15, "PiffPsf": 1e-12}
SHIFTED = 1e-8


@exposures
def test_psf_images_equal_afw(name: str) -> None:
    truth = wanted(name, "psf")
    kind = truth["type"].rpartition(".")[2]
    if kind == "PiffPsf":
        pytest.importorskip("piff")
    psf = read_image(name).psf
    assert psf is not None
    with np.load(ROOT / f"afw/{name}.npz") as images:
        for n, sample in enumerate(truth["samples"]):
            kernel = psf.compute_kernel_image(x=sample["x"], y=sample["y"])
            star = psf.compute_stellar_image(x=sample["x"], y=sample["y"])
            assert kernel.bbox == box_of(sample["kernel_bbox"])
            assert star.bbox == box_of(sample["image_bbox"])
            for ours, theirs in ((kernel, f"psf_kernel_{n}"), (star, f"psf_image_{n}")):
                error = np.abs(ours.array - images[theirs]).max() / images[theirs].max()
                assert error < PSF_TOLERANCE.get(kind, SHIFTED), theirs


@exposures
def test_photometric_scaling_equals_afw(name: str) -> None:
    expected = wanted(name, "photoCalib")
    scaling = read_image(name).photometric_scaling
    x, y, values = columns(expected["samples"], "x", "y", "nJy_per_inst")
    if expected["isConstant"] and expected["mean"] == 1.0:
        assert scaling is None
        return
    assert scaling is not None
    npt.assert_allclose(scaling(x=x, y=y), values, rtol=1e-10)
    assert scaling.unit == u.nJy / read_image(name).unit


@exposures
def test_aperture_corrections_equal_afw(name: str) -> None:
    expected = wanted(name, "apCorrMap")
    found = read_image(name).aperture_corrections
    assert set(found) == set(expected)
    for key, field in expected.items():
        x, y, values = columns(field["samples"], "x", "y", "v")
        npt.assert_allclose(found[key](x=x, y=y), values, rtol=1e-10, err_msg=key)
        assert found[key].bounds == box_of(field["bbox"])


@exposures
def test_obs_info_equals_afw_visit_info(name: str) -> None:
    expected = wanted(name, "visitInfo")
    info = read_image(name).obs_info
    assert info is not None
    assert (info.instrument, info.exposure_id) == (expected["instrumentLabel"], expected["id"])
    middle = info.datetime_begin + 0.5 * (info.datetime_end - info.datetime_begin)
    assert abs(middle.tai.unix_tai - expected["date_tai_nsecs"] * 1e-9) < 1e-5
    quantities = {
        "exposure_time": (expected["exposureTime"], u.s),
        "dark_time": (expected["darkTime"], u.s),
        "boresight_rotation_angle": (expected["boresightRotAngle_deg"], u.deg),
        "pressure": (expected["weather_pressure"], u.Pa),
        "focus_z": (expected["focusZ"], u.mm),
    }
    for key, (value, unit) in quantities.items():
        assert getattr(info, key).to_value(unit) == pytest.approx(value, rel=1e-12), key
    assert info.temperature.to_value(u.K) == pytest.approx(expected["weather_temperature"] + 273.15)
    assert info.relative_humidity == expected["weather_humidity"]
    assert info.boresight_airmass == expected["boresightAirmass"]
    assert f"RotType.{info.boresight_rotation_coord.upper()}" == expected["rotType"]
    target = info.tracking_radec
    npt.assert_allclose(
        [target.ra.deg, target.dec.deg],
        [expected["boresight_ra_deg"], expected["boresight_dec_deg"]],
        rtol=1e-12,
    )
    npt.assert_allclose(
        [info.altaz_begin.az.deg, info.altaz_begin.alt.deg],
        [expected["boresight_az_deg"], expected["boresight_alt_deg"]],
        rtol=1e-12,
    )
    place = info.location.to_geodetic()
    npt.assert_allclose(
        [place.lon.deg, place.lat.deg, place.height.to_value(u.m)],
        [expected[f"observatory_{key}"] for key in ("lon_deg", "lat_deg", "elevation")],
        rtol=1e-9,
    )
    for ours, theirs in {
        "observation_type": "observationType",
        "science_program": "scienceProgram",
        "observation_reason": "observationReason",
        "object": "object",
        "has_simulated_content": "hasSimulatedContent",
    }.items():
        assert getattr(info, ours) == expected[theirs]
    truth = read_truth(name)
    assert info.physical_filter == truth["filter"]["physical"]
    assert (info.detector_num, info.detector_unique_name) == (
        truth["detector"]["id"],
        truth["detector"]["name"],
    )


def check_detector(found: Detector, expected: dict[str, Any], *, raw: str) -> None:
    assert (found.name, found.id, found.serial) == (expected["name"], expected["id"], expected["serial"])
    assert (found.physical_type, f"DetectorType.{found.type}") == (expected["physicalType"], expected["type"])
    assert found.bbox == box_of(expected["bbox"])
    assert found.pixel_size == expected["pixelSize"][0]
    orientation = found.orientation
    place = [orientation.focal_plane_x, orientation.focal_plane_y, orientation.focal_plane_z]
    assert place == expected["orientation"]["fpPosition"]
    reference = [orientation.pixel_reference_x, orientation.pixel_reference_y]
    assert reference == expected["orientation"]["refPoint"]
    for angle in ("yaw", "pitch", "roll"):
        value = getattr(orientation, angle).to_value(u.deg)
        assert value == pytest.approx(expected["orientation"][angle], abs=1e-12)
    for ours, theirs in zip(found.amplifiers, expected["amps"], strict=True):
        geometry = getattr(ours, raw)
        calibrations = ours.nominal_calibrations
        assert (ours.name, ours.bbox, geometry.bbox) == (
            theirs["name"],
            box_of(theirs["bbox"]),
            box_of(theirs["rawBBox"]),
        )
        assert (calibrations.gain, calibrations.read_noise) == (theirs["gain"], theirs["readNoise"])
        npt.assert_equal(calibrations.saturation, theirs["saturation"])
        assert f"ReadoutCorner.{geometry.readout_corner}" == theirs["corner"]
    # The orientation gives the position of the reference point.
    x, y = found.to_focal_plane.apply_forward(
        x=orientation.pixel_reference_x, y=orientation.pixel_reference_y
    )
    npt.assert_allclose([x, y], place[:2], atol=1e-9)


@exposures
def test_detector_equals_afw(name: str) -> None:
    expected = wanted(name, "detector")
    image = read_image(name)
    assert image.detector is not None and image.projection is not None
    check_detector(image.detector, expected, raw="assembled_raw_geometry")
    assert image.detector.instrument == "TestCam"
    assert image.detector.frame == image.projection.pixel_frame
    assert image.detector.frames.detector_ids == (expected["id"],)


@exposures
def test_filter_polygon_and_statistics_equal_afw(name: str) -> None:
    truth, image = read_truth(name), read_image(name)
    assert image.band == (truth.get("filter") or {"band": None})["band"]
    if truth.get("validPolygon"):
        x, y = np.array(truth["validPolygon"]).T
        assert image.bounds == Polygon(x_vertices=x, y_vertices=y)
    else:
        assert image.bounds == image.bbox
    for key, value in (truth.get("summaryStats") or {}).items():
        if key != "version":
            expected = math.nan if value == "nan" else value
            npt.assert_equal(np.asarray(getattr(image.summary_stats, key), float), expected, err_msg=key)
    assert image.metadata.get("id") == truth.get("id")


def test_get_component_equals_component_of_whole() -> None:
    name = "exposure_visit_like_psfex"
    whole = read_image(name)
    with open_legacy(ROOT / f"afw/{name}.fits", VisitImage) as reader:
        for component in (
            "bbox",
            "projection",
            "psf",
            "obs_info",
            "summary_stats",
            "detector",
            "photometric_scaling",
            "aperture_corrections",
            "bounds",
            "band",
            "backgrounds",
            "physical_filter",
            "unit",
        ):
            assert reader.get_component(component) == getattr(whole, component), component
        for plane in ("image", "variance"):
            assert reader.get_component(plane) == getattr(whole, plane)
        part = reader.read(bbox=Box.factory[10:30, 40:90])
    assert part.image == whole.image[part.bbox]
    assert part.psf == whole.psf
    assert part.bounds == whole[part.bbox].bounds


# Files with a single object.


def test_camera_detectors_equal_afw() -> None:
    truth = read_truth("objects_truth")["obj_camera"]
    with open_legacy(ROOT / "afw/obj_camera.fits", CameraFrameSet) as reader:
        frames = reader.read()
    assert frames.detector_ids == tuple(sorted(value["id"] for value in truth.values()))
    for expected in truth.values():
        frame = frames.detector(expected["id"])
        assert frame.bbox == box_of(expected["bbox"])
        x, y = expected["orientation"]["refPoint"]
        found = frames[frame, frames.focal_plane()].apply_forward(x=x, y=y)
        npt.assert_allclose(tuple(found), expected["orientation"]["fpPosition"][:2], atol=1e-9)
        angle = frames[frame, frames.field_angle()].apply_forward(x=x, y=y)
        assert np.hypot(*angle) < 0.1


# Cell coadds.


@functools.cache
def read_coadd() -> CellCoadd:
    coadd = CellCoadd.read_legacy(ROOT / "afw/cell_coadd_small.fits")
    assert isinstance(coadd, CellCoadd)
    return coadd


def test_cell_coadd_equals_stitched_exposure() -> None:
    coadd, truth = read_coadd(), read_truth("cell_coadd_small")
    stitched = MaskedImage.read_legacy(ROOT / "afw/cell_coadd_small_stitched_exposure.fits")
    assert coadd.bbox == box_of(truth["bbox"])
    npt.assert_array_equal(coadd.image.array, stitched.image.array)
    npt.assert_array_equal(coadd.variance.array, stitched.variance.array)
    assert (coadd.unit, coadd.band) == (u.nJy, "r")
    for name in ("NO_DATA", "DETECTED"):
        npt.assert_array_equal(coadd.mask.get(name), stitched.mask.get(name))
    x, y, ra, dec = columns(truth["wcs"]["samples"], "x", "y", "ra_deg", "dec_deg")
    sky = coadd.projection.pixel_to_sky(x=x, y=y)
    npt.assert_allclose(sky.ra.deg, ra, rtol=0, atol=1e-9 / 3600)
    npt.assert_allclose(sky.dec.deg, dec, rtol=0, atol=1e-9 / 3600)


def test_cell_coadd_psf_corrections_and_inputs_equal_afw() -> None:
    coadd, truth = read_coadd(), read_truth("cell_coadd_small")
    with np.load(ROOT / "afw/cell_coadd_small.npz") as arrays:
        psfs = {name: arrays[name] for name in arrays.files}
    npt.assert_array_equal(coadd.mask_fractions["rejected"].array, psfs["mask_fractions"])
    for cell in truth["cells"]:
        inner = box_of(cell["inner_bbox"])
        x, y = inner.x.center, inner.y.center
        assert coadd.psf.compute_kernel_image(x=x, y=y).array.sum() == pytest.approx(1.0)
        for key, value in cell["apcorr"].items():
            assert coadd.aperture_corrections[key](x=x, y=y) == pytest.approx(value, rel=1e-6), key
        npt.assert_allclose(
            coadd.psf.compute_kernel_image(x=x, y=y).array, psfs[f"psf_{cell['x']}_{cell['y']}"], atol=1e-15
        )
        provenance = coadd.provenance[coadd.grid.index_of(y=y, x=x)]
        assert provenance is not None
        found = {int(row["visit"]): row for row in provenance.contributions}
        assert set(found) == {item["visit"] for item in cell["inputs"]}
        for item in cell["inputs"]:
            row = found[item["visit"]]
            assert (row["detector"], row["overlaps_center"]) == (item["detector"], item["overlaps_center"])
            shape = [row["psf_shape_xx"], row["psf_shape_yy"], row["psf_shape_xy"]]
            npt.assert_allclose(shape, item["psf_shape"], rtol=1e-6)
            assert row["weight"] == pytest.approx(item["weight"], rel=1e-6)
            assert row["overlap_fraction"] == pytest.approx(item["overlap_fraction"], rel=1e-6)
    polygons = {int(row["visit"]): row["polygon"] for row in coadd.provenance.inputs}
    for expected in truth["visit_polygons"]:
        if expected["visit"] in polygons:
            x, y = np.array(expected["vertices"]).T
            assert polygons[expected["visit"]] == Polygon(x_vertices=x, y_vertices=y)


def test_unknown_statistics_are_omitted_with_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LossyConversionWarning)
        assert read_image("exposure_visit_like").summary_stats.nPsfStar == 137
