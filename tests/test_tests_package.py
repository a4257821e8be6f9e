# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images.tests`: helpers pass on equal objects, and name the part that differs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.io.fits
import astropy.units as u
import h5py
import lsst.images.tests as helpers_of_package
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time, TimeDelta
from helpers import afw_fakes as afw
from helpers.repository import make_image
from lsst.daf.butler import DimensionUniverse
from lsst.images import (
    XY,
    Box,
    GeneralFrame,
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    Polygon,
    Transform,
    VisitImage,
)
from lsst.images.io import read
from lsst.images.psfs import GaussianPointSpreadFunction
from lsst.images.tests import (
    DP2_VISIT_DETECTOR_DATA_ID,
    RoundtripFits,
    RoundtripJson,
    RoundtripNdf,
    TemporaryButler,
    annotate_errors,
    arrays_to_legacy_points,
    assert_cell_coadds_equal,
    assert_images_equal,
    assert_masked_images_equal,
    assert_masks_equal,
    assert_obs_metadata_fields_equal,
    assert_psfs_equal,
    assert_values_equal,
    assert_visit_images_equal,
    check_archive_tree_class_invariants,
    check_bounds_contains_broadcasting,
    check_projection,
    check_transform,
    compare_masked_image_to_legacy,
    compare_visit_image_to_legacy,
    get_dp2_exposure_record,
    iter_concrete_archive_tree_subclasses,
    legacy_points_to_xy_array,
    make_random_projection,
)

PIXELS = GeneralFrame(unit=u.pix)
BOX = Box.factory[10:40, 20:60]


def test_importing_the_package_imports_neither_pytest_nor_butler() -> None:
    code = (
        "import sys, lsst.images.tests as t; t.assert_values_equal(1.0, 1.0);"
        "print([n for n in ('pytest', 'lsst.daf.butler', 'hypothesis') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_names_can_be_imported() -> None:
    for name in helpers_of_package.__all__:
        assert getattr(helpers_of_package, name) is not None


# Values.


@pytest.mark.parametrize(
    ("a", "b", "options"),
    [
        (1.0, 1.0, {}),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), {}),
        (np.array([1.0, 2.0]), np.array([1.0, 2.1]), {"atol": 0.2}),
        (1 * u.m, 100 * u.cm, {}),
        (1 * u.m, 1.1 * u.m, {"atol": 20 * u.cm}),
        (Time(5e4, format="mjd"), Time(5e4, format="mjd") + 1 * u.s, {"atol": 2 * u.s}),
        (TimeDelta(1 * u.s), TimeDelta(1000 * u.ms), {}),
        (SkyCoord(359.999, 0, unit="deg"), SkyCoord(0.001, 0, unit="deg"), {"atol": 0.01 * u.deg}),
        (359 * u.deg, -1 * u.deg, {"wrap_angles": True, "atol": 1e-9 * u.deg}),
        ("text", "text", {}),
        (np.array([1, 2]), np.array([1, 2]), {}),
        ([True, False], np.array([True, False]), {}),
    ],
)
def test_equal_values_pass(a: Any, b: Any, options: dict[str, Any]) -> None:
    assert_values_equal(a, b, **options)


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        (1.0, 1.5, {}, AssertionError, "x: values 1.0 and 1.5 differ by 0.5"),
        (
            np.zeros(3),
            np.array([0, 2.0, 1]),
            {},
            AssertionError,
            "2/3 values differ; max abs diff 2.0 at",
        ),
        (np.zeros(3), np.zeros(4), {}, AssertionError, "shape"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), {}, AssertionError, "1/2 values differ"),
        (np.nan, np.nan, {"equal_nan": False}, AssertionError, "differ"),
        (1 * u.m, 2 * u.m, {}, AssertionError, "differ"),
        (1 * u.m, 2 * u.m, {"atol": 1.0}, u.UnitConversionError, "needs a unit"),
        (1 * u.m, 2 * u.s, {}, u.UnitConversionError, "not convertible"),
        (Time(5e4, format="mjd"), 1.0, {}, TypeError, "cannot compare Time with float"),
        (Time(5e4, format="mjd"), Time(5e4, format="mjd"), {"rtol": 1e-3}, ValueError, "atol"),
        (1, 1, {"atol": 1}, ValueError, "floating-point"),
        (np.array([1, 2]), np.array([1, 3]), {}, AssertionError, "arrays are not equal"),
        (SkyCoord(1, 2, unit="deg"), SkyCoord(1, 2.1, unit="deg"), {}, AssertionError, "differ"),
    ],
)
def test_unequal_values_and_wrong_tolerances_raise(
    a: Any, b: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        assert_values_equal(a, b, label="x", **options)


def test_annotate_errors_adds_a_note() -> None:
    with pytest.raises(KeyError) as caught, annotate_errors("where it was"):
        raise KeyError("x")
    assert caught.value.__notes__ == ["where it was"]


# Images.


def test_images_equal_and_views() -> None:
    image = make_image().image
    assert_images_equal(image, image.copy(), expect_view=False)
    assert_images_equal(image, image[...], expect_view=True)
    assert_images_equal(
        image,
        Image(image.array + 0.001, bbox=image.bbox, unit=image.unit, projection=image.projection),
        atol=0.01,
    )
    with pytest.raises(AssertionError, match="memory is not shared"):
        assert_images_equal(image, image.copy(), expect_view=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda im: im.image.array.__setitem__((3, 4), 7.0), "pixels: 1/.* values differ"),
        (lambda im: im.variance.array.__setitem__((3, 4), 7.0), "pixels: 1/"),
        (lambda im: im.mask.set("CR", np.ones(im.bbox.shape, bool)), "mask: pixels differ"),
        (lambda im: im.metadata.native.__setitem__("new", 1), "metadata: "),
    ],
)
def test_different_masked_images_name_the_part(change: Callable[[MaskedImage], None], message: str) -> None:
    image = make_image()
    other = image.copy()
    assert_masked_images_equal(image, other)
    change(other)
    with pytest.raises(AssertionError, match=message):
        assert_masked_images_equal(image, other)


