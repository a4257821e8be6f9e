# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Round trips of live `lsst.afw` exposures: what is kept, and what is lost with a warning."""

from __future__ import annotations

import copy
import math
import warnings
from pathlib import Path
from typing import Any

import astropy.io.fits
import astropy.units as u
import helpers.afw_fakes as afw
import numpy as np
import pytest
import starlink.Ast
from astropy.time import Time
from helpers.afw_fakes_geom import Angle, FrameDict, FrameSet, InvalidParameterError, LogicError, SpherePoint
from helpers.afw_fakes_image import DateTime, Observatory, VisitInfo, strip_visit_info
from lsst.images import Box, Image, MaskedImage, MaskPlane, MaskSchema, VisitImage
from lsst.images.errors import ArchiveReadError, LossyConversionWarning
from lsst.images.fields import ChebyshevField, CoaddField, SumField, field_from_legacy
from lsst.images.psfs import GaussianPointSpreadFunction, KernelPointSpreadFunction

BOX = Box.factory[10:30, 5:45]
SCHEMA = MaskSchema([MaskPlane("SATURATED", "Saturated.")])


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    afw.install(monkeypatch)


def make_exposure(unit: str | None = None, **components: Any) -> Any:
    """Make a live exposure with some components."""
    image = Image(np.ones((20, 40), dtype="f4"), bbox=BOX)
    planes = MaskedImage(image, mask_schema=SCHEMA).to_legacy()
    exposure = afw.Exposure(planes, dtype=np.dtype("f4"))
    for name, value in components.items():
        getattr(exposure.info, f"set{name}")(value)
    if unit is not None:
        exposure.metadata.set("BUNIT", unit)
    return exposure


def make_image(**components: Any) -> VisitImage:
    image = Image(np.ones((20, 40), dtype="f4"), bbox=BOX)
    return VisitImage(image, mask_schema=SCHEMA, allow_missing=True, **components)


