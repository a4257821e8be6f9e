# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the common behaviour of PSFs: positions, boxes, sums, stacks, files."""

from __future__ import annotations

import copy
import json
import math
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from lsst.images import BoundsError, Box, GeneralFrame, Image, Polygon, Projection, Transform
from lsst.images.errors import (
    DevelopmentSchemaWarning,
    MissingOptionalDependencyError,
    UnknownSchemaError,
    UnserializableTypeError,
)
from lsst.images.fields import ChebyshevField
from lsst.images.io import read, write
from lsst.images.models import PSFSerializationModel
from lsst.images.plugins import DatasetSpec, hookimpl, registry
from lsst.images.psfs import (
    CoaddPointSpreadFunction,
    CoaddPsfInput,
    GaussianPointSpreadFunction,
    KernelPointSpreadFunction,
    PointSpreadFunction,
    PSFExPointSpreadFunction,
    WarpedPointSpreadFunction,
)
from lsst.images.serialization import ArchiveTree, DetachedArchive

BOX = Box.factory[0:200, 0:300]
WIDE = Box.factory[-100:300, -100:400]
PIXELS = GeneralFrame(unit=u.pix)


def make_projection(x: float, y: float) -> Projection[Any]:
    wcs_module = pytest.importorskip("astropy.wcs")
    wcs = wcs_module.WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [50.0, -20.0], [x, y]
    wcs.wcs.cdelt = [-5e-5, 5e-5]
    return Projection.from_fits_wcs(wcs, PIXELS)


def make_gaussian(bounds: Any = BOX) -> GaussianPointSpreadFunction:
    return GaussianPointSpreadFunction(1.8, bounds, 21)


def make_kernel() -> KernelPointSpreadFunction:
    basis = make_gaussian().compute_kernel_image(x=1, y=1).array[np.newaxis] * [[[1.0]], [[0.2]]]
    basis[1, 4:8, 3:9] += 0.01
    weights = [ChebyshevField(BOX, [[1.0]]), ChebyshevField(BOX, [[0.5, 0.1], [0.2, 0.0]])]
    return KernelPointSpreadFunction(basis, weights, BOX, center_y=9, center_x=11)


def make_psfex() -> PSFExPointSpreadFunction:
    y, x = np.mgrid[-20:21, -18:19]
    core = np.exp(-0.5 * (x**2 + y**2) / 3.5**2)
    parameters = np.stack([core, 0.1 * x * core, 0.1 * y * core]).astype(np.float32)
    return PSFExPointSpreadFunction(
        parameters, BOX, pixel_step=0.6, degree=[1], offsets=[150.0, 100.0], scales=[300.0, 200.0]
    )


def make_warped() -> WarpedPointSpreadFunction:
    shear = Transform.affine(PIXELS, PIXELS, [[0.9, 0.1, 5.3], [-0.05, 1.1, -3.6], [0, 0, 1]])
    return WarpedPointSpreadFunction(make_gaussian(WIDE), shear, BOX, warping_kernel="lanczos4")


def make_coadd() -> CoaddPointSpreadFunction:
    inputs = [
        CoaddPsfInput(make_gaussian(WIDE), make_projection(100.3, 80.1), WIDE, 1.0),
        CoaddPsfInput(GaussianPointSpreadFunction(2.2, WIDE, 25), make_projection(90.0, 99.5), WIDE, 2.0),
    ]
    return CoaddPointSpreadFunction(inputs, make_projection(95.0, 95.0), BOX)


MAKERS = {
    "gaussian": make_gaussian,
    "kernel": make_kernel,
    "fixed": lambda: KernelPointSpreadFunction.fixed(make_gaussian().compute_kernel_image(x=0, y=0), BOX),
    "psfex": make_psfex,
    "warped": make_warped,
    "coadd": make_coadd,
}


# PSFEx adds up its pixels in single precision.
KERNEL_SUM = {"psfex": 1e-6}
# Shifted kernels are not normalized again, as in afw; the deviation is larger
# for the PSF with sharp edges.
STAR_SUM = {"gaussian": 1e-12, "psfex": 1e-6, "kernel": 5e-3}


@pytest.fixture(scope="module", params=MAKERS)
def psf(request: pytest.FixtureRequest) -> Any:
    return MAKERS[request.param]()


