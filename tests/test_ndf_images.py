# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of images in NDFs: real files with their truth, and layout for Starlink."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import astropy.units as u
import h5py
import numpy as np
import pytest
from lsst.images import Box, ColorImage, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.errors import ArchiveReadError, LossyConversionWarning
from lsst.images.io import open_archive, read, write
from lsst.images.ndf import read_starlink
from lsst.images.ndf import write as write_ndf

REAL = ["masked_image.sdf", "masked_image_8bit.sdf"]
BOX = Box.factory[5:15, -8:12]


def make_masked_image(n_planes: int, dtype: str) -> MaskedImage:
    rng = np.random.default_rng(5)
    planes = [MaskPlane(f"P{n}", f"Plane {n}.") for n in range(n_planes)]
    schema = MaskSchema([*planes[:2], None, *planes[2:]], dtype=np.dtype(dtype).type)
    mask = Mask(schema=schema, bbox=BOX)
    for plane in planes:
        mask.set(plane.name, rng.random(BOX.shape) < 0.2)
    image = Image(rng.normal(size=BOX.shape).astype(np.float32), bbox=BOX, unit=u.nJy)
    return MaskedImage(image, mask=mask)


def planes_of(masked_image: MaskedImage) -> tuple[Image, Mask, Image]:
    return masked_image.image, masked_image.mask, masked_image.variance


@pytest.mark.parametrize("name", REAL)
def test_read_ndf_real_file_image_equals_truth(shared_data: Path, name: str) -> None:
    path = shared_data / "examples" / name
    truth = json.loads(Path(f"{path}.truth.json").read_text())
    arrays = np.load(f"{path}.truth.npz")
    found = read(path, MaskedImage)
    assert found.bbox == Box.factory[slice(*truth["bbox"]["y"]), slice(*truth["bbox"]["x"])]
    np.testing.assert_array_equal(found.image.array, arrays["image"])
    np.testing.assert_array_equal(found.variance.array, arrays["variance"])
    for index, plane in enumerate(truth["mask"]["planes_order"]):
        np.testing.assert_array_equal(found.mask.get(plane), arrays["mask_planes"][index])
    for point in truth["sky_projection"]["points"]:
        sky = found.projection.pixel_to_sky(x=point["x"], y=point["y"])
        assert sky.ra.deg == pytest.approx(point["ra_deg"], abs=1e-10)
        assert sky.dec.deg == pytest.approx(point["dec_deg"], abs=1e-10)


