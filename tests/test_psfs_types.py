# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the types of PSFs: arguments and errors."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pytest
import starlink.Ast as starlink_ast
from lsst.images import YX, BoundsError, Box, GeneralFrame, Image, Transform
from lsst.images.fields import ChebyshevField
from lsst.images.psfs import (
    CoaddPointSpreadFunction,
    GaussianPointSpreadFunction,
    KernelPointSpreadFunction,
    PSFExPointSpreadFunction,
    PSFExWrapper,
    WarpedPointSpreadFunction,
    WarpingKernel,
)
from lsst.images.psfs._resample import shift_stack  # private: the resampling step without a PSF

BOX = Box.factory[0:200, 0:300]


def test_gaussian_psf_is_sampled_at_pixel_centres() -> None:
    psf = GaussianPointSpreadFunction(2.5, BOX, 21)
    assert psf.kernel_bbox == Box.factory[-10:11, -10:11]
    y, x = np.mgrid[-10:11, -10:11]
    expected = np.exp(-0.5 * (x**2 + y**2) / 2.5**2)
    np.testing.assert_allclose(
        psf.compute_kernel_image(x=3, y=4).array, expected / expected.sum(), rtol=1e-13
    )
    star = psf.compute_stellar_image(x=30.3, y=40.6)
    xs, ys = star.bbox.meshgrid()
    expected = np.exp(-0.5 * ((xs - 30.3) ** 2 + (ys - 40.6) ** 2) / 2.5**2)
    np.testing.assert_allclose(star.array, expected / expected.sum(), rtol=1e-12)