@pytest.mark.parametrize("kind", MAKERS)
def test_psf_kernel_image_is_normalized_and_has_kernel_box(kind: str) -> None:
    psf = MAKERS[kind]()
    for x, y in [(0, 0), (120.3, 45.6), (299.4, 199.4), (-0.5, -0.5)]:
        image = psf.compute_kernel_image(x=x, y=y)
        assert image.bbox == psf.kernel_bbox
        assert image.array.dtype == np.float64
        assert image.array.sum() == pytest.approx(1.0, abs=KERNEL_SUM.get(kind, 1e-12))


@pytest.mark.parametrize(("x", "y"), [(120.0, 45.0), (120.3, 45.6), (120.5, 44.5), (99.49, 45.51)])
@pytest.mark.parametrize("kind", MAKERS)
def test_psf_stellar_image_sum_is_within_shift_tolerance(kind: str, x: float, y: float) -> None:
    image = MAKERS[kind]().compute_stellar_image(x=x, y=y)
    assert image.array.sum() == pytest.approx(1.0, abs=STAR_SUM.get(kind, 2e-4))


@pytest.mark.parametrize(("x", "y"), [(120.0, 45.0), (120.3, 45.6), (120.5, 44.5), (99.49, 45.51)])
def test_psf_stellar_image_centroid_is_position(psf: Any, x: float, y: float) -> None:
    image = psf.compute_stellar_image(x=x, y=y)
    kernel = psf.compute_kernel_image(x=x, y=y)
    assert image.bbox == psf.compute_stellar_bbox(x=x, y=y)
    assert image.bbox.shape == psf.kernel_bbox.shape
    nearest = round_half_down if isinstance(psf, PSFExPointSpreadFunction) else round_half_up
    assert image.bbox.x.start - psf.kernel_bbox.x.start == nearest(x)
    assert image.bbox.y.start - psf.kernel_bbox.y.start == nearest(y)
    star, center = centroid(image), centroid(kernel)
    assert star[0] - center[0] == pytest.approx(x, abs=0.02)
    assert star[1] - center[1] == pytest.approx(y, abs=0.02)


def round_half_up(value: float) -> int:
    return math.floor(value + 0.5)


def round_half_down(value: float) -> int:
    return math.ceil(value - 0.5)


def centroid(image: Image) -> tuple[float, float]:
    x, y = image.bbox.meshgrid()
    weights = image.array / image.array.sum()
    return float((x * weights).sum()), float((y * weights).sum())


def test_psf_stellar_image_at_pixel_centre_equals_kernel(psf: Any) -> None:
    star, kernel = psf.compute_stellar_image(x=120, y=45), psf.compute_kernel_image(x=120, y=45)
    np.testing.assert_allclose(star.array, kernel.array, atol=1e-15)


def test_psf_many_positions_match_single_positions(psf: Any) -> None:
    x, y = np.linspace(3.0, 290.7, 4), np.array([[10.2], [190.4]])
    stack = psf.compute_kernel_images(x=x, y=y)
    stars, yx0 = psf.compute_stellar_images(x=x, y=y)
    assert stack.shape == (2, 4, *psf.kernel_bbox.shape) == stars.shape
    for i, j in np.ndindex(2, 4):
        kernel = psf.compute_kernel_image(x=x[j], y=y[i, 0])
        star = psf.compute_stellar_image(x=x[j], y=y[i, 0])
        np.testing.assert_allclose(stack[i, j], kernel.array, rtol=0, atol=1e-14)
        np.testing.assert_allclose(stars[i, j], star.array, rtol=0, atol=1e-14)
        assert (yx0.y[i, j], yx0.x[i, j]) == tuple(star.bbox.start)


@pytest.mark.parametrize(("x", "y", "shape"), [([], [], (0,)), ([1, 2], 3, (2,)), (4, 5, ())])
def test_psf_stack_has_shape_of_positions(psf: Any, x: Any, y: Any, shape: tuple[int, ...]) -> None:
    assert psf.compute_kernel_images(x=x, y=y).shape == (*shape, *psf.kernel_bbox.shape)
    stars, yx0 = psf.compute_stellar_images(x=x, y=y)
    assert stars.shape == (*shape, *psf.kernel_bbox.shape)
    assert yx0.x.shape == shape


