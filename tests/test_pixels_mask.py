# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._pixels._mask` and `._bits`.

The model to compare with keeps one boolean array for each plane, by name.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from helpers.metadata import share_metadata
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import YX, Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.errors import GeometryError

NAMES = [f"P{i}" for i in range(24)]
DTYPES = [np.uint8, np.int8, np.int16, np.uint32, np.int64]
BOX = Box.factory[3:8, -2:5]

Naive = dict[str, np.ndarray]


@st.composite
def schemas(draw: st.DrawFn, dtypes: Any = DTYPES) -> MaskSchema:
    names = draw(st.lists(st.sampled_from([*NAMES, None, None, None]), min_size=1, max_size=27))
    seen: set[str] = set()
    planes = []
    for name in names:
        if name is None or name not in seen:
            planes.append(None if name is None else MaskPlane(name, f"Description of {name}."))
            seen.add(name or "")
    return MaskSchema(planes, draw(st.sampled_from(dtypes)))


@st.composite
def masks(draw: st.DrawFn, bbox: Box | None = None) -> tuple[Mask, Naive]:
    if bbox is None:
        start = draw(st.tuples(st.integers(-4, 8), st.integers(-4, 8)))
        bbox = Box.from_shape(draw(st.tuples(st.integers(1, 6), st.integers(1, 6))), start)
    mask = Mask(schema=draw(schemas()), bbox=bbox)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    naive = {name: generator.random(bbox.shape) > 0.5 for name in mask.schema.names}
    for name, plane in naive.items():
        mask.set(name, plane)
    return mask, naive


def assert_equal(mask: Mask, naive: Naive) -> None:
    assert list(mask.schema.names) == list(naive)
    for name, plane in naive.items():
        np.testing.assert_array_equal(mask.get(name), plane, err_msg=name)


def make(n: int = 10, bbox: Box = BOX) -> Mask:
    return Mask(schema=MaskSchema([MaskPlane(name, f"About {name}.") for name in NAMES[:n]]), bbox=bbox)


# Construction.


def test_mask_array_is_copied_only_for_other_dtype() -> None:
    schema = MaskSchema([MaskPlane(name, "") for name in NAMES[:10]])
    array = np.ones((3, 4, 2), dtype=np.uint8)
    assert Mask(array, schema=schema).array is array
    mask = Mask(array.astype(np.int64), schema=schema)
    assert mask.array.dtype == np.uint8 and np.array_equal(mask.array, array)


def test_mask_array_out_of_range_raises() -> None:
    schema = MaskSchema([MaskPlane("A", "")])
    with pytest.raises(ValueError, match="cannot represent"):
        Mask(np.full((2, 2, 1), 256, dtype=np.int32), schema=schema)
    with pytest.raises(ValueError, match="cannot represent"):
        Mask(np.full((2, 2, 1), 0.5), schema=schema)
    for fill in (256, -1, 0.5):
        with pytest.raises(ValueError, match="cannot represent"):
            Mask(fill, schema=schema, shape=(2, 2))  # type: ignore[arg-type]
    mask = Mask(1, schema=schema, shape=(2, 2))
    with pytest.raises(ValueError, match="cannot represent"):
        mask.array = np.full((2, 2, 1), 256)
    assert np.all(mask.array == 1)


def test_mask_fill_value_applies_to_every_element() -> None:
    mask = Mask(
        5, schema=MaskSchema([MaskPlane(name, "") for name in NAMES[:10]]), shape=[3, 4], start=(1, 2)
    )
    assert mask.array.shape == (3, 4, 2) and np.all(mask.array == 5) and mask.array.dtype == np.uint8
    assert mask.bbox == Box.factory[1:4, 2:6] and mask.start == mask.yx0 == YX(1, 2)
    assert mask.projection is mask.sky_projection is mask.obs_info is None and mask.metadata == {}


