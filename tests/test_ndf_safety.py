# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""NDF files of other software: bad values, and content in other files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import Box, Image, MaskedImage
from lsst.images.errors import CorruptArchiveError, LossyConversionWarning
from lsst.images.io import read
from lsst.images.ndf import read_starlink

h5py = pytest.importorskip("h5py")

# SUN/33 (PRIMDAT): the value of each type that means "bad".
BAD = {
    "f4": -np.finfo("f4").max,
    "f8": -np.finfo("f8").max,
    "i1": -(2**7),
    "i2": -(2**15),
    "i4": -(2**31),
    "i8": -(2**63),
    "u1": 2**8 - 1,
    "u2": 2**16 - 1,
}


def make_ndf(path: Path, data: np.ndarray, **members: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["CLASS"] = np.bytes_("NDF")
        file["DATA_ARRAY/DATA"] = data
        for name, value in members.items():
            file[name.replace("__", "/")] = value
    return path


@pytest.mark.parametrize("dtype", BAD)
@given(
    at=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=6),
    variance_at=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=3),
    with_quality=st.booleans(),
)
def test_ndf_bad_values_are_masked_and_nan(
    dtype: str, at: set[Any], variance_at: set[Any], with_quality: bool, tmp_path_factory: Any
) -> None:
    path = tmp_path_factory.mktemp("ndf") / "x.sdf"
    data, variance = np.full((5, 7), 3, dtype=dtype), np.full((5, 7), 2.0, dtype="f4")
    bad = np.zeros((5, 7), dtype=bool)
    for index in at:
        data[index], bad[index] = BAD[dtype], True
    for index in variance_at:
        variance[index], bad[index] = BAD["f4"], True
    quality = np.arange(35, dtype=np.uint8).reshape(5, 7)
    extra = {"QUALITY__QUALITY": quality} if with_quality else {}
    make_ndf(path, data, VARIANCE=variance, **extra)
    whole = read_starlink(MaskedImage, path)
    if with_quality and not bad.any():
        assert "BAD" not in whole.mask.schema.names
    else:
        np.testing.assert_array_equal(whole.mask.get("BAD"), bad)
    if with_quality:
        for bit in range(8):
            np.testing.assert_array_equal(whole.mask.get(f"MASK{bit}"), (quality >> bit & 1).astype(bool))
    good = np.ones((5, 7), dtype=bool)
    for index in at:
        good[index] = False
    assert (whole.image.array[good] == 3).all()
    if dtype.startswith("f"):
        assert np.isnan(whole.image.array[~good]).all()
    assert np.isnan(whole.variance.array).sum() == len(variance_at)
    box = Box.factory[1:4, 2:6]
    part = read(path, MaskedImage, bbox=box)
    np.testing.assert_array_equal(part.mask.array, whole.mask[box].array)
    np.testing.assert_array_equal(part.image.array, whole.image[box].array)


def test_ndf_flag_bad_pixel_false_means_that_all_values_are_numbers(tmp_path: Path) -> None:
    data = np.array([[1, -32768]], dtype=np.int16)
    path = make_ndf(tmp_path / "x.sdf", data, DATA_ARRAY__BAD_PIXEL=False)
    assert not read_starlink(MaskedImage, path).mask.get("BAD").any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(read_starlink(Image, path).array, data)


def test_ndf_integer_image_with_bad_values_warns(tmp_path: Path) -> None:
    path = make_ndf(tmp_path / "x.sdf", np.array([[1, -32768]], dtype=np.int16))
    with pytest.warns(LossyConversionWarning, match=r"1 pixels of '/DATA_ARRAY/DATA' .* -32768"):
        read_starlink(Image, path)


def secret_of(tmp_path: Path) -> Path:
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["DATA"] = np.arange(12.0).reshape(3, 4)
        file["GROUP/DATA"] = np.arange(12.0).reshape(3, 4)
    return path


def link_dataset(file: Any, secret: Path) -> None:
    file["DATA_ARRAY/DATA"] = h5py.ExternalLink(str(secret), "/DATA")


def link_group(file: Any, secret: Path) -> None:
    file["DATA_ARRAY"] = h5py.ExternalLink(str(secret), "/GROUP")


def link_behind_soft_link(file: Any, secret: Path) -> None:
    file["HIDDEN"] = h5py.ExternalLink(str(secret), "/GROUP")
    file["DATA_ARRAY/DATA"] = h5py.SoftLink("/HIDDEN/DATA")


def store_externally(file: Any, secret: Path) -> None:
    file.create_dataset("DATA_ARRAY/DATA", (3, 4), "u1", external=[(str(secret), 0, 12)])


def map_virtually(file: Any, secret: Path) -> None:
    layout = h5py.VirtualLayout((3, 4), "f8")
    layout[...] = h5py.VirtualSource(str(secret), "DATA", (3, 4))
    file.create_virtual_dataset("DATA_ARRAY/DATA", layout)


def soft_link_loop(file: Any, secret: Path) -> None:
    file["DATA_ARRAY/DATA"] = h5py.SoftLink("/DATA_ARRAY/OTHER")
    file["DATA_ARRAY/OTHER"] = h5py.SoftLink("/DATA_ARRAY/DATA")


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (link_dataset, "links to other files"),
        (link_group, "links to other files"),
        (link_behind_soft_link, "links to other files"),
        (store_externally, "in other files"),
        (map_virtually, "in other files"),
        (soft_link_loop, "soft links"),
    ],
)
@pytest.mark.parametrize("cls", [Image, MaskedImage])
def test_ndf_content_in_other_files_is_refused(attack: Any, message: str, cls: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.sdf"
    with h5py.File(path, "w") as file:
        file.attrs["CLASS"] = np.bytes_("NDF")
        attack(file, secret_of(tmp_path))
    with pytest.raises(CorruptArchiveError, match=message):
        read(path, cls)


@pytest.mark.parametrize("place", ["JSON", "array"])
def test_ndf_tree_with_content_in_other_files_is_refused(place: str, tmp_path: Path) -> None:
    path, secret = tmp_path / "x.sdf", tmp_path / "other.h5"
    Image(np.arange(12.0).reshape(3, 4)).write(path)
    with h5py.File(path, "r+") as file:
        name = "/MORE/LSST/JSON" if place == "JSON" else "/DATA_ARRAY/DATA"
        with h5py.File(secret, "w") as other:
            file.copy(name, other, name="COPY")
        del file[name]
        file[name] = h5py.ExternalLink(str(secret), "/COPY")
    with pytest.raises(CorruptArchiveError, match="links to other files"):
        read(path)


def test_ndf_internal_soft_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.sdf"
    pixels = np.arange(12.0).reshape(3, 4)
    with h5py.File(path, "w") as file:
        file.attrs["CLASS"] = np.bytes_("NDF")
        file["STORE/PIXELS"] = pixels
        file["DATA_ARRAY/DATA"] = h5py.SoftLink("/STORE/PIXELS")
    np.testing.assert_array_equal(read(path, Image).array, pixels)
