# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Exposures of `lsst.afw` read as visit images: whole, components, damaged files."""

from __future__ import annotations

import io
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import numpy.testing as npt
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from lsst.images import (
    BackgroundMap,
    Box,
    CameraFrameSet,
    DetectorFrame,
    DifferenceImage,
    GeneralFrame,
    MaskedImage,
    MaskPlane,
    Projection,
    VisitImage,
)
from lsst.images.cameras import Detector
from lsst.images.convolution_kernels import ConvolutionKernel
from lsst.images.errors import (
    ArchiveReadError,
    CorruptArchiveError,
    InvalidComponentError,
    InvalidParameterError,
    LegacyConversionError,
    LossyConversionWarning,
    NotAnArchiveError,
)
from lsst.images.legacy import open_legacy
from lsst.images.psfs import PiffWrapper, PointSpreadFunction

ROOT = Path(__file__).resolve().parents[1].parent / "shared" / "data"

IMAGES = sorted(
    [
        *(ROOT / "afw").glob("*exposure*.fits"),
        *(ROOT / "afw").glob("maskedimage*.fits"),
        *(ROOT / "legacy/afw").glob("exposure-*.fits"),
        *(ROOT / "legacy/afw").glob("ticketdm26260.fits*"),
        *(ROOT / "legacy/calib").glob("*.fits"),
        *(ROOT / "legacy/coadd").glob("[!h]*.fits*"),
        *(path for path in (ROOT / "legacy/calexp").glob("*.fits*") if "bkgd" not in path.name),
        *(ROOT / f"legacy/afw/{name}.fits" for name in ("ZPN", "archiveImportTest") if ROOT.is_dir()),
    ]
)
"""Image files in these folders."""

UNREADABLE = {"archiveImportTest.fits": {"psf"}}
"""Components of classes without a decoder."""

pytestmark = [
    pytest.mark.skipif(not IMAGES, reason=f"the real files are not at {ROOT}"),
    pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning"),
    pytest.mark.filterwarnings("ignore:.*is written without:lsst.images.errors.ImagesWarning"),
    pytest.mark.filterwarnings("ignore:.*serial number:lsst.images.errors.LossyConversionWarning"),
]

COMPONENTS = (
    "projection psf obs_info summary_stats photometric_scaling detector aperture_corrections bounds "
    "backgrounds band physical_filter"
).split()

VISIT = ROOT / "afw/exposure_visit_like.fits"


def read(path: Path, **options: Any) -> VisitImage:
    image = VisitImage.read_legacy(path, **options)
    assert isinstance(image, VisitImage)
    return image


def unreadable_parts(image: VisitImage) -> set[str]:
    found = set()
    for name in COMPONENTS:
        try:
            getattr(image, name)
        except ArchiveReadError:
            found.add(name)
    return found


def test_shared_data_has_41_images() -> None:
    assert len(IMAGES) == 41


@pytest.mark.filterwarnings("ignore::lsst.images.errors.LossyConversionWarning")
@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_read_legacy_every_real_file_returns_visit_image(path: Path) -> None:
    bbox = open_component(path, "bbox")
    size = tuple(min(side, 100) for side in bbox.shape)
    small = Box.from_shape(size, start=bbox.start)
    with open_legacy(path, VisitImage) as reader:
        image = reader.read(bbox=small)
    assert unreadable_parts(image) == UNREADABLE.get(path.name, set())
    assert image.bbox == small


def open_component(path: Path, name: str) -> Any:
    with open_legacy(path, VisitImage) as reader:
        return reader.get_component(name)


@pytest.mark.parametrize(
    "name, tolerance",
    [
        ("calexp/cfht_calexp-849375-12.fits.fz", 3e-4),
        ("calexp/obs_base_calexp.fits", 3e-4),
        ("calexp/piff_exp.fits", 1e-6),
        ("afw/exposure-version-2.fits", 1e-6),
    ],
)
def test_archived_wcs_agrees_with_header_wcs(name: str, tolerance: float) -> None:
    path = ROOT / "legacy" / name
    projection, bbox = open_component(path, "projection"), open_component(path, "bbox")
    with warnings.catch_warnings(), fits.open(path) as hdus:
        warnings.simplefilter("ignore")
        wcs = WCS(hdus[1].header)
    y, x = (np.linspace(0, size - 1, 5) for size in bbox.shape)
    x, y = np.meshgrid(x, y)
    expected = wcs.pixel_to_world(x, y).icrs
    found = projection.pixel_to_sky(x=x + bbox.x.start, y=y + bbox.y.start)
    assert found.separation(expected).arcsec.max() < tolerance