def test_masks_note_the_planes_that_differ() -> None:
    mask = Mask(0, schema=MaskSchema([MaskPlane("A", "a"), MaskPlane("B", "b")]), bbox=BOX)
    other = mask.copy()
    other.set("B", np.arange(40 * 30).reshape(30, 40) < 5)
    with pytest.raises(AssertionError) as caught:
        assert_masks_equal(mask, other)
    assert caught.value.__notes__ == ["mask[B]: +0 -5"]


def test_psfs_are_compared_at_points() -> None:
    psf = GaussianPointSpreadFunction(2.0, bounds=BOX, stamp_size=21)
    assert assert_psfs_equal(psf, GaussianPointSpreadFunction(2.0, bounds=BOX, stamp_size=21)) == 9
    assert assert_psfs_equal(psf, psf, XY(np.array([25.0]), np.array([20.0]))) == 1
    with pytest.raises(AssertionError, match="pixels"):
        assert_psfs_equal(psf, GaussianPointSpreadFunction(2.1, bounds=BOX, stamp_size=21))


@pytest.mark.parametrize(
    ("name", "compare"),
    [
        ("visit_image.fits", assert_visit_images_equal),
        ("difference_image.fits", assert_visit_images_equal),
        ("cell_coadd.fits", assert_cell_coadds_equal),
    ],
)
@pytest.mark.filterwarnings("ignore::lsst.images.errors.ImagesWarning")
def test_whole_images_of_files_are_compared(
    name: str, compare: Callable[..., None], shared_data: Path
) -> None:
    first, second = (read(shared_data / "examples43" / name) for _ in range(2))
    compare(first, second, expect_view=False)
    second.mask.array[...] ^= 1
    with pytest.raises(AssertionError, match="mask"):
        compare(first, second)
    second.mask.array[...] ^= 1
    if name.startswith("visit"):
        second.psf = GaussianPointSpreadFunction(9.0, bounds=first.bbox, stamp_size=21)
        with pytest.raises(AssertionError) as caught:
            compare(first, second)
        assert any("component psf" in note for note in caught.value.__notes__)


def test_observation_informations_are_compared(shared_data: Path) -> None:
    info = read(shared_data / "examples43/visit_image.fits").obs_info
    assert_obs_metadata_fields_equal(info, info)
    with info.edit_copy() as other:
        other.exposure_id = 5
    with pytest.raises(AssertionError, match="exposure_id"):
        assert_obs_metadata_fields_equal(other, info, label="info")


# Checks.


def test_transforms_and_projections_are_checked() -> None:
    rng = np.random.default_rng(3)
    frame = GeneralFrame(unit=u.mm)
    matrix = np.array([[2.0, 0.1], [0.2, 3.0]])
    transform = Transform.affine(PIXELS, frame, matrix)
    x, y = rng.uniform(0, 100, (2, 5))
    out = matrix @ np.array([x, y])
    check_transform(transform, XY(x, y), XY(*out), PIXELS, frame)
    with pytest.raises(AssertionError, match="forward x"):
        check_transform(transform, XY(x, y), XY(out[0] + 1, out[1]), PIXELS, frame)
    with pytest.raises(AssertionError, match="out_frame"):
        check_transform(transform, XY(x, y), XY(*out), PIXELS, PIXELS)
    check_transform(
        transform, XY(x, y), XY(out[0] + 1e-3, out[1]), PIXELS, frame, out_atol=0.01 * u.mm, in_atol=0.01
    )

    projection = make_random_projection(rng, PIXELS, BOX)
    wcs = projection.as_fits_wcs(BOX)
    sky = wcs.pixel_to_world(x, y)
    pixels = XY(x + BOX.x.start, y + BOX.y.start)
    check_projection(projection, pixels, sky, PIXELS)
    with pytest.raises(AssertionError, match="sky"):
        check_projection(projection, XY(pixels.x + 1, pixels.y), sky, PIXELS)


