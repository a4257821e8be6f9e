# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the sky projection of headers with unusual descriptions of their axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from lsst.images import GeneralFrame, Image, MaskedImage, Projection

FRAME = GeneralFrame(unit=u.pix)
CARDS: dict[str, Any] = {
    **{"CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 40.0, "CRPIX2": 30.0, "CD1_1": -5e-5, "CD2_2": 5e-5},
    **{"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"},
}
TPV = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"}
FREQUENCY = {"CTYPE3": "FREQ", "CRVAL3": 1e9, "CRPIX3": 1.0, "CD3_3": 1.0}


def read_projection(cards: dict[str, Any], folder: Path) -> Projection[Any]:
    """Write a file of other software and read its projection."""
    hdu = fits.PrimaryHDU(np.zeros((60, 80), np.float32))
    hdu.header.update({**CARDS, **cards})
    hdu.writeto(folder / "image.fits")
    image = Image.read_legacy(folder / "image.fits", fits_wcs_frame=FRAME)
    assert image.projection is not None
    image.write(folder / "new.fits")
    assert Image.read(folder / "new.fits").projection == image.projection
    assert "CTYPE1" in fits.getheader(folder / "new.fits", "IMAGE")
    return image.projection


def check(projection: Projection[Any], expected: dict[str, Any]) -> None:
    """Compare a projection with the WCS that astropy makes of a header."""
    x, y = (axis.ravel() for axis in np.meshgrid([0.0, 40.0, 79.0], [0.0, 30.0, 59.0]))
    sky = WCS(fits.Header({**CARDS, **expected})).pixel_to_world(x, y)
    assert (projection.pixel_to_sky(x=x, y=y).separation(sky) < 1e-6 * u.arcsec).all()


@pytest.mark.parametrize(
    "terms",
    [{}, {"PV1_4": 1e-3, "PV2_4": 1e-3}, {"PV1_4": 1e-3}, {"PV1_1": 1.0, "PV1_5": 1e-3}, {"PV2_1": 0.9}],
)
def test_tpv_linear_term_is_one_by_default(terms: dict[str, float], tmp_path: Path) -> None:
    complete = {"PV1_1": 1.0, "PV2_1": 1.0, **terms}
    check(read_projection({**TPV, **terms}, tmp_path), {**TPV, **complete})


@pytest.mark.parametrize(
    "more",
    [
        FREQUENCY,
        {"WCSAXES": 3, **FREQUENCY},
        {"WCSAXES": 4, **FREQUENCY, "CTYPE4": "STOKES", "CRVAL4": 1.0, "CRPIX4": 1.0, "CD4_4": 1.0},
        {"WCSAXES": 3, "CRVAL3": 0.0},
    ],
)
def test_axes_of_length_one_do_not_cost_the_projection(more: dict[str, Any], tmp_path: Path) -> None:
    check(read_projection(more, tmp_path), {})


def test_third_axis_of_array_does_not_cost_the_projection(tmp_path: Path) -> None:
    hdu = fits.PrimaryHDU(np.zeros((1, 60, 80), np.float32))
    hdu.header.update({**CARDS, **FREQUENCY})
    hdu.writeto(tmp_path / "image.fits")
    image = Image.read_legacy(tmp_path / "image.fits", fits_wcs_frame=FRAME)
    assert image.projection is not None
    check(image.projection, {})


def test_third_axis_of_masked_image_does_not_cost_the_projection(tmp_path: Path) -> None:
    header = fits.Header({**CARDS, **FREQUENCY})
    planes = {"IMAGE": np.float32, "MASK": np.int32, "VARIANCE": np.float32}
    hdus = [fits.PrimaryHDU()]
    hdus += [fits.ImageHDU(np.ones((60, 80), dtype), header, name) for name, dtype in planes.items()]
    for plane in hdus[1:]:
        plane.header["EXTTYPE"] = plane.name
    hdus[2].header["MP_BAD"] = 0
    fits.HDUList(hdus).writeto(tmp_path / "image.fits")
    image = MaskedImage.read_legacy(tmp_path / "image.fits", fits_wcs_frame=FRAME)
    assert image.projection is not None
    check(image.projection, {})


def test_third_axis_mixed_with_the_others_warns(tmp_path: Path) -> None:
    hdu = fits.PrimaryHDU(np.zeros((60, 80), np.float32))
    hdu.header.update({**CARDS, **FREQUENCY, "CD1_3": 1e-4})
    hdu.writeto(tmp_path / "image.fits")
    with pytest.warns(UserWarning, match="omitted"):
        assert Image.read_legacy(tmp_path / "image.fits", fits_wcs_frame=FRAME).projection is None