def test_psfex_psf_area_equals_summary_statistics() -> None:
    path = ROOT / "legacy/calexp/cfht_calexp-849375-12.fits.fz"
    psf, stats = open_component(path, "psf"), open_component(path, "summary_stats")
    # The pipeline measured the PSF at the centre.
    image = psf.compute_kernel_image(x=1023.5, y=2305.5).array
    assert image.sum() / (image**2).sum() == pytest.approx(stats.psfArea, rel=1e-12)


def test_detector_focal_plane_position_equals_orientation() -> None:
    path = ROOT / "legacy/calexp/cfht_calexp-849375-12.fits.fz"
    detector = open_component(path, "detector")
    assert (detector.instrument, detector.visit, detector.id) == ("MegaPrime", 849375, 12)
    orientation = detector.orientation
    found = detector.to_focal_plane.apply_forward(
        x=orientation.pixel_reference_x, y=orientation.pixel_reference_y
    )
    npt.assert_allclose(tuple(found), [orientation.focal_plane_x, orientation.focal_plane_y], atol=1e-6)
    field = detector.to_field_angle.apply_forward(x=1000.0, y=2000.0)
    assert 0 < np.hypot(*field) < np.radians(1.0)


def test_detector_without_field_angles_maps_to_nan() -> None:
    detector = open_component(ROOT / "legacy/calib/imsim_flat_R11-S20.fits", "detector")
    assert np.isnan(detector.to_field_angle.apply_forward(x=1.0, y=2.0)).all()
    assert np.isfinite(detector.to_focal_plane.apply_forward(x=1.0, y=2.0)).all()


def test_read_legacy_old_exposure_uses_filter_and_calibration_of_header() -> None:
    image = read(ROOT / "legacy/calexp/deblender_ticket1738.fits")
    assert (image.band, image.physical_filter) == ("r", "HSC-R")
    flux = fits.getheader(ROOT / "legacy/calexp/deblender_ticket1738.fits")["FLUXMAG0"]
    assert image.photometric_scaling is not None
    assert image.photometric_scaling(x=0, y=0) * flux == pytest.approx(3630780547701.0)


# Components.


