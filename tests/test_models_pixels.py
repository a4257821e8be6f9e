# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the serialization models of images and masks, in every container."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.io.fits
import astropy.units as u
import numpy as np
import pytest
from astro_metadata_translator import ObservationInfo
from astropy.wcs import WCS
from helpers.marks import containers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.images import (
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
from lsst.images.errors import (
    ArchiveWriteError,
    CorruptArchiveError,
    DevelopmentSchemaWarning,
    ImagesWarning,
    InvalidArgumentError,
    InvalidComponentError,
    InvalidParameterError,
)
from lsst.images.io import open_archive, read
from lsst.images.json import JsonInputArchive, JsonOutputArchive
from lsst.images.models import (
    ImageSerializationModel,
    MaskedImageSerializationModel,
    MaskSerializationModel,
)
from lsst.images.serialization import ArrayHints, FitsCompressionOptions

BOX = Box.factory[-5:15, 8:38]
WINDOW = Box.factory[-2:9, 20:33]
ROOT = Path(__file__).resolve().parents[2] / "shared" / "data" / "examples"


def make_projection() -> Any:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [45.0, 30.0]
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    wcs.wcs.radesys = "ICRS"
    return Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix))


def make_obs_info(visit: int = 3) -> Any:
    return ObservationInfo.makeObservationInfo(
        instrument="LSSTCam", visit_id=visit, physical_filter="r_57", exposure_time=30 * u.s
    )


def make_mask(n: int, *holes: int, dtype: Any = np.uint8, **keywords: Any) -> Mask:
    planes = [None if i in holes else MaskPlane(f"P{i}", f"About plane {i}.") for i in range(n)]
    mask = Mask(schema=MaskSchema(planes, dtype), bbox=BOX, **keywords)
    rng = np.random.default_rng(n)
    for name in mask.schema.names:
        mask.set(name, rng.random(BOX.shape) > 0.5)
    return mask


def make_masked_image(**keywords: Any) -> MaskedImage:
    rng = np.random.default_rng(7)
    return MaskedImage(
        Image(rng.normal(size=BOX.shape).astype(np.float32), bbox=BOX, unit=u.nJy),
        mask=make_mask(40, 3, 12),
        variance=Image(rng.random(BOX.shape), bbox=BOX),
        **keywords,
    )


# Round trips.


@containers
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_image_round_trips(extension: str, dtype: str, tmp_path: Path) -> None:
    metadata = {
        "int": 1,
        "float": 2.5,
        "nan": float("inf"),
        "bool": True,
        "str": "s",
        "none": None,
        "a long key": 3,
    }
    pixels = np.random.default_rng(5).normal(100, 9, BOX.shape).astype(dtype)
    image = Image(
        pixels, bbox=BOX, unit=u.Unit("nJy / electron"), projection=make_projection(), metadata=dict(metadata)
    )
    image.write(tmp_path / f"image{extension}")
    again = Image.read(tmp_path / f"image{extension}")
    assert again == image and again.array.dtype == dtype and again.array.dtype.isnative
    assert again.metadata == metadata and again.projection == image.projection and again.obs_info is None
    assert Image.read(tmp_path / f"image{extension}", bbox=WINDOW) == image[WINDOW]


@containers
def test_image_with_nan_pixels_round_trips(extension: str, tmp_path: Path) -> None:
    image = Image(np.array([[np.nan, np.inf], [-np.inf, 1e-40]], dtype=np.float32))
    image.write(tmp_path / f"image{extension}")
    assert Image.read(tmp_path / f"image{extension}") == image


@containers
@pytest.mark.parametrize(
    ("n", "holes", "dtype"),
    [
        (0, (), np.uint8),
        (8, (), np.uint8),
        (15, (0, 14), np.uint8),
        (31, (), np.uint8),
        (34, (2, 30, 33), np.uint8),
        (63, (), np.int8),
        (70, (), np.int16),
        (40, (5,), np.int32),
        (33, (), np.uint32),
        (64, (), np.uint64),
        (2, (0, 1), np.uint8),
    ],
)
def test_mask_round_trips(extension: str, n: int, holes: tuple[int, ...], dtype: Any, tmp_path: Path) -> None:
    mask = make_mask(n, *holes, dtype=dtype, metadata={"who": "mask"}, projection=make_projection())
    mask.write(tmp_path / f"mask{extension}")
    again = Mask.read(tmp_path / f"mask{extension}")
    assert again == mask and again.metadata == {"who": "mask"} and again.projection == mask.projection
    assert Mask.read(tmp_path / f"mask{extension}", bbox=WINDOW) == mask[WINDOW]


