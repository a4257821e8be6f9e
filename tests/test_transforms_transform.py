# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of transforms, compared with AST."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import astropy.units as u
import numpy as np
import pytest
import starlink.Ast as ast
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import (
    ICRS,
    XY,
    YX,
    Box,
    FieldAngleFrame,
    FocalPlaneFrame,
    GeneralFrame,
    TractFrame,
    Transform,
)
from lsst.images._transforms import AstMapping  # private: the parser of AST text
from lsst.images.errors import GeometryError, TransformCompositionError, UnitMismatchError

PIXELS = GeneralFrame(unit=u.pix)
FOCAL_PLANE = FocalPlaneFrame(instrument="Cam", unit=u.mm)
FIELD_ANGLE = FieldAngleFrame(instrument="Cam")
MATRIX = [[0.01, 0.002, -3.0], [-0.001, 0.011, 4.0], [0.0, 0.0, 1.0]]

numbers = st.floats(-1e5, 1e5)


def polynomial(options: str = "IterInverse=1,NiterInverse=30,TolInverse=1e-14") -> Any:
    """Return an AST polynomial, whose inverse is iterated by default."""
    rows = [[1.0, 1, 1, 0], [1e-6, 1, 2, 0], [2e-6, 1, 1, 1], [1.0, 2, 0, 1], [-1e-6, 2, 0, 2]]
    return ast.PolyMap(np.array(rows), None, options)


@pytest.fixture
def to_focal_plane() -> Transform[Any, Any]:
    return Transform.affine(PIXELS, FOCAL_PLANE, MATRIX)


@pytest.fixture
def to_field_angle() -> Transform[Any, Any]:
    return Transform.affine(FOCAL_PLANE, FIELD_ANGLE, [[1e-3, 0.0], [0.0, -1e-3]])


@given(x=numbers, y=numbers)
def test_affine_transform_multiplies_column_vectors(x: float, y: float) -> None:
    transform = Transform.affine(PIXELS, FOCAL_PLANE, MATRIX)
    expected = np.array(MATRIX) @ [x, y, 1.0]
    found = transform.apply_forward(x=x, y=y)
    assert isinstance(found, XY) and type(found.x) is float and type(found.y) is float
    np.testing.assert_allclose(found, expected[:2], rtol=1e-13, atol=1e-9)
    np.testing.assert_allclose(transform.apply_inverse(found), [x, y], rtol=1e-12, atol=1e-8)


def test_transform_arrays_match_ast() -> None:
    mapping = polynomial()
    transform = Transform(PIXELS, PIXELS, mapping)
    x, y = np.meshgrid(np.linspace(0, 4000, 7), np.linspace(-20, 4000, 5))
    forward = mapping.tran(np.stack([x.ravel(), y.ravel()]))
    found = transform.apply_forward(x=x, y=y)
    assert found.x.shape == found.y.shape == (5, 7)
    np.testing.assert_array_equal(np.stack([found.x.ravel(), found.y.ravel()]), forward)
    back = transform.apply_inverse(found)
    np.testing.assert_allclose(back, [x, y], rtol=0, atol=1e-9)


def test_transform_accepts_all_forms_of_points(to_focal_plane: Transform[Any, Any]) -> None:
    expected = to_focal_plane.apply_forward(x=3.0, y=5.0)
    assert to_focal_plane.apply_forward(XY(3, 5)) == expected
    assert to_focal_plane.apply_forward(YX(5, 3)) == expected
    listed = to_focal_plane.apply_forward(x=[3, 4], y=5)
    assert listed.x.shape == listed.y.shape == (2,)
    assert (listed.x[0], listed.y[0]) == expected
    column = to_focal_plane.apply_forward(x=[[3], [4]], y=[5, 6, 7])
    assert column.x.shape == (2, 3)
    empty = to_focal_plane.apply_forward(x=[], y=np.zeros((4, 0)))
    assert empty.x.shape == empty.y.shape == (4, 0)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((), {}),
        ((), {"x": 1.0}),
        ((XY(1, 2),), {"x": 1.0}),
        (((1, 2),), {}),
        ((), {"x": "a", "y": 1.0}),
        ((), {"x": 1j, "y": 1.0}),
        ((), {"x": 1.0 * u.pix, "y": 1.0}),
    ],
)
@pytest.mark.parametrize("method", ["apply_forward", "apply_inverse"])
def test_transform_invalid_points_raise_type_error(
    to_focal_plane: Transform[Any, Any], method: str, args: Any, kwargs: Any
) -> None:
    with pytest.raises(TypeError):
        getattr(to_focal_plane, method)(*args, **kwargs)