class Recorder(io.BytesIO):
    """A stream that records the byte ranges that are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.ranges: list[tuple[int, int]] = []

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.ranges.append((start, start + len(data)))
        return data

    def readinto(self, buffer: Any) -> int:
        start = self.tell()
        count = super().readinto(buffer)
        self.ranges.append((start, start + count))
        return count


@pytest.mark.parametrize("component", ["psf", "detector", "projection", "photometric_scaling", "obs_info"])
def test_get_component_does_not_read_pixels(component: str) -> None:
    path = ROOT / "afw/exposure_lossless.fits"
    with fits.open(path) as hdus:
        pixels = [(hdu._data_offset, hdu._data_offset + hdu._data_size) for hdu in hdus[1:4]]
    assert sum(stop - start for start, stop in pixels) > 500_000
    stream = Recorder(path.read_bytes())
    with open_legacy(stream, VisitImage) as reader:
        assert reader.get_component(component) is not None
    read_of_pixels = sum(
        max(0, min(stop, last) - max(start, first)) for start, stop in stream.ranges for first, last in pixels
    )
    # Buffered blocks of headers may include pixels.
    assert read_of_pixels < 100_000


def test_get_component_unknown_name_raises_error() -> None:
    with open_legacy(VISIT, VisitImage) as reader:
        with pytest.raises(InvalidComponentError, match="'kernel' is not recognized"):
            reader.get_component("kernel")
        with pytest.raises(InvalidParameterError, match="does not take"):
            reader.get_component("psf", bbox=Box.factory[0:1, 0:1])
    assert VisitImage.read_legacy(VISIT, component="band") == "r"


# Identity, units and masks.


def test_read_legacy_contradicting_instrument_or_visit_raises_error() -> None:
    image = read(VISIT, instrument="TestCam", visit=20240512000123)
    assert image.projection is not None
    frame = image.projection.pixel_frame
    assert frame == DetectorFrame(
        instrument="TestCam", visit=20240512000123, detector=94, bbox=Box.factory[0:400, 0:512]
    )
    with pytest.raises(ValueError, match="does not match"):
        read(VISIT, instrument="OtherCam")
    with pytest.raises(ValueError, match="does not match"):
        read(VISIT, visit=1)


def test_read_legacy_exposure_without_components(tmp_path: Path) -> None:
    image = read(ROOT / "afw/exposure_bare.fits")
    absent = (image.unit, image.projection, image.obs_info, image.psf, image.detector, image.band)
    assert absent == (None,) * 6
    assert (image.photometric_scaling, image.aperture_corrections, image.bounds) == (None, {}, image.bbox)
    image.write(tmp_path / "bare.fits")
    back = VisitImage.read(tmp_path / "bare.fits")
    npt.assert_array_equal(back.image.array, image.image.array)
    assert back.psf is None


@pytest.mark.parametrize("text, unit", [("electron", u.electron), ("adu", u.adu), ("nJy", u.nJy), ("", None)])
def test_read_legacy_unit_equals_bunit_card(tmp_path: Path, text: str, unit: Any) -> None:
    with fits.open(ROOT / "afw/exposure_bare.fits") as hdus:
        hdus[1].header["BUNIT"] = text
        hdus.writeto(tmp_path / "image.fits")
    image = read(tmp_path / "image.fits")
    assert image.unit == unit
    assert image.variance.unit == (None if unit is None else unit**2)


def test_read_legacy_unknown_unit_is_ignored_with_warning(tmp_path: Path) -> None:
    with fits.open(ROOT / "afw/exposure_bare.fits") as hdus:
        hdus[1].header["BUNIT"] = "furlong per fortnight"
        hdus.writeto(tmp_path / "image.fits")
    with pytest.warns(LossyConversionWarning, match="furlong"):
        image = read(tmp_path / "image.fits")
    assert image.unit is None


def test_read_legacy_newer_exposure_version_warns(tmp_path: Path) -> None:
    with fits.open(VISIT, disable_image_compression=True) as hdus:
        hdus[0].header["EXPINFO_V"] = 3
        hdus.writeto(tmp_path / "image.fits")
    with pytest.warns(LossyConversionWarning, match="version 3"):
        image = read(tmp_path / "image.fits")
    assert image.psf is not None


def test_read_legacy_mask_planes_depend_on_type() -> None:
    visit, difference = read(VISIT), DifferenceImage.read_legacy(VISIT)
    assert isinstance(difference, DifferenceImage)
    assert list(visit.mask.schema.names)[:2] == ["BAD", "SATURATED"]
    assert {"SAT_TEMPLATE", "HIGH_VARIANCE"} <= set(difference.mask.schema.names)
    with pytest.raises(LegacyConversionError, match="is not remapped"):
        read(ROOT / "afw/exposure_custom_planes.fits", plane_map={"BAD": MaskPlane("BAD", "Bad.")})


# Damaged files.


def break_bytes(path: Path, target: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data and len(old) == len(new)
    target.write_bytes(data.replace(old, new))
    return target


@pytest.mark.parametrize(
    "old, part",
    [
        (b"GaussianPsf", "psf"),
        (b"ExposureSummaryStats", "summary_stats"),
        (b"Polygon", "bounds"),
        (b"TransformMap", "detector"),
        (b"PhotoCalib", "photometric_scaling"),
        (b"ApCorrMap", "aperture_corrections"),
    ],
)
def test_read_legacy_unknown_class_affects_only_its_component(tmp_path: Path, old: bytes, part: str) -> None:
    path = break_bytes(VISIT, tmp_path / "broken.fits", old, b"X" + old[1:])
    image = read(path)
    assert unreadable_parts(image) == {part}
    npt.assert_array_equal(image.image.array, read(VISIT).image.array)
    with pytest.raises(ArchiveReadError):
        VisitImage.read_legacy(path, component=part)
    # Subimages and copies do not raise the error either.
    assert unreadable_parts(image[Box.factory[10:20, 10:20]].copy()) == {part}


def test_read_legacy_damaged_wcs_keeps_pixels_and_other_components(tmp_path: Path) -> None:
    path = break_bytes(VISIT, tmp_path / "broken.fits", b"Begin FrameSet", b"Begin FrameXet")
    assert unreadable_parts(read(path)) == {"projection"}
    with open_legacy(path, MaskedImage) as reader, pytest.warns(LossyConversionWarning, match="header"):
        masked_image = reader.read()
    with open_legacy(VISIT, MaskedImage) as reader:
        good = reader.read()
    x, y = [10.0, 400.0], [20.0, 300.0]
    found, expected = (image.projection.pixel_to_sky(x=x, y=y) for image in (masked_image, good))
    assert found.separation(expected).arcsec.max() < 1e-3


def test_read_legacy_truncated_archive_keeps_pixels(tmp_path: Path) -> None:
    with fits.open(VISIT) as hdus:
        end = hdus[3]._data_offset + hdus[3]._data_size
    path = tmp_path / "cut.fits"
    path.write_bytes(VISIT.read_bytes()[:end])
    image = read(path)
    npt.assert_array_equal(image.image.array, read(VISIT).image.array)
    with pytest.raises(CorruptArchiveError, match="AR_HDU"):
        _ = image.psf


def test_open_legacy_masked_image_uses_archived_wcs() -> None:
    path = ROOT / "afw/exposure_nonfits_wcs.fits"
    truth = json.loads(path.with_suffix(".json").read_text())["wcs"]["samples"]
    with open_legacy(path, MaskedImage) as reader:
        projection = reader.get_component("sky_projection")
        part = reader.read(bbox=Box.factory[2010:2020, 1010:1030])
    assert projection.pixel_frame == GeneralFrame(unit=u.pix) and part.projection == projection
    for sample in truth:
        sky = projection.pixel_to_sky(x=sample["x"], y=sample["y"])
        assert sky.ra.deg == pytest.approx(sample["ra_deg"], abs=1e-12)


# Writing what was read.


@pytest.mark.parametrize(
    "name", ["exposure_visit_like_psfex", "exposure_visit_like_piff", "exposure_warpedpsf"]
)
def test_write_and_read_converted_exposure_is_equal(name: str, tmp_path: Path) -> None:
    image = read(ROOT / f"afw/{name}.fits")
    image.write(tmp_path / "new.fits")
    back = VisitImage.read(tmp_path / "new.fits")
    assert back.image == image.image and back.mask == image.mask and back.variance == image.variance
    for part in COMPONENTS:
        assert getattr(back, part) == getattr(image, part), part
    assert back.metadata == image.metadata and back.metadata["id"] == 20240512000123094
    if not isinstance(image.psf, PiffWrapper):
        at = {"x": image.bbox.x.start + 100.3, "y": image.bbox.y.start + 50.7}
        assert image.psf is not None and back.psf is not None
        assert back.psf.compute_stellar_image(**at) == image.psf.compute_stellar_image(**at)


def test_write_converted_exposure_keeps_cards(tmp_path: Path) -> None:
    image = read(VISIT)
    image.write(tmp_path / "new.fits")
    old, new = fits.getheader(VISIT), fits.getheader(tmp_path / "new.fits")
    for key in ("MYFLOAT", "EXPTIME", "BORE-RA"):
        assert new[key] == old[key]
    assert not any(key.startswith(("ARCHIVE_ID_PSF", "AR_HDU", "LSST BUTLER")) for key in new)
    assert len(new.get("HISTORY", [])) == len(old.get("HISTORY", []))


def test_write_converted_exposure_preserves_quantization(tmp_path: Path) -> None:
    path = ROOT / "afw/exposure_lossy.fits"
    image = read(path, preserve_quantization=True)
    assert not image.image.array.flags.writeable
    image.write(tmp_path / "new.fits")
    with (
        fits.open(path, disable_image_compression=True) as old,
        fits.open(tmp_path / "new.fits", disable_image_compression=True) as new,
    ):
        for number, name in ((1, "IMAGE"), (3, "VARIANCE")):
            pairs = zip(old[number].data["COMPRESSED_DATA"], new[name].data["COMPRESSED_DATA"], strict=True)
            for a, b in pairs:
                npt.assert_array_equal(a, b)


# Butler.


def test_butler_ingested_exposure_is_read_in_place(make_butler: Any) -> None:
    butler_module = pytest.importorskip("lsst.daf.butler")
    butler = make_butler(visit_image="VisitImage")
    data_id = {"instrument": "TestCam", "visit": 42, "detector": 1}
    ref = butler_module.DatasetRef(
        butler.get_dataset_type("visit_image"), butler.registry.expandDataId(data_id), run="run"
    )
    formatter = "lsst.images.formatters.LegacyFormatter"
    dataset = butler_module.FileDataset(str(VISIT), ref, formatter=formatter)
    butler.ingest(dataset, transfer="direct")
    whole, expected = butler.get("visit_image", data_id), read(VISIT)
    assert isinstance(whole, VisitImage) and whole.image == expected.image
    box = Box.factory[100:150, 200:230]
    part = butler.get("visit_image", data_id, parameters={"bbox": box})
    assert part.image == whole.image[box] and part.psf == whole.psf
    assert butler.get("visit_image.image", data_id, parameters={"bbox": box}) == whole.image[box]
    for name in ("psf", "detector", "obs_info", "summary_stats", "aperture_corrections", "bbox"):
        assert butler.get(f"visit_image.{name}", data_id) == getattr(whole, name), name
    assert butler.get("visit_image.psf", data_id).bounds == expected.detector.bbox


# Files with a single object.


def read_object(name: str, pytype: type) -> Any:
    with open_legacy(ROOT / name, pytype) as reader:
        return reader.read()


def test_read_legacy_wcs_file_returns_projection() -> None:
    truth = json.loads((ROOT / "afw/objects_truth.json").read_text())["obj_skywcs_nonfits"]
    projection = read_object("afw/obj_skywcs_nonfits.fits", Projection)
    x, y, ra, dec = np.array(truth).T
    sky = projection.pixel_to_sky(x=x, y=y)
    npt.assert_allclose([sky.ra.deg, sky.dec.deg], [ra, dec], rtol=0, atol=1e-9 / 3600)
    assert read_object("legacy/afw/oldTanSipWcs.fits", Projection) is not None


def test_read_legacy_background_interpolates_measurements() -> None:
    for name in ("afw/obj_background.fits", "legacy/calexp/cfht_bkgd-849375-12.fits"):
        backgrounds = read_object(name, BackgroundMap)
        field = backgrounds["background"].field
        with fits.open(ROOT / name) as hdus:
            cards = hdus[0].header
            count = len(hdus) // 3
            grids = [hdus[3 * n].data for n in range(count)]
            assert field.bounds.bbox.shape == (cards["BKGD_HEIGHT"], cards["BKGD_WIDTH"])
            assert field.bounds.bbox.start == (cards["BKGD_Y0"], cards["BKGD_X0"])
        parts = [field] if count == 1 else field.operands
        for part, grid in zip(parts, grids, strict=True):
            if (data := getattr(part, "data", None)) is not None:
                npt.assert_array_equal(data, grid)
                y, x = np.meshgrid(part.y, part.x, indexing="ij")
                good = np.isfinite(grid)
                npt.assert_allclose(part(x=x, y=y)[good], grid[good], rtol=1e-6)


def test_read_legacy_kernel_is_weighted_sum_of_images() -> None:
    kernel = read_object("afw/obj_lc_kernel.fits", ConvolutionKernel)
    truth = json.loads((ROOT / "afw/objects_truth.json").read_text())["obj_lc_kernel"]
    with fits.open(ROOT / "afw/obj_lc_kernel.fits") as hdus:
        row = next(hdu.data for hdu in hdus if hdu.name.upper() == "CHEBYSHEV1FUNCTION2D")[0]
        low, high = (row["min_x"], row["min_y"]), (row["max_x"], row["max_y"])
    for px, py in truth["pts"]:
        s, t = (2 * (p - a) / (b - a) - 1 for p, a, b in zip((px, py), low, high, strict=True))
        # Terms are 1, x, y, T2(x), x y, T2(y).
        terms = np.array([1, s, t, 2 * s * s - 1, s * t, 2 * t * t - 1])
        weights = np.array(truth["spatial"]) @ terms
        expected = np.tensordot(weights, kernel.basis, axes=1)
        npt.assert_allclose(kernel.compute_kernel_images(x=px, y=py), expected, atol=1e-12)


def test_read_legacy_psf_file_equals_normalized_kernel() -> None:
    psf = read_object("legacy/psf/psfKernel0.fits", PointSpreadFunction)
    image = psf.compute_kernel_image(x=10.0, y=20.0)
    assert image.array.sum() == pytest.approx(1.0) and image.array.max() > 0


def test_read_legacy_camera_and_detector_files_are_read() -> None:
    frames = read_object("legacy/camera/LSSTComCamSim_camera.fits", CameraFrameSet)
    assert (frames.instrument, len(frames.detector_ids)) == ("LSSTComCamSim", 9)
    assert len(read_object("legacy/camera/MegaPrime_camera.fits", CameraFrameSet).detector_ids) == 36
    detector = read_object("legacy/camera/detector-fixed-assembled.fits", Detector)
    assert (detector.name, detector.id, len(detector.amplifiers)) == ("RXX_S00", 0, 16)


@pytest.mark.parametrize(
    "name", ["afw/obj_camera.fits", "legacy/psf/psfKernel0.fits", "legacy/coadd/hsc_scarlet_Cut_HSC.fits"]
)
def test_read_legacy_file_without_image_raises_error_with_file_name(name: str) -> None:
    with pytest.raises(NotAnArchiveError, match=Path(name).name):
        read(ROOT / name)


def test_read_legacy_gzip_file_without_gz_suffix_is_read(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "image.fits"
    path.write_bytes(gzip.compress(VISIT.read_bytes()))
    assert read(path).image == read(VISIT).image
    shutil.copy(path, tmp_path / "image.fits.gz")
    assert read(tmp_path / "image.fits.gz").psf == read(VISIT).psf