@pytest.mark.parametrize(
    ("x", "y"), [(-0.6, 5), (5, 199.5), (1e6, 5), (np.nan, 5), (5, np.inf), (5, -np.inf)]
)
@pytest.mark.parametrize("name", ["kernel_image", "stellar_image", "stellar_bbox"])
def test_psf_outside_bounds_raises(psf: Any, name: str, x: float, y: float) -> None:
    with pytest.raises(BoundsError, match=r"not defined at \(x="):
        getattr(psf, f"compute_{name}")(x=x, y=y)


def test_psf_position_outside_bounds_is_named_in_error(psf: Any) -> None:
    with pytest.raises(BoundsError, match=r"x=-3.0, y=7.0.* 1 more of 4"):
        psf.compute_kernel_images(x=[1, -3, 2, np.nan], y=7)


@pytest.mark.parametrize("bad", ["1", None, 1j, [None]])
@pytest.mark.parametrize("name", ["kernel_image", "stellar_image", "stellar_bbox", "kernel_images"])
def test_psf_non_numeric_positions_raise(psf: Any, name: str, bad: Any) -> None:
    with pytest.raises(TypeError):
        getattr(psf, f"compute_{name}")(x=bad, y=3)


@pytest.mark.parametrize("name", ["kernel_image", "stellar_image", "stellar_bbox"])
def test_psf_single_position_methods_reject_arrays(psf: Any, name: str) -> None:
    with pytest.raises(TypeError, match="Expected one position"):
        getattr(psf, f"compute_{name}")(x=[1, 2], y=[3, 4])


def test_psf_images_are_new_arrays(psf: Any) -> None:
    for compute in (psf.compute_kernel_image, psf.compute_stellar_image):
        first = compute(x=3, y=4)
        before = first.array.copy()
        first.array[...] = 7.0
        np.testing.assert_array_equal(compute(x=3, y=4).array, before)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_psf_copies_are_equal(psf: Any, duplicate: Any) -> None:
    psf.compute_kernel_image(x=3, y=4)
    other = duplicate(psf)
    assert other == psf
    np.testing.assert_array_equal(
        other.compute_stellar_image(x=3.3, y=4.4).array, psf.compute_stellar_image(x=3.3, y=4.4).array
    )


def test_psfs_of_different_types_are_unequal_and_unhashable(psf: Any) -> None:
    others = [maker() for maker in MAKERS.values()]
    assert sum(psf == other for other in others) == 1
    assert psf != "psf"
    with pytest.raises(TypeError, match="unhashable"):
        hash(psf)


def test_psf_text_contains_class(psf: Any) -> None:
    assert type(psf).__name__ in str(psf)
    assert type(psf).__name__ in repr(psf)


@pytest.mark.filterwarnings(f"ignore::{DevelopmentSchemaWarning.__module__}.DevelopmentSchemaWarning")
@pytest.mark.parametrize("extension", ["json", "fits"])
def test_psf_round_trip_preserves_value(psf: Any, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"psf.{extension}"
    write(psf, path)
    back = read(path, PointSpreadFunction)
    assert type(back) is type(psf)
    assert back == psf


@pytest.mark.parametrize("n", [2, (2, 3)])
def test_to_gridded_has_kernels_at_grid_points(psf: Any, n: Any) -> None:
    pytest.importorskip("photutils")
    model = psf.to_gridded(n)
    ny, nx = (n, n) if isinstance(n, int) else n
    assert len(model.data) == ny * nx
    assert {tuple(p) for p in model.grid_xypos} >= {(0.0, 0.0), (299.0, 0.0), (0.0, 199.0), (299.0, 199.0)}
    for (x, y), image in zip(model.grid_xypos, model.data, strict=True):
        np.testing.assert_allclose(image, psf.compute_kernel_image(x=x, y=y).array, atol=1e-14)


def test_to_gridded_evaluates_like_psf() -> None:
    pytest.importorskip("photutils")
    gaussian = make_gaussian()
    model = gaussian.to_gridded(2)
    star = gaussian.compute_stellar_image(x=120.3, y=45.6)
    x, y = star.bbox.meshgrid()
    drawn = model.evaluate(x, y, flux=1.0, x_0=120.3, y_0=45.6)
    np.testing.assert_allclose(drawn, star.array, atol=2e-4)


def test_to_gridded_invalid_grid_raises(psf: Any) -> None:
    pytest.importorskip("photutils")
    with pytest.raises(ValueError, match="at least two grid points"):
        psf.to_gridded(1)
    with pytest.raises(BoundsError):
        psf.to_gridded(2, bbox=Box.factory[0:300, 0:300])


def test_to_gridded_without_photutils_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "photutils.psf", None)
    with pytest.raises(MissingOptionalDependencyError, match="photutils"):
        make_gaussian().to_gridded(2)


