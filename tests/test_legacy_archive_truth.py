# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Decoded archives compared with values that `lsst.afw` computes for the same files."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.wcs
import numpy as np
import numpy.testing as npt
import pytest
import starlink.Ast
from helpers.legacy_archives import data_files
from lsst.images import Box
from lsst.images.legacy.afw_archive import (
    LegacyArchive,
    filter_label_from_cards,
    open_cell_coadd,
    open_exposure_catalog,
    open_legacy_fits,
    photo_calib_from_cards,
    visit_info_from_cards,
)

ROOT = Path(__file__).resolve().parents[1].parent / "shared" / "data"
EXPOSURES = sorted(path.stem for path in (ROOT / "afw").glob("*.json") if path.stem.startswith("exposure"))
ARCSEC = math.pi / 180 / 3600

needs_files = pytest.mark.skipif(not EXPOSURES, reason=f"the real files are not at {ROOT}")
exposures = pytest.mark.parametrize("name", EXPOSURES or ["none"])


@pytest.fixture
def truth(name: str, shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "afw" / f"{name}.json").read_text())
    return found


@pytest.fixture
def archive(name: str, shared_data: Path) -> Iterator[LegacyArchive]:
    with open_legacy_fits(shared_data / "afw" / f"{name}.fits") as file:
        found = LegacyArchive.find(file)
        assert found is not None
        yield found


def wanted(truth: dict[str, Any], key: str) -> Any:
    """Return a part of the truth file; skip the test if the file does not have it."""
    if not truth.get(key):
        pytest.skip(f"this file has no {key}")
    return truth[key]


def box_of(truth: dict[str, int]) -> Box:
    return Box.factory[truth["y_min"] : truth["y_max"] + 1, truth["x_min"] : truth["x_max"] + 1]


def columns(samples: list[dict[str, float]], *names: str) -> list[np.ndarray]:
    return [np.array([sample[name] for sample in samples]) for name in names]


