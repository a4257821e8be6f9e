# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Observation information from the Butler's exposure record, from flat header cards, and from afw objects."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import astropy.io.fits
import astropy.units as u
import pytest
from astro_metadata_translator import ObservationInfo
from astropy.time import Time
from helpers import afw_fakes as afw
from lsst.daf.butler import DimensionUniverse, Timespan
from lsst.images import VisitImage, obs_info_from_legacy
from lsst.images.errors import DataIdMismatchError, LegacyConversionError, LossyConversionWarning

CALEXP = "legacy/calexp/obs_base_calexp.fits"

BEGIN = Time("2014-11-18T08:00:00", scale="tai", format="isot")


def exposure_record(**changes: Any) -> Any:
    values = {
        "instrument": "HSC",
        "id": 904010,
        "day_obs": 20141118,
        "group": "G1",
        "physical_filter": "HSC-I",
        "obs_id": "A RECORD",
        "exposure_time": 30.0,
        "seq_num": 12,
        "seq_start": 10,
        "seq_end": 14,
        "can_see_sky": True,
        "azimuth": 100.0,
        "zenith_angle": 30.0,
        "timespan": Timespan(BEGIN, BEGIN + 30 * u.s),
    }
    return DimensionUniverse()["exposure"].RecordClass(**(values | changes))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    afw.install(monkeypatch)


def check_record_facts(info: ObservationInfo) -> None:
    assert (info.instrument, info.exposure_id, info.visit_id) == ("HSC", 904010, 904010)
    assert (info.datetime_begin - BEGIN).to_value(u.s) == pytest.approx(0)
    assert (info.datetime_end - info.datetime_begin).to_value(u.s) == pytest.approx(30)
    assert (info.observing_day, info.observation_id, info.exposure_group) == (20141118, "A RECORD", "G1")
    assert info.exposure_time_requested == 30 * u.s
    assert (info.observation_counter, info.group_counter_start, info.group_counter_end) == (12, 10, 14)
    assert info.can_see_sky is True
    assert info.altaz_begin.az.deg == pytest.approx(100) and info.altaz_begin.alt.deg == pytest.approx(60)


def test_read_legacy_takes_facts_of_the_record(shared_data: Path) -> None:
    path = shared_data / CALEXP
    plain = VisitImage.read_legacy(path)
    image = VisitImage.read_legacy(path, exposure_record=exposure_record(id=plain.obs_info.exposure_id))
    assert image.obs_info.observation_id == "A RECORD"
    assert image.obs_info.exposure_time == plain.obs_info.exposure_time
    assert image.image == plain.image
    assert VisitImage.read_legacy(path, exposure_record=None).obs_info == plain.obs_info


@pytest.mark.parametrize("change", [{"instrument": "LSSTCam"}, {"id": 5}])
def test_record_of_another_exposure_is_refused(change: dict[str, Any], shared_data: Path) -> None:
    with pytest.raises(DataIdMismatchError, match="does not match the exposure record"):
        _ = VisitImage.read_legacy(
            shared_data / CALEXP, exposure_record=exposure_record(**change), component="obs_info"
        )


def visit_info(shared_data: Path) -> Any:
    info = VisitImage.read_legacy(shared_data / CALEXP).obs_info
    with info.edit_copy() as copy:
        copy.exposure_id = 904010
    from lsst.images.legacy._live_visit_info import visit_info_to  # makes the afw object of the test

    return visit_info_to(copy)


def make_detector(serial: str = "0123", number: int = 56) -> Any:
    return SimpleNamespace(getId=lambda: number, getName=lambda: "1_53", getSerial=lambda: serial)


def test_obs_info_from_afw_objects_and_record(stack: None, shared_data: Path) -> None:
    info = obs_info_from_legacy(
        visit_info(shared_data),
        exposure_record(),
        make_detector(),
        detector_exposure_id=123456,
        telescope="Subaru",
        physical_filter="ignored with a record",
    )
    check_record_facts(info)
    assert (info.detector_exposure_id, info.telescope, info.physical_filter) == (123456, "Subaru", "HSC-I")
    assert (info.detector_num, info.detector_unique_name, info.detector_serial) == (56, "1_53", "0123")


def test_obs_info_without_record_is_incomplete_and_logged(
    stack: None, shared_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    info = obs_info_from_legacy(
        visit_info(shared_data), None, make_detector(), detector_exposure_id=None, physical_filter="HSC-I"
    )
    assert (info.physical_filter, info.telescope) == ("HSC-I", "Unknown")
    assert info.observation_id is None and info.exposure_time_requested is None
    assert "without an exposure dimension record" in caplog.text
    with pytest.raises(LegacyConversionError, match="does not have a VisitInfo"):
        obs_info_from_legacy(None, None, make_detector(), detector_exposure_id=None)


def test_flat_cards_are_returned_unchanged_and_removed(stack: None, shared_data: Path) -> None:
    truth = VisitImage.read_legacy(shared_data / CALEXP).obs_info
    flat = truth.to_flat_dict(prefix="OBS_INFO", sep=" ", use_upper=True, encode_non_finite=True)
    header = astropy.io.fits.Header()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header.update({f"HIERARCH {key}": value for key, value in flat.items() if value is not None})
    header["OTHER"] = 5
    found = obs_info_from_legacy(None, None, None, detector_exposure_id=None, header=header)
    assert found.exposure_id == truth.exposure_id and found.observation_id == truth.observation_id
    assert list(header) == ["OTHER"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header.update({f"HIERARCH {key}": value for key, value in flat.items() if value is not None})
    with pytest.raises(DataIdMismatchError, match="embedded ObservationInfo does not match"):
        obs_info_from_legacy(None, exposure_record(id=1), None, detector_exposure_id=None, header=header)


@pytest.mark.parametrize(
    ("instrument", "number", "serial", "expected"),
    [
        ("LSSTCam", 173, "wrong", "ITL-3800C-327"),
        ("LSSTCam", 108, "E2V-CCD250-140", "E2V-CCD250-140"),
        ("LSSTCam", 1, "wrong", "wrong"),
        ("LATISS", 173, "wrong", "wrong"),
    ],
)
def test_wrong_serials_of_lsstcam_are_replaced(
    instrument: str, number: int, serial: str, expected: str, stack: None, shared_data: Path
) -> None:
    legacy = visit_info(shared_data)
    legacy.instrumentLabel = instrument
    record = exposure_record(instrument=instrument)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        info = obs_info_from_legacy(legacy, record, make_detector(serial, number), detector_exposure_id=None)
    assert info.detector_serial == expected
    assert any(w.category is LossyConversionWarning for w in caught) == (serial != expected)
