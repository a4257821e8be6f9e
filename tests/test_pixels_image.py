# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._pixels._image`, `._base`, `._arguments` and `._units`."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import Angle, SkyCoord
from astropy.wcs import WCS
from helpers.metadata import share_metadata
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import XY, YX, Box, GeneralFrame, Image, Projection
from lsst.images.errors import BoxIndexError, GeometryError, NotContainedError
from lsst.images.serialization import Attachments

BOX = Box.factory[5:205, 8:259]


def make_projection() -> Any:
    """Return a tangential projection of 0.1 arcsec pixels, centred at (8, 5)."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [45.0, 30.0]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cdelt = [-0.1 / 3600, 0.1 / 3600]
    wcs.wcs.radesys = "ICRS"
    return Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix), x0=8, y0=5)


class PassthroughMetadata:
    """Minimal passthrough metadata."""

    def __init__(self, pixels: bool = True) -> None:
        self.pixels = pixels

    def for_subset(self) -> PassthroughMetadata:
        return PassthroughMetadata(pixels=False)


# Construction.


def test_image_array_is_not_copied() -> None:
    array = np.zeros((3, 4), dtype=np.float32)
    image = Image(array)
    assert image.array is array and image.bbox == Box.factory[0:3, 0:4]
    assert image.unit is None and image.projection is None and image.obs_info is None
    assert image.metadata == {}


def test_image_array_is_copied_only_for_other_dtype() -> None:
    array = np.zeros((3, 4), dtype=np.float32)
    assert Image(array, dtype=np.float32).array is array
    image = Image(array, dtype=np.float64)
    assert image.array.dtype == np.float64 and not np.shares_memory(image.array, array)


@pytest.mark.parametrize("spelling", ["start", "yx0"])
@pytest.mark.parametrize("start", [(2, -7), [2, -7], YX(2, -7), XY(-7, 2)])
def test_image_start_is_y_first_unless_xy(spelling: str, start: Any) -> None:
    image = Image(np.zeros((3, 4)), **{spelling: start})
    assert image.bbox == Box.factory[2:5, -7:-3] and image.start == image.yx0 == YX(2, -7)


def test_image_start_is_ignored_with_bbox() -> None:
    assert Image(np.zeros((3, 4)), bbox=Box.factory[1:4, 1:5], start=(9, 9)).start == YX(1, 1)


@pytest.mark.parametrize("shape", [(3, 4), [3, 4], YX(3, 4), XY(4, 3), np.array([3, 4])])
def test_image_shape_accepts_any_sequence(shape: Any) -> None:
    assert Image(1.0, shape=shape).array.shape == (3, 4)
    assert Image(np.zeros((3, 4)), shape=shape).array.shape == (3, 4)
    assert Image(1.0, shape=shape, bbox=Box.factory[1:4, 0:4]).array.shape == (3, 4)


@pytest.mark.parametrize(
    ("fill", "dtype", "expected"),
    [
        (0, None, np.int64),
        (0.0, None, np.float64),
        (7, np.uint16, np.uint16),
        (np.float32(2), None, np.float32),
    ],
)
def test_image_fill_value_determines_dtype_by_default(fill: Any, dtype: Any, expected: Any) -> None:
    image = Image(fill, bbox=BOX, dtype=dtype)
    assert image.array.dtype == expected and np.all(image.array == fill) and image.bbox == BOX


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((np.zeros((3, 4)),), {"bbox": Box.factory[0:4, 0:3]}), ValueError, "Explicit bbox shape"),
        (((np.zeros((3, 4)),), {"shape": (4, 3)}), ValueError, "Explicit shape"),
        (((0,), {"shape": (4, 3), "bbox": Box.factory[0:3, 0:4]}), ValueError, "does not match bbox shape"),
        (((0,), {}), TypeError, "bbox or a shape"),
        (((np.zeros(3),), {}), ValueError, "2-d"),
        (((np.zeros((3, 4, 1)),), {}), ValueError, "2-d"),
        (((0,), {"shape": (3, 4, 5)}), ValueError, "Invalid sequence for shape"),
        (((0,), {"shape": (3, 4), "start": (1,)}), ValueError, "Invalid sequence for start"),
        (((0,), {"bbox": (3, 4)}), TypeError, "must be a Box"),
        ((([[1, 2], [3, 4]],), {"shape": (2, 2)}), TypeError, "numpy array or a number"),
        (((np.ma.zeros((3, 4)),), {}), TypeError, "masked array"),
        (((None,), {"shape": (2, 2)}), TypeError, "must be numbers"),
        (((np.full((2, 2), "a"),), {}), TypeError, "must be numbers"),
        (((0,), {"shape": (3, 4), "start": (0, 0), "yx0": (0, 0)}), TypeError, "are aliases of one argument"),
        (
            ((0,), {"shape": (3, 4), "projection": None, "sky_projection": None}),
            TypeError,
            "are aliases of one argument",
        ),
        (((0,), {"shape": (3, 4), "nonsense": 1}), TypeError, "nonsense"),
    ],
)
def test_image_constructor_inconsistent_arguments_raise(
    arguments: Any, error: type[Exception], message: str
) -> None:
    positional, keywords = arguments
    with pytest.raises(error, match=message):
        Image(*positional, **keywords)


def test_image_from_quantity_has_unit_and_shares_memory() -> None:
    quantity = np.ones((3, 4)) * u.nJy
    image = Image(quantity)
    assert image.unit == u.nJy and type(image.array) is np.ndarray
    assert np.shares_memory(image.array, quantity.value)
    np.testing.assert_allclose(Image(quantity, unit=u.pJy).array, 1000)
    with pytest.raises(u.UnitConversionError):
        Image(quantity, unit=u.s)


# Pixels.


def test_image_array_assignment_writes_in_place() -> None:
    array = np.zeros((3, 4))
    image = Image(array)
    image.array = 5
    assert image.array is array and np.all(array == 5)


def test_image_array_assignment_of_quantity_converts_units() -> None:
    image = Image(np.zeros((3, 4)), unit=u.nJy)
    image.array = 2 * u.uJy  # type: ignore[assignment]
    np.testing.assert_allclose(image.array, 2000)
    with pytest.raises(u.UnitConversionError):
        image.array = 2 * u.s  # type: ignore[assignment]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint16])
def test_image_quantity_is_view_for_every_dtype(dtype: Any) -> None:
    image = Image(np.arange(12, dtype=dtype).reshape(3, 4), unit=u.mJy)
    assert image.quantity.unit == u.mJy and np.shares_memory(image.quantity.value, image.array)
    image.quantity[0, 0] = 2 * u.Jy
    assert image.array[0, 0] == 2000
    assert Image(image.array).quantity.unit == u.dimensionless_unscaled


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint16])
def test_image_quantity_assignment_converts_in_place(dtype: Any) -> None:
    array = np.zeros((3, 4), dtype=dtype)
    image = Image(array, unit=u.mJy)
    image.quantity = np.full((3, 4), 0.29) * u.Jy
    assert image.array is array
    # In floating point this is 289.99999999999994, which must not become 289.
    np.testing.assert_allclose(array, 290, rtol=1e-6)
    with pytest.raises(u.UnitConversionError):
        image.quantity = 3 * u.s
    with pytest.raises(u.UnitConversionError):
        Image(array).quantity = 3 * u.Jy


@pytest.mark.parametrize("value", [-1.0, 65536.0, np.nan, np.inf])
def test_image_quantity_assignment_out_of_integer_range_raises(value: float) -> None:
    image = Image(7, shape=(2, 2), dtype=np.uint16)
    with pytest.raises(ValueError, match="uint16, whose range is 0 to 65535"):
        image.quantity = value * u.dimensionless_unscaled
    assert np.all(image.array == 7)


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8])
def test_image_setitem_converts_units(dtype: Any) -> None:
    image = Image(0, bbox=Box.factory[0:4, 0:5], dtype=dtype, unit=u.mJy)
    box = Box.factory[1:3, 2:4]
    image[box] = Image(0.1, bbox=box, unit=u.Jy)
    expected = np.zeros((4, 5))
    expected[1:3, 2:4] = 100
    np.testing.assert_allclose(image.array, expected, rtol=1e-6)


def test_image_setitem_containing_image_is_aligned_by_coordinates() -> None:
    image = Image(0, bbox=Box.factory[0:10, 0:10])
    other = Image(np.arange(100).reshape(10, 10), bbox=Box.factory[-2:8, -3:7])
    box = Box.factory[2:4, 3:6]
    image[box] = other
    np.testing.assert_array_equal(image[box].array, other[box].array)
    assert image.array.sum() == other[box].array.sum()


def test_image_setitem_equal_shape_is_aligned_by_position() -> None:
    image = Image(0, bbox=Box.factory[0:10, 0:10])
    other = Image(np.arange(6).reshape(2, 3), bbox=Box.factory[50:52, 50:53])
    image[Box.factory[2:4, 3:6]] = other
    np.testing.assert_array_equal(image.array[2:4, 3:6], other.array)


@given(data=st.data())
def test_image_setitem_overlapping_pixels_are_moved(data: st.DataObject) -> None:
    y, x = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    image = Image(np.arange(64).reshape(8, 8))
    expected = image.array.copy()
    expected[0:4, 0:4] = image.array[y : y + 4, x : x + 4].copy()
    image.local[:4, :4] = image.local[y : y + 4, x : x + 4].view(start=(100, 100))
    np.testing.assert_array_equal(image.array, expected)


def test_image_setitem_other_shape_raises_with_both_boxes() -> None:
    image = Image(0, bbox=Box.factory[0:10, 0:10])
    with pytest.raises(GeometryError, match=r"\[y=3:6, x=3:6\].*\[y=2:4, x=2:4\]"):
        image[Box.factory[2:4, 2:4]] = Image(1, bbox=Box.factory[3:6, 3:6])
    assert not image.array.any()


@pytest.mark.parametrize("other", [1, np.zeros((10, 10)), None])
def test_image_setitem_other_types_raise(other: Any) -> None:
    with pytest.raises(TypeError, match="'array' or 'quantity'"):
        Image(0, shape=(10, 10))[...] = other


def test_image_setitem_missing_unit_raises() -> None:
    image = Image(0.0, shape=(2, 2), unit=u.nJy)
    with pytest.raises(u.UnitConversionError):
        image[...] = Image(1.0, shape=(2, 2))
    with pytest.raises(u.UnitConversionError):
        Image(0.0, shape=(2, 2))[...] = image
    percent = Image(0.0, shape=(2, 2), unit=u.percent)
    percent[...] = Image(0.5, shape=(2, 2))
    assert np.all(percent.array == 50)


def test_image_setitem_read_only_array_raises() -> None:
    array = np.zeros((2, 2))
    array.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        Image(array)[...] = Image(1.0, shape=(2, 2))


def test_image_assignment_of_largest_integers_is_exact() -> None:
    top = np.iinfo(np.int64).max
    image = Image(0, shape=(1, 1), dtype=np.int64)
    image[...] = Image(np.full((1, 1), top, dtype=np.uint64))
    assert image.array[0, 0] == top
    with pytest.raises(ValueError, match="int64, whose range is"):
        image[...] = Image(np.full((1, 1), 2.0**63))
    with pytest.raises(ValueError, match="int64, whose range is"):
        image[...] = Image(np.full((1, 1), top + 1, dtype=np.uint64))
    assert image.array[0, 0] == top


# Views, copies, equality.


def test_image_view_keeps_attributes_by_default() -> None:
    image = Image(np.zeros((3, 4)), start=(1, 2), unit=u.nJy, projection=make_projection(), metadata={"a": 1})
    view = image.view()
    assert view == image and view.array is image.array and share_metadata(view, image)
    assert view.projection is image.projection
    assert image.view(unit=None).unit is None and image.view(projection=None).projection is None
    assert image.view(sky_projection=None).projection is None
    assert image.view(start=(7, 8)).start == image.view(yx0=(7, 8)).start == YX(7, 8)
    assert image.view(start=None).start == YX(0, 0)
    with pytest.raises(TypeError, match="are aliases of one argument"):
        image.view(start=(7, 8), yx0=(7, 8))


def test_image_copy_is_independent() -> None:
    image = Image(np.zeros((3, 4)), start=(1, 2), unit=u.nJy, projection=make_projection(), metadata={"a": 1})
    for other in (image.copy(), copy.deepcopy(image)):
        assert other == image and other.projection is image.projection
        assert not np.shares_memory(other.array, image.array)
        assert other.metadata == image.metadata and not share_metadata(other, image)
    assert copy.copy(image).array is not None and np.shares_memory(copy.copy(image).array, image.array)


def test_image_metadata_is_shared_until_reassigned() -> None:
    metadata: dict[str, Any] = {"a": 1}
    image = Image(0, shape=(3, 4), metadata=metadata)
    part = image.local[:2, :2]
    part.metadata["b"] = 2
    assert image.metadata == metadata == {"a": 1, "b": 2}
    part.metadata = part.metadata.copy()
    part.metadata["c"] = 3
    assert "c" not in metadata


@pytest.mark.parametrize("metadata", [[("a", 1)], "a", 1])
def test_image_metadata_other_types_raise(metadata: Any) -> None:
    with pytest.raises(TypeError, match="metadata of an image must be a mapping"):
        Image(0, shape=(3, 4), metadata=metadata)
    image = Image(0, shape=(3, 4), metadata={"a": 1})
    with pytest.raises(TypeError, match="metadata of an image must be a mapping"):
        image.metadata = metadata
    assert image.metadata == {"a": 1}


def test_image_equality_compares_box_unit_and_pixels() -> None:
    array = np.array([[1.0, np.nan]])
    image = Image(array, unit=u.nJy)
    assert image == Image(array.copy(), unit=u.nJy, projection=make_projection(), metadata={"a": 1})
    assert image != Image(array, unit=u.Jy) and image != Image(array)
    assert image != Image(array, unit=u.nJy, start=(0, 1))
    assert image != Image(np.array([[1.0, 2.0]]), unit=u.nJy)
    assert image != array.tolist() and image != None  # noqa: E711
    with pytest.raises(TypeError, match="unhashable"):
        hash(image)


def test_image_pickling_preserves_value() -> None:
    image = Image(np.arange(12.0).reshape(3, 4), start=(1, 2), unit=u.nJy, metadata={"a": 1})
    other = pickle.loads(pickle.dumps(image.local[1:, 1:]))
    assert other == image.local[1:, 1:] and other.metadata == {"a": 1}


def test_image_text_contains_box_and_dtype() -> None:
    image = Image(0.0, bbox=Box.factory[-2:0, 5:7])
    assert str(image) == "Image([y=-2:0, x=5:7], float64)"
    box = "Box(y=Interval(start=-2, stop=0), x=Interval(start=5, stop=7))"
    assert repr(image) == f"Image(..., bbox={box}, dtype=dtype('float64'))"


def test_image_attachments_are_passed_to_views() -> None:
    image = Image(np.zeros((3, 4)))
    image._attachments = Attachments({"dataset": None}, PassthroughMetadata())
    for whole in (image[...], image.view(unit=u.nJy)):
        assert whole._attachments.passthrough.pixels
    for less in (image.copy(), image.local[:2, :2], image[Box.factory[0:1, 0:1]]):
        assert not less._attachments.passthrough.pixels
        assert less._attachments.butler_info == {"dataset": None}
    assert Image(np.zeros((3, 4)))._attachments.passthrough is None


def test_image_butler_information_has_butler_types() -> None:
    butler = pytest.importorskip("lsst.daf.butler")
    image = Image(np.zeros((3, 4)))
    assert image.butler_dataset is None and image.butler_provenance is None
    dataset = {
        "id": "0189ab4c-0000-7000-8000-000000000001",
        "datasetType": {"name": "calexp", "storageClass": "ImageV2", "dimensions": []},
        "dataId": {"dataId": {}},
        "run": "u/someone",
    }
    image._attachments = Attachments({"dataset": dataset, "provenance": {"inputs": [], "quantum_id": None}})
    for part in (image, image.copy(), image.local[:1, :1]):
        assert isinstance(part.butler_dataset, butler.SerializedDatasetRef)
        assert part.butler_dataset.run == "u/someone"
        assert isinstance(part.butler_provenance, butler.DatasetProvenance)
        assert part.butler_provenance.quantum_id is None


# Sky projections.


def test_image_wcs_without_projection_returns_no_wcs() -> None:
    image = Image(0, bbox=BOX)
    assert image.projection is image.sky_projection is image.fits_wcs is image.astropy_wcs is None
    with pytest.raises(ValueError, match="sky projection"):
        image.bbox_from_sky_circle(SkyCoord(45, 30, unit="deg"), Angle(1, unit="arcsec"))


def test_image_wcs_pixels_are_relative_to_array() -> None:
    projection = make_projection()
    image = Image(0, bbox=BOX, sky_projection=projection)
    assert image.projection is image.sky_projection is projection
    expected = projection.pixel_to_sky(x=18.0, y=105.0)
    assert isinstance(image.fits_wcs, WCS) and not isinstance(image.astropy_wcs, WCS)
    for wcs in (image.fits_wcs, image.astropy_wcs):
        assert expected.separation(wcs.pixel_to_world(10.0, 100.0)).arcsec < 1e-3
    part = image.local[50:, 5:]
    assert expected.separation(part.fits_wcs.pixel_to_world(5.0, 50.0)).arcsec < 1e-3
    assert part.fits_wcs.array_shape == (150, 246)
    assert image.fits_wcs is image.fits_wcs


def test_bbox_from_sky_circle_returns_overlapping_pixels() -> None:
    image = Image(0, bbox=BOX, projection=make_projection())
    center = image.projection.pixel_to_sky(x=100.0, y=60.0)
    box = image.bbox_from_sky_circle(center.galactic, Angle(2, unit="arcsec"))
    assert box == Box.factory[40:81, 80:121]


def test_bbox_from_sky_circle_outside_raises_unless_clipped() -> None:
    image = Image(0, bbox=BOX, projection=make_projection())
    center = image.projection.pixel_to_sky(x=5.0, y=6.0)
    radius = Angle(1, unit="arcsec")
    with pytest.raises(NotContainedError, match="clip=True"):
        image.bbox_from_sky_circle(center, radius)
    assert image.bbox_from_sky_circle(center, radius, clip=True) == Box.factory[5:17, 8:16]
    outside = image.projection.pixel_to_sky(x=-500.0, y=6.0)
    with pytest.raises(NotContainedError, match="do not overlap the image"):
        image.bbox_from_sky_circle(outside, radius, clip=True)
    with pytest.raises(ValueError, match="scalar SkyCoord"):
        image.bbox_from_sky_circle(SkyCoord([45, 46], [30, 30], unit="deg"), radius)
    with pytest.raises(ValueError, match="scalar Angle"):
        image.bbox_from_sky_circle(center, Angle([1, 2], unit="arcsec"))


def test_image_index_errors_derive_from_images_error() -> None:
    with pytest.raises(BoxIndexError):
        Image(0, bbox=BOX)[Box.factory[0:1, 0:1]]