@containers
def test_masked_image_round_trips(extension: str, tmp_path: Path) -> None:
    masked = make_masked_image(projection=make_projection(), obs_info=make_obs_info(), metadata={"a": 1})
    masked.image.metadata["plane"] = "image"
    path = tmp_path / f"masked{extension}"
    masked.write(path)
    for again, expected in (
        (MaskedImage.read(path), masked),
        (MaskedImage.read(path, bbox=WINDOW), masked[WINDOW]),
    ):
        assert type(again) is MaskedImage and again.bbox == expected.bbox
        assert again.image == expected.image and again.mask == expected.mask
        assert again.variance == expected.variance and again.metadata == {"a": 1}
        assert again.projection == masked.projection and again.obs_info == masked.obs_info
        assert again.image.metadata == {"plane": "image"} and again.mask.metadata == {}
        assert (
            again.projection is again.image.projection is again.mask.projection is again.variance.projection
        )


@containers
def test_color_image_round_trips(extension: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*BOX.shape, 3), dtype=np.uint8)
    image = ColorImage(pixels, bbox=BOX, projection=make_projection(), metadata={"a": 1})
    path = tmp_path / f"color{extension}"
    with pytest.warns(DevelopmentSchemaWarning, match="color_image-1.0.0.dev0"):
        image.write(path)
    again = ColorImage.read(path)
    assert np.array_equal(again.array, pixels) and again.array.dtype == np.uint8 and again.bbox == BOX
    assert again.projection == image.projection and again.metadata == {"a": 1}
    part = ColorImage.read(path, bbox=WINDOW)
    assert np.array_equal(part.array, image[WINDOW].array) and part.bbox == WINDOW
    with open_archive(path) as reader:
        assert reader.get_component("green", bbox=WINDOW) == image[WINDOW].green
        assert reader.get_component("red").projection == image.projection
        assert reader.get_component("bbox") == BOX


@containers
def test_plane_obs_info_round_trips(extension: str, tmp_path: Path) -> None:
    image = Image(0.0, bbox=BOX, obs_info=make_obs_info())
    image.write(tmp_path / f"image{extension}")
    assert Image.read(tmp_path / f"image{extension}").obs_info == make_obs_info()
    mask = make_mask(3, obs_info=make_obs_info())
    mask.write(tmp_path / f"mask{extension}")
    assert Mask.read(tmp_path / f"mask{extension}").obs_info == make_obs_info()


def test_masked_image_obs_info_is_stored_once(tmp_path: Path) -> None:
    masked = make_masked_image(obs_info=make_obs_info())
    masked.write(tmp_path / "same.json")
    tree = json.loads((tmp_path / "same.json").read_text())
    assert tree["obs_info"] == make_obs_info().to_simple()
    assert all("obs_info" not in tree[name] for name in ("image", "mask", "variance"))
    masked.mask = masked.mask.view(obs_info=make_obs_info(4))
    masked.write(tmp_path / "other.json")
    again = MaskedImage.read(tmp_path / "other.json")
    assert again.mask.obs_info == make_obs_info(4) and again.obs_info == make_obs_info(3)


def test_masked_image_planes_are_written_without_shared_fields(tmp_path: Path) -> None:
    make_masked_image(projection=make_projection()).write(tmp_path / "masked.json")
    tree = json.loads((tmp_path / "masked.json").read_text())
    assert "sky_projection" in tree and tree["schema_url"].endswith("/schemas/masked_image-1.0.0")
    for name in ("image", "mask", "variance"):
        assert "sky_projection" not in tree[name] and tree[name]["yx0"] == [-5, 8]
        assert tree[name]["schema_version"] == "1.0.0"
    assert tree["image"]["data"]["unit"] == "nJy" and tree["variance"]["data"]["unit"] == "nJy**2"
    assert [len(tree["mask"]["data"]), tree["mask"]["dtype"]] == [2, "uint8"]
    assert tree["mask"]["planes"][3] is None
    assert tree["mask"]["planes"][4] == {"name": "P4", "description": "About plane 4."}


