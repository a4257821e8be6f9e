# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._pixels._masked_image` and `._color_image`."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astro_metadata_translator import ObservationInfo
from astropy.wcs import WCS
from helpers.metadata import share_metadata
from lsst.images import (
    YX,
    Box,
    ColorImage,
    GeneralFrame,
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    Projection,
)
from lsst.images.errors import GeometryError, UnitMismatchError
from lsst.images.serialization import Attachments, FitsCompressionOptions

BOX = Box.factory[5:25, 8:38]
SCHEMA = MaskSchema([MaskPlane("BAD", "Bad."), MaskPlane("HUNGRY", "Wants food.")])
OTHER_SCHEMA = MaskSchema([MaskPlane("HUNGRY", "Wants food."), None, MaskPlane("BAD", "Bad.")], np.int16)


def make_projection(ra: float = 45.0) -> Any:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, 30.0]
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    wcs.wcs.radesys = "ICRS"
    return Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix))


def make_obs_info(visit: int = 3) -> Any:
    return ObservationInfo.makeObservationInfo(instrument="LSSTCam", visit_id=visit)


def make_image(bbox: Box = BOX, **keywords: Any) -> Image:
    rng = np.random.default_rng(17)
    return Image(rng.normal(100.0, 8.0, bbox.shape), bbox=bbox, **keywords)


def make(bbox: Box = BOX, schema: MaskSchema = SCHEMA, unit: Any = u.nJy, **keywords: Any) -> MaskedImage:
    rng = np.random.default_rng(18)
    image = make_image(bbox, unit=unit)
    mask = Mask(schema=schema, bbox=bbox)
    for name in schema.names:
        mask.set(name, rng.random(bbox.shape) > 0.5)
    variance = Image(rng.random(bbox.shape, dtype=np.float32), bbox=bbox)
    return MaskedImage(image, mask=mask, variance=variance, **keywords)


# Construction.


def test_masked_image_default_variance_is_one_in_squared_unit() -> None:
    masked = MaskedImage(make_image(unit=u.nJy), mask_schema=SCHEMA)
    assert masked.unit == u.nJy and masked.variance.unit == u.nJy**2
    assert masked.variance.array.dtype == np.float32 and np.all(masked.variance.array == 1)
    assert masked.mask.schema is SCHEMA and not masked.mask.array.any()
    assert masked.bbox == masked.image.bbox == masked.mask.bbox == masked.variance.bbox == BOX
    assert masked.metadata == {}
    unitless = MaskedImage(make_image(), mask_schema=SCHEMA)
    assert unitless.unit is None and unitless.variance.unit is None