@pytest.mark.parametrize("name", REAL)
def test_write_ndf_has_layout_of_real_file(shared_data: Path, tmp_path: Path, name: str) -> None:
    def layout(path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def note(name: str, item: Any) -> None:
            if isinstance(item, h5py.Group):
                found[name] = item.attrs["CLASS"]
            elif not name.endswith(("JSON", "WCS/DATA")):
                found[name] = (item.shape, item.dtype, item[()].tobytes())

        with h5py.File(path) as file:
            found["/"] = dict(file.attrs)
            file.visititems(note)
        return found

    path = shared_data / "examples" / name
    write(read(path), tmp_path / "x.sdf")
    assert layout(tmp_path / "x.sdf") == layout(path)


@pytest.mark.parametrize(("n_planes", "dtype"), [(3, "uint8"), (20, "uint8"), (40, "int32"), (9, "int16")])
def test_ndf_mask_of_any_size_and_type_is_read_back(tmp_path: Path, n_planes: int, dtype: str) -> None:
    original = make_masked_image(n_planes, dtype)
    write(original, tmp_path / "x.sdf")
    assert planes_of(read(tmp_path / "x.sdf")) == planes_of(original)
    box = Box.factory[7:9, -3:11]
    assert planes_of(read(tmp_path / "x.sdf", bbox=box)) == planes_of(original[box])
    with open_archive(tmp_path / "x.sdf") as reader:
        assert reader.get_component("mask", bbox=box) == original.mask[box]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_ndf_mask_with_equal_axes_keeps_axis_order(tmp_path: Path, size: int) -> None:
    schema = MaskSchema([MaskPlane(f"P{n}", "") for n in range(8 * size)])
    mask = Mask(schema=schema, bbox=Box.factory[:size, :size])
    mask.array[...] = np.arange(size**3, dtype=np.uint8).reshape(size, size, size)
    write(mask, tmp_path / "x.sdf")
    np.testing.assert_array_equal(read(tmp_path / "x.sdf").array, mask.array)


@pytest.mark.parametrize("dtype", ["bool", "uint16", "uint32", "uint64", "int8", "float64"])
def test_ndf_image_of_any_type_is_read_back(tmp_path: Path, dtype: str) -> None:
    image = Image(np.arange(200).reshape(BOX.shape).astype(dtype), bbox=BOX)
    write(image, tmp_path / "x.sdf")
    assert read(tmp_path / "x.sdf") == image
    assert read(tmp_path / "x.sdf").array.dtype == dtype


@pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning")
def test_ndf_color_image_is_collection_with_one_projection(tmp_path: Path) -> None:
    red, green, blue = (Image(np.full(BOX.shape, n, np.float32), bbox=BOX) for n in range(3))
    color = ColorImage.from_channels(red, green, blue)
    write(color, tmp_path / "x.sdf")
    with h5py.File(tmp_path / "x.sdf") as file:
        assert set(file) == {"RED", "GREEN", "BLUE", "LSST"}
        assert file.attrs["CLASS"] == b"EXT"
        assert file.attrs["HDS_ROOT_NAME"] == b"ColorImage"
        assert file["GREEN/DATA_ARRAY/ORIGIN"][()].tolist() == [-8, 5]
    found = read(tmp_path / "x.sdf")
    np.testing.assert_array_equal(found.array, color.array)


def test_ndf_write_without_filename_returns_tree(tmp_path: Path) -> None:
    image = Image(np.zeros(BOX.shape, np.float32), bbox=BOX)
    tree = write_ndf(image)
    assert tree.data.source == "ndf:/DATA_ARRAY/DATA"
    write_ndf(image, tmp_path / "x.h5", metadata={"a": 1}, compression_options={"compression": "gzip"})
    with open_archive(tmp_path / "x.h5") as reader:
        assert reader.metadata == {"a": 1}
        assert reader.read() == image


# NDFs of Starlink.


def test_read_starlink_returns_image_or_masked_image(shared_data: Path) -> None:
    path = shared_data / "images" / "example-ndf.sdf"
    with pytest.warns(LossyConversionWarning, match="Starlink bad value -32768"):
        image = read_starlink(Image, path)
    assert image.array.shape == (611, 609)
    assert image.array.dtype == np.int16
    assert (image.bbox.y.start, image.bbox.x.start) == (61, -321)
    center = image.projection.pixel_to_sky(x=-321 + 304, y=61 + 305)
    assert center.ra.deg == pytest.approx(283.4, abs=0.05)
    assert center.dec.deg == pytest.approx(33.0, abs=0.05)
    masked = read_starlink(MaskedImage, path)
    assert masked.image == image
    assert list(masked.mask.schema.names) == ["BAD"]
    with h5py.File(path) as file:
        bad = file["DATA_ARRAY/DATA"][()] == np.iinfo(np.int16).min
    assert bad.any()
    np.testing.assert_array_equal(masked.mask.get("BAD"), bad)
    assert (masked.variance.array == 1).all()
    assert read(path) == image


def test_read_starlink_result_is_written_to_every_container(shared_data: Path, tmp_path: Path) -> None:
    image = read_starlink(Image, shared_data / "images" / "example-ndf.sdf")
    for extension in ("sdf", "fits"):
        write(image, tmp_path / f"x.{extension}")
        assert read(tmp_path / f"x.{extension}") == image


def test_read_starlink_file_of_this_package_raises(shared_data: Path) -> None:
    with pytest.raises(ArchiveReadError, match="tree of lsst.images"):
        read_starlink(MaskedImage, shared_data / "examples" / "masked_image.sdf")


def test_read_starlink_as_mask_raises(shared_data: Path) -> None:
    with pytest.raises(ArchiveReadError, match="not as 'mask'"):
        read_starlink(Mask, shared_data / "images" / "example-ndf.sdf")


@pytest.mark.parametrize("start", [2**31 - 1, 2**31 + 5, 2**40, -(2**33)])
@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_write_ndf_origin_beyond_32_bits_is_kept(tmp_path: Path, start: int, dtype: str) -> None:
    schema = MaskSchema([MaskPlane("A", "A."), MaskPlane("B", "B.")], dtype=dtype)
    mask = Mask(schema=schema, bbox=Box.from_shape((4, 5), start=(start, start)))
    mask.set("B", np.eye(4, 5, dtype=bool))
    masked_image = MaskedImage(Image(1.0, bbox=mask.bbox), mask=mask)
    write(mask, tmp_path / "Mask.sdf")
    write(masked_image, tmp_path / "MaskedImage.sdf")
    assert read(tmp_path / "Mask.sdf") == mask
    back = read(tmp_path / "MaskedImage.sdf")
    assert back.image == masked_image.image and back.mask == mask and back.bbox == mask.bbox
    with h5py.File(tmp_path / "MaskedImage.sdf") as file:
        assert file["DATA_ARRAY/ORIGIN"][()].tolist() == [start, start]
        if dtype == "uint8":
            assert file["QUALITY/QUALITY/ORIGIN"][()].tolist() == [start, start]