# Components.


@containers
def test_read_plane_component_has_projection_and_obs_info(extension: str, tmp_path: Path) -> None:
    masked = make_masked_image(projection=make_projection(), obs_info=make_obs_info())
    path = tmp_path / f"masked{extension}"
    masked.write(path)
    with open_archive(path, MaskedImage) as reader:
        assert reader.get_component("bbox") == BOX and reader.get_component("unit") == u.nJy
        for name in ("projection", "sky_projection"):
            assert reader.get_component(name) == masked.projection
        assert reader.get_component("obs_info") == masked.obs_info
        for name, expected in (("image", masked.image), ("mask", masked.mask), ("variance", masked.variance)):
            plane = reader.get_component(name)
            assert plane == expected and reader.get_component(name, bbox=WINDOW) == expected[WINDOW]
            assert plane.projection == masked.projection and plane.obs_info == masked.obs_info


@containers
def test_read_component_unknown_name_or_parameter_raises(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"masked{extension}"
    make_masked_image().write(path)
    with open_archive(path) as reader:
        assert reader.get_component("sky_projection") is None and reader.get_component("obs_info") is None
        with pytest.raises(InvalidComponentError, match="'psf'.*'variance'"):
            reader.get_component("psf")
        for name in ("bbox", "unit", "sky_projection"):
            with pytest.raises(InvalidParameterError, match="bbox"):
                reader.get_component(name, bbox=WINDOW)
        for name in ("image", "mask", "variance"):
            with pytest.raises(InvalidParameterError, match="nonsense"):
                reader.get_component(name, nonsense=1)
            with pytest.raises(IndexError, match="does not lie within"):
                reader.get_component(name, bbox=Box.factory[0:100, 0:100])
        with pytest.raises(IndexError, match="does not lie within"):
            reader.read(bbox=Box.factory[0:100, 0:100])


def test_read_components_of_image_and_mask(tmp_path: Path) -> None:
    Image(0.0, bbox=BOX, unit=u.nJy).write(tmp_path / "image.json")
    make_mask(3).write(tmp_path / "mask.json")
    with open_archive(tmp_path / "image.json") as reader:
        assert reader.get_component("bbox") == BOX and reader.get_component("unit") == u.nJy
    with open_archive(tmp_path / "mask.json") as reader:
        assert reader.get_component("bbox") == BOX and reader.get_component("sky_projection") is None


# Hints for containers.


class RecordingArchive(JsonOutputArchive):
    """The JSON container, which records the arguments of `add_array`."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.stored: list[tuple[str, ArrayHints, Any, str]] = []

    def _write_array(self, array: np.ndarray, path: str, version: int, **keywords: Any) -> Any:
        record = (keywords["hints"], keywords["tile_shape"], keywords["options_name"])
        self.stored.append((f"{path},{version}", *record))
        return super()._write_array(array, path, version, **keywords)


class NativeArchive(RecordingArchive):
    """A container that stores masks without packing."""

    prefers_native_masks = True


def test_add_array_receives_hints() -> None:
    masked = make_masked_image(projection=make_projection())
    archive = RecordingArchive(io.BytesIO())
    MaskedImageSerializationModel.serialize(masked, archive)
    assert [(name, options) for name, _, _, options in archive.stored] == [
        ("image,1", "image"),
        ("mask,1", "mask"),
        ("mask,2", "mask"),
        ("variance,1", "variance"),
    ]
    for _, hints, _, _ in archive.stored:
        assert hints.bbox == BOX and hints.projection is masked.projection
    image, first, second, variance = (hints for _, hints, _, _ in archive.stored)
    assert image.unit == u.nJy and variance.unit == u.nJy**2 and first.unit is None
    planes = [(plane.name, plane.description) for plane in masked.mask.schema if plane is not None]
    assert [*first.mask_planes, *second.mask_planes] == planes and len(first.mask_planes) == 31


def test_nested_masked_image_keeps_compression_option_names() -> None:
    archive = RecordingArchive(io.BytesIO())
    archive.serialize_child("science", make_masked_image())
    assert [(name, options) for name, _, _, options in archive.stored][:2] == [
        ("science/image,1", "image"),
        ("science/mask,1", "mask"),
    ]


def test_serialize_planes_passes_tile_shape() -> None:
    archive = RecordingArchive(io.BytesIO())
    MaskedImageSerializationModel.serialize_planes(make_masked_image(), archive, tile_shape=(10, 15))
    assert [tile for _, _, tile, _ in archive.stored] == [(10, 15)] * 4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
def test_mask_is_stored_native_if_archive_prefers_it(dtype: Any) -> None:
    mask = make_mask(70, 4, dtype=dtype)
    stream = io.BytesIO()
    archive = NativeArchive(stream)
    tree = MaskSerializationModel.serialize(mask, archive.nested("mask"))
    native = dtype is np.uint8
    assert [model.shape for model in tree.data] == ([(20, 30, 9)] if native else [(20, 30)] * 3)
    archive.finish(tree)
    again = MaskSerializationModel.model_validate_json(stream.getvalue())
    stream.seek(0)
    with JsonInputArchive.open(stream) as reader:
        assert again.deserialize(reader) == mask
        assert again.deserialize(reader, bbox=WINDOW) == mask[WINDOW]


def test_fits_header_has_standard_cards(tmp_path: Path) -> None:
    masked = make_masked_image(projection=make_projection())
    masked.write_fits(tmp_path / "masked.fits")
    with astropy.io.fits.open(tmp_path / "masked.fits") as hdus:
        assert [hdu.name for hdu in hdus][1:5] == ["IMAGE", "MASK", "MASK", "VARIANCE"]
        for hdu in hdus[1:5]:
            assert (hdu.header["CRVAL1A"], hdu.header["CRVAL2A"]) == (8, -5)
            assert hdu.header["CTYPE1"] == "RA---TAN"
        assert hdus["IMAGE"].header["BUNIT"] == "nJy" and hdus["VARIANCE"].header["BUNIT"] == "nJy2"
        np.testing.assert_array_equal(hdus["IMAGE"].data, masked.image.array)
        header = hdus["MASK", 1].header
        for bit, name in enumerate(list(masked.mask.schema.names)[:31]):
            assert (header[f"MSKN{bit:04d}"], header[f"MSKM{bit:04d}"]) == (name, 1 << bit)
            np.testing.assert_array_equal(hdus["MASK", 1].data & (1 << bit) != 0, masked.mask.get(name))


def test_compression_options_of_other_type_raise(tmp_path: Path) -> None:
    options: Any = "RICE_1"
    with pytest.raises(
        InvalidArgumentError, match="options of 'image' must be FitsCompressionOptions.*got 'RICE_1'"
    ):
        make_masked_image().write_fits(tmp_path / "new.fits", image_compression=options)
    assert not list(tmp_path.iterdir())


def test_planes_use_their_compression_options(tmp_path: Path) -> None:
    masked = make_masked_image()
    masked.write_fits(
        tmp_path / "masked.fits",
        image_compression=None,
        variance_compression=FitsCompressionOptions.LOSSY,
        compression_seed=9999,
    )
    with astropy.io.fits.open(tmp_path / "masked.fits", disable_image_compression=True) as hdus:
        assert "ZCMPTYPE" not in hdus["IMAGE"].header
        assert hdus["MASK"].header["ZCMPTYPE"] == "GZIP_2"
        assert hdus["VARIANCE"].header["ZCMPTYPE"] == "RICE_1" and hdus["VARIANCE"].header["ZDITHER0"] == 9999
    masked.image.write_fits(tmp_path / "image.fits", compression=None)
    masked.mask.write_fits(tmp_path / "mask.fits", compression=None)
    for name in ("image", "mask"):
        with astropy.io.fits.open(tmp_path / f"{name}.fits", disable_image_compression=True) as hdus:
            assert "ZCMPTYPE" not in hdus[name].header
    assert MaskedImage.read_fits(tmp_path / "masked.fits").mask == masked.mask
    assert Mask.read_fits(tmp_path / "mask.fits", bbox=WINDOW) == masked.mask[WINDOW]
    with pytest.raises(FileExistsError):
        masked.write_fits(tmp_path / "masked.fits")


# Metadata.


@pytest.mark.parametrize("value", [{"b": 1}, [1, 2], (1,), np.zeros(3), 1 + 2j, b"bytes"])
def test_write_nested_metadata_raises(value: Any, tmp_path: Path) -> None:
    image = Image(0.0, bbox=BOX, metadata={"fine": 1, "a": value})
    with pytest.raises(ArchiveWriteError, match=r"metadata\['a'\]"):
        image.write(tmp_path / "image.json")
    assert not (tmp_path / "image.json").exists()


def test_write_metadata_with_other_keys_raises(tmp_path: Path) -> None:
    with pytest.raises(ArchiveWriteError, match=r"metadata\[1\]"):
        Image(0.0, bbox=BOX, metadata={1: 1}).write(tmp_path / "image.json")  # type: ignore[dict-item]


def test_write_metadata_converts_numpy_scalars(tmp_path: Path) -> None:
    metadata: Any = {
        "f": np.float64(1.5),
        "g": np.float32(0.5),
        "i": np.int32(3),
        "b": np.True_,
        "s": np.str_("x"),
    }
    image = Image(0.0, bbox=BOX, metadata=metadata)
    image.write(tmp_path / "image.json")
    again = Image.read(tmp_path / "image.json").metadata
    assert again == {"f": 1.5, "g": 0.5, "i": 3, "b": True, "s": "x"}
    assert {key: type(value) for key, value in again.items()} == {
        "f": float,
        "g": float,
        "i": int,
        "b": bool,
        "s": str,
    }
    assert type(metadata["i"]) is np.int32


# Invalid and older trees.


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The tree of a small masked image."""
    make_masked_image(obs_info=make_obs_info()).write(tmp_path / "tree.json")
    yield json.loads((tmp_path / "tree.json").read_text())


def reread(tree: dict[str, Any], tmp_path: Path) -> Any:
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(tree))
    return read(path)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("mask", "data"), [], "does not have an array"),
        (("mask", "planes"), [None], "need 1 arrays.*has 2"),
        (("mask", "planes"), [{"name": "A", "description": ""}] * 2, "mask planes in the file are invalid"),
        (("mask", "dtype"), "float32", "dtype"),
        (("mask", "yx0"), [0, 0], "are inconsistent"),
        (("variance", "data", "unit"), "mJy", "are inconsistent"),
        (("image", "yx0"), [1], "yx0: List should have at least 2 items"),
        (("image", "yx0"), {"y": 0, "x": 0}, "yx0"),
        (("image", "data", "value"), {"data": [1.0, 2.0], "datatype": "float32"}, "shape"),
        (("metadata",), {"a": {"b": 1}}, "metadata"),
        (("image",), None, "image"),
    ],
)
def test_read_inconsistent_tree_raises(
    path: tuple[str, ...], value: Any, message: str, tree: dict[str, Any], tmp_path: Path
) -> None:
    node = tree
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    with pytest.raises(CorruptArchiveError, match=message):
        reread(tree, tmp_path)


