# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of FITS world coordinates to projections and back, compared with astropy.wcs."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS, DistortionLookupTable, Sip
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import ICRS, Box, GeneralFrame, Projection, Transform
from lsst.images.errors import GeometryError

PIXELS = GeneralFrame(unit=u.pix)
BBOX = Box.factory[10:2000, 20:3000]
CD = [[-4.76e-5, 2.86e-5], [2.86e-5, 4.76e-5]]
RNG = np.random.default_rng(20260101)
X, Y = RNG.uniform(0, 4000, (2, 300))


def make_wcs(
    ctype: tuple[str, str] = ("RA---TAN", "DEC--TAN"),
    crval: tuple[float, float] = (150.1, 2.2),
    *,
    radesys: str | None = "ICRS",
    equinox: float | None = None,
    pv: list[tuple[int, int, float]] | None = None,
) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = list(ctype)
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cd = [55.5, 40.25], list(crval), CD
    if radesys is not None:
        wcs.wcs.radesys = radesys
    if equinox is not None:
        wcs.wcs.equinox = equinox
    if pv is not None:
        wcs.wcs.set_pv(pv)
    return wcs


def with_sip(wcs: WCS, *, crpix: tuple[float, float] = (55.5, 40.25), inverse: bool = False) -> WCS:
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[2, 0], a[1, 1], a[0, 3], b[0, 2], b[1, 2] = 2e-6, 1.1e-6, 1e-10, 1.5e-6, 3e-10
    wcs.wcs.ctype = [f"{ctype}-SIP" for ctype in wcs.wcs.ctype]
    wcs.sip = Sip(a, b, -a if inverse else None, -b if inverse else None, crpix)
    return wcs


TPV = [(1, 0, 1e-5), (1, 1, 1.0001), (1, 2, 1e-4), (1, 4, 1e-3), (1, 7, 2e-3)]
TPV += [(2, 1, 1.0002), (2, 4, -1e-3), (2, 10, 3e-3)]

GOOD = {
    "TAN": make_wcs(),
    "no RADESYS": make_wcs(radesys=None),
    "FK5": make_wcs(radesys="FK5", equinox=2000.0),
    "FK5 of another equinox": make_wcs(radesys="FK5", equinox=1975.0),
    "Galactic": make_wcs(("GLON-TAN", "GLAT-TAN"), radesys=None),
    "latitude first": make_wcs(("DEC--TAN", "RA---TAN"), (2.2, 150.1)),
    "near the pole": make_wcs(crval=(10.0, 89.99)),
    "across RA 0": make_wcs(crval=(359.99, -30.0)),
    "SIN": make_wcs(("RA---SIN", "DEC--SIN")),
    "ZPN": make_wcs(("RA---ZPN", "DEC--ZPN"), pv=[(2, 1, 1.0), (2, 3, 50.0)]),
    "CAR": make_wcs(("RA---CAR", "DEC--CAR")),
    "COE": make_wcs(("RA---COE", "DEC--COE"), pv=[(2, 1, 20.0)]),
    "SIP": with_sip(make_wcs()),
    "SIP with inverse": with_sip(make_wcs(), inverse=True),
    "SIP with its own CRPIX": with_sip(make_wcs(), crpix=(100.0, 200.0)),
    "SIP in FK5": with_sip(make_wcs(radesys="FK5", equinox=2000.0)),
    "SIP in Galactic": with_sip(make_wcs(("GLON-TAN", "GLAT-TAN"), radesys=None)),
    "TPV": make_wcs(("RA---TPV", "DEC--TPV"), pv=TPV),
    "GLS": make_wcs(("RA---GLS", "DEC--GLS")),
    "CAR about another origin": make_wcs(
        ("RA---CAR", "DEC--CAR"), pv=[(1, 0, 1.0), (1, 1, 10.0), (1, 2, 20.0)]
    ),
    "TAN with stray PV": make_wcs(pv=[(2, 1, 1.0), (2, 2, 0.1)]),
}


@pytest.fixture(params=list(GOOD))
def wcs(request: pytest.FixtureRequest) -> WCS:
    return GOOD[request.param]


def test_from_fits_wcs_celestial_matches_astropy(wcs: WCS) -> None:
    projection = Projection.from_fits_wcs(wcs, PIXELS, x0=7, y0=-3)
    sky = projection.pixel_to_sky(x=X + 7, y=Y - 3)
    assert sky.separation(wcs.pixel_to_world(X, Y).icrs).arcsec.max() < 1e-9
    assert projection.pixel_to_sky_transform.out_frame is ICRS


def test_from_fits_wcs_inverse_returns_original_pixels(wcs: WCS) -> None:
    projection = Projection.from_fits_wcs(wcs, PIXELS)
    back = projection.sky_to_pixel(projection.pixel_to_sky(x=X, y=Y))
    # An ulp of a right ascension in radians is 5e-10 of these pixels; the
    # inverses of zenithal polynomials are those of AST.
    limit = 1e-6 if "ZPN" in wcs.wcs.ctype[0] else 2e-9
    assert max(np.abs(back.x - X).max(), np.abs(back.y - Y).max()) < limit / np.cos(
        np.radians(projection.pixel_to_sky(x=X, y=Y).dec.deg)
    ).min().clip(1e-4)


