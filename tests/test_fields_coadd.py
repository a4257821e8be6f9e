# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The weighted mean of fields of the images of a coadd."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from lsst.images import Box, GeneralFrame, Projection, VisitImage
from lsst.images.errors import UnitMismatchError
from lsst.images.fields import ChebyshevField, CoaddField, CoaddFieldInput
from lsst.images.io import read, write
from lsst.images.legacy import open_legacy
from numpy.polynomial import chebyshev

BOX = Box.factory[0:60, 0:80]
COEFFICIENTS = [np.array([[1.0, 0.2], [0.3, 0.0]]), np.array([[2.0, -0.1], [0.0, 0.4]])]
WEIGHTS = [1.0, 3.0]


def make_wcs(x: float, y: float, angle: float = 0.0) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [45.0, 30.0]
    wcs.wcs.crpix = [x + 1, y + 1]
    c, s = 1e-4 * np.cos(angle), 1e-4 * np.sin(angle)
    wcs.wcs.cd = [[-c, s], [s, c]]
    wcs.wcs.set()
    return wcs


WCSS = [make_wcs(40.0, 30.0, 0.1), make_wcs(60.5, 10.0, -0.3)]
COADD = make_wcs(50.0, 40.0)


def project(wcs: WCS) -> Projection[Any]:
    return Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix))


def make_field(unit: Any = None) -> CoaddField:
    inputs = [
        CoaddFieldInput(ChebyshevField(BOX, c, unit=unit), project(wcs), BOX, weight)
        for c, wcs, weight in zip(COEFFICIENTS, WCSS, WEIGHTS, strict=True)
    ]
    return CoaddField(inputs, project(COADD), Box.factory[0:100, 0:120], default=-7.0, unit=unit)


def expected(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    sky = COADD.all_pix2world(np.stack([x, y], axis=1), 0)
    total, weights = np.zeros(len(x)), np.zeros(len(x))
    for c, wcs, weight in zip(COEFFICIENTS, WCSS, WEIGHTS, strict=True):
        there = wcs.all_world2pix(sky, 0).T
        # Chebyshev's own coordinates of a box run from edge to edge.
        u_, v = (there[0] - 39.5) / 40.0, (there[1] - 29.5) / 30.0
        inside = (abs(u_) < 1) & (abs(v) < 1)
        total += np.where(inside, weight * chebyshev.chebval2d(v, u_, c), 0.0)
        weights += np.where(inside, weight, 0.0)
    return np.where(weights > 0, total / np.where(weights > 0, weights, 1.0), -7.0)


def test_coadd_field_is_weighted_mean_of_inputs() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.uniform(-10, 130, 500), rng.uniform(-10, 110, 500)
    values = expected(x, y)
    assert {(-7.0 == values).all(), (-7.0 == values).any()} == {False, True}
    np.testing.assert_allclose(make_field()(x=x, y=y), values, rtol=1e-9)


def test_coadd_field_render_equals_evaluation() -> None:
    field, box = make_field(), Box.factory[20:50, 30:70]
    x, y = np.meshgrid(box.x.arange, box.y.arange)
    assert np.array_equal(field.render(box).array, field(x=x, y=y))
    assert np.isnan(field(x=np.nan, y=3.0))


def test_coadd_field_factor_scales_default_value() -> None:
    scaled = make_field(u.nJy) * (2.0 * u.s)
    assert scaled.unit == u.nJy * u.s and scaled.default == -14.0
    assert scaled(x=50.0, y=40.0) == pytest.approx(2 * make_field()(x=50.0, y=40.0))


def test_coadd_field_other_unit_raises() -> None:
    item = CoaddFieldInput(ChebyshevField(BOX, COEFFICIENTS[0], unit=u.nJy), project(COADD), BOX)
    with pytest.raises(UnitMismatchError, match="must have its unit, adu"):
        CoaddField([item], project(COADD), BOX, unit=u.adu)


@pytest.mark.parametrize("extension", ["fits", "json", "sdf"])
def test_coadd_field_round_trip_preserves_value(extension: str, tmp_path: Path) -> None:
    field, path = make_field(u.nJy), tmp_path / f"field.{extension}"
    write(field, path)
    again = read(path)
    assert again == field == pickle.loads(pickle.dumps(field))
    assert again(x=55.0, y=45.0) == field(x=55.0, y=45.0)


@pytest.mark.parametrize(
    "name", ["afw/exposure_coadd.fits", "legacy/coadd/twinkles_small_CoaddTempExp.fits.gz"]
)
def test_coadd_field_of_legacy_coadd_round_trips(name: str, shared_data: Path, tmp_path: Path) -> None:
    with open_legacy(shared_data / name, VisitImage) as reader:
        corrections = reader.get_component("aperture_corrections")
        image = reader.read()
    coadded = {name: field for name, field in corrections.items() if isinstance(field, CoaddField)}
    assert coadded
    image.write_fits(tmp_path / "coadd.fits")
    again = VisitImage.read_fits(tmp_path / "coadd.fits").aperture_corrections
    box = image.bbox
    x, y = np.linspace(box.x.min, box.x.max, 9), np.linspace(box.y.min, box.y.max, 9)
    for name, field in coadded.items():
        assert np.array_equal(again[name](x=x, y=y), field(x=x, y=y))