def test_read_packed_mask_of_other_type_raises(tree: dict[str, Any], tmp_path: Path) -> None:
    tree["mask"]["data"][0]["datatype"] = "float32"
    with pytest.raises(CorruptArchiveError, match="packed mask planes must be int32"):
        reread(tree, tmp_path)


def test_read_mask_with_bits_beyond_type_raises(tmp_path: Path) -> None:
    mask = Mask(
        200, schema=MaskSchema([MaskPlane(f"P{n}", "") for n in range(8)]), bbox=Box.factory[0:2, 0:3]
    )
    mask.write(tmp_path / "mask.json")
    tree = json.loads((tmp_path / "mask.json").read_text())
    values = [[[200], [200], [200]]] * 2
    tree.update(dtype="int8", data=[{"data": values, "datatype": "uint8"}])
    tree["planes"] = tree["planes"][:7]
    (tmp_path / "changed.json").write_text(json.dumps(tree))
    with pytest.raises(CorruptArchiveError, match="int8, the type of the schema, cannot represent"):
        read(tmp_path / "changed.json")


def test_read_variance_without_unit_uses_square_of_image_unit(tree: dict[str, Any], tmp_path: Path) -> None:
    tree["variance"]["data"] = tree["variance"]["data"]["value"]
    assert reread(tree, tmp_path).variance.unit == u.nJy**2
    with open_archive(tmp_path / "changed.json") as reader:
        assert reader.get_component("variance").unit == u.nJy**2


