# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of sky projections: values of files, circles, text, errors."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
import starlink.Ast as ast
from astropy.coordinates import Galactic, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import (
    ICRS,
    XY,
    YX,
    Box,
    DetectorFrame,
    GeneralFrame,
    Projection,
    SkyProjection,
    TractFrame,
    Transform,
)
from lsst.images.errors import GeometryError

PIXELS = GeneralFrame(unit=u.pix)


def tangent(ra: float = 30.0, dec: float = -45.0, scale: float = 0.2, **kwargs: Any) -> Projection[Any]:
    """Return a tangent projection with its tangent point at pixel (100, 50)."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [101.0, 51.0]
    wcs.wcs.cdelt = [-scale / 3600, scale / 3600]
    return Projection.from_fits_wcs(wcs, PIXELS, **kwargs)


@pytest.fixture(scope="module")
def projection() -> Projection[Any]:
    return tangent()


@pytest.fixture
def stored(shared_data: Path) -> tuple[str, dict[str, Any]]:
    """AST text of an example, and reference values computed by another package."""
    path = shared_data / "examples" / "sky_projection.json"
    truth = json.loads(path.with_suffix(".json.truth.json").read_text())["sky_projection"]
    return json.loads(path.read_text())["pixel_to_sky"]["mappings"][0]["ast"], truth


def sky_wcs_texts(shared_data: Path) -> Iterator[tuple[Any, str]]:
    """Yield the rows of a visit summary, each with the AST text of its WCS."""
    with fits.open(shared_data / "legacy" / "visitsummary" / "visitSummary_1176.fits") as hdus:
        index = hdus["ARCHIVE_INDEX"].data
        rows = {entry["id"]: entry["row0"] for entry in index if entry["name"] == "SkyWcs"}
        for row in hdus[1].data:
            blob = bytes(np.asarray(hdus[3].data["wcs"][rows[row["wcs"]]], dtype=np.uint8)).decode("ascii")
            yield row, blob[blob.index("Begin") :]


def test_projection_points_match_truth_file(stored: tuple[str, dict[str, Any]]) -> None:
    text, truth = stored
    projection = Projection.from_ast_frame_set(text, PIXELS)
    points = truth["points"]
    sky = projection.pixel_to_sky(x=[p["x"] for p in points], y=[p["y"] for p in points])
    np.testing.assert_allclose(sky.ra.deg, [p["ra_deg"] for p in points], rtol=0, atol=3.6e-10)
    np.testing.assert_allclose(sky.dec.deg, [p["dec_deg"] for p in points], rtol=0, atol=3.6e-10)


def test_projection_fits_header_matches_truth_file(stored: tuple[str, dict[str, Any]]) -> None:
    text, truth = stored
    projection = Projection.from_ast_frame_set(text, PIXELS)
    header = projection.as_fits_wcs(Box.factory[0:4004, 0:4096]).to_header(relax=True)
    wanted = truth["fits_wcs_header"]
    assert {name: header[name] for name in wanted if isinstance(wanted[name], str)} == {
        name: value for name, value in wanted.items() if isinstance(value, str)
    }
    numbers = [name for name in wanted if not isinstance(wanted[name], str)]
    np.testing.assert_allclose(
        [header[name] for name in numbers], [wanted[name] for name in numbers], rtol=1e-12
    )


def test_projection_corners_match_visit_summary(shared_data: Path) -> None:
    count = 0
    for row, text in sky_wcs_texts(shared_data):
        bbox = Box.factory[
            row["bbox_min_y"] : row["bbox_max_y"] + 1, row["bbox_min_x"] : row["bbox_max_x"] + 1
        ]
        frame = DetectorFrame(instrument="HSC", visit=1176, detector=int(row["id"]), bbox=bbox)
        projection = Projection.from_ast_frame_set(text, frame)
        x = np.array([bbox.x.min, bbox.x.max + 1, bbox.x.max + 1, bbox.x.min]) - 0.5
        y = np.array([bbox.y.min, bbox.y.min, bbox.y.max + 1, bbox.y.max + 1]) - 0.5
        sky = projection.pixel_to_sky(x=x, y=y)
        truth = SkyCoord(row["raCorners"], row["decCorners"], unit="deg")
        assert sky.separation(truth).arcsec.max() < 1e-9
        assert projection.pixel_bounds == bbox
        count += 1
    assert count == 103


def test_projection_of_visit_approximation_error_is_small(shared_data: Path) -> None:
    for (row, text), _ in zip(sky_wcs_texts(shared_data), range(3), strict=False):
        bbox = Box.factory[
            row["bbox_min_y"] : row["bbox_max_y"] + 1, row["bbox_min_x"] : row["bbox_max_x"] + 1
        ]
        projection = Projection.from_ast_frame_set(text, PIXELS)
        approximation = projection.fit_fits_approximation(bbox)
        error = projection.with_fits_approximation(approximation).fits_wcs_error(bbox)
        assert error is not None and error.max < 1e-5


def test_from_ast_frame_set_converts_other_systems_to_icrs() -> None:
    wcs = tangent().as_fits_wcs(Box.factory[0:10, 0:10])
    frame_set = tangent().pixel_to_sky_transform.ast_mapping.ast_object
    frame_set.System = "GALACTIC"
    frame_set.permaxes([2, 1])
    projection = Projection.from_ast_frame_set(frame_set, PIXELS)
    x, y = np.array([[0.0, 500.0], [3.0, -700.0]])
    sky = projection.pixel_to_sky(x=x, y=y)
    # AST and astropy define Galactic coordinates by slightly different poles.
    assert sky.separation(wcs.pixel_to_world(x, y)).arcsec.max() < 1e-8
    assert frame_set.System == "GALACTIC"


@pytest.mark.parametrize("bad", [ast.UnitMap(2), ast.FrameSet(ast.Frame(2)), str(ast.UnitMap(2)), 3])
def test_from_ast_frame_set_without_sky_frame_raises(bad: Any) -> None:
    with pytest.raises(GeometryError, match="SkyFrame"):
        Projection.from_ast_frame_set(bad, PIXELS)


def test_projection_constructor_other_frames_raise() -> None:
    matrix = [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="not a mapping from pixel coordinates"):
        Projection(Transform.affine(GeneralFrame(unit=u.mm), ICRS, matrix))
    with pytest.raises(ValueError, match="not a mapping to ICRS"):
        Projection(Transform.affine(PIXELS, PIXELS, matrix))  # type: ignore[arg-type]


def test_projection_results_have_input_shape(projection: Projection[Any]) -> None:
    scalar = projection.pixel_to_sky(x=10, y=20)
    assert scalar.isscalar and scalar.frame.name == "icrs"
    assert projection.pixel_to_sky(XY(10, 20)) == scalar == projection.pixel_to_sky(YX(20, 10))
    one = projection.pixel_to_sky(x=[10], y=[20])
    assert one.shape == (1,) and one[0] == scalar
    grid = projection.pixel_to_sky(x=[[1, 2, 3]], y=[[1], [2]])
    assert grid.shape == (2, 3)
    back = projection.sky_to_pixel(grid)
    np.testing.assert_allclose(back.x, [[1, 2, 3]] * 2, atol=1e-8)
    np.testing.assert_allclose(back.y, [[1] * 3, [2] * 3], atol=1e-8)
    point = projection.sky_to_pixel(scalar)
    assert type(point.x) is float and type(point.y) is float
    assert point == pytest.approx((10, 20), abs=1e-8)
    assert projection.pixel_to_sky(x=[], y=[]).shape == (0,)
    assert projection.sky_to_pixel(grid[:0]).x.shape == (0, 3)


def test_sky_to_pixel_accepts_any_celestial_frame(projection: Projection[Any]) -> None:
    sky = projection.pixel_to_sky(x=[10.0, 300.0], y=[20.0, -5.0])
    back = projection.sky_to_pixel(sky.transform_to(Galactic()))
    np.testing.assert_allclose(back.x, [10.0, 300.0], atol=1e-7)
    with_distance = SkyCoord(sky.ra, sky.dec, distance=[1.0, 2.0] * u.kpc)
    np.testing.assert_allclose(projection.sky_to_pixel(with_distance).y, [20.0, -5.0], atol=1e-7)
    with pytest.raises(TypeError, match="SkyCoord"):
        projection.sky_to_pixel((30.0, -45.0))


def test_projection_undefined_positions_are_nan(projection: Projection[Any]) -> None:
    antipode = projection.sky_to_pixel(SkyCoord([210.0, 30.0], [45.0, -45.0], unit="deg"))
    assert np.isnan(antipode.x[0]) and antipode.x[1] == pytest.approx(100.0)
    sky = projection.pixel_to_sky(x=[np.nan, 1.0], y=[1.0, 1.0])
    assert np.isnan(sky.ra[0]) and np.isfinite(sky.ra[1])
    # Not a projection of the sphere: declinations exceed 90 degrees.
    plane = Projection(Transform.affine(PIXELS, ICRS, [[1.0, 0.0], [0.0, 1.0]]))
    sky = plane.pixel_to_sky(x=[1.0, 1.0], y=[1.0, 2.0])
    assert sky.dec.rad[0] == 1.0 and np.isnan(sky.dec[1]) and np.isnan(sky.ra[1])


@pytest.mark.parametrize("args, kwargs", [((), {}), ((), {"x": 1}), ((XY(1, 2),), {"y": 1}), (("no",), {})])
def test_projection_invalid_points_raise_type_error(
    projection: Projection[Any], args: Any, kwargs: Any
) -> None:
    with pytest.raises(TypeError, match="pixel_to_sky"):
        projection.pixel_to_sky(*args, **kwargs)


def test_projection_properties_return_arguments(projection: Projection[Any]) -> None:
    assert projection.pixel_frame == PIXELS
    assert projection.sky_frame is ICRS
    assert projection.pixel_bounds is None
    assert projection.sky_to_pixel_transform == projection.pixel_to_sky_transform.inverted()
    assert "Begin FrameSet" in projection.show()
    assert "FrameSet" not in projection.show(simplified=True)
    assert SkyProjection is Projection
    bounds = Box.factory[0:5, 0:6]
    assert tangent(pixel_bounds=bounds).pixel_bounds == bounds


def test_projection_equality_and_pickling_include_approximation(projection: Projection[Any]) -> None:
    assert pickle.loads(pickle.dumps(projection)) == projection
    assert tangent() == projection
    assert tangent(ra=31.0) != projection
    other = projection.with_fits_approximation(tangent(ra=30.0001))
    assert other != projection
    assert other.with_fits_approximation(None) == projection
    assert pickle.loads(pickle.dumps(other)).fits_approximation == tangent(ra=30.0001)
    assert projection != "projection"


def test_projection_accepts_transform_as_approximation(projection: Projection[Any]) -> None:
    stand_in = tangent(ra=30.0001).pixel_to_sky_transform
    assert Projection(projection.pixel_to_sky_transform, stand_in).fits_approximation == tangent(ra=30.0001)


@pytest.mark.parametrize("dec", [-45.0, 0.0, 89.99])
@pytest.mark.parametrize("scale", [0.05, 0.2, 21.0])
def test_pixel_scale_matches_wcs(dec: float, scale: float) -> None:
    projection = tangent(ra=0.0, dec=dec, scale=scale)
    assert projection.pixel_scale(XY(100.0, 50.0)).to_value(u.arcsec) == pytest.approx(scale, rel=1e-6)


@settings(max_examples=40)
@given(
    ra=st.floats(0, 359.99),
    dec=st.floats(-89.5, 89.5),
    radius=st.floats(0.01, 3600.0),
    offset=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
)
def test_sky_circle_bounds_match_edge_of_circle(
    ra: float, dec: float, radius: float, offset: tuple[float, float]
) -> None:
    projection = tangent(ra=ra, dec=dec)
    center = projection.pixel_to_sky(x=100 + 1000 * offset[0], y=50 + 1000 * offset[1])
    found = projection.sky_circle_bounds(center, radius * u.arcsec)
    edge = projection.sky_to_pixel(
        center.directional_offset_by(np.linspace(0, 360, 3601) * u.deg, radius * u.arcsec)
    )
    x_min, x_max, y_min, y_max = found
    assert x_min <= edge.x.min() + 1e-6 and x_max >= edge.x.max() - 1e-6
    assert y_min <= edge.y.min() + 1e-6 and y_max >= edge.y.max() - 1e-6
    # The samples are at most half a step away from the extremes.
    slack = 1e-6 + 5 * radius * np.radians(0.05) ** 2 * 2
    np.testing.assert_allclose(found, [edge.x.min(), edge.x.max(), edge.y.min(), edge.y.max()], atol=slack)


def test_sky_circle_bounds_zero_radius_is_center(projection: Projection[Any]) -> None:
    center = projection.pixel_to_sky(x=3.0, y=4.0)
    assert projection.sky_circle_bounds(center, 0 * u.deg) == pytest.approx((3, 3, 4, 4), abs=1e-7)


def test_box_from_sky_circle_matches_projection_bounds(projection: Projection[Any]) -> None:
    center = projection.pixel_to_sky(x=100.0, y=50.0)
    assert Box.from_sky_circle(projection, center, 1.85 * u.arcsec) == Box.factory[41:60, 91:110]
    # The same circle, with its center in the other celestial frame.
    assert Box.from_sky_circle(projection, center.galactic, 1.85 * u.arcsec) == Box.factory[41:60, 91:110]


@pytest.mark.parametrize(
    "center, radius, message",
    [
        (SkyCoord([1, 2], [3, 4], unit="deg"), 1 * u.arcsec, "scalar SkyCoord"),
        (3.0, 1 * u.arcsec, "scalar SkyCoord"),
        (SkyCoord(30, -45, unit="deg"), [1, 2] * u.arcsec, "scalar Angle"),
        (SkyCoord(30, -45, unit="deg"), 1.0, "scalar Angle"),
        (SkyCoord(30, -45, unit="deg"), 1.0 * u.m, "scalar Angle"),
        (SkyCoord(30, -45, unit="deg"), -1.0 * u.arcsec, "between 0 and 180"),
        (SkyCoord(30, -45, unit="deg"), np.nan * u.arcsec, "between 0 and 180"),
        (SkyCoord(30, -45, unit="deg"), 95 * u.deg, "beyond"),
        (SkyCoord(210, 45, unit="deg"), 1 * u.deg, "beyond"),
    ],
)
def test_sky_circle_bounds_invalid_arguments_raise(
    projection: Projection[Any], center: Any, radius: Any, message: str
) -> None:
    with pytest.raises(GeometryError, match=message):
        projection.sky_circle_bounds(center, radius)


def test_projection_text_and_report_contain_positions(projection: Projection[Any]) -> None:
    assert str(projection) == "GeneralFrame → ICRS"
    assert repr(projection) == "<Projection: GeneralFrame → ICRS>"
    text = str(projection.describe())
    assert "origin pixel" in text and "fits_wcs: unknown" in text and "0.20 arcsec" in text
    text = str(projection.describe(Box.factory[0:101, 0:201]))
    assert "center pixel: (x=100, y=50) → 02h00m00.0s -45d00m00s" in text
    assert "40.2 x 20.2 arcsec @ 0 deg E of N" in text
    assert "fits_wcs: available" in text
    frame = TractFrame(skymap="s", tract=1, bbox=Box.factory[0:101, 0:201])
    bounded = Projection(Transform(frame, ICRS, projection.pixel_to_sky_transform.ast_mapping))
    assert "center pixel" in str(bounded.describe())


def test_sky_to_pixel_nan_returns_nan() -> None:
    found = tangent().sky_to_pixel(SkyCoord(np.nan * u.deg, 1.0 * u.deg))
    assert np.isnan(found.x) and np.isnan(found.y)


def test_sky_to_pixel_unconvertible_frame_raises() -> None:
    horizon = SkyCoord(alt=[1.0] * u.deg, az=[2.0] * u.deg, frame="altaz")
    with pytest.raises(GeometryError, match="Cannot convert positions in the frame 'altaz' to ICRS"):
        tangent().sky_to_pixel(horizon)
    with pytest.raises(GeometryError, match="Cannot convert positions in the frame 'altaz' to ICRS"):
        tangent().sky_circle_bounds(horizon[0], 1.0 * u.arcsec)


def test_projection_approximation_of_other_frame_raises() -> None:
    exact = tangent()
    other = DetectorFrame(instrument="Cam", detector=1, bbox=Box.factory[0:9, 0:9])
    approximation = Transform(other, ICRS, exact.pixel_to_sky_transform.ast_mapping)
    with pytest.raises(GeometryError, match="FITS approximation maps from .* expected"):
        exact.with_fits_approximation(approximation)