def convert_back(exposure: Any) -> Any:
    """Convert an exposure and back; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", LossyConversionWarning)
        return VisitImage.from_legacy(exposure).to_legacy()


# PSFs.


class UnwritablePsf(afw.GaussianPsf):
    """A PSF without persistence, as one of a SeparableKernel."""


def test_visit_image_psf_read_from_what_afw_writes_returns_live_psf(shared_data: Path) -> None:
    class PsfexPsf(afw.GaussianPsf):
        def writeFits(self, path: str) -> None:
            Path(path).write_bytes((shared_data / "legacy/psf/psfKernel0.fits").read_bytes())

    live = PsfexPsf(21, 21, 2.0)
    image = VisitImage.from_legacy(make_exposure(Psf=live))
    assert isinstance(image.psf, KernelPointSpreadFunction)
    assert image.to_legacy().info.getPsf() is live
    assert image[BOX].copy().to_legacy().info.getPsf() is live


def test_visit_image_psf_from_file_without_equivalent_warns(shared_data: Path) -> None:
    image = VisitImage.read_legacy(shared_data / "afw" / "exposure_visit_like_psfex.fits")
    assert isinstance(image, VisitImage)
    with pytest.warns(LossyConversionWarning, match="no psf, .* PSFExPointSpreadFunction"):
        legacy = image.to_legacy()
    assert legacy.info.getPsf() is None and legacy.info.getWcs() is not None


def test_psf_that_afw_cannot_write_is_evaluated_by_afw() -> None:
    live = UnwritablePsf(21, 21, 2.0)
    image = VisitImage.from_legacy(make_exposure(Psf=live))
    assert image.psf is not None
    found = image.psf.compute_kernel_image(x=20, y=20).array
    expected = GaussianPointSpreadFunction(2.0, BOX, 21).compute_kernel_image(x=20, y=20).array
    np.testing.assert_allclose(found, expected, atol=1e-15)
    assert image.to_legacy().info.getPsf() is live


@pytest.mark.parametrize("extension", ["fits", "json"])
def test_write_image_with_psf_that_afw_evaluates_omits_the_psf_and_warns(
    tmp_path: Path, extension: str
) -> None:
    image = VisitImage.from_legacy(make_exposure(Psf=UnwritablePsf(21, 21, 2.0)))
    path = tmp_path / f"image.{extension}"
    with pytest.warns(LossyConversionWarning, match="psf .*LegacyPointSpreadFunction"):
        image.write(path)
    found = VisitImage.read(path)
    np.testing.assert_array_equal(found.image.array, image.image.array)
    assert found.mask == image.mask
    assert image.psf is not None


def test_component_whose_conversion_raises_in_afw_costs_only_itself() -> None:
    class Broken(afw.ApCorrMap):
        def items(self) -> Any:
            raise InvalidParameterError("File src/ApCorrMap.cc, line 1\nbroken")

    image = VisitImage.from_legacy(make_exposure(ApCorrMap=Broken(), Psf=afw.GaussianPsf(21, 21, 2.0)))
    assert image.psf is not None
    with pytest.raises(ArchiveReadError, match="A Broken cannot be converted: broken"):
        _ = image.aperture_corrections
    with pytest.warns(LossyConversionWarning, match="no aperture_corrections"):
        assert image.to_legacy().info.getPsf() is not None


@pytest.mark.parametrize("name", ["obs_info", "projection", "detector", "photometric_scaling", "band"])
def test_visit_image_to_legacy_unreadable_component_warns(name: str) -> None:
    psf = GaussianPointSpreadFunction(2.0, BOX, 21)
    image = make_image(psf=psf, **{name: ArchiveReadError("damaged")})
    with pytest.warns(LossyConversionWarning, match=f"no {name}, .*damaged"):
        legacy = image.to_legacy()
    assert type(legacy.info.getPsf()) is afw.GaussianPsf


@pytest.mark.parametrize("extension", [None, "fits", "json"])
def test_kernel_psf_average_position_is_kept(
    shared_data: Path, tmp_path: Path, extension: str | None
) -> None:
    path = shared_data / "afw" / "exposure_visit_like_kernelpsf.fits"
    psf = VisitImage.read_legacy(path, component="psf")
    assert isinstance(psf, KernelPointSpreadFunction)
    if extension is not None:
        psf.write(tmp_path / f"psf.{extension}")
        psf = KernelPointSpreadFunction.read(tmp_path / f"psf.{extension}")
    psf = copy.deepcopy(psf)
    legacy: Any = psf.to_legacy()
    assert type(legacy) is afw.KernelPsf
    with astropy.io.fits.open(path) as hdus:
        tables = [hdu.data for hdu in hdus if isinstance(hdu, astropy.io.fits.BinTableHDU)]
        row = next(table for table in tables if "averagePosition_x" in table.names)[0]
        expected = (float(row["averagePosition_x"]), float(row["averagePosition_y"]))
    found = legacy.getAveragePosition()
    assert (found.x, found.y) == expected != (0.0, 0.0)


# Photometric calibration.


@pytest.mark.parametrize("unit", [None, "adu", "electron", "nJy"])
@pytest.mark.parametrize("mean", [57.5, 1.0])
def test_photo_calib_round_trip_is_equal_for_any_unit(unit: str | None, mean: float) -> None:
    calibration = afw.PhotoCalib(mean if unit != "nJy" else 1.0)
    back = convert_back(make_exposure(unit, PhotoCalib=calibration))
    assert back.info.getPhotoCalib() == calibration


def test_photo_calib_with_uncertainty_is_kept_until_the_unit_changes() -> None:
    calibration = afw.PhotoCalib(57.5, 0.25)
    image = VisitImage.from_legacy(make_exposure("adu", PhotoCalib=calibration))
    assert image.to_legacy().info.getPhotoCalib() == calibration
    assert image.convert_unit(u.nJy).to_legacy().info.getPhotoCalib() == afw.PhotoCalib(1.0)


def test_photometric_scaling_without_image_unit_becomes_photo_calib() -> None:
    scaling = ChebyshevField(BOX, [[2.0]], unit=u.uJy / u.adu)
    legacy = make_image(photometric_scaling=scaling).to_legacy()
    assert legacy.info.getPhotoCalib().getCalibrationMean() == pytest.approx(2000.0)


def test_photo_calib_uncertainty_of_calibrated_image_warns() -> None:
    exposure = make_exposure("nJy", PhotoCalib=afw.PhotoCalib(1.0, 0.1))
    with pytest.warns(LossyConversionWarning, match="uncertainty of the PhotoCalib"):
        VisitImage.from_legacy(exposure)


# Observation information.


def make_visit_info(**options: Any) -> VisitInfo:
    nowhere = SpherePoint(Angle(1.0), Angle(-0.5))
    place = Observatory(Angle(math.radians(-70.7)), Angle(math.radians(-30.2)), 2663.0)
    defaults = {
        "exposureTime": 30.0,
        "date": DateTime(1_700_000_000_000_000_000, "TAI"),
        "boresightRaDec": nowhere,
        "observatory": place,
        "instrumentLabel": "HSC",
        "id": 904010,
        "object": "M31",
    }
    return VisitInfo(**{**defaults, **options})


def test_visit_info_round_trip_is_equal() -> None:
    info = make_visit_info(ut1=60262.5, era=Angle(0.3))
    assert convert_back(make_exposure(VisitInfo=info)).info.getVisitInfo() == info


def test_visit_info_made_from_obs_info_has_era_and_ut1() -> None:
    image = VisitImage.from_legacy(make_exposure(VisitInfo=make_visit_info()))
    assert image.obs_info is not None
    with image.obs_info.edit_copy() as obs_info:
        pass
    info = make_image(obs_info=obs_info).to_legacy().info.getVisitInfo()
    utc = Time(1_700_000_000, format="unix_tai", scale="tai").utc
    # On that day, UT1-UTC was 0.010 s (IERS Bulletin A).
    assert (info.ut1 - utc.mjd) * 86400.0 == pytest.approx(0.010, abs=5e-3)
    # IERS Conventions 2010, equation 5.15, in turns.
    turns = 0.7790572732640 + 1.00273781191135448 * (info.ut1 - 51544.5)
    assert info.era.asRadians() % (2.0 * math.pi) == pytest.approx(2.0 * math.pi * (turns % 1.0), abs=1e-7)
    hour_angle = info.era.asDegrees() - 70.7 - math.degrees(1.0)
    assert info.boresightHourAngle.asDegrees() == pytest.approx(hour_angle, abs=1e-9)


@pytest.mark.parametrize("year", [1950, 2090])
def test_visit_info_made_outside_the_table_of_ut1_is_finite(year: int) -> None:
    time = Time(f"{year}-01-01T00:00:00", scale="tai")
    image = VisitImage.from_legacy(make_exposure(VisitInfo=make_visit_info()))
    assert image.obs_info is not None
    with image.obs_info.edit_copy() as obs_info:
        obs_info.datetime_begin = obs_info.datetime_end = time
    info = make_image(obs_info=obs_info).to_legacy().info.getVisitInfo()
    assert math.isfinite(info.era.asRadians()) and info.ut1 == pytest.approx(time.utc.mjd, abs=2e-5)


def test_from_legacy_takes_what_afw_removed_from_the_header_from_visit_info(shared_data: Path) -> None:
    image = VisitImage.read_legacy(shared_data / "legacy" / "calexp" / "obs_base_calexp.fits")
    assert isinstance(image, VisitImage) and image.obs_info is not None
    exposure = image.to_legacy()
    strip_visit_info(exposure.metadata)
    found, expected = VisitImage.from_legacy(exposure).obs_info, image.obs_info
    assert found is not None
    assert found.exposure_time == expected.exposure_time and found.object == expected.object
    assert abs(found.datetime_begin - expected.datetime_begin) < 1e-3 * u.s
    assert abs(found.datetime_end - expected.datetime_end) < 1e-3 * u.s
    assert found.tracking_radec.separation(expected.tracking_radec) < 1e-6 * u.arcsec
    assert (found.instrument, found.exposure_id) == (expected.instrument, expected.exposure_id)
    # VisitInfo does not have the detector's serial number; the header does.
    assert found.detector_serial == expected.detector_serial


def test_from_legacy_visit_info_takes_precedence_over_header(shared_data: Path) -> None:
    image = VisitImage.read_legacy(shared_data / "legacy" / "calexp" / "obs_base_calexp.fits")
    assert isinstance(image, VisitImage)
    exposure = image.to_legacy()
    exposure.info.setVisitInfo(make_visit_info(exposureTime=77.0))
    found = VisitImage.from_legacy(exposure).obs_info
    assert found is not None and found.exposure_time == 77.0 * u.s and found.object == "M31"


def test_from_legacy_contradicting_obs_info_costs_only_itself(shared_data: Path) -> None:
    image = VisitImage.read_legacy(shared_data / "legacy" / "calexp" / "obs_base_calexp.fits")
    assert isinstance(image, VisitImage)
    exposure = image.to_legacy()
    exposure.info.setFilter(afw.FilterLabel("r", "another filter"))
    found = VisitImage.from_legacy(exposure)
    assert found.band == "r"
    with pytest.raises(ArchiveReadError, match="physical_filter"):
        _ = found.obs_info


# Sky projection.


def _archived_wcs_files() -> list[str]:
    names = "coadd nonfits_wcs tc_radial visit_like visit_like_camdet warpedpsf"
    return [f"afw/exposure_{name}.fits" for name in names.split()] + ["legacy/calexp/obs_base_calexp.fits"]


@pytest.mark.parametrize("name", _archived_wcs_files())
def test_sky_wcs_round_trip_is_equal(shared_data: Path, name: str) -> None:
    projection = VisitImage.read_legacy(shared_data / name, component="sky_projection")
    frame_set = FrameSet.fromString(projection.pixel_to_sky_transform.ast_mapping.text)
    wcs = afw.SkyWcs(FrameDict(frame_set))
    assert convert_back(make_exposure(Wcs=wcs)).getWcs() == wcs
    approximated = wcs.copyWithFitsApproximation(wcs)
    assert convert_back(make_exposure(Wcs=approximated)).getWcs() == approximated


def test_sky_wcs_from_header_does_not_set_the_default_domain(shared_data: Path) -> None:
    path = shared_data / "legacy" / "calexp" / "daf_butler_small.fits"
    wcs = VisitImage.read_legacy(path, component="sky_projection").to_legacy()
    text = str(wcs.getFrameDict().ast)
    assert '#         Domain = "SKY"' in text and '\n          Domain = "SKY"' not in text
    assert afw.SkyWcs(FrameDict(FrameSet.fromString(text))) == wcs


# Aperture corrections of coadds.


def make_coadd_field() -> Any:
    """Make the field of a coadd of two images, one of which has a polygon of valid pixels."""
    frame_set = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Domain=PIXELS"))
    frame_set.addframe(1, starlink.Ast.ZoomMap(2, 1e-5), starlink.Ast.Frame(2, "Domain=IWC"))
    frame_set.addframe(2, starlink.Ast.UnitMap(2), starlink.Ast.SkyFrame("System=ICRS"))
    wcs = afw.SkyWcs(FrameDict(FrameSet(str(frame_set))))
    vertices = [(5.5, 10.5), (5.5, 28.5), (20.5, 28.5), (20.5, 10.5)]
    polygon = afw.AfwPolygon([afw.Point2D(x, y) for x, y in vertices])
    box = BOX.to_legacy()
    fields = [afw.ChebyshevBoundedField(box, np.array([[value]])) for value in (2.0, 5.0)]
    elements = [
        afw.CoaddBoundedFieldElement(fields[0], wcs, None, 1.0),
        afw.CoaddBoundedFieldElement(fields[1], wcs, polygon, 2.0),
    ]
    return afw.CoaddBoundedField(box, wcs, elements, 0.5)


def test_coadd_bounded_field_is_converted_in_both_directions() -> None:
    live = make_coadd_field()
    field = field_from_legacy(live)
    assert isinstance(field, CoaddField)
    # Weighted means in and outside the polygon.
    assert field(x=10.0, y=20.0) == pytest.approx((2.0 + 2.0 * 5.0) / 3.0)
    assert field(x=40.0, y=20.0) == pytest.approx(2.0)
    new = field.to_legacy()
    assert type(new) is afw.CoaddBoundedField and new is not live
    assert new.getCoaddWcs() == live.getCoaddWcs() and new.getDefault() == 0.5
    for found, expected in zip(new.getElements(), live.getElements(), strict=True):
        assert (found.weight, found.wcs) == (expected.weight, expected.wcs)
        polygons = [item.validPolygon for item in (found, expected)]
        corners = [
            None if item is None else sorted((p.x, p.y) for p in item.getVertices()[1:]) for item in polygons
        ]
        assert corners[0] == corners[1]
    assert field_from_legacy(new) == field


def test_coadd_aperture_corrections_round_trip_and_are_written(tmp_path: Path) -> None:
    corrections = afw.ApCorrMap()
    live = corrections["psfFlux"] = make_coadd_field()
    image = VisitImage.from_legacy(make_exposure(ApCorrMap=corrections))
    assert dict(image.to_legacy().info.getApCorrMap().items())["psfFlux"] is live
    image.write(tmp_path / "image.fits")
    back = VisitImage.read(tmp_path / "image.fits")
    assert back.aperture_corrections == image.aperture_corrections
    assert type(dict(back.to_legacy().info.getApCorrMap().items())["psfFlux"]) is afw.CoaddBoundedField


def test_field_without_accessors_is_read_from_what_afw_writes(shared_data: Path) -> None:
    class OtherBoundedField:
        def getBBox(self) -> Any:
            return BOX.to_legacy()

        def writeFits(self, path: str) -> None:
            Path(path).write_bytes((shared_data / "afw" / "obj_chebyshev.fits").read_bytes())

    assert isinstance(field_from_legacy(OtherBoundedField()), ChebyshevField)


def test_aperture_correction_of_unknown_type_costs_only_itself() -> None:
    class UnknownField:
        def getBBox(self) -> Any:
            return BOX.to_legacy()

        def writeFits(self, path: str) -> None:
            raise LogicError("not persistable")

    corrections = afw.ApCorrMap()
    corrections["a"] = afw.ChebyshevBoundedField(BOX.to_legacy(), np.array([[2.0]]))
    corrections["b"] = UnknownField()
    with pytest.warns(LossyConversionWarning, match="aperture correction 'b' .* UnknownField"):
        image = VisitImage.from_legacy(make_exposure(ApCorrMap=corrections))
    assert list(image.aperture_corrections) == ["a"]


def test_aperture_correction_without_equivalent_costs_only_itself() -> None:
    field = ChebyshevField(BOX, [[2.0]])
    image = make_image(aperture_corrections={"a": field, "b": SumField([field])})
    with pytest.warns(LossyConversionWarning, match="aperture correction 'b' .* SumField"):
        legacy = image.to_legacy()
    assert [name for name, _ in legacy.info.getApCorrMap().items()] == ["a"]