@pytest.mark.parametrize(
    ("sigma", "size", "words"),
    [
        (0.0, 21, "sigma must be positive"),
        (-1.0, 21, "sigma must be positive"),
        (np.nan, 21, "sigma must be positive"),
        (np.inf, 21, "sigma must be positive"),
        (2.0, 0, "stamp_size must be positive"),
        (2.0, -3, "stamp_size must be positive"),
        (2.0, 20, "stamp_size must be odd"),
    ],
)
def test_gaussian_psf_invalid_sigma_or_stamp_size_raises(sigma: float, size: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GaussianPointSpreadFunction(sigma, BOX, size)


def test_gaussian_psf_non_integer_stamp_size_raises() -> None:
    with pytest.raises(TypeError):
        GaussianPointSpreadFunction(2.0, BOX, 21.0)  # type: ignore[arg-type]  # the point of the test


def test_gaussian_psf_repr_evaluates_to_equal_psf() -> None:
    psf = GaussianPointSpreadFunction(2.5, Box.factory[0:5, 0:4], 21)
    assert repr(psf) == (
        "GaussianPointSpreadFunction(2.5, stamp_size=21, "
        "bounds=Box(y=Interval(start=0, stop=5), x=Interval(start=0, stop=4)))"
    )


def test_kernel_psf_is_normalized_weighted_sum() -> None:
    rng = np.random.default_rng(1)
    basis = rng.uniform(0.1, 1.0, (3, 5, 7))
    weights = [ChebyshevField(BOX, rng.uniform(0.1, 1.0, (2, 2))) for _ in range(3)]
    psf = KernelPointSpreadFunction(basis, weights, BOX, center_y=1)
    expected = sum(f(x=12.5, y=77.0) * image for f, image in zip(weights, basis, strict=True))
    np.testing.assert_allclose(psf.compute_kernel_image(x=12.5, y=77).array, expected / expected.sum())
    assert psf.kernel_bbox == Box.factory[-1:4, -3:4]
    assert psf.center == YX(y=1, x=3)


def test_kernel_psf_fixed_keeps_box_of_image() -> None:
    image = Image(np.arange(12.0).reshape(3, 4), bbox=Box.factory[-1:2, -2:2])
    psf = KernelPointSpreadFunction.fixed(image, BOX)
    found = psf.compute_kernel_image(x=1, y=2)
    assert found.bbox == image.bbox
    np.testing.assert_allclose(found.array, image.array / 66.0)
    image.array[...] = 0.0
    assert psf.compute_kernel_image(x=1, y=2).array.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("basis", "weights", "words"),
    [
        (np.ones((3, 3)), None, "3-d array"),
        (np.ones((2, 3, 3)), None, "2 basis images require 2 weights; got 1"),
        (np.ones((2, 3, 3)), [ChebyshevField(BOX, [[1.0]])], "require 2 weights; got 1"),
        (np.ones((1, 3, 3)), [ChebyshevField(BOX, [[1.0]], unit=u.nJy)], "must not have units"),
    ],
)
def test_kernel_psf_inconsistent_arguments_raise(basis: Any, weights: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        KernelPointSpreadFunction(basis, weights, BOX)


PSFEX: dict[str, Any] = {
    "parameters": np.ones((3, 9, 9)),
    "bounds": BOX,
    "pixel_step": 0.5,
    "degree": [1],
    "offsets": [1.0, 2.0],
    "scales": [3.0, 4.0],
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"degree": [2]}, "requires 6 images"),
        ({"parameters": np.ones((3, 9))}, "requires 3 images"),
        ({"degree": [1, 1]}, "one group"),
        ({"group": [0, 1]}, "one group"),
        ({"pixel_step": 0.0}, "pixel_step must be positive"),
        ({"offsets": [1.0]}, "requires two offsets and scales"),
        ({"offsets": [], "scales": []}, "requires two offsets and scales"),
    ],
)
def test_psfex_inconsistent_arguments_raise(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PSFExPointSpreadFunction(**{**PSFEX, **changes})


def test_psfex_constant_model() -> None:
    psf = PSFExPointSpreadFunction(np.eye(9)[np.newaxis], BOX, pixel_step=1.0, degree=[])
    # Whole pixels and no shift: nothing is interpolated.
    np.testing.assert_allclose(psf.compute_kernel_image(x=3, y=4).array, np.eye(9) / 9.0, atol=1e-15)


def test_psfex_kernel_box_size_is_odd() -> None:
    sizes = {}
    for step in (0.5, 0.6, 0.9, 1.0):
        psf = PSFExPointSpreadFunction(np.ones((1, 25, 20)), BOX, pixel_step=step, degree=[0])
        sizes[step] = psf.kernel_bbox.shape
    assert sizes == {0.5: (13, 11), 0.6: (15, 13), 0.9: (23, 19), 1.0: (25, 21)}


def test_psfex_wrapper_is_alias() -> None:
    assert PSFExWrapper is PSFExPointSpreadFunction


def test_warped_psf_identity_preserves_images() -> None:
    pixels = GeneralFrame(unit=u.pix)
    gaussian = GaussianPointSpreadFunction(1.5, Box.factory[-9:300, -9:400], 25)
    for shift in ([0.0, 0.0], [0.3, -0.6]):
        matrix = [[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]]
        psf = WarpedPointSpreadFunction(
            gaussian, Transform.affine(pixels, pixels, matrix), BOX, warping_kernel="lanczos5"
        )
        assert psf.kernel_bbox == gaussian.kernel_bbox
        expected = gaussian.compute_kernel_image(x=3, y=4).array
        np.testing.assert_allclose(psf.compute_kernel_image(x=30, y=40).array, expected, atol=2e-4)


def test_warped_psf_rotation_rotates_elongation() -> None:
    pixels = GeneralFrame(unit=u.pix)
    y, x = np.mgrid[-12:13, -12:13]
    image = Image(np.exp(-0.5 * (x**2 / 9.0 + y**2 / 2.25)), bbox=Box.factory[-12:13, -12:13])
    fixed = KernelPointSpreadFunction.fixed(image, Box.factory[-500:500, -500:500])
    quarter = Transform.affine(pixels, pixels, [[0, -1], [1, 0]])
    warped = WarpedPointSpreadFunction(fixed, quarter, BOX).compute_kernel_image(x=30, y=40).array
    np.testing.assert_allclose(warped, image.array.T / image.array.sum(), atol=1e-12)


def test_warped_psf_singular_transform_raises_on_use() -> None:
    pixels = GeneralFrame(unit=u.pix)
    terms = [[1, output, power, 1 - power] for output in (1, 2) for power in (0, 1)]
    flat = Transform(pixels, pixels, starlink_ast.PolyMap(terms))  # (x, y) to (x + y, x + y)
    psf = WarpedPointSpreadFunction(GaussianPointSpreadFunction(1.5, BOX, 25), flat, BOX)
    with pytest.raises(BoundsError, match="singular"):
        psf.compute_kernel_image(x=3, y=4)


def test_coadd_psf_without_inputs_raises() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        CoaddPointSpreadFunction([], None, BOX)  # type: ignore[arg-type]  # never looked at


@pytest.mark.parametrize("name", ["lanczos0", "lanczos12", "cubic", ""])
def test_warping_kernel_unknown_name_raises(name: str) -> None:
    with pytest.raises(ValueError, match="Unknown warping kernel"):
        WarpingKernel(name)


@pytest.mark.parametrize("name", ["nearest", "bilinear", "lanczos2", "lanczos3", "lanczos5"])
def test_warping_kernel_weights_sum_to_one(name: str) -> None:
    kernel = WarpingKernel(name)
    fractions = np.linspace(0.0, 0.999, 20)
    offsets, weights = kernel.taps(fractions)
    assert offsets.tolist() == list(range(1 - kernel.radius, kernel.radius + 1))
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0)
    whole = kernel.taps(np.array([0.0]))[1][0]
    assert whole.tolist() == [float(offset == 0) for offset in offsets]


