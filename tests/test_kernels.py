# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convolution kernels: evaluation, application, files."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.afw_tables import read_tables
from lsst.images import YX, Box, Image, MaskedImage, MaskPlane, MaskSchema, NoOverlapError, NotContainedError
from lsst.images.convolution_kernels import ConvolutionKernel, ImageBasisConvolutionKernel
from lsst.images.errors import CorruptArchiveError, MissingOptionalDependencyError
from lsst.images.fields import ChebyshevField
from lsst.images.fits import FitsInputArchive
from lsst.images.io import read, write
from lsst.images.models import ImageBasisConvolutionKernelSerializationModel
from lsst.images.serialization import DetachedArchive

BOX = Box.factory[50:110, 20:95]


def make_kernel(shape: tuple[int, int] = (7, 5), **kwargs: Any) -> ImageBasisConvolutionKernel:
    rng = np.random.default_rng(1)
    fields = [ChebyshevField(BOX, rng.normal(size=(2, 3))) for _ in range(3)]
    return ImageBasisConvolutionKernel(rng.normal(size=(3, *shape)), fields, **kwargs)


def make_image(dtype: Any = np.float64) -> Image:
    pixels = np.random.default_rng(2).normal(size=BOX.shape) * 100
    return Image(pixels.astype(dtype), bbox=BOX, unit=u.nJy)


def test_kernel_image_is_weighted_sum_of_basis() -> None:
    kernel = make_kernel()
    image = kernel.compute_kernel_image(x=40, y=70)
    expected = sum(f(x=40, y=70) * b for b, f in zip(kernel.basis, kernel.spatial, strict=True))
    np.testing.assert_allclose(image.array, expected, rtol=1e-13)
    assert image.bbox == kernel.kernel_bbox == Box.factory[-3:4, -2:3]


def test_kernel_center_is_configurable() -> None:
    kernel = make_kernel(center_y=0, center_x=5)
    assert kernel.kernel_bbox == Box.factory[0:7, -5:0]
    assert kernel.center == YX(y=0, x=5)


def test_kernel_default_center_of_even_size() -> None:
    assert make_kernel((4, 6)).kernel_bbox == Box.factory[-2:2, -3:3]


def test_kernel_many_positions_match_single_positions() -> None:
    kernel = make_kernel()
    stack = kernel.compute_kernel_images(x=[30, 40], y=[[60], [70], [80]])
    assert stack.shape == (3, 2, 7, 5)
    np.testing.assert_allclose(stack[1, 1], kernel.compute_kernel_image(x=40, y=70).array, rtol=1e-13)
    assert kernel.compute_kernel_images(x=[], y=[]).shape == (0, 7, 5)
    with pytest.raises(TypeError, match="Expected one position"):
        kernel.compute_kernel_image(x=[30, 40], y=70)  # type: ignore[arg-type]  # the point of the test


def test_kernel_iteration_yields_images_and_weights() -> None:
    kernel = make_kernel()
    assert len(kernel) == 3
    for n, (image, field) in enumerate(kernel):
        np.testing.assert_array_equal(image.array, kernel.basis[n])
        assert image.bbox == kernel.kernel_bbox
        assert field is kernel.spatial[n]


def test_kernel_bounds_are_intersection_of_weights() -> None:
    fields = [
        ChebyshevField(Box.factory[0:50, 0:60], [[1.0]]),
        ChebyshevField(Box.factory[20:90, 9:30], [[1.0]]),
    ]
    assert ImageBasisConvolutionKernel(np.ones((2, 3, 3)), fields).bounds == Box.factory[20:50, 9:30]
    with pytest.raises(NoOverlapError):
        ImageBasisConvolutionKernel(
            np.ones((2, 3, 3)), [fields[0], ChebyshevField(Box.factory[99:100, 0:1], [[1]])]
        )


FLAT = ChebyshevField(BOX, [[1.0]])


