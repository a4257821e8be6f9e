# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the FITS WCS of tangent projections in other systems than ICRS."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import Box, GeneralFrame, Image, SkyProjection

FRAME = GeneralFrame(unit=u.pix)
SYSTEMS: dict[str, dict[str, Any]] = {
    "FK5": {"RADESYS": "FK5", "EQUINOX": 2000.0},
    "equinox only": {"EQUINOX": 2000.0},
    "FK5 of 1975": {"RADESYS": "FK5", "EQUINOX": 1975.0},
    "ICRS": {"RADESYS": "ICRS"},
}


def make_header(
    system: dict[str, Any],
    rotation: float,
    position: tuple[float, float],
    scale: float,
    crpix: float = 1000.0,
) -> fits.Header:
    """Return a header of a tangent projection; the scale is in arcsec."""
    angle, k = np.radians(rotation), scale / 3600
    c, s = round(np.cos(angle), 15), round(np.sin(angle), 15)
    return fits.Header(
        {
            **{"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": position[0], "CRVAL2": position[1]},
            **{"CRPIX1": crpix, "CRPIX2": -crpix, "CUNIT1": "deg", "CUNIT2": "deg"},
            **{"CD1_1": -k * c, "CD1_2": k * s, "CD2_1": k * s, "CD2_2": k * c},
            **system,
        }
    )


def check_written(header: fits.Header, folder: Path) -> None:
    """Compare positions in the written file with those of the old header, both read by astropy."""
    fits.PrimaryHDU(np.zeros((60, 80), np.float32), header=header).writeto(folder / "old.fits")
    image = Image.read_legacy(folder / "old.fits", fits_wcs_frame=FRAME)
    image.write_fits(folder / "new.fits")
    written = fits.getheader(folder / "new.fits", "IMAGE")
    assert written["CTYPE1"] == "RA---TAN" and "WCSMAXER" not in written
    x, y = np.meshgrid(np.linspace(-1, 80, 5), np.linspace(-1, 60, 5))
    old, new = WCS(header).pixel_to_world(x, y).icrs, WCS(written).pixel_to_world(x, y).icrs
    scale = abs(np.linalg.det(image.fits_wcs.wcs.cd)) ** 0.5 * u.deg
    # WCSLIB writes reference positions with 12 digits.
    assert (old.separation(new) < 1e-6 * scale + 5e-8 * u.arcsec).all()


@pytest.mark.parametrize("system", SYSTEMS)
def test_written_wcs_of_tangent_projection_agrees_with_astropy(system: str, tmp_path: Path) -> None:
    cases = itertools.product((0, 90, 180, 270), ((150.0, 2.0), (0.0, 0.0), (10.0, -89.5)), (0.04, 20.0))
    for number, (rotation, position, scale) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        check_written(make_header(SYSTEMS[system], rotation, position, scale), folder)


@given(
    system=st.sampled_from(sorted(SYSTEMS)),
    # Hundredths, because AST rounds elements of matrices below 1e-8 to zero (3.3 milliarcsec).
    rotation=st.integers(0, 36000).map(lambda number: number / 100),
    ra=st.integers(0, 36000).map(lambda number: number / 100),
    dec=st.integers(-9000, 9000).map(lambda number: number / 100),
    scale=st.floats(0.01, 60),
    crpix=st.floats(-5000, 5000),
)
def test_fits_wcs_of_tangent_projection_exists_within_documented_error(
    system: str, rotation: float, ra: float, dec: float, scale: float, crpix: float
) -> None:
    old = WCS(make_header(SYSTEMS[system], rotation, (ra, dec), scale, crpix))

    projection = SkyProjection.from_fits_wcs(old, FRAME)
    wcs = projection.as_fits_wcs(Box.factory[0:60, 0:80])
    assert wcs is not None
    x, y = np.meshgrid(np.linspace(0, 79, 4), np.linspace(0, 59, 4))
    separation = wcs.pixel_to_world(x, y).icrs.separation(old.pixel_to_world(x, y).icrs)
    assert (separation < (1e-4 * scale + 4e-3) * u.arcsec).all()


def test_distorted_projection_is_not_called_a_tangent_projection(tmp_path: Path) -> None:
    header = make_header(SYSTEMS["FK5"], 0, (150.0, 2.0), 0.2)
    header.update({"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"})
    header.update({"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-7, "B_0_2": 1e-7})
    fits.PrimaryHDU(np.zeros((60, 80), np.float32), header=header).writeto(tmp_path / "old.fits")
    image = Image.read_legacy(tmp_path / "old.fits", fits_wcs_frame=FRAME)
    wcs = image.fits_wcs
    if wcs is not None:
        x, y = np.meshgrid(np.linspace(0, 79, 4), np.linspace(0, 59, 4))
        separation = wcs.pixel_to_world(x, y).icrs.separation(WCS(header).pixel_to_world(x, y).icrs)
        assert (separation < 2e-5 * u.arcsec).all()