@pytest.mark.parametrize(
    ("array", "keywords", "error", "message"),
    [
        (np.zeros((3, 4), np.uint8), {}, ValueError, "Mask array must be 3-d"),
        (np.zeros((3, 4, 1), np.uint8), {}, ValueError, "mask_size of the schema, 2"),
        (np.zeros((3, 4, 2), np.uint8), {"bbox": Box.factory[0:4, 0:3]}, ValueError, "Explicit bbox shape"),
        (np.zeros((3, 4, 2), np.uint8), {"shape": (4, 3)}, ValueError, "Explicit shape"),
        (0, {"shape": (4, 3), "bbox": BOX}, ValueError, "does not match bbox shape"),
        (0, {}, TypeError, "bbox or a shape"),
        ([[[0, 0]]], {"shape": (1, 1)}, TypeError, "numpy array or an integer"),
        (0, {"shape": (1, 1), "yx0": (0, 0), "start": (0, 0)}, TypeError, "are aliases of one argument"),
    ],
)
def test_mask_constructor_inconsistent_arguments_raise(
    array: Any, keywords: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Mask(array, schema=make().schema, **keywords)


# Flags.


@given(masks())
def test_mask_planes_are_independent_for_every_layout(made: tuple[Mask, Naive]) -> None:
    assert_equal(*made)


@given(made=masks(), data=st.data())
def test_mask_set_and_clear_change_selected_pixels_only(
    made: tuple[Mask, Naive], data: st.DataObject
) -> None:
    mask, naive = made
    where = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 2, mask.bbox.shape)
    for name in naive:
        action = data.draw(st.sampled_from(["set", "set all", "clear", "clear all", "nothing"]))
        if action == "set":
            mask.set(name, where)
            naive[name] = naive[name] | where.astype(bool)
        elif action == "set all":
            mask.set(name)
            naive[name] = np.ones(mask.bbox.shape, bool)
        elif action == "clear":
            mask.clear(name, where)
            naive[name] = naive[name] & ~where.astype(bool)
        elif action == "clear all":
            mask.clear(name)
            naive[name] = np.zeros(mask.bbox.shape, bool)
    assert_equal(mask, naive)
    mask.clear(boolean_mask=where)
    assert not mask.array[where.astype(bool)].any()
    assert_equal(mask, {name: plane & ~where.astype(bool) for name, plane in naive.items()})
    mask.clear()
    assert not mask.array.any()


def test_mask_get_returns_new_array() -> None:
    mask = make()
    mask.get("P0")[...] = True
    assert not mask.get("P0").any() and mask.get("P0").dtype == bool and mask.get("P0").shape == BOX.shape


@pytest.mark.parametrize("shape", [(), (7,), (5, 1), (7, 5), (5, 7, 1)])
def test_mask_set_boolean_mask_of_other_shape_raises(shape: tuple[int, ...]) -> None:
    mask = make()
    for act in (mask.set, mask.clear):
        with pytest.raises(IndexError, match="boolean mask has shape"):
            act("P0", np.ones(shape, bool))
    with pytest.raises(IndexError, match="boolean mask has shape"):
        mask.clear(boolean_mask=np.ones(shape, bool))


def test_mask_unknown_plane_raises_key_error() -> None:
    mask = make()
    for act in (mask.get, mask.set, mask.clear):
        with pytest.raises(KeyError, match="NOPE"):
            act("NOPE")


# Two masks.


def overlap(a: Box, b: Box) -> Box | None:
    y0, y1 = max(a.y.start, b.y.start), min(a.y.stop, b.y.stop)
    x0, x1 = max(a.x.start, b.x.start), min(a.x.stop, b.x.stop)
    return Box.factory[y0:y1, x0:x1] if y0 < y1 and x0 < x1 else None


@given(first=masks(), second=masks())
def test_mask_update_matches_names_and_coordinates(
    first: tuple[Mask, Naive], second: tuple[Mask, Naive]
) -> None:
    (mask, naive), (other, other_naive) = first, second
    mask.update(other)
    if (box := overlap(mask.bbox, other.bbox)) is not None:
        for name in naive.keys() & other_naive.keys():
            naive[name][box.slice_within(mask.bbox)] |= other_naive[name][box.slice_within(other.bbox)]
    assert_equal(mask, naive)
    assert_equal(other, other_naive)