def test_bounds_broadcast() -> None:
    check_bounds_contains_broadcasting(BOX)
    check_bounds_contains_broadcasting(Polygon.from_box(BOX))

    class Wrong:
        bbox = BOX

        def contains(self, *, x: Any, y: Any) -> Any:
            return np.ones(np.broadcast_shapes(np.shape(x), np.shape(y)), bool) if np.shape(x) else False

    with pytest.raises(AssertionError, match="the array has"):
        check_bounds_contains_broadcasting(Wrong())


def test_models_of_the_package_hold_the_invariants() -> None:
    models = list(iter_concrete_archive_tree_subclasses())
    assert len(models) > 20
    for model in models:
        check_archive_tree_class_invariants(model)


# Round trips.


@pytest.mark.parametrize("storage_class", [None, "MaskedImageV2"])
@pytest.mark.parametrize(
    ("roundtrip", "kind"),
    [(RoundtripFits, astropy.io.fits.HDUList), (RoundtripJson, dict), (RoundtripNdf, h5py.File)],
)
def test_round_trips_return_equal_objects(roundtrip: Any, kind: type, storage_class: str | None) -> None:
    image = make_image()
    with roundtrip(image, storage_class) as trip:
        assert_masked_images_equal(trip.result, image)
        assert Path(trip.filename).exists()
        assert isinstance(trip.inspect(), kind)
        part = image.local[3:9, 4:8].bbox
        assert_images_equal(trip.get("image", bbox=part), image.image[part])
        assert trip.serialized.SCHEMA_NAME == "masked_image"
        if storage_class is not None:
            assert trip.butler.get(trip.ref).bbox == image.bbox
            assert trip.result.butler_dataset.id == trip.ref.id
        kept = trip.filename
    assert not Path(kept).exists()


def test_temporary_butler_has_a_reference_for_each_type() -> None:
    with TemporaryButler("my_run", format="json", one="MaskedImageV2", two="ImageV2") as butler:
        image = make_image()
        butler.butler.put(image, butler.one)
        butler.butler.put(image.image, butler.two)
        assert butler.butler.getURI(butler.one).getExtension() == ".json"
        assert butler.two.run == "my_run"
        assert_images_equal(butler.butler.get(butler.two), image.image)


def test_recipe_is_used() -> None:
    with RoundtripFits(make_image(), "MaskedImageV2", recipe="lossy16") as trip:
        assert trip.inspect()["IMAGE"].header["ZCMPTYPE"] == "RICE_1"


def test_dp2_record_belongs_to_its_data_id() -> None:
    record = get_dp2_exposure_record(DimensionUniverse())
    assert (record.instrument, record.id) == ("LSSTCam", DP2_VISIT_DETECTOR_DATA_ID["visit"])
    assert record.day_obs == DP2_VISIT_DETECTOR_DATA_ID["day_obs"]
    assert DP2_VISIT_DETECTOR_DATA_ID["band"] == "r"


# Comparison with afw, through the stand-ins.


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    afw.install(monkeypatch)


def test_masked_images_are_compared_with_afw(stack: None) -> None:
    image = make_image()
    legacy = image.to_legacy(copy=True)
    compare_masked_image_to_legacy(image, legacy, alternates={"image": image.image})
    legacy.image.array[2, 3] += 1
    with pytest.raises(AssertionError, match="image: 1/"):
        compare_masked_image_to_legacy(image, legacy)
    legacy.image.array[2, 3] = image.image.array[2, 3]
    image.mask.clear("CR")
    with pytest.raises(AssertionError) as caught:
        compare_masked_image_to_legacy(image, legacy)
    (note,) = caught.value.__notes__
    assert note.startswith("mask[CR]: +0 -")


@pytest.mark.filterwarnings("ignore::lsst.images.errors.LossyConversionWarning")
def test_visit_images_are_compared_with_afw(stack: None, shared_data: Path) -> None:
    image = VisitImage.read_legacy(shared_data / "legacy/calexp/obs_base_calexp.fits")
    legacy = image.to_legacy()
    identity = {
        "instrument": image.obs_info.instrument,
        "visit": image.obs_info.visit_id,
        "detector": image.detector.id,
    }
    legacy.info.setPsf(None)
    compare_visit_image_to_legacy(image, legacy, **identity)
    with pytest.raises(AssertionError, match="pixel frame is that of"):
        compare_visit_image_to_legacy(image, legacy, **(identity | {"visit": 3}))


def test_points_are_converted(stack: None) -> None:
    points = arrays_to_legacy_points(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    back = legacy_points_to_xy_array(points)
    np.testing.assert_array_equal(back.x, [1, 2])
    np.testing.assert_array_equal(back.y, [3, 4])