def test_read_obs_info_unknown_fields_warns(tree: dict[str, Any], tmp_path: Path) -> None:
    tree["obs_info"]["from_the_future"] = 1
    with pytest.warns(ImagesWarning, match="obs_info/from_the_future"):
        assert reread(tree, tmp_path).obs_info == make_obs_info()


def test_read_tree_unknown_fields_warns(tree: dict[str, Any], tmp_path: Path) -> None:
    tree["image"]["from_the_future"] = tree["from_the_future"] = {"a": 1}
    with pytest.warns(ImagesWarning, match="interpret: from_the_future, image/from_the_future"):
        assert reread(tree, tmp_path).bbox == BOX


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("where", ["planes", "whole"])
def test_read_old_field_names(stamped: bool, where: str, tree: dict[str, Any], tmp_path: Path) -> None:
    expected = reread(tree, tmp_path)
    obs_info = tree.pop("obs_info")
    for node in (tree, *(tree[name] for name in ("image", "mask", "variance"))):
        if not stamped:
            del node["schema_version"], node["min_read_version"], node["schema_url"]
        if "yx0" in node:
            node["start"] = node.pop("yx0")
    for node in (tree["image"], tree["mask"]) if where == "planes" else (tree,):
        node["obs_info"] = obs_info
    again = reread(tree, tmp_path)
    assert again.image == expected.image and again.mask == expected.mask
    assert again.obs_info == again.variance.obs_info == make_obs_info()
    with open_archive(tmp_path / "changed.json") as reader:
        assert reader.get_component("obs_info") == make_obs_info()
        assert reader.get_component("bbox") == BOX
        assert reader.get_component("mask", bbox=WINDOW) == expected.mask[WINDOW]