def test_as_fits_wcs_first_pixel_is_box_start(wcs: WCS) -> None:
    projection = Projection.from_fits_wcs(wcs, PIXELS)
    fits_wcs = projection.as_fits_wcs(BBOX)
    if wcs is GOOD["SIP with its own CRPIX"]:
        # FITS cannot represent it together with the original reference point.
        assert fits_wcs is None
        return
    assert fits_wcs.pixel_shape == (BBOX.x.size, BBOX.y.size)
    assert fits_wcs.wcs.radesys == "ICRS"
    assert (fits_wcs.wcs.lngtyp, fits_wcs.wcs.lng) == ("RA", 0)
    sky = fits_wcs.pixel_to_world(X, Y)
    # AST moves the reference point of a projection with another origin.
    limit = 2e-7 if wcs in (GOOD["GLS"], GOOD["CAR about another origin"]) else 1e-8
    assert sky.separation(projection.pixel_to_sky(x=X + 20, y=Y + 10)).arcsec.max() < limit


def test_as_fits_wcs_header_is_equivalent_in_astropy(wcs: WCS) -> None:
    projection = Projection.from_fits_wcs(wcs, PIXELS)
    fits_wcs = projection.as_fits_wcs(BBOX)
    if fits_wcs is not None:
        again = WCS(fits_wcs.to_header(relax=True))
        assert again.pixel_to_world(X, Y).separation(fits_wcs.pixel_to_world(X, Y)).arcsec.max() < 1e-6


def test_as_fits_wcs_sip_header_has_inverse() -> None:
    fits_wcs = Projection.from_fits_wcs(GOOD["SIP with inverse"], PIXELS).as_fits_wcs(Box.factory[0:9, 0:9])
    original = GOOD["SIP with inverse"].sip
    for name in ("a", "b", "ap", "bp"):
        np.testing.assert_allclose(getattr(fits_wcs.sip, name), getattr(original, name), rtol=1e-14)
    np.testing.assert_allclose(fits_wcs.wcs.cd, CD, rtol=1e-13)
    np.testing.assert_array_equal(fits_wcs.wcs.crpix, [55.5, 40.25])


BAD = {
    "FK4": make_wcs(radesys="FK4", equinox=1950.0),
    "FK4-NO-E": make_wcs(radesys="FK4-NO-E", equinox=1950.0),
    "ecliptic": make_wcs(("ELON-TAN", "ELAT-TAN"), radesys=None),
    "terrestrial": make_wcs(("TLON-TAN", "TLAT-TAN"), radesys=None),
    "TAN with the PV of TPV": make_wcs(pv=[(1, 0, 1e-5), (1, 1, 1.0001), (1, 2, 1e-4)]),
    "linear": make_wcs(("LINEAR", "LINEAR"), radesys=None),
    "nothing": make_wcs(("", ""), radesys=None),
    "one celestial axis": make_wcs(("WAVE", "LINEAR"), radesys=None),
}


@pytest.mark.parametrize("name", list(BAD))
def test_from_fits_wcs_unsupported_celestial_frame_raises(name: str) -> None:
    with pytest.raises(GeometryError, match="axes"):
        Projection.from_fits_wcs(BAD[name], PIXELS)


def test_from_fits_wcs_unsupported_axes_tables_or_matrix_raises() -> None:
    with pytest.raises(GeometryError, match="2 axes"):
        Projection.from_fits_wcs(WCS(naxis=3), PIXELS)
    singular = make_wcs()
    singular.wcs.cd = [[1.0, 1.0], [1.0, 1.0]]
    with pytest.raises(GeometryError, match="singular"):
        Projection.from_fits_wcs(singular, PIXELS)
    table = make_wcs()
    table.cpdis1 = DistortionLookupTable(np.ones((3, 3), dtype=np.float32), (1, 1), (1, 1), (1, 1))
    with pytest.raises(GeometryError, match="look-up tables"):
        Projection.from_fits_wcs(table, PIXELS)
    with pytest.raises(TypeError, match="WCS"):
        Projection.from_fits_wcs({"CTYPE1": "RA---TAN"}, PIXELS)
    with pytest.raises(GeometryError, match="not linear"):
        Transform.from_fits_wcs(make_wcs(), PIXELS, PIXELS)


def test_from_fits_wcs_does_not_modify_argument() -> None:
    wcs = make_wcs(("RA---TPV", "DEC--TPV"), pv=TPV)
    Projection.from_fits_wcs(wcs, PIXELS)
    assert list(wcs.wcs.ctype) == ["RA---TPV", "DEC--TPV"]


@settings(max_examples=25)
@given(
    ra=st.floats(0, 359.99),
    dec=st.floats(-89.9, 89.9),
    angle=st.floats(0, 360),
    scale=st.floats(0.01, 60.0),
    flip=st.booleans(),
    x0=st.integers(-5000, 5000),
    y0=st.integers(-5000, 5000),
)
def test_tangent_projection_fits_round_trip_is_exact(
    ra: float, dec: float, angle: float, scale: float, flip: bool, x0: int, y0: int
) -> None:
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs = make_wcs(crval=(ra, dec))
    wcs.wcs.cd = scale / 3600 * np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if flip else 1.0, 1.0])
    wcs.wcs.crpix = [50.0, 60.0]
    projection = Projection.from_fits_wcs(wcs, PIXELS, x0=x0, y0=y0)
    again = projection.as_fits_wcs(Box.factory[y0 : y0 + 100, x0 : x0 + 90])
    x, y = np.array([[0.0, 89.0, 30.0], [0.0, 10.0, 99.0]])
    separation = again.pixel_to_world(x, y).separation(wcs.pixel_to_world(x, y)).arcsec
    # AST takes matrix elements below 1.5e-8 as zero, also in rotations.
    assert separation.max() < 3.3e-3 + 1e-4 * scale
    sky: Any = projection.pixel_to_sky(x=x + x0, y=y + y0)
    assert sky.separation(wcs.pixel_to_world(x, y)).arcsec.max() < 3.3e-3 + 1e-5 * scale