@pytest.mark.parametrize(
    ("basis", "fields", "words"),
    [
        (np.ones((1, 3, 3)), [], "at least one field"),
        (np.ones((3, 3)), [FLAT], "3-d array"),
        (np.ones((2, 3, 3)), [FLAT], "2 basis images require 2 fields; got 1"),
        (np.ones((1, 3, 3)), [FLAT * u.nJy], "must not have units"),
        (np.ones((1, 0, 3)), [FLAT], "3-d array"),
    ],
)
def test_kernel_inconsistent_arguments_raise(basis: Any, fields: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ImageBasisConvolutionKernel(basis, fields)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 5), (12, 9)])
def test_convolve_uses_kernel_at_output_pixel(shape: tuple[int, int]) -> None:
    pytest.importorskip("scipy")
    kernel, image = make_kernel(shape, center_x=1 if shape[1] > 1 else 0), make_image()
    result = kernel.convolve(image)
    assert result.unit == u.nJy
    reach = kernel.kernel_bbox
    assert (
        result.bbox
        == Box.factory[
            BOX.y.start - reach.y.start : BOX.y.stop - reach.y.max,
            BOX.x.start - reach.x.start : BOX.x.stop - reach.x.max,
        ]
    )
    for y, x in [tuple(result.bbox.min), tuple(result.bbox.max), (80, 50)]:
        local = kernel.compute_kernel_image(x=x, y=y)
        moved = Box.from_shape(shape, start=(y + reach.y.start, x + reach.x.start))
        expected = (local.array * image[moved].array).sum()
        assert result[Box.factory[y : y + 1, x : x + 1]].array[0, 0] == pytest.approx(
            expected, rel=1e-9, abs=1e-9
        )


def test_convolve_constant_kernel_matches_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    pixels = np.random.default_rng(3).normal(size=(9, 9))
    kernel = ImageBasisConvolutionKernel([pixels], [FLAT])
    image = make_image(np.float32)
    expected = ndimage.correlate(image.array.astype(float), pixels, mode="constant")[4:-4, 4:-4]
    np.testing.assert_allclose(kernel.convolve(image).array, expected, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 5), (12, 9)])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_convolve_non_finite_pixel_affects_covered_pixels_only(shape: tuple[int, int], bad: float) -> None:
    pytest.importorskip("scipy")
    kernel, image = make_kernel(shape), make_image()
    clean = kernel.convolve(image)
    image.array[30, 35] = bad
    spoiled = kernel.convolve(image)
    touched = np.isnan(spoiled.array)
    assert touched.sum() == shape[0] * shape[1]
    center = Box.factory[80:81, 55:56]
    assert np.isnan(spoiled[center].array[0, 0])
    np.testing.assert_allclose(spoiled.array[~touched], clean.array[~touched], atol=1e-9)


def test_convolve_does_not_modify_image() -> None:
    pytest.importorskip("scipy")
    image = make_image()
    image.array[3, 3] = np.nan
    before = image.copy()
    make_kernel().convolve(image)
    assert image == before


def test_convolve_image_smaller_than_kernel_raises() -> None:
    small = Image(np.ones((6, 20)), bbox=Box.factory[0:6, 0:20])
    with pytest.raises(NotContainedError, match="6x20 pixels is smaller than the kernel of 7x5"):
        make_kernel().convolve(small)


def test_convolve_masked_image_raises() -> None:
    planes = MaskedImage(Image(np.ones((20, 20))), mask_schema=MaskSchema([MaskPlane("BAD", "Bad.")]))
    with pytest.raises(TypeError, match="requires an Image; got MaskedImage"):
        make_kernel().convolve(planes)  # type: ignore[arg-type]


def test_convolve_without_scipy_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "scipy.signal", None)
    with pytest.raises(MissingOptionalDependencyError, match="scipy"):
        make_kernel().convolve(make_image())


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda k: pickle.loads(pickle.dumps(k))])
def test_kernel_copies_are_equal(duplicate: Any) -> None:
    kernel = make_kernel(center_y=2)
    assert duplicate(kernel) == kernel
    assert kernel != make_kernel()
    assert kernel != "kernel"
    with pytest.raises(TypeError, match="unhashable"):
        hash(kernel)
    assert str(kernel) == "ImageBasisConvolutionKernel of 3 images over [y=50:110, x=20:95]"
    assert repr(kernel) == f"<{kernel}>"