@pytest.mark.parametrize(("order", "fraction"), [(3, 0.3), (5, 0.75)])
def test_warping_kernel_lanczos_matches_formula(order: int, fraction: float) -> None:
    t = np.arange(1 - order, order + 1) - fraction
    values = np.sin(np.pi * t) * np.sin(np.pi * t / order) * order / (np.pi * t) ** 2
    weights = WarpingKernel(f"lanczos{order}").taps(np.array([fraction]))[1][0]
    np.testing.assert_allclose(weights, values / values.sum(), rtol=1e-12)


def test_shift_stack_bilinear_is_mean_of_neighbours() -> None:
    stack = np.zeros((1, 3, 4))
    stack[0, 1, 1] = 1.0
    shifted = shift_stack(stack, np.array([0.25]), np.array([0.5]), WarpingKernel("bilinear"))
    assert shifted[0, 1:, 1:3].tolist() == [[0.375, 0.375], [0.125, 0.125]]


def test_shift_stack_whole_pixels_is_exact() -> None:
    stack = np.random.default_rng(1).normal(size=(2, 5, 6))
    shifted = shift_stack(stack, np.array([1.0, 0.0]), np.array([0.0, -2.0]))
    np.testing.assert_array_equal(shifted[0, 1:], stack[0, :-1])
    np.testing.assert_array_equal(shifted[1, :, :-2], stack[1, :, 2:])
    assert not shifted[0, 0].any() and not shifted[1, :, -2:].any()


@pytest.mark.parametrize(("position", "pixel"), [(-10.5, -11.0), (10.5, 11.0), (-10.4, -10.0), (-0.5, -1.0)])
def test_warped_psf_half_pixel_position_rounds_away_from_zero(position: float, pixel: float) -> None:
    pixels = GeneralFrame(unit=u.pix)
    region = Box.factory[-50:50, -50:50]
    weights = [ChebyshevField(region, [[1.0]]), ChebyshevField(region, [[0.0, 1.0]])]
    basis = np.zeros((2, 9, 9))
    basis[0, 4, 4], basis[1, 3, 4] = 1.0, 0.5
    varying = KernelPointSpreadFunction(basis, weights, region, center_y=4, center_x=4)
    warped = WarpedPointSpreadFunction(varying, Transform.affine(pixels, pixels, np.eye(3)), region)
    found = warped.compute_kernel_image(x=position, y=0.0).array
    expected = warped.compute_kernel_image(x=pixel, y=0.0).array
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    other = warped.compute_kernel_image(x=pixel - np.sign(position), y=0.0).array
    assert np.abs(expected - other).max() > 1e-4
