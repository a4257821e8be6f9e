# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of indexing: `lsst.images._pixels._slices` and `._base`.

Every rule is checked against what numpy does to the plain array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.metadata import share_metadata
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import (
    XY,
    YX,
    Box,
    ColorImage,
    GeneralizedImage,
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
)

SCHEMA = MaskSchema([MaskPlane("BAD", "Bad."), MaskPlane("SAT", "Saturated.")])
BOX = Box.factory[5:12, -3:7]


def make_image(bbox: Box = BOX) -> Image:
    return Image(np.arange(bbox.area).reshape(bbox.shape), bbox=bbox)


def make(kind: str, bbox: Box = BOX) -> Any:
    image = make_image(bbox)
    if kind == "image":
        return image
    if kind == "color":
        return ColorImage.from_channels(image, image, image)
    mask = Mask(np.arange(bbox.area, dtype=np.uint8).reshape(*bbox.shape, 1), schema=SCHEMA, bbox=bbox)
    return mask if kind == "mask" else MaskedImage(image, mask=mask)


def arrays(obj: Any) -> list[np.ndarray]:
    """Return every array of pixels an object holds."""
    if isinstance(obj, MaskedImage):
        return [obj.image.array, obj.mask.array, obj.variance.array]
    return [obj.array]


kinds = pytest.mark.parametrize("kind", ["image", "mask", "masked", "color"])
bounds = st.none() | st.integers(-15, 15)
slices = st.builds(slice, bounds, bounds)


@kinds
@given(ys=slices, xs=slices)
def test_local_slices_match_numpy(kind: str, ys: slice, xs: slice) -> None:
    obj = make(kind)
    if 0 in np.empty(BOX.shape)[ys, xs].shape:
        with pytest.raises(IndexError):
            obj.local[ys, xs]
        return
    for part, whole in zip(arrays(obj.local[ys, xs]), arrays(obj), strict=True):
        np.testing.assert_array_equal(part, whole[ys, xs])
        assert np.shares_memory(part, whole)


@kinds
@given(ys=slices, xs=slices)
def test_absolute_slices_outside_image_raise(kind: str, ys: slice, xs: slice) -> None:
    obj = make(kind)
    y0, y1 = BOX.y.start if ys.start is None else ys.start, BOX.y.stop if ys.stop is None else ys.stop
    x0, x1 = BOX.x.start if xs.start is None else xs.start, BOX.x.stop if xs.stop is None else xs.stop
    if not (BOX.y.start <= y0 < y1 <= BOX.y.stop and BOX.x.start <= x0 < x1 <= BOX.x.stop):
        with pytest.raises(IndexError):
            obj.absolute[ys, xs]
        return
    part = obj.absolute[ys, xs]
    assert part.bbox == Box.factory[y0:y1, x0:x1]
    assert part.start == part.yx0 == YX(y0, x0)
    for pixels, whole in zip(arrays(part), arrays(obj), strict=True):
        np.testing.assert_array_equal(pixels, whole[y0 - 5 : y1 - 5, x0 + 3 : x1 + 3])


@given(ys=slices, xs=slices, inner_ys=slices, inner_xs=slices)
def test_local_slices_compose_like_numpy(ys: slice, xs: slice, inner_ys: slice, inner_xs: slice) -> None:
    image = make_image()
    expected = image.array[ys, xs][inner_ys, inner_xs]
    if 0 in expected.shape:
        return
    part = image.local[ys, xs].local[inner_ys, inner_xs]
    np.testing.assert_array_equal(part.array, expected)
    # Absolute coordinates are unchanged by repeated slicing.
    np.testing.assert_array_equal(image[part.bbox].array, expected)


@kinds
def test_slices_accept_xy_and_yx(kind: str) -> None:
    obj = make(kind)
    wanted = Box.factory[6:8, 0:3]
    assert obj.absolute[XY(slice(0, 3), slice(6, 8))].bbox == wanted
    assert obj.absolute[YX(slice(6, 8), slice(0, 3))].bbox == wanted
    assert obj.local[XY(slice(3, 6), slice(1, 3))].bbox == wanted


@kinds
def test_getitem_box_returns_view(kind: str) -> None:
    obj = make(kind)
    obj.metadata["key"] = 1
    part = obj[Box.factory[6:8, 0:3]]
    assert type(part) is type(obj) and part.bbox == Box.factory[6:8, 0:3]
    assert share_metadata(part, obj)
    assert all(np.shares_memory(a, b) for a, b in zip(arrays(part), arrays(obj), strict=True))


@kinds
def test_getitem_ellipsis_returns_view_of_all_pixels(kind: str) -> None:
    obj = make(kind)
    view = obj[...]
    assert view is not obj and view.bbox == obj.bbox and share_metadata(view, obj)
    assert all(np.shares_memory(a, b) for a, b in zip(arrays(view), arrays(obj), strict=True))


@kinds
@pytest.mark.parametrize("bbox", [Box.factory[4:8, 0:3], Box.factory[6:13, 0:3], Box.factory[50:60, 50:60]])
def test_getitem_box_outside_image_raises_index_error(kind: str, bbox: Box) -> None:
    obj = make(kind)
    with pytest.raises(IndexError, match="does not lie within"):
        obj[bbox]
    with pytest.raises(IndexError, match="does not lie within"):
        obj[bbox] = make(kind, bbox)


@kinds
@pytest.mark.parametrize("key", [0, (0, 1), slice(0, 2), (slice(0, 2), slice(0, 2)), "image", None])
def test_getitem_other_keys_raise_type_error_with_hint(kind: str, key: Any) -> None:
    obj = make(kind)
    with pytest.raises(TypeError, match=r"\.local\[y, x\].*\.absolute\[y, x\]"):
        obj[key]
    with pytest.raises(TypeError, match=r"\.local\[y, x\].*\.absolute\[y, x\]"):
        obj[key] = obj


@kinds
@pytest.mark.parametrize("proxy", ["local", "absolute"])
@pytest.mark.parametrize("key", [(0, 1), (slice(0, 1), 1), slice(0, 1), 3, ..., (slice(0, 1),) * 3])
def test_slice_proxies_other_keys_raise(kind: str, proxy: str, key: Any) -> None:
    obj = make(kind)
    with pytest.raises(TypeError, match=f"{proxy} requires two slices") as caught:
        getattr(obj, proxy)[key]
    notes = "".join(getattr(caught.value, "__notes__", ()))
    assert ("'array'" in notes) == hasattr(obj, "array")


def test_slice_proxies_steps_raise() -> None:
    with pytest.raises(ValueError, match="non-unit step"):
        make_image().local[::2, :]


def test_absolute_slices_negative_numbers_are_coordinates() -> None:
    image = make_image()
    assert image.absolute[:, -3:-1].bbox == Box.factory[5:12, -3:-1]
    with pytest.raises(IndexError):
        image.absolute[-1:10, :]


@kinds
def test_slice_proxies_support_assignment(kind: str) -> None:
    obj, other = make(kind), make(kind)
    for array in arrays(other):
        array[...] = 1
    obj.local[1:3, 2:4] = other
    obj.absolute[10:11, 0:1] = other
    for array in arrays(obj)[:1]:
        assert np.all(array[1:3, 2:4] == 1) and np.all(array[5, 3] == 1)
        assert not np.all(array == 1)


def test_image_types_derive_from_generalized_image() -> None:
    assert all(isinstance(make(kind), GeneralizedImage) for kind in ("image", "mask", "masked", "color"))