@given(made=masks(bbox=BOX), other_made=masks())
def test_mask_setitem_clears_box_and_updates(
    made: tuple[Mask, Naive], other_made: tuple[Mask, Naive]
) -> None:
    (mask, naive), (other, other_naive) = made, other_made
    target = Box.factory[4:7, 0:4]
    mask[target] = other
    for plane in naive.values():
        plane[target.slice_within(BOX)] = False
    if (box := overlap(target, other.bbox)) is not None:
        for name in naive.keys() & other_naive.keys():
            naive[name][box.slice_within(BOX)] = other_naive[name][box.slice_within(other.bbox)]
    assert_equal(mask, naive)


@given(masks(bbox=BOX))
def test_mask_setitem_own_pixels_is_identity(made: tuple[Mask, Naive]) -> None:
    mask, naive = made
    mask[...] = mask
    mask[Box.factory[4:6, 0:2]] = mask[Box.factory[3:7, -1:3]]
    assert_equal(mask, naive)


def test_mask_setitem_other_types_raise() -> None:
    mask = make()
    for other in (0, mask.array, Image(0, bbox=BOX)):
        with pytest.raises(TypeError, match=r"set\(\) and clear\(\)"):
            mask[...] = other
        with pytest.raises(TypeError, match="updated only with another Mask"):
            mask.update(other)  # type: ignore[arg-type]


def test_mask_update_several_blocks_matches_direct_computation() -> None:
    # More pixels than a block, and not a multiple of the block size.
    bbox = Box.from_shape((301, 503))
    schema = MaskSchema([MaskPlane(name, "") for name in NAMES])
    mask = Mask(
        np.random.default_rng(3).integers(0, 256, (*bbox.shape, 3), dtype=np.uint8), schema=schema, bbox=bbox
    )
    packed = Mask(schema=MaskSchema(schema, np.int32), bbox=bbox)
    packed.update(mask)
    expected = mask.array[..., 0] | mask.array[..., 1].astype(int) << 8 | mask.array[..., 2].astype(int) << 16
    np.testing.assert_array_equal(packed.array[..., 0], expected)
    back = Mask(schema=schema, bbox=bbox)
    back.update(packed)
    assert back == mask


# Other planes.


@given(made=masks(), data=st.data())
def test_mask_add_planes_keeps_pixels_of_retained_planes(
    made: tuple[Mask, Naive], data: st.DataObject
) -> None:
    mask, naive = made
    before = mask.array.copy()
    names = list(naive)
    drop = data.draw(st.sets(st.sampled_from(names))) if names else set()
    new = data.draw(st.lists(st.sampled_from(["NEW1", "NEW2", None]), unique_by=lambda n: n or object()))
    result = mask.add_planes([None if n is None else MaskPlane(n, "New.") for n in new], drop=drop)
    kept = [plane for plane in mask.schema if plane is None or plane.name not in drop]
    # A schema without planes has one unused bit.
    assert list(result.schema)[: len(kept) + len(new)] == [
        *kept,
        *(None if n is None else MaskPlane(n, "New.") for n in new),
    ]
    assert result.schema.dtype == mask.schema.dtype
    expected = {name: plane for name, plane in naive.items() if name not in drop}
    expected |= {n: np.zeros(mask.bbox.shape, bool) for n in new if n is not None}
    assert_equal(result, expected)
    assert not np.shares_memory(result.array, mask.array)
    np.testing.assert_array_equal(mask.array, before)


def test_mask_add_plane_returns_new_mask_with_metadata() -> None:
    mask = make(8)
    mask.metadata["a"] = 1
    view = mask[...]
    result = mask.add_plane("NEW", "New.")
    assert result.schema.mask_size == 2 and result.metadata == {"a": 1}
    assert not share_metadata(result, mask) and result.bbox == mask.bbox
    assert "NEW" not in mask.schema and "NEW" not in view.schema