# Methods of the first release.


@pytest.mark.parametrize("kind", ["image", "mask", "masked"])
def test_serialize_and_deserialize_methods_round_trip(kind: str) -> None:
    masked = make_masked_image(projection=make_projection(), obs_info=make_obs_info())
    obj: Any = {"image": masked.image, "mask": masked.mask, "masked": masked}[kind]
    stream = io.BytesIO()
    archive = JsonOutputArchive(stream)
    tree = obj.serialize(archive.nested(kind))
    archive.finish(tree)
    with JsonInputArchive.open(io.BytesIO(stream.getvalue())) as reader:
        again = type(obj).deserialize(tree, reader)
        part = type(obj).deserialize(tree, reader, bbox=WINDOW)
    assert again.projection == masked.projection and again.obs_info == masked.obs_info
    assert part.bbox == WINDOW
    if kind != "masked":
        assert again == obj and part == obj[WINDOW]
    # Models of the first release were generic over a pointer type.
    assert MaskedImageSerializationModel[Any] is MaskedImageSerializationModel


# Any mask.


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
def test_mask_packing_round_trips(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 80))
    holes = data.draw(st.sets(st.integers(0, 79), max_size=10))
    mask = make_mask(n, *holes, dtype=data.draw(st.sampled_from([np.uint8, np.int8, np.uint16, np.int32])))
    y0, x0 = data.draw(st.integers(-5, 14)), data.draw(st.integers(8, 37))
    window = Box.factory[y0 : data.draw(st.integers(y0 + 1, 15)), x0 : data.draw(st.integers(x0 + 1, 38))]
    stream = io.BytesIO()
    archive = JsonOutputArchive(stream)
    archive.finish(MaskSerializationModel.serialize(mask, archive.nested("mask")))
    with JsonInputArchive.open(io.BytesIO(stream.getvalue())) as reader:
        tree = MaskSerializationModel.model_validate(reader.get_raw_tree())
        assert tree.deserialize(reader) == mask
        assert tree.deserialize(reader, bbox=window) == mask[window]


def test_plane_schemas_lack_obs_info() -> None:
    # The field is excluded from the schema, so frozen documents do not change.
    for model in (ImageSerializationModel, MaskSerializationModel, MaskedImageSerializationModel):
        properties = model.model_json_schema()["properties"]
        assert "obs_info" not in properties and "sky_projection" in properties