def test_masked_image_planes_share_pixels_with_arguments() -> None:
    image, mask, variance = make_image(), Mask(schema=SCHEMA, bbox=BOX), make_image()
    masked = MaskedImage(image, mask=mask, variance=variance)
    assert masked.image.array is image.array and masked.mask.array is mask.array
    assert masked.variance.array is variance.array


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({}, TypeError, "mask or a mask_schema; got neither"),
        ({"mask": Mask(schema=SCHEMA, bbox=BOX), "mask_schema": SCHEMA}, TypeError, "got both"),
        ({"mask": Mask(schema=SCHEMA, shape=(20, 30))}, ValueError, "bboxes do not agree"),
        ({"mask_schema": SCHEMA, "variance": Image(1.0, shape=(20, 30))}, ValueError, "bboxes do not agree"),
        (
            {"mask_schema": SCHEMA, "variance": Image(1.0, bbox=BOX, unit=u.nJy)},
            ValueError,
            "expected the square of the image unit",
        ),
        (
            {"mask_schema": SCHEMA, "projection": 1, "sky_projection": 1},
            TypeError,
            "are aliases of one argument",
        ),
        ({"mask": Image(0, bbox=BOX)}, TypeError, "mask of a masked image must be of type Mask"),
        ({"mask": np.zeros(BOX.shape, np.uint8)}, TypeError, "mask of a masked image must be of type Mask"),
        ({"mask_schema": list(SCHEMA)}, TypeError, "must be a MaskSchema"),
        ({"mask_schema": SCHEMA, "variance": np.ones(BOX.shape)}, TypeError, "must be of type Image"),
    ],
)
def test_masked_image_inconsistent_planes_raise(keywords: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        MaskedImage(make_image(unit=u.nJy), **keywords)


def test_masked_image_array_instead_of_image_raises() -> None:
    with pytest.raises(TypeError, match="must be an Image"):
        MaskedImage(np.zeros(BOX.shape), mask_schema=SCHEMA)  # type: ignore[arg-type]


def test_masked_image_variance_unit_without_image_unit_raises() -> None:
    with pytest.raises(UnitMismatchError, match="Image has no units but variance does"):
        MaskedImage(make_image(), mask_schema=SCHEMA, variance=Image(1.0, bbox=BOX, unit=u.nJy**2))


def test_masked_image_explicit_projection_applies_to_all_planes() -> None:
    mine, other, third = make_projection(), make_projection(46.0), make_projection(47.0)
    planes: dict[str, Any] = {
        "mask": Mask(schema=SCHEMA, bbox=BOX, projection=third),
        "variance": make_image(projection=third),
    }
    for masked, expected in (
        (MaskedImage(make_image(projection=mine), **planes), mine),
        (MaskedImage(make_image(projection=mine), projection=other, **planes), other),
        (MaskedImage(make_image(projection=mine), sky_projection=other, **planes), other),
        (MaskedImage(make_image(), **planes), None),
    ):
        assert masked.projection is masked.sky_projection is expected
        for plane in (masked.image, masked.mask, masked.variance):
            assert plane.projection is expected
    assert planes["mask"].projection is third


def test_masked_image_obs_info_applies_to_all_planes() -> None:
    mine, other = make_obs_info(1), make_obs_info(2)
    masked = MaskedImage(make_image(obs_info=mine), mask_schema=SCHEMA)
    assert masked.obs_info is masked.variance.obs_info is masked.mask.obs_info is mine
    masked = MaskedImage(make_image(obs_info=mine), mask_schema=SCHEMA, obs_info=other)
    assert masked.obs_info is masked.image.obs_info is other
    own = Mask(schema=SCHEMA, bbox=BOX, obs_info=mine)
    masked = MaskedImage(make_image(), mask=own, obs_info=other)
    assert masked.mask.obs_info is mine and masked.obs_info is other
    with pytest.raises(AttributeError):
        masked.obs_info = mine  # type: ignore[misc]


def test_pixels_signatures_match_public_api() -> None:
    names = [name for name in inspect.signature(MaskedImage).parameters]
    assert names == ["image", "mask", "variance", "mask_schema", "projection", "obs_info", "metadata"]
    parameters = inspect.signature(MaskedImage.write_fits).parameters
    for plane in ("image", "mask", "variance"):
        assert parameters[f"{plane}_compression"].default == FitsCompressionOptions.DEFAULT
    assert parameters["compression_seed"].default is None
    assert set(inspect.signature(MaskedImage.read_legacy).parameters) == {
        "uri",
        "preserve_quantization",
        "plane_map",
        "component",
        "fits_wcs_frame",
    }


# The mask can be replaced.


def test_masked_image_mask_assignment_replaces_projection() -> None:
    projection = make_projection()
    masked = make(projection=projection)
    mask = Mask(schema=OTHER_SCHEMA, bbox=BOX, projection=make_projection(46.0))
    masked.mask = mask
    assert masked.mask.array is mask.array and masked.mask.schema is OTHER_SCHEMA
    assert masked.mask.projection is projection and mask.projection is not projection
    masked.mask = masked.mask.add_plane("NEW", "New.")
    assert "NEW" in masked.mask.schema


def test_masked_image_mask_assignment_other_box_raises() -> None:
    masked = make()
    with pytest.raises(GeometryError, match="bboxes do not agree"):
        masked.mask = Mask(schema=SCHEMA, shape=BOX.shape)


# Subimages and assignment.


def test_masked_image_mask_assignment_other_type_raises() -> None:
    masked = make()
    mask = masked.mask
    with pytest.raises(TypeError, match="must be of type Mask"):
        masked.mask = masked.image  # type: ignore[assignment]
    assert masked.mask is mask


def test_masked_image_getitem_returns_views_of_all_planes() -> None:
    masked = make(projection=make_projection(), obs_info=make_obs_info(), metadata={"a": 1})
    part = masked.absolute[7:9, 10:14]
    assert part.bbox == Box.factory[7:9, 10:14] and share_metadata(part, masked)
    assert part.projection is masked.projection and part.obs_info is masked.obs_info
    assert part.image == masked.image[part.bbox] and part.mask == masked.mask[part.bbox]
    assert part.variance == masked.variance[part.bbox]
    part.image.array = 0
    part.mask.set("BAD")
    assert not masked.image.array[2:4, 2:6].any() and masked.mask.get("BAD")[2:4, 2:6].all()


def test_masked_image_setitem_assigns_all_planes() -> None:
    masked = make(unit=u.mJy)
    other = make(schema=OTHER_SCHEMA, unit=u.Jy)
    before = masked.copy()
    box = Box.factory[7:9, 10:14]
    masked[box] = other
    np.testing.assert_allclose(masked.image[box].array, other.image[box].array * 1e3)
    np.testing.assert_allclose(masked.variance[box].array, other.variance[box].array * 1e6, rtol=1e-6)
    for name in ("BAD", "HUNGRY"):
        np.testing.assert_array_equal(masked.mask[box].get(name), other.mask[box].get(name))
    outside = np.ones(BOX.shape, bool)
    outside[box.slice_within(BOX)] = False
    np.testing.assert_array_equal(masked.image.array[outside], before.image.array[outside])
    np.testing.assert_array_equal(masked.mask.array[outside], before.mask.array[outside])


def test_masked_image_setitem_by_position_includes_mask() -> None:
    masked, box = make(), Box.factory[7:9, 10:14]
    other = make(Box.factory[100:102, 100:104])
    masked[box] = other
    np.testing.assert_array_equal(masked.image[box].array, other.image.array)
    np.testing.assert_array_equal(masked.mask[box].array, other.mask.array)
    np.testing.assert_array_equal(masked.variance[box].array, other.variance.array)


def test_masked_image_setitem_invalid_value_changes_nothing() -> None:
    masked = make()
    before = masked.copy()
    with pytest.raises(GeometryError, match="same shape"):
        masked[Box.factory[7:9, 10:14]] = make(Box.factory[0:8, 0:11])
    with pytest.raises(u.UnitConversionError):
        masked[...] = make(unit=None)
    with pytest.raises(TypeError, match="Only a MaskedImage"):
        masked[...] = masked.image
    assert masked.image == before.image and masked.mask == before.mask and masked.variance == before.variance


# Copies.


def test_masked_image_copy_is_independent() -> None:
    masked = make(projection=make_projection(), obs_info=make_obs_info(), metadata={"a": 1})
    for other in (masked.copy(), copy.deepcopy(masked)):
        assert type(other) is MaskedImage and other.projection is masked.projection
        assert other.obs_info is masked.obs_info
        assert other.metadata == {"a": 1} and not share_metadata(other, masked)
        assert other.image == masked.image and other.mask == masked.mask and other.variance == masked.variance
        for a, b in (
            (other.image, masked.image),
            (other.mask, masked.mask),
            (other.variance, masked.variance),
        ):
            assert not np.shares_memory(a.array, b.array)


def test_masked_image_equality_is_identity() -> None:
    masked = make()
    assert masked == masked and masked != masked.copy() and hash(masked) == hash(masked)


def test_masked_image_pickling_preserves_value() -> None:
    masked = make(projection=make_projection(), metadata={"a": 1})
    other = pickle.loads(pickle.dumps(masked.local[2:5, 3:8]))
    assert other.image == masked.local[2:5, 3:8].image and other.mask == masked.local[2:5, 3:8].mask
    assert other.image.projection is other.mask.projection is other.projection
    assert other.projection == masked.projection


def test_masked_image_butler_information_is_passed_to_views() -> None:
    masked = make()
    masked._attachments = Attachments({"dataset": None, "provenance": None})
    for other in (masked[...], masked.copy(), masked.local[:3, :3]):
        assert other._attachments.butler_info == {"dataset": None, "provenance": None}
        assert other.butler_dataset is None and other.butler_provenance is None


@pytest.mark.parametrize("name", ["image", "mask", "variance"])
def test_masked_image_planes_have_butler_information(name: str, tmp_path: Path) -> None:
    info = {"dataset": None, "provenance": {"inputs": [], "quantum_id": None}}
    masked = make()
    masked.write(tmp_path / "masked.fits", butler_info=info)
    assert getattr(masked, name)._attachments.butler_info is None
    back = MaskedImage.read(tmp_path / "masked.fits")
    for other in (back, back.local[:3, :3], back.copy(), pickle.loads(pickle.dumps(back))):
        assert getattr(other, name)._attachments.butler_info == other._attachments.butler_info
        assert other._attachments.butler_info["provenance"] == info["provenance"]


def test_masked_image_text_contains_planes() -> None:
    masked = make()
    assert str(masked) == "MaskedImage(Image([y=5:25, x=8:38], float64), ['BAD', 'HUNGRY'])"
    assert repr(masked) == f"MaskedImage({masked.image!r}, mask_schema={SCHEMA!r})"


# Color images.


def make_color(bbox: Box = BOX, **keywords: Any) -> ColorImage:
    pixels = np.random.default_rng(1).integers(0, 256, (*bbox.shape, 3), dtype=np.uint8)
    return ColorImage(pixels, bbox=bbox, **keywords)


def test_color_image_channels_share_array() -> None:
    array = np.zeros((3, 4, 3), dtype=np.uint8)
    image = ColorImage(array, yx0=(1, 2), sky_projection=make_projection())
    assert image.array is array and image.bbox == Box.factory[1:4, 2:6] and image.start == YX(1, 2)
    for n, channel in enumerate((image.red, image.green, image.blue)):
        channel.array = n + 1
        assert channel.bbox == image.bbox and channel.projection is image.projection
    assert np.all(array == [1, 2, 3])


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2), (3, 4, 4), (4, 3, 3)])
def test_color_image_other_shape_raises(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        ColorImage(np.zeros(shape, np.uint8), bbox=Box.factory[0:3, 0:4])


def test_color_image_from_channels_copies_pixels() -> None:
    projection = make_projection()
    channels = [make_image(projection=projection if n == 0 else None) for n in range(3)]
    image = ColorImage.from_channels(*channels, metadata={"a": 1})
    assert image.projection is projection and image.bbox == BOX and image.metadata == {"a": 1}
    assert not np.shares_memory(image.array, channels[0].array)
    assert image.blue == channels[2]
    other = make_projection(46.0)
    assert ColorImage.from_channels(*channels, sky_projection=other).projection is other
    with pytest.raises(GeometryError, match="bboxes of the channels do not agree"):
        ColorImage.from_channels(channels[0], channels[1], channels[2].view(start=(0, 0)))


def test_color_image_setitem_and_copy() -> None:
    image, box = make_color(metadata={"a": 1}), Box.factory[7:9, 10:14]
    other = ColorImage(np.full((*BOX.shape, 3), 7, np.uint8), bbox=BOX)
    duplicate = image.copy()
    image[box] = other
    assert np.all(image[box].array == 7) and np.count_nonzero(image.array != duplicate.array) <= 24
    image[box] = ColorImage(np.full((2, 4, 3), 9, np.uint8))
    assert np.all(image[box].array == 9)
    assert duplicate.metadata == {"a": 1} and not share_metadata(duplicate, image)
    with pytest.raises(GeometryError, match="same shape"):
        image[box] = make_color(Box.factory[0:8, 0:8])
    with pytest.raises(TypeError, match="Only a ColorImage"):
        image[box] = image.red
    image.array = 0
    assert not image.array.any()


def test_color_image_text_contains_box_and_dtype() -> None:
    assert str(make_color(Box.factory[0:5, 0:4])) == "ColorImage([y=0:5, x=0:4], uint8)"
