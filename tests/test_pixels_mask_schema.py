# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `lsst.images._pixels._mask_schema` and `._legacy_planes`."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import astropy.io.fits
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import (
    MaskPlane,
    MaskPlaneBit,
    MaskSchema,
    get_legacy_deep_coadd_mask_planes,
    get_legacy_difference_image_mask_planes,
    get_legacy_non_cell_coadd_mask_planes,
    get_legacy_visit_image_mask_planes,
)
from lsst.images._pixels import guess_legacy_mask_planes  # private: used by the legacy readers only

DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64]


def planes(n: int, *holes: int) -> list[MaskPlane | None]:
    return [None if i in holes else MaskPlane(f"P{i}", f"Plane {i}.") for i in range(n)]


# Planes and bits.


def test_mask_plane_is_value_type() -> None:
    plane = MaskPlane("BAD", "Bad pixel.")
    assert plane == MaskPlane("BAD", "Bad pixel.") and hash(plane) == hash(MaskPlane("BAD", "Bad pixel."))
    assert plane != MaskPlane("BAD", "Another thing.")
    with pytest.raises(AttributeError):
        plane.name = "GOOD"  # type: ignore[misc]


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_per_element_excludes_sign_bit(dtype: Any) -> None:
    bits = np.dtype(dtype).itemsize * 8
    assert MaskSchema.bits_per_element(dtype) == bits - (np.dtype(dtype).kind == "i")


@pytest.mark.parametrize("dtype", [np.float32, bool, "U1", object])
def test_mask_schema_non_integer_dtype_raises(dtype: Any) -> None:
    with pytest.raises(TypeError, match="must be an integer type"):
        MaskSchema.bits_per_element(dtype)
    with pytest.raises(TypeError, match="must be an integer type"):
        MaskSchema([], dtype=dtype)


@given(n=st.integers(0, 200), dtype=st.sampled_from(DTYPES))
def test_mask_plane_bit_compute_returns_index_and_mask(n: int, dtype: Any) -> None:
    stride = MaskSchema.bits_per_element(dtype)
    bit = MaskPlaneBit.compute(n, stride, dtype)
    assert bit.index * stride + int(bit.mask).bit_length() - 1 == n
    assert bit.mask.dtype == dtype and int(bit.mask) > 0
    pixel = np.zeros(200, dtype=dtype)
    assert bit.check(pixel) is False
    pixel[bit.index] = bit.mask
    assert bit.check(pixel) is True


# Schemas.