def test_transform_incompatible_shapes_raise(to_focal_plane: Transform[Any, Any]) -> None:
    with pytest.raises(GeometryError, match="broadcast"):
        to_focal_plane.apply_forward(x=[1, 2], y=[1, 2, 3])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_transform_undefined_points_map_to_nan(bad: float) -> None:
    transform = Transform(PIXELS, PIXELS, polynomial())
    found = transform.apply_forward(x=[bad, 1.0], y=[2.0, 2.0])
    assert np.isnan(found.x[0])
    assert found.x[1] == transform.apply_forward(x=1.0, y=2.0).x


def test_transform_quantities_are_converted_to_frame_units(to_field_angle: Transform[Any, Any]) -> None:
    found = to_field_angle.apply_forward_q(x=[1.0, 2.0] * u.cm, y=30.0 * u.mm)
    assert found.x.unit == found.y.unit == u.rad
    np.testing.assert_allclose(found.x.value, [0.01, 0.02])
    np.testing.assert_allclose(found.y.value, [-0.03, -0.03])
    back = to_field_angle.apply_inverse_q(found)
    np.testing.assert_allclose(back.x.to_value(u.cm), [1.0, 2.0])
    scalar = to_field_angle.apply_forward_q(XY(1 * u.cm, 30 * u.mm))
    assert scalar.x.isscalar and scalar.x.value == pytest.approx(0.01)
    with pytest.raises(UnitMismatchError, match="mm"):
        to_field_angle.apply_forward_q(x=1 * u.s, y=1 * u.mm)


def test_transform_angles_are_wrapped_to_standard_range() -> None:
    to_sky = Transform.affine(FIELD_ANGLE, ICRS, [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert to_sky.apply_forward(x=-0.5, y=0.25).x == pytest.approx(2 * np.pi - 0.5)
    assert to_sky.apply_inverse(x=[6.0], y=[0.25]).x[0] == pytest.approx(6.0 - 2 * np.pi)


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 2], [2, 4]],
        [[0, 0], [0, 0]],
        [[1, 0, 0], [0, 1, 0], [0, 1, 1]],
        [[1, 0, 0], [0, 1, 0]],
        [[1, np.nan], [0, 1]],
        [1, 2],
    ],
)
def test_affine_transform_singular_matrix_raises(matrix: Any) -> None:
    with pytest.raises(GeometryError, match="affine"):
        Transform.affine(PIXELS, PIXELS, matrix)


def test_transform_without_inverse_apply_inverse_raises() -> None:
    transform = Transform(PIXELS, PIXELS, polynomial("IterInverse=0"))
    assert transform.apply_forward(x=1.0, y=1.0).x == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(GeometryError, match="no inverse transformation"):
        transform.apply_inverse(x=1.0, y=1.0)


@pytest.mark.parametrize("mapping", [ast.UnitMap(3), ast.PermMap([1, 1], [1], [])])
def test_transform_other_dimensions_raise(mapping: Any) -> None:
    with pytest.raises(GeometryError, match="2 to 2"):
        Transform(PIXELS, PIXELS, mapping)


@pytest.mark.parametrize("text", ["", "nonsense", " Begin ZoomMap\n Nin = 2", " Begin KeyMap\n End KeyMap"])
def test_transform_invalid_ast_text_raises(text: str) -> None:
    with pytest.raises(GeometryError, match="text"):
        AstMapping.from_text(text)
    # An error does not affect the next call.
    assert AstMapping.from_text(str(ast.UnitMap(2))).is_identity


def test_transform_other_objects_raise() -> None:
    with pytest.raises(TypeError, match=r"starlink\.Ast\.Mapping"):
        Transform(PIXELS, PIXELS, 3)


def test_transform_then_applies_components_in_order(
    to_focal_plane: Transform[Any, Any], to_field_angle: Transform[Any, Any]
) -> None:
    chain = to_focal_plane.then(to_field_angle)
    middle = to_focal_plane.apply_forward(x=100.0, y=200.0)
    np.testing.assert_allclose(
        chain.apply_forward(x=100.0, y=200.0), to_field_angle.apply_forward(middle), rtol=1e-14
    )
    assert chain.decompose() == [to_focal_plane, to_field_angle]
    assert chain.inverted().decompose() == [to_field_angle.inverted(), to_focal_plane.inverted()]
    forgetful = to_focal_plane.then(to_field_angle, remember_components=False)
    assert forgetful.decompose() == [forgetful]
    assert forgetful != chain
    assert (chain.in_frame, chain.out_frame) == (PIXELS, FIELD_ANGLE)