def pixel_to_sky(text: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Evaluate the text with AST."""

    class Source:
        lines = iter(text.splitlines())

        def astsource(self) -> str | None:
            return next(self.lines, None)

    frame_set = starlink.Ast.Channel(Source()).read()
    return np.asarray(frame_set.tran(np.stack([x, y]), True))


def separations(ra1: Any, dec1: Any, ra2: Any, dec2: Any) -> np.ndarray:
    """Great-circle distances of close points, radians."""
    return np.hypot(np.remainder(ra1 - ra2 + np.pi, 2 * np.pi) - np.pi, 0) * np.cos(dec1) + abs(dec1 - dec2)


@needs_files
@exposures
def test_wcs_maps_pixels_like_afw(truth: dict[str, Any], archive: LegacyArchive) -> None:
    samples = wanted(truth, "wcs")["samples"]
    x, y, ra, dec = columns(samples, "x", "y", "ra_deg", "dec_deg")
    found = pixel_to_sky(archive.component("SKYWCS").ast_text, x, y)
    assert (separations(*found, np.radians(ra), np.radians(dec)) < 1e-9 * ARCSEC).all()
    approximate = archive.component("SKYWCS").fits_approximation_text is not None
    assert approximate == truth["wcs"]["hasFitsApproximation"]


@needs_files
@exposures
def test_photo_calib_equals_afw(truth: dict[str, Any], archive: LegacyArchive) -> None:
    expected = wanted(truth, "photoCalib")
    found = archive.component("PHOTOCALIB")
    assert (found.mean, found.error) == (expected["mean"], expected["err"])
    assert found.is_constant == expected["isConstant"]
    x, y, values = columns(expected["samples"], "x", "y", "nJy_per_inst")
    npt.assert_allclose(found.evaluate(x, y), values, rtol=1e-12)


@needs_files
@exposures
def test_ap_corr_map_equals_afw(truth: dict[str, Any], archive: LegacyArchive) -> None:
    expected = wanted(truth, "apCorrMap")
    found = archive.component("AP_CORR_MAP")
    assert set(found) == set(expected)
    for key, field in expected.items():
        x, y, values = columns(field["samples"], "x", "y", "v")
        assert found[key].bbox == box_of(field["bbox"])
        npt.assert_allclose(found[key].evaluate(x, y), values, rtol=1e-10, err_msg=key)


VISIT_INFO = {
    "exposureTime": "exposure_time",
    "darkTime": "dark_time",
    "date_tai_nsecs": "tai_ns",
    "ut1": "ut1_mjd",
    "era_deg": "era",
    "boresight_ra_deg": "boresight_ra",
    "boresight_dec_deg": "boresight_dec",
    "boresight_az_deg": "boresight_az",
    "boresight_alt_deg": "boresight_alt",
    "boresightAirmass": "boresight_airmass",
    "boresightRotAngle_deg": "boresight_rotation_angle",
    "observatory_lon_deg": "longitude",
    "observatory_lat_deg": "latitude",
    "observatory_elevation": "elevation",
    "weather_temperature": "air_temperature",
    "weather_pressure": "air_pressure",
    "weather_humidity": "humidity",
    "instrumentLabel": "instrument_label",
    "id": "id",
    "focusZ": "focus_z",
    "observationType": "observation_type",
    "scienceProgram": "science_program",
    "observationReason": "observation_reason",
    "object": "object",
    "hasSimulatedContent": "has_simulated_content",
}


@needs_files
@exposures
def test_visit_info_from_cards_equals_afw(truth: dict[str, Any], archive: LegacyArchive) -> None:
    expected = wanted(truth, "visitInfo")
    found = visit_info_from_cards(archive.file.hdu(0).cards)
    assert found is not None
    for theirs, ours in VISIT_INFO.items():
        assert getattr(found, ours) == expected[theirs], theirs
    assert f"RotType.{found.rotation_type}" == expected["rotType"]
    assert found.date.isot.startswith(expected["date_tai_iso"][:23])


@pytest.mark.parametrize("version", ["noversion", "version-1", "version-3", "version-5"])
def test_decode_visit_info_all_versions_are_read(version: str, shared_data: Path) -> None:
    with open_legacy_fits(shared_data / f"legacy/afw/visitInfo-{version}.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        found = archive.root()
    # The test suite of afw wrote these files.
    assert found.exposure_time == 10.01
    assert found.dark_time == 11.02
    assert found.tai_ns == round((65321.1 - 40587) * 864000) * 100_000_000
    assert (found.elevation, found.humidity, found.rotation_type) == (0.333, 34.5, "SKY")
    npt.assert_allclose([found.era, found.boresight_ra, found.boresight_dec], [45.1, 23.1, 73.2], rtol=1e-12)
    npt.assert_allclose([found.boresight_az, found.boresight_alt], [134.5, 33.3], rtol=1e-12)
    assert bool(found.instrument_label) == (version != "noversion")
    assert (found.id is not None) == (version in ("version-3", "version-5"))
    assert math.isnan(found.focus_z) == (version in ("noversion", "version-1"))
    assert (found.has_simulated_content is not None) == (version == "version-5")


@needs_files
@exposures
def test_detector_equals_afw(truth: dict[str, Any], archive: LegacyArchive) -> None:
    check_detector(archive.component("DETECTOR"), wanted(truth, "detector"))


def check_detector(found: Any, expected: dict[str, Any]) -> None:
    assert (found.name, found.id, found.serial) == (expected["name"], expected["id"], expected["serial"])
    assert found.physical_type == expected["physicalType"]
    assert f"DetectorType.{found.type}" == expected["type"]
    assert found.bbox == box_of(expected["bbox"])
    assert found.pixel_size == tuple(expected["pixelSize"])
    orientation = expected["orientation"]
    assert found.focal_plane_position == tuple(orientation["fpPosition"])
    assert found.reference_point == tuple(orientation["refPoint"])
    angles = np.degrees([found.yaw, found.pitch, found.roll])
    npt.assert_allclose(angles, [orientation[name] for name in ("yaw", "pitch", "roll")], atol=1e-12)
    if expected["crosstalk"] is None:
        assert found.crosstalk is None
    else:
        npt.assert_array_equal(found.crosstalk, np.array(expected["crosstalk"]))
    for ours, theirs in zip(found.amplifiers, expected["amps"], strict=True):
        assert (ours.name, ours.bbox, ours.raw.bbox) == (
            theirs["name"],
            box_of(theirs["bbox"]),
            box_of(theirs["rawBBox"]),
        )
        assert (ours.gain, ours.read_noise) == (theirs["gain"], theirs["readNoise"])
        npt.assert_equal(ours.saturation, theirs["saturation"])
        assert f"ReadoutCorner.{ours.readout_corner}" == theirs["corner"]
    systems = {
        f"CameraSys({s.name}, {s.detector})" if s.detector else f"CameraSys({s.name})"
        for s in found.transforms().systems
    }
    assert systems == set(expected["transform_systems"])


def test_camera_lists_all_detectors(shared_data: Path) -> None:
    truth = json.loads((shared_data / "afw/objects_truth.json").read_text())["obj_camera"]
    with open_legacy_fits(shared_data / "afw/obj_camera.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        (number,) = archive.ids("Camera")
        camera = archive.get(number)
        detectors = {detector.name: detector for reference in camera.detectors if (detector := reference())}
        assert set(detectors) == set(truth)
        for name, detector in detectors.items():
            check_detector(detector, truth[name])


def test_camera_transform_map_connects_all_systems(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/camera/LSSTComCamSim_camera.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        transforms = archive.get(archive.ids("TransformMap")[0])
        pixels = [system for system in transforms.systems if system.name == "Pixels"]
        (field,) = (system for system in transforms.systems if system.name == "FieldAngle")
        assert len(pixels) == 9
        steps = transforms.path(pixels[0], field)
        assert [backwards for _, backwards in steps] == [True, False]
        assert all("Begin" in reference().ast_text for reference, _ in steps)


@needs_files
@exposures
def test_polygon_filter_and_statistics_equal_afw(truth: dict[str, Any], archive: LegacyArchive) -> None:
    if truth.get("validPolygon"):
        npt.assert_array_equal(archive.component("VALID_POLYGON").vertices, truth["validPolygon"])
    if truth.get("filter"):
        label = archive.component("FILTER")
        assert {"band": label.band, "physical": label.physical} == truth["filter"]
    if truth.get("summaryStats"):
        found = archive.component("SUMMARY_STATS")
        for key, value in truth["summaryStats"].items():
            expected = math.nan if value == "nan" else value
            npt.assert_equal(np.asarray(found[key], float), np.asarray(expected, float), err_msg=key)
    assert truth.get("filter") or truth.get("summaryStats") or archive.components == {}


@needs_files
@exposures
def test_transmission_curve_equals_afw(truth: dict[str, Any], archive: LegacyArchive) -> None:
    expected = wanted(truth, "transmissionCurve")
    found = archive.component("TRANSMISSION_CURVE")
    wavelengths = np.array(expected["wavelengths"])
    for sample in expected["samples"]:
        values = found.sample(sample["x"], sample["y"], wavelengths)
        npt.assert_allclose(values, sample["t"], rtol=1e-10, atol=1e-14)


def test_single_object_files_equal_afw(shared_data: Path) -> None:
    truth = json.loads((shared_data / "afw/objects_truth.json").read_text())
    for name, value in {"obj_photocalib": "field", "obj_chebyshev": "field", "obj_apcorrmap": "map"}.items():
        with open_legacy_fits(shared_data / f"afw/{name}.fits") as file:
            archive = LegacyArchive.find(file)
            assert archive is not None
            found = archive.root()
            expected = truth[name]
            if value == "map":
                pairs = [(found[key], samples) for key, samples in expected.items()]
            else:
                pairs = [(found, expected["samples"] if name == "obj_chebyshev" else expected)]
            for field, samples in pairs:
                x, y, values = np.array(samples).T
                npt.assert_allclose(field.evaluate(x, y), values, rtol=1e-12)
    with open_legacy_fits(shared_data / "afw/obj_skywcs_nonfits.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        x, y, ra, dec = np.array(truth["obj_skywcs_nonfits"]).T
        found = pixel_to_sky(archive.root().ast_text, x, y)
        assert (separations(*found, np.radians(ra), np.radians(dec)) < 1e-9 * ARCSEC).all()


def test_spatially_varying_kernel_equals_afw(shared_data: Path) -> None:
    truth = json.loads((shared_data / "afw/objects_truth.json").read_text())["obj_lc_kernel"]
    with open_legacy_fits(shared_data / "afw/obj_lc_kernel.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        kernel = archive.root()
        assert [reference().image.shape for reference in kernel.components] == [(21, 21)] * 3
        for reference, coefficients in zip(kernel.spatial, truth["spatial"], strict=True):
            c = reference().coefficients
            # 1, x, y, x², x y, y²
            npt.assert_array_equal([c[0, 0], c[0, 1], c[1, 0], c[0, 2], c[1, 1], c[2, 0]], coefficients)


def test_psf_records_have_image_shape_of_afw(shared_data: Path) -> None:
    expected = {
        "exposure_doublegaussian": "LegacyDoubleGaussianPsf",
        "exposure_visit_like": "LegacyGaussianPsf",
        "exposure_visit_like_kernelpsf": "LegacyKernelPsf",
        "exposure_visit_like_psfex": "LegacyPsfexPsf",
        "exposure_visit_like_piff": "LegacyPiffPsf",
        "exposure_warpedpsf": "LegacyWarpedPsf",
        "exposure_coadd": "LegacyCoaddPsf",
        "cell_coadd_small_stitched_exposure": "LegacyStitchedPsf",
    }
    for name, kind in expected.items():
        with open_legacy_fits(shared_data / f"afw/{name}.fits") as file:
            archive = LegacyArchive.find(file)
            assert archive is not None
            assert type(archive.component("PSF")).__name__ == kind


def test_psfex_basis_equals_stored_values(shared_data: Path) -> None:
    """The order of terms is 1, u, u², v, u v, v²; the file keeps the last evaluation."""
    with open_legacy_fits(shared_data / "legacy/calexp/cfht_calexp-849375-12.fits.fz") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        psf = archive.component("PSF")
    assert psf.parameters.shape == (6, 81, 81)
    assert (psf.degree, len(psf.basis), len(psf.offsets), len(psf.scales)) == ((2,), 6, 2, 2)
    u, v = psf.basis[1], psf.basis[3]
    npt.assert_allclose(psf.basis, [1, u, u * u, v, u * v, v * v], rtol=1e-12)


def test_piff_parameters_equal_kernel_image_of_afw(
    shared_data: Path,
) -> None:
    truth = json.loads((shared_data / "afw/exposure_visit_like_piff.json").read_text())["psf"]["samples"]
    arrays = np.load(shared_data / "afw/exposure_visit_like_piff.npz")
    with open_legacy_fits(shared_data / "afw/exposure_visit_like_piff.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        psf = archive.component("PSF")
    assert psf.model.scale == psf.pixel_scale and psf.model.interpolant == "Lanczos(11)"
    assert len(psf.stars) == 81
    for n, sample in enumerate(truth):
        image = psf.interp.evaluate(sample["x"], sample["y"]).reshape(25, 25)
        kernel = arrays[f"psf_kernel_{n}"]
        assert abs(image / image.sum() - kernel).max() < 1e-7 * kernel.max()


def test_stitched_psf_images_equal_afw(shared_data: Path) -> None:
    arrays = np.load(shared_data / "afw/cell_coadd_small_stitched_exposure.npz")
    truth = json.loads((shared_data / "afw/cell_coadd_small_stitched_exposure.json").read_text())["psf"]
    with open_legacy_fits(shared_data / "afw/cell_coadd_small_stitched_exposure.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        psf = archive.component("PSF")
    assert psf.bbox == Box.factory[2:36, 5:56]
    for n, sample in enumerate(truth["samples"]):
        cell = (int((sample["x"] - 5) // 17), int((sample["y"] - 2) // 17))
        cell = (min(max(cell[0], 0), 2), min(max(cell[1], 0), 1))
        kernel = arrays[f"psf_kernel_{n}"]
        assert abs(psf.images[cell] / psf.images[cell].sum() - kernel).max() < 1e-12


def test_coadd_psf_lists_inputs(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "afw/exposure_coadd.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        psf, inputs = archive.component("PSF"), archive.component("COADD_INPUTS")
        assert psf.warping_kernel.startswith("lanczos")
        assert psf.wcs() is archive.component("SKYWCS")
        assert len(psf.inputs) == len(inputs.ccds) == len(inputs.visits) == 3
        for record, ccd in zip(psf.inputs, inputs.ccds, strict=True):
            assert record["weight"] == ccd["weight"] > 0
            assert record.component("psf") is ccd.component("psf")
            assert record.component("wcs").ast_text.startswith("Begin")
            assert record.bbox == ccd.bbox


def test_visit_summary_corners_equal_wcs(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/visitsummary/visitSummary_1176.fits") as file:
        catalog = open_exposure_catalog(file)
    for record in catalog:
        box = record.bbox
        x0, x1, y0, y1 = box.x.start - 0.5, box.x.stop - 0.5, box.y.start - 0.5, box.y.stop - 0.5
        x, y = np.array([x0, x1, x1, x0]), np.array([y0, y0, y1, y1])
        found = pixel_to_sky(record.component("wcs").ast_text, x, y)
        corners = np.radians([record["raCorners"], record["decCorners"]])
        assert (separations(*found, *corners) < 1e-9 * ARCSEC).all()


def test_wcs_every_real_file_round_trips(shared_data: Path) -> None:
    """Old and new WCSs, with and without SIP polynomials, in all files."""
    count = 0
    for path in data_files(shared_data):
        for wcs in wcs_of(path):
            x, y = np.meshgrid([10.0, 1000.0, 2000.0], [20.0, 1500.0])
            sky = pixel_to_sky(wcs.ast_text, x.ravel(), y.ravel())
            assert np.isfinite(sky).all() and (abs(sky[1]) <= np.pi / 2).all()
            count += 1
    assert count > 40


def wcs_of(path: Path) -> list[Any]:
    if path.name in ("visitSummary_1176.fits", "synthetic_afw_visit_rice.fits"):
        return []
    with open_legacy_fits(path) as file:
        archive = LegacyArchive.find(file)
        if archive is None:
            return []
        return [archive.get(n) for kind in ("SkyWcs", "TanWcs", "Wcs") for n in archive.ids(kind)]


def test_old_tan_wcs_equals_its_parameters(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/afw/oldTanWcs.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        wcs = archive.root()
    x, y = np.array([wcs.crpix[0]]), np.array([wcs.crpix[1]])
    ra, dec = np.degrees(pixel_to_sky(wcs.ast_text, x, y))[:, 0]
    npt.assert_allclose([ra % 360, dec], wcs.crval, atol=1e-12)
    step = 1e-3
    moved = np.degrees(pixel_to_sky(wcs.ast_text, x + step, y))[:, 0] - [ra, dec]
    moved[0] *= math.cos(math.radians(wcs.crval[1]))
    npt.assert_allclose(moved / step, wcs.cd[:, 0], rtol=1e-3, atol=1e-9)


def test_old_sip_wcs_equals_header_wcs(shared_data: Path) -> None:
    """The header of this calexp has the same TAN-SIP in cards."""
    with open_legacy_fits(shared_data / "legacy/calexp/afw_HSC-0908120-056-small.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        wcs = archive.component("WCS")
        header = file.hdu(1).header
    assert set(wcs.sip) == {"A", "B", "AP", "BP"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cards = astropy.wcs.WCS(header)
    # Cards count from 1 in the image, the archive from 0 in its parent.
    start = np.array([header["CRVAL1A"], header["CRVAL2A"]])
    x, y = np.meshgrid([0.0, 100.0, 199.0], [0.0, 100.0, 199.0])
    # The header is in FK5.
    sky = astropy.wcs.utils.pixel_to_skycoord(x.ravel(), y.ravel(), cards, 0).icrs
    found = pixel_to_sky(wcs.ast_text, x.ravel() + start[0], y.ravel() + start[1])
    assert (separations(*found, sky.ra.rad, sky.dec.rad) < 1e-6 * ARCSEC).all()


def test_old_calibrations_are_converted_to_njy(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/coadd/twinkles_small_CoaddTempExp.fits.gz") as file:
        found = photo_calib_from_cards(file.hdu(0).cards)
        label = filter_label_from_cards(file.hdu(0).cards)
        flux = file.hdu(0).header["FLUXMAG0"]
    assert found is not None
    # An object of magnitude 20 has this many counts, and 36307.8 nJy.
    counts = flux * 10 ** (-0.4 * 20.0)
    npt.assert_allclose(counts * found.mean, 10 ** (-0.4 * (20.0 - 31.4)), rtol=1e-9)
    assert label is not None and (label.band, label.physical) == ("r", None)
    versions = []
    for name in ("photoCalib-noversion", "photoCalib-version1"):
        with open_legacy_fits(shared_data / f"legacy/afw/{name}.fits") as file:
            archive = LegacyArchive.find(file)
            assert archive is not None
            versions.append(archive.root())
    assert versions[0].field_scale == 3630780547701.0 and versions[1].field_scale == 1.0


def test_radial_transmission_axes_are_in_order(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/transmission/hsc_filter_r.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        curve = archive.root()
    # With swapped axes, neighbouring values would differ by 0.1.
    assert abs(np.diff(curve.throughput, axis=1)).mean() < 0.006


def test_cell_coadd_inner_boxes_equal_stitched_exposure(shared_data: Path) -> None:
    truth = json.loads((shared_data / "afw/cell_coadd_small.json").read_text())
    with open_legacy_fits(shared_data / "afw/cell_coadd_small.fits") as file:
        coadd = open_cell_coadd(file)
        assert coadd.bbox == box_of(truth["bbox"])
        assert coadd.unit == "nJy" and coadd.band == truth["band"]
        assert coadd.mask_planes == truth["mask_plane_dict"]
        cells = {(cell["x"], cell["y"]): cell for cell in truth["cells"]}
        covered = np.zeros(coadd.bbox.shape, dtype=int)
        for n, index in enumerate(coadd.cells.tolist()):
            cell = cells[tuple(index)]
            assert coadd.outer_bbox(n) == box_of(cell["outer_bbox"])
            assert coadd.inner_bbox(n) == box_of(cell["inner_bbox"])
            covered[coadd.inner_bbox(n).slice_within(coadd.bbox)] += 1
        assert (covered == 1).all()
        assert coadd.psf.shape == (6, 21, 21)
        assert coadd.plane("mask").shape == (6, 27, 27)
        assert set(coadd.tables) == {"CELL", "VISIT", "VISIT_SUMMARY", "APCORR"}