def test_mask_add_planes_existing_or_unknown_plane_raises() -> None:
    mask = make(3)
    with pytest.raises(ValueError, match=r"\['P1'\].*already exist"):
        mask.add_plane("P1", "Again.")
    with pytest.raises(ValueError, match="already exist"):
        mask.add_planes([MaskPlane("NEW", ""), MaskPlane("NEW", "")])
    with pytest.raises(ValueError, match=r"Cannot drop unknown mask planes \['NOPE'\]"):
        mask.add_planes([], drop=["P0", "NOPE"])
    mask.set("P1")
    replaced = mask.add_planes([MaskPlane("P1", "Anew.")], drop=["P1"])
    assert list(replaced.schema.names) == ["P0", "P2", "P1"] and not replaced.get("P1").any()
    assert list(mask.add_planes([], drop="P1").schema.names) == ["P0", "P2"]


# Views, copies, equality.


def test_mask_view_shares_pixels_and_changes_descriptions() -> None:
    mask = make(3)
    schema = MaskSchema([MaskPlane(name, "Other words.") for name in mask.schema.names])
    view = mask.view(schema=schema, start=(0, 0))
    assert view.schema is schema and view.array is mask.array and share_metadata(view, mask)
    assert view.start == YX(0, 0) and mask.view(yx0=(1, 1)).start == YX(1, 1)
    assert mask.view() == mask


@pytest.mark.parametrize(
    "schema",
    [
        MaskSchema([MaskPlane(name, "") for name in ("P0", "P2", "P1")]),
        MaskSchema([MaskPlane(name, "") for name in ("P0", "P1")]),
        MaskSchema([MaskPlane("P0", ""), None, MaskPlane("P2", "")]),
        MaskSchema([MaskPlane(name, "") for name in ("P0", "P1", "P2")], np.int8),
    ],
)
def test_mask_view_other_layout_raises(schema: MaskSchema) -> None:
    with pytest.raises(ValueError, match="cannot rename or move planes, or change their type"):
        make(3).view(schema=schema)


def test_mask_copy_is_independent() -> None:
    mask = make()
    mask.set("P9")
    mask.metadata["a"] = 1
    for other in (mask.copy(), copy.deepcopy(mask), pickle.loads(pickle.dumps(mask))):
        assert other == mask and not np.shares_memory(other.array, mask.array)
        assert other.metadata == mask.metadata and not share_metadata(other, mask)


def test_mask_equality_compares_box_schema_and_pixels() -> None:
    mask = make()
    assert mask == make() and mask != make(9) and mask != mask.view(start=(0, 0))
    other = make()
    other.set("P3")
    assert mask != other and mask != mask.array.tolist()
    with pytest.raises(TypeError, match="unhashable"):
        hash(mask)


def test_mask_array_assignment_writes_in_place() -> None:
    mask = make()
    array = mask.array
    mask.array = mask.schema.bitmask("P0", "P9")
    assert mask.array is array and mask.get("P0").all() and mask.get("P9").all() and not mask.get("P1").any()


def test_mask_text_contains_box_and_planes() -> None:
    mask = make(2)
    assert str(mask) == "Mask([y=3:8, x=-2:5], ['P0', 'P1'])"
    assert repr(mask) == f"Mask(..., bbox={BOX!r}, schema={mask.schema!r})"


def test_mask_repr_many_planes_omits_descriptions() -> None:
    schema = MaskSchema([MaskPlane(f"PLANE_{n}", "A long description. " * 5) for n in range(20)])
    for obj in (Mask(0, schema=schema, bbox=BOX), MaskedImage(Image(0.0, bbox=BOX), mask_schema=schema)):
        assert len(repr(obj)) < 800 and "long description" not in repr(obj)
        assert all(f"'PLANE_{n}'" in repr(obj) for n in range(20))


def test_mask_shape_errors_derive_from_images_error() -> None:
    with pytest.raises(GeometryError):
        Mask(np.zeros((3, 4), np.uint8), schema=make().schema)