def test_kernel_basis_is_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        make_kernel().basis[0, 0, 0] = 1.0


@pytest.mark.parametrize("extension", ["json", "fits"])
def test_kernel_round_trip_preserves_value(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"kernel.{extension}"
    write(make_kernel(center_x=1), path)
    assert read(path, ConvolutionKernel) == make_kernel(center_x=1)


def test_kernel_tree_matches_published_schema(tmp_path: Path, shared_data: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    write(make_kernel(), tmp_path / "kernel.json")
    name = "image_basis_convolution_kernel"
    document = shared_data.parent / "spec" / "schemas" / name / f"{name}-1.0.0.json"
    validator = jsonschema.Draft202012Validator(json.loads(document.read_text()))
    validator.validate(json.loads((tmp_path / "kernel.json").read_text()))


def test_kernel_model_without_weights_raises() -> None:
    model = ImageBasisConvolutionKernelSerializationModel(
        basis={"data": [[[1.0]]], "datatype": "float64"}, spatial=[], center_y=0, center_x=0
    )

    class Archive(DetachedArchive):
        def get_array(self, model: Any, *, slices: Any = ...) -> Any:
            return model.to_array()

    with pytest.raises(CorruptArchiveError, match="at least one field"):
        model.deserialize(Archive())


def test_kernel_of_file_matches_truth(shared_data: Path) -> None:
    path = shared_data / "examples" / "difference_image.fits"
    truth = json.loads(path.with_suffix(".fits.truth.json").read_text())["kernel"]
    with FitsInputArchive.open(path) as archive:
        tree = archive.get_raw_tree()["kernel"]
        kernel = ImageBasisConvolutionKernelSerializationModel.model_validate(tree).deserialize(archive)
    box = truth["kernel_bbox"]
    assert kernel.kernel_bbox == Box.factory[slice(*box["y"]), slice(*box["x"])]
    with np.load(path.with_suffix(".fits.truth.npz")) as arrays:
        np.testing.assert_array_equal(kernel.basis, arrays[truth["basis"]["npz"]])
    for field, expected in zip(kernel.spatial, truth["spatial"], strict=True):
        for point in expected["points"]:
            assert field(x=point["x"], y=point["y"]) == pytest.approx(point["value"], rel=1e-13)


def test_kernel_of_legacy_file_has_chebyshev_weights(shared_data: Path) -> None:
    objects = read_tables(shared_data / "afw" / "obj_lc_kernel.fits")
    ((root,),) = objects[1]
    images = [objects[n][0][0] for n in root["components"]]
    basis = np.array([i["image"].reshape(i["dimensions_y"], i["dimensions_x"]) for i in images])
    bounds = Box.factory[2000:2400, 1000:1512]
    fields, expected = [], np.zeros((21, 21))
    for number, image in zip(root["spatialfunctions"], basis, strict=True):
        stored = objects[number][0][0]
        # The scaled coordinates of afw's function at (x, y) = (1100, 2250).
        u_ = 2 * (1100 - stored["min_x"]) / (stored["max_x"] - stored["min_x"]) - 1
        v = 2 * (2250 - stored["min_y"]) / (stored["max_y"] - stored["min_y"]) - 1
        c = stored["coefficients"]
        weight = c[0] + c[1] * u_ + c[2] * v + c[3] * (2 * u_**2 - 1) + c[4] * u_ * v + c[5] * (2 * v**2 - 1)
        expected += weight * image
        fields.append(ChebyshevField(bounds, [[c[0], c[1], c[3]], [c[2], c[4], 0.0], [c[5], 0.0, 0.0]]))
    kernel = ImageBasisConvolutionKernel(basis, fields, root["center_y"], root["center_x"])
    np.testing.assert_allclose(kernel.compute_kernel_image(x=1100, y=2250).array, expected, rtol=1e-12)