def test_psf_bounds_accept_polygon() -> None:
    triangle = Polygon(x_vertices=[0.0, 100.0, 0.0], y_vertices=[0.0, 0.0, 100.0])
    gaussian = make_gaussian(triangle)
    assert gaussian.compute_kernel_image(x=10, y=10).array.sum() == pytest.approx(1.0)
    with pytest.raises(BoundsError):
        gaussian.compute_kernel_image(x=90, y=90)


class ThirdPartyPsf(PointSpreadFunction):
    """The minimal definition of a third-party PSF."""

    bounds = BOX
    kernel_bbox = Box.factory[-1:2, -2:3]

    def compute_kernel_image(self, *, x: float, y: float) -> Image:
        array = np.zeros((3, 5))
        array[1, 2] = 1.0
        return Image(array, bbox=self.kernel_bbox)


def lanczos5(t: Any) -> np.ndarray:
    """Weights of pixels, whose sum is 1."""
    t = np.asarray(t)
    everywhere = np.arange(-5, 6) + t[0] % 1.0
    norm = (np.sinc(everywhere) * np.sinc(everywhere / 5) * (abs(everywhere) < 5)).sum()
    return np.sinc(t) * np.sinc(t / 5) / norm


def test_third_party_psf_requires_three_definitions() -> None:
    psf = ThirdPartyPsf()
    assert psf.compute_stellar_image(x=7, y=9).bbox == Box.factory[8:11, 5:10]
    shifted = psf.compute_stellar_image(x=7.3, y=9.2).array
    np.testing.assert_allclose(
        shifted, np.outer(lanczos5([-1.2, -0.2, 0.8]), lanczos5(np.arange(-2, 3) - 0.3))
    )
    assert psf.compute_kernel_images(x=[1, 2], y=3).shape == (2, 3, 5)
    stars, yx0 = psf.compute_stellar_images(x=[1.2, 2], y=3)
    assert stars.shape == (2, 3, 5)
    assert yx0.x.tolist() == [-1, 0]
    with pytest.raises(BoundsError):
        psf.compute_stellar_image(x=-7, y=9)


class ThirdPartyModel(
    ArchiveTree, schema="thirdparty.delta_psf", version="1.0.0", url_base="https://example.org/schemas"
):
    """The serialization model of a third-party PSF."""

    flavour: str

    @classmethod
    def serialize(cls, obj: ThirdPartyPsf, archive: Any) -> ThirdPartyModel:
        return cls(flavour="delta")

    def deserialize(self, archive: Any) -> ThirdPartyPsf:
        return ThirdPartyPsf()


class ThirdPartyPlugin:
    """A plugin that declares the third-party PSF."""

    @hookimpl
    def register_datasets(self) -> list[DatasetSpec]:
        here = __name__
        return [
            DatasetSpec(
                schema="thirdparty.delta_psf", pytype=f"{here}:ThirdPartyPsf", model=f"{here}:ThirdPartyModel"
            )
        ]


class Holder(ArchiveTree, schema="test.psf_holder", version="1.0.0"):
    """A model with a field for any PSF."""

    psf: PSFSerializationModel


def test_third_party_psf_without_declaration_cannot_be_stored(tmp_path: Path) -> None:
    with pytest.raises(UnserializableTypeError, match="ThirdPartyPsf"):
        write(ThirdPartyPsf(), tmp_path / "psf.json")
    tree = json.loads(ThirdPartyModel(flavour="delta").model_dump_json())
    unreadable = Holder.model_validate({"psf": tree})
    registry.register(ThirdPartyPlugin(), name="thirdparty")
    try:
        write(ThirdPartyPsf(), tmp_path / "psf.json")
        assert isinstance(read(tmp_path / "psf.json", PointSpreadFunction), ThirdPartyPsf)
        holder = Holder.model_validate({"psf": tree})
        assert isinstance(holder.psf.deserialize(DetachedArchive()), ThirdPartyPsf)
        assert holder.model_dump(mode="json")["psf"] == tree == unreadable.model_dump(mode="json")["psf"]
    finally:
        registry.unregister("thirdparty")
    with pytest.raises(UnknownSchemaError, match="delta_psf"):
        unreadable.psf.deserialize(DetachedArchive())
