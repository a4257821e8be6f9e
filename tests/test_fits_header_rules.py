# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Cards of an old header in a new file: astropy reads the same pixels and sky as this package."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.images import GeneralFrame, Image, Projection
from lsst.images.fits import FitsOpaqueMetadata, strip_legacy_exposure_cards

PIXEL_FRAME = GeneralFrame(unit=u.pix)

SCALE = 0.2 / 3600.0

KEPT: dict[str, Any] = {
    "OBSERVER": "A. Person",
    "EXPTIME": 30.0,
    "AIRMASS": 1.2,
    "TEMP1": 4.5,
    "PSF_FLAG": True,
}
"""Cards without a meaning for the HDU."""


def make_header(code: str = "TAN", **cards: Any) -> fits.Header:
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = f"RA---{code}", f"DEC--{code}"
    header["CRVAL1"], header["CRVAL2"] = 150.0, 2.0
    header["CRPIX1"], header["CRPIX2"] = 20.0, 15.0
    header["CD1_1"], header["CD1_2"], header["CD2_1"], header["CD2_2"] = (
        SCALE * value for value in (-0.8, 0.6, 0.6, 0.8)
    )
    header.update(cards)
    return header


def read(header: fits.Header, folder: Path) -> Image:
    path = folder / "old.fits"
    hdu = fits.PrimaryHDU(np.arange(1200.0, dtype=np.float32).reshape(30, 40), header=header)
    hdu.writeto(path, overwrite=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return Image.read_legacy(path, fits_wcs_frame=PIXEL_FRAME)


def check_written(image: Image, folder: Path) -> fits.Header:
    """Write an image and compare what astropy reads with the image."""
    path = folder / "new.fits"
    path.unlink(missing_ok=True)
    image.write_fits(path)
    with fits.open(path, checksum=True) as hdus:
        header, pixels = hdus["IMAGE"].header, hdus["IMAGE"].data
        assert len(set(hdus[0].header)) == len(hdus[0].header)
    np.testing.assert_array_equal(pixels, image.array)
    x, y = np.array([0.0, 39.0, 0.0, 39.0]), np.array([0.0, 0.0, 29.0, 29.0])
    astropy_sky = WCS(header).pixel_to_world(x, y).icrs
    ours = image.projection.pixel_to_sky(x=x + image.bbox.x.start, y=y + image.bbox.y.start)
    assert astropy_sky.separation(ours).arcsec.max() <= header.get("WCSMAXER", 0.0) + 1e-4 * 0.2
    return header


def replace_wcs(image: Image) -> Image:
    """Return an image with another tangent projection."""
    new = make_header(CRVAL1=10.0, CRVAL2=20.0)
    return image.view(projection=Projection.from_fits_wcs(WCS(new), PIXEL_FRAME, image.bbox))


FRAMES = st.sampled_from(
    [{}, {"RADECSYS": "FK5"}, {"RADECSYS": "FK5", "EQUINOX": 1975.0}, {"EQUINOX": 2000.0}, {"EPOCH": 2000.0}]
)
GEOMETRY = st.sampled_from(
    [
        ("TAN", {}),
        ("TPV", {"PV1_0": 1e-4, "PV1_1": 1.01, "PV1_4": 0.02, "PV1_7": 0.1, "PV2_1": 0.99, "PV2_4": 0.03}),
        ("TAN", {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-5, "B_0_2": 2e-5}),
        ("TAN", {"LONPOLE": 170.0, "LATPOLE": 20.0}),
        ("CAR", {"PV1_1": 0.0, "PV1_2": 30.0}),
        ("SIN", {"PV2_1": 0.1, "PV2_2": -0.1}),
    ]
)
LETTER = st.sampled_from("BCMPZ")
LEFTOVERS = st.fixed_dictionaries(
    {},
    optional={
        "CROTA2": st.floats(-180, 180),
        "DATAMIN": st.just(0.0),
        "INHERIT": st.booleans(),
        "EXTLEVEL": st.just(2),
        "LTV1": st.just(-7.0),
        "LTM1_1": st.just(2.0),
        "BLANK": st.integers(-5, 5),
        "THEAP": st.just(12),
        "ZSCALE": st.just(3.0),
        "ZBLANK": st.just(7),
        "CHECKSUM": st.just("0" * 16),
        "DATASUM": st.just("17"),
        "ZHECKSUM": st.just("0" * 16),
        "PSCAL1": st.just(2.0),
        "TFORM1": st.just("J"),
        "CPDIS9": st.just("LOOKUP"),
        "PC001002": st.just(0.3),
        "AMDX1": st.just(0.3),
        "WCSNAME": st.just("old"),
    },
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FRAMES, GEOMETRY, LEFTOVERS, LETTER, st.booleans())
def test_write_fits_old_wcs_cards_do_not_change_the_sky(
    tmp_path, frame, geometry, leftovers, letter, is_replaced
):
    code, cards = geometry
    alternate = {f"{key}{letter}": value for key, value in make_header(CRVAL1=77.0).items()}
    # Cards that invalidate the old header itself are only added for the new one.
    image = read(make_header(code, **frame, **cards, **alternate, **KEPT), tmp_path)
    if image.projection is None or is_replaced:
        image = replace_wcs(image)
    passthrough = FitsOpaqueMetadata.from_passthrough(image._attachments.passthrough)
    old = make_header(code, **frame, **cards, **alternate, **leftovers, **KEPT)
    for key in list(passthrough.headers):
        if key.name == "IMAGE":
            passthrough._headers.pop(key)
            passthrough.add_header(old, key=key)
    header = check_written(image, tmp_path)
    for keyword, value in KEPT.items():
        assert header[keyword] == value
    gone = {*frame, *cards, *alternate, *leftovers} - {"DATAMIN", "LONPOLE", "LATPOLE", "CHECKSUM", "DATASUM"}
    stale = {keyword for keyword in gone if keyword in header and not keyword.startswith(("A_", "B_", "PV"))}
    assert not stale


@pytest.mark.parametrize(
    "keyword",
    ["ARCHIVE_ID_TRANSMISSION_CURVE", "TRANSMISSION_CURVE_ID", "COADD_INPUTS_ID", "AR_HDU"]
    + ["SKYWCS_ID", "WCS_ID", "SUMMARY_STATS_ID", "ARCHIVE_ID_anything", "PSF_ARCHID"],
)
def test_write_fits_archive_cards_are_dropped(keyword, tmp_path):
    image = read(make_header(**{keyword: 3, "CALIB_ID": 5, "VISIT_ID": 7}), tmp_path)
    image.write_fits(tmp_path / "a.fits")
    headers = [hdu.header for hdu in fits.open(tmp_path / "a.fits")]
    assert not any(keyword.upper() in header for header in headers)
    assert any(header.get("CALIB_ID") == 5 for header in headers)
    assert any(header.get("VISIT_ID") == 7 for header in headers)


def test_strip_legacy_exposure_cards_other_component_with_archive_comment_is_dropped():
    header = fits.Header(
        [("NEW_THING_ID", 4, "archive ID for generic component 'x'"), ("NIGHT_ID", 4, "night")]
    )
    strip_legacy_exposure_cards(header)
    assert list(header) == ["NIGHT_ID"]