def test_transform_then_is_bitwise_associative() -> None:
    a, b, c = (Transform(PIXELS, PIXELS, ast.ShiftMap([d, 2 * d])) for d in (0.1, 0.7, 1.3))
    assert a.then(b).then(c) == a.then(b.then(c))
    assert len(a.then(b.then(c)).decompose()) == 3


def test_transform_then_different_frames_raises(
    to_focal_plane: Transform[Any, Any], to_field_angle: Transform[Any, Any]
) -> None:
    with pytest.raises(TransformCompositionError, match="Cannot apply .* after .* differ"):
        to_field_angle.then(to_focal_plane)
    other = FocalPlaneFrame(instrument="Cam", unit=u.um)
    with pytest.raises(TransformCompositionError):
        Transform.affine(PIXELS, other, MATRIX).then(to_field_angle)


def test_identity_transform_has_no_components(to_focal_plane: Transform[Any, Any]) -> None:
    identity = Transform.identity(PIXELS)
    assert identity.decompose() == []
    assert identity.apply_forward(x=1.5, y=-2.5) == (1.5, -2.5)
    assert identity.then(to_focal_plane) == to_focal_plane
    assert to_focal_plane.then(Transform.identity(FOCAL_PLANE)) == to_focal_plane


def test_transform_within_one_frame_is_a_component() -> None:
    shift = Transform(PIXELS, PIXELS, ast.ShiftMap([1.0, 2.0]))
    assert shift.decompose() == [shift]


def test_transform_inverted_twice_is_equal(to_focal_plane: Transform[Any, Any]) -> None:
    inverse = to_focal_plane.inverted()
    assert inverse.inverted() == to_focal_plane
    assert (inverse.in_frame, inverse.out_frame) == (FOCAL_PLANE, PIXELS)
    point = to_focal_plane.apply_forward(x=10.0, y=20.0)
    assert inverse.apply_forward(point) == to_focal_plane.apply_inverse(point)


def test_transform_bounds_default_to_frames() -> None:
    bbox = Box.factory[0:10, 0:20]
    frame = TractFrame(skymap="s", tract=1, bbox=bbox)
    transform = Transform.affine(frame, PIXELS, [[1, 1], [0, 1]])
    assert (transform.in_bounds, transform.out_bounds) == (bbox, None)
    assert (transform.inverted().in_bounds, transform.inverted().out_bounds) == (None, bbox)
    smaller = transform.with_bounds(Box.factory[2:3, 4:5], bbox)
    assert (smaller.in_bounds, smaller.out_bounds) == (Box.factory[2:3, 4:5], bbox)
    assert smaller != transform
    chain = smaller.then(transform.inverted())
    assert (chain.in_bounds, chain.out_bounds) == (Box.factory[2:3, 4:5], bbox)


def test_transform_pickles_and_copies_are_equal(to_focal_plane: Transform[Any, Any]) -> None:
    chain = to_focal_plane.then(Transform.affine(FOCAL_PLANE, PIXELS, [[1, 2], [3, 4]]))
    twin = pickle.loads(pickle.dumps(chain))
    assert twin == chain and twin is not chain
    assert twin.apply_forward(x=1.1, y=2.2) == chain.apply_forward(x=1.1, y=2.2)
    assert copy.deepcopy(chain) == copy.copy(chain) == chain


def test_transform_equality_compares_mapping_and_frames(to_focal_plane: Transform[Any, Any]) -> None:
    assert Transform.affine(PIXELS, FOCAL_PLANE, MATRIX) == to_focal_plane
    assert Transform.affine(PIXELS, PIXELS, MATRIX) != to_focal_plane
    assert to_focal_plane != 3
    # AST stores that an object is simplified, which does not affect equality.
    other = Transform.affine(PIXELS, FOCAL_PLANE, MATRIX)
    other.apply_forward(x=1.0, y=2.0)
    assert other == to_focal_plane
    with pytest.raises(TypeError, match="unhashable"):
        hash(to_focal_plane)


def test_transform_text_contains_frames(to_focal_plane: Transform[Any, Any]) -> None:
    assert str(to_focal_plane) == "GeneralFrame → FocalPlaneFrame"
    assert repr(Transform.affine(PIXELS, ICRS, [[1, 0], [0, 1]])) == "<Transform: GeneralFrame → ICRS>"