@given(n=st.integers(1, 70), holes=st.sets(st.integers(0, 69)), dtype=st.sampled_from(DTYPES))
def test_mask_schema_is_ordered_collection_of_planes(n: int, holes: set[int], dtype: Any) -> None:
    given_planes = planes(n, *holes)
    schema = MaskSchema(iter(given_planes), dtype)
    names = [plane.name for plane in given_planes if plane is not None]
    assert list(schema) == given_planes and len(schema) == n and schema[n - 1] == given_planes[-1]
    assert list(schema.names) == names and schema.names == set(names)
    assert list(schema.descriptions) == names
    assert schema.dtype == dtype and schema.mask_size == -(-n // MaskSchema.bits_per_element(dtype))
    for i, plane in enumerate(given_planes):
        if plane is not None:
            assert plane in schema and plane.name in schema
            assert schema.bit(plane.name) == MaskPlaneBit.compute(i, schema.bits_per_element(dtype), dtype)
            assert schema.descriptions[plane.name] == plane.description


def test_mask_schema_without_planes_has_one_unused_bit() -> None:
    schema = MaskSchema([])
    assert list(schema) == [None] and schema.mask_size == 1 and not schema.names
    assert schema == MaskSchema([None]) and schema.bitmask().tolist() == [0]


def test_mask_schema_membership_is_by_name() -> None:
    schema = MaskSchema(planes(3))
    assert MaskPlane("P1", "Something else.") in schema and "P3" not in schema and "P1" in schema


def test_mask_schema_equality_compares_planes_and_dtype() -> None:
    schema = MaskSchema(planes(5, 2))
    assert schema == MaskSchema(planes(5, 2)) and schema != MaskSchema(planes(5, 2), np.int16)
    assert schema != MaskSchema(planes(5)) and schema != MaskSchema(planes(6, 2))
    assert schema != MaskSchema([*planes(4, 2), MaskPlane("P4", "Another description.")])
    assert schema != list(schema)
    with pytest.raises(TypeError, match="unhashable"):
        hash(schema)


def test_mask_schema_duplicate_name_raises() -> None:
    with pytest.raises(ValueError, match="'P0'"):
        MaskSchema([*planes(3), MaskPlane("P0", "Again.")])


def test_mask_schema_other_plane_types_raise() -> None:
    with pytest.raises(TypeError, match="MaskPlane or None; got 'BAD'"):
        MaskSchema(["BAD"])  # type: ignore[list-item]


def test_mask_schema_unknown_plane_raises_with_available_planes() -> None:
    schema = MaskSchema(planes(2))
    with pytest.raises(KeyError, match="P0.*P1"):
        schema.bit("NOPE")
    with pytest.raises(KeyError):
        schema.bitmask("P0", "NOPE")


@given(n=st.integers(1, 40), data=st.data())
def test_mask_schema_interpret_inverts_bitmask(n: int, data: st.DataObject) -> None:
    schema = MaskSchema(planes(n), data.draw(st.sampled_from(DTYPES)))
    names = data.draw(st.sets(st.sampled_from(list(schema.names))))
    pixel = schema.bitmask(*names)
    assert pixel.shape == (schema.mask_size,) and pixel.dtype == schema.dtype
    assert schema.interpret(pixel) == [name for name in schema.names if name in names]


def test_mask_schema_split_distributes_planes_in_order() -> None:
    parts = MaskSchema(planes(19, 3, 17)).split(np.int16)
    assert [len(part) for part in parts] == [15, 2]
    assert all(part.mask_size == 1 and part.dtype == np.int16 for part in parts)
    assert [plane.name for part in parts for plane in part if plane] == [
        f"P{i}" for i in range(19) if i not in (3, 17)
    ]
    assert MaskSchema([None, None]).split(np.int32) == [MaskSchema([None], np.int32)]


def test_mask_schema_repr_and_copies_preserve_value() -> None:
    schema = MaskSchema([MaskPlane("A", "a"), None])
    assert repr(schema) == "MaskSchema([MaskPlane(name='A', description='a'), None], dtype=dtype('uint8'))"
    scope = {"MaskSchema": MaskSchema, "MaskPlane": MaskPlane, "dtype": np.dtype}
    assert eval(repr(schema), scope) == schema
    assert pickle.loads(pickle.dumps(schema)) == schema == copy.deepcopy(schema)


# Header cards.


@pytest.mark.parametrize("make_header", [dict, astropy.io.fits.Header])
def test_mask_schema_header_round_trip(make_header: Any) -> None:
    schema = MaskSchema(planes(7, 0, 3), np.int32)
    header = make_header()
    header["OTHER"] = 1
    schema.update_header(header)
    assert header["MSKN0001"] == "P1" and header["MSKM0001"] == 2 and header["MSKD0001"] == "Plane 1."
    assert "MSKN0003" not in header and "MSKN0000" not in header
    assert type(header["MSKM0006"]) is int and header["MSKM0006"] == 64
    assert MaskSchema.from_fits_header(header, np.int32) == schema
    assert MaskSchema.from_fits_header(header).dtype == np.uint8
    schema.strip_header(header)
    assert list(header) == ["OTHER"]


def test_mask_schema_strip_header_removes_cards_of_early_files() -> None:
    header = {"MSKN0001": "P0", "MSKM0001": 1, "MSKD0001": "Plane 0.", "MSKNAME": "kept"}
    assert list(MaskSchema.from_fits_header(header)) == [None, MaskPlane("P0", "Plane 0.")]
    MaskSchema(planes(1)).strip_header(header)
    assert header == {"MSKNAME": "kept"}


def test_mask_schema_update_header_multiple_elements_raises() -> None:
    with pytest.raises(TypeError, match="split"):
        MaskSchema(planes(9)).update_header({})


def test_mask_schema_from_fits_header_without_cards_raises() -> None:
    with pytest.raises(ValueError, match="no MSKNnnnn cards"):
        MaskSchema.from_fits_header({"MSKD0000": "only a description"})


def test_mask_schema_header_preserves_long_descriptions() -> None:
    schema = MaskSchema([MaskPlane("A", "word " * 40 + "end")])
    header = astropy.io.fits.Header()
    schema.update_header(header)
    again = astropy.io.fits.Header.fromstring(header.tostring())
    assert MaskSchema.from_fits_header(again) == schema


@pytest.mark.parametrize("strip", [True, False])
def test_mask_plane_read_legacy_returns_bits_by_name(strip: bool) -> None:
    header = astropy.io.fits.Header()
    for bit, name in enumerate(("BAD", "DETECTED_NEGATIVE", "UNMASKEDNAN")):
        header[f"HIERARCH MP_{name}"] = bit
    header["OTHER"] = 3
    header.add_comment("MP_COMMENT in a comment")
    bits = MaskPlane.read_legacy(header, strip=strip)
    assert bits == {"BAD": 0, "DETECTED_NEGATIVE": 1, "UNMASKEDNAN": 2}
    assert ("MP_BAD" in header, "MP_UNMASKEDNAN" in header, "OTHER" in header) == (not strip, not strip, True)


# Plane maps.


@pytest.mark.parametrize(
    ("get", "file"),
    [
        (get_legacy_visit_image_mask_planes, "visit_image.fits"),
        (get_legacy_difference_image_mask_planes, "difference_image.fits"),
        (get_legacy_deep_coadd_mask_planes, "cell_coadd.fits"),
    ],
)
def test_legacy_plane_maps_match_files(get: Any, file: str, shared_data: Path) -> None:
    truth = json.loads((shared_data / "examples" / f"{file}.truth.json").read_text())["mask"]["planes"]
    assert [(p.name, p.description) for p in get().values()] == [(t["name"], t["description"]) for t in truth]


def test_legacy_plane_maps_are_extended_copies() -> None:
    visit, difference = get_legacy_visit_image_mask_planes(), get_legacy_difference_image_mask_planes()
    coadd, non_cell = get_legacy_deep_coadd_mask_planes(), get_legacy_non_cell_coadd_mask_planes()
    assert list(difference)[:15] == list(visit) and len(difference) == 19
    assert list(non_cell)[:9] == list(coadd)
    assert list(non_cell)[9:] == [
        "BAD",
        "SUSPECT",
        "CROSSTALK",
        "DETECTED_NEGATIVE",
        "NOT_DEBLENDED",
        "UNMASKEDNAN",
        "SENSOR_EDGE",
    ]
    visit.clear()
    assert len(get_legacy_visit_image_mask_planes()) == 15
    for plane_map in (difference, coadd, non_cell):
        MaskSchema(plane_map.values())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"BAD", "SAT_TEMPLATE", "INEXACT_PSF"}, get_legacy_difference_image_mask_planes),
        ({"BAD", "INEXACT_PSF", "SENSOR_EDGE"}, get_legacy_non_cell_coadd_mask_planes),
        ({"BAD", "INEXACT_PSF"}, get_legacy_deep_coadd_mask_planes),
        ({"BAD", "SENSOR_EDGE"}, get_legacy_visit_image_mask_planes),
        (set(), get_legacy_visit_image_mask_planes),
    ],
)
def test_guess_legacy_mask_planes_identifies_image_type(names: set[str], expected: Any) -> None:
    assert guess_legacy_mask_planes(names) == expected()