def test_transform_show_returns_original_text() -> None:
    text = str(ast.ZoomMap(2, 3.0)) + "\n"
    mapping = AstMapping.from_text(text)
    assert mapping.text == text
    assert mapping.show(comments=True) == text
    assert "#" not in mapping.show() and "Zoom = 3" in mapping.show()
    assert AstMapping.from_text(mapping.show()) == mapping
    assert hash(AstMapping.from_text(mapping.show())) == hash(mapping)


def test_transform_show_simplified_merges_steps_and_drops_frames() -> None:
    frame_set = ast.FrameSet(ast.Frame(2, "Domain=PIXEL"))
    frame_set.addframe(1, ast.CmpMap(ast.ZoomMap(2, 2.0), ast.ZoomMap(2, 3.0), True), ast.Frame(2))
    transform = Transform(PIXELS, PIXELS, frame_set)
    assert "Begin FrameSet" in transform.show()
    simplified = transform.show(simplified=True)
    assert "FrameSet" not in simplified and "Zoom = 6" in simplified
    assert transform.inverted().ast_mapping.is_frame_set
    assert transform.inverted().apply_forward(x=6.0, y=12.0) == (1.0, 2.0)


def test_transform_copies_ast_object() -> None:
    mapping = ast.ZoomMap(2, 3.0)
    transform = Transform(PIXELS, PIXELS, mapping)
    mapping.invert()
    transform.ast_mapping.ast_object.invert()
    assert transform.apply_forward(x=1.0, y=2.0) == (3.0, 6.0)


def test_transform_is_shared_between_threads() -> None:
    transform = Transform(PIXELS, PIXELS, polynomial())
    x = np.linspace(0, 4000, 5000)
    expected = transform.apply_forward(x=x, y=x[::-1])

    def work(seed: int) -> bool:
        point = transform.apply_forward(x=x, y=x[::-1])
        back = transform.inverted().apply_forward(point)
        return bool(np.array_equal(point, expected) and np.allclose(back.x, x, atol=1e-9))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(16)))


def test_from_fits_wcs_linear_axes_round_trip() -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["LINEAR", "LINEAR"]
    wcs.wcs.cunit = ["cm", "mm"]
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cd = [10.0, 20.0], [1.0, 2.0], [[0.01, 0.002], [0.0, 0.3]]
    transform = Transform.from_fits_wcs(wcs, PIXELS, FOCAL_PLANE, x0=5, y0=-7)
    world = wcs.all_pix2world([[3.0, 4.0]], 0)[0]
    np.testing.assert_allclose(transform.apply_forward(x=8.0, y=-3.0), [world[0] * 10, world[1]], rtol=1e-13)
    back = transform.as_fits_wcs(Box.factory[-7:13, 5:25])
    assert back.pixel_shape == (20, 20)
    np.testing.assert_allclose(
        back.all_pix2world([[3.0, 4.0]], 0)[0] * [back.wcs.cunit[0].to(u.mm), back.wcs.cunit[1].to(u.mm)],
        transform.apply_forward(x=8.0, y=-3.0),
        rtol=1e-12,
    )
    with pytest.raises(UnitMismatchError, match="do not convert"):
        Transform.from_fits_wcs(wcs, PIXELS, PIXELS)


def test_as_fits_wcs_distorted_linear_mapping_returns_none() -> None:
    assert Transform(PIXELS, FOCAL_PLANE, polynomial()).as_fits_wcs(Box.factory[0:100, 0:100]) is None


@pytest.mark.parametrize("lon", [-0.5, 7.0, 2 * np.pi])
def test_transform_scalars_are_wrapped_like_arrays(lon: float) -> None:
    to_sky = Transform.affine(PIXELS, ICRS, [[0.1, 0.0], [0.0, 0.1]])
    found = to_sky.apply_inverse(x=lon, y=0.25)
    assert isinstance(found.x, float)
    assert found == to_sky.apply_inverse(x=[lon], y=[0.25]).map(lambda values: values[0])
    assert found.x == pytest.approx(10.0 * (lon % (2 * np.pi)))


def test_transform_non_finite_scalars_map_to_nan() -> None:
    to_sky = Transform.affine(PIXELS, ICRS, [[0.1, 0.0], [0.0, 0.1]])
    for apply in (to_sky.apply_forward, to_sky.apply_inverse):
        for bad in (np.nan, np.inf, -np.inf):
            found = apply(x=bad, y=0.25)
            assert np.isnan(found.x) and np.isnan(found.y)
