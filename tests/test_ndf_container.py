# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the NDF container: conformance to the container interface, and NDF layout."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import starlink.Ast
from helpers.bundles import Bundle, BundleModel, bundle_types
from lsst.images import Box
from lsst.images.errors import (
    ArchiveReadError,
    CorruptArchiveError,
    InvalidArgumentError,
    NotAnArchiveError,
    SchemaVersionError,
)
from lsst.images.io import open_archive, read, write
from lsst.images.ndf import NdfInputArchive, NdfOutputArchive
from lsst.images.ndf._wcs import (  # private: the record format of NDF WCS components
    lines_from_records,
    records_from_lines,
)
from lsst.images.serialization import ArrayHints, ArrayReferenceModel
from lsst.images.tests import ContainerConformance

BOX = Box.factory[5:9, -8:-3]
PIXELS = np.arange(20, dtype=np.float32).reshape(4, 5)


class TestNdf(ContainerConformance):
    container = "ndf"
    extension = ".sdf"
    min_dims = 0
    min_side = 0


@pytest.fixture(scope="module")
def bundles() -> Iterator[None]:
    with bundle_types():
        yield


class Sky:
    """A sky projection with a scale of 1 radian per 1000 pixels."""

    @property
    def pixel_to_sky_transform(self) -> Sky:
        return self

    def show(self) -> str:
        frame_set = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Domain=PIXELS"))
        frame_set.addframe(1, starlink.Ast.ZoomMap(2, 1e-3), starlink.Ast.SkyFrame("System=ICRS"))
        return str(frame_set)


def written(*arrays: tuple[str, np.ndarray, ArrayHints], **options: Any) -> tuple[h5py.File, list[Any]]:
    """Write arrays with hints; return the file, and the references to the arrays."""
    stream = io.BytesIO()
    archive = NdfOutputArchive.create(stream, **options)
    models = [archive.add_array(array, name=name, hints=hints) for name, array, hints in arrays]
    archive.finish(BundleModel())
    return h5py.File(stream, "r"), models


def layout(file: h5py.File) -> dict[str, str]:
    """Return the class of every group, and the type of every dataset, by path."""
    found = {"/": file.attrs["CLASS"].decode()}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            assert list(item.attrs) == ["CLASS"]
            found[f"/{name}"] = item.attrs["CLASS"].decode()
        else:
            assert not item.attrs
            assert item.chunks is None
            kind = item.id.get_type().get_class()
            found[f"/{name}"] = "_LOGICAL" if kind == h5py.h5t.BITFIELD else str(item.dtype)

    file.visititems(note)
    return found


def ast_object(file: h5py.File, path: str) -> Any:
    records = [record.decode().ljust(32) for record in file[path][()]]
    return starlink.Ast.Channel(lines_from_records(records)).read()


# Writing.


def test_write_ndf_masked_image_has_ndf_components() -> None:
    mask = np.zeros((4, 5, 2), np.uint8)
    mask[1, 2] = (0, 8)
    hints = ArrayHints(bbox=BOX, projection=Sky())
    file, (image, planes, variance) = written(
        ("image", PIXELS, hints), ("mask", mask, hints), ("variance", PIXELS, ArrayHints(bbox=BOX))
    )
    tree = layout(file)
    n_json = tree.pop("/MORE/LSST/JSON")
    assert n_json.startswith("|S")
    assert tree == {
        "/": "NDF",
        "/DATA_ARRAY": "ARRAY",
        "/DATA_ARRAY/DATA": "float32",
        "/DATA_ARRAY/ORIGIN": "int64",
        "/VARIANCE": "ARRAY",
        "/VARIANCE/DATA": "float32",
        "/VARIANCE/ORIGIN": "int64",
        "/QUALITY": "QUALITY",
        "/QUALITY/BADBITS": "uint8",
        "/QUALITY/QUALITY": "ARRAY",
        "/QUALITY/QUALITY/DATA": "uint8",
        "/QUALITY/QUALITY/ORIGIN": "int32",
        "/QUALITY/QUALITY/BAD_PIXEL": "_LOGICAL",
        "/WCS": "WCS",
        "/WCS/DATA": "|S32",
        "/MORE": "EXT",
        "/MORE/LSST": "LSST",
        "/MORE/LSST/DATA_MODEL": "|S80",
        "/MORE/LSST/FORMAT_VERSION": "int32",
        "/MORE/LSST/MASK": "NDF",
        "/MORE/LSST/MASK/DATA_ARRAY": "ARRAY",
        "/MORE/LSST/MASK/DATA_ARRAY/DATA": "uint8",
        "/MORE/LSST/MASK/DATA_ARRAY/ORIGIN": "int64",
        "/MORE/LSST/MASK/DATA_ARRAY/BAD_PIXEL": "_LOGICAL",
        "/MORE/LSST/MASK/WCS": "WCS",
        "/MORE/LSST/MASK/WCS/DATA": "|S32",
    }
    assert image.source == "ndf:/DATA_ARRAY/DATA"
    assert variance.source == "ndf:/VARIANCE/DATA"
    assert (planes.source, planes.shape) == ("ndf:/MORE/LSST/MASK/DATA_ARRAY/DATA", (4, 5, 2))
    assert file["DATA_ARRAY/ORIGIN"][()].tolist() == [-8, 5]
    assert file["MORE/LSST/MASK/DATA_ARRAY/ORIGIN"][()].tolist() == [-8, 5, 0]
    assert np.array_equal(np.moveaxis(file["MORE/LSST/MASK/DATA_ARRAY/DATA"][()], 0, -1), mask)
    assert np.array_equal(file["QUALITY/QUALITY/DATA"][()], mask.any(axis=-1))
    assert file["MORE/LSST/FORMAT_VERSION"][()] == 1
    assert file["QUALITY/BADBITS"][()] == 255
    assert file["MORE/LSST/DATA_MODEL"][()].decode().strip() == BundleModel.SCHEMA_URL
    assert json.loads(file["MORE/LSST/JSON"][0])["schema_url"] == BundleModel.SCHEMA_URL


def test_write_ndf_mask_of_one_byte_is_quality() -> None:
    mask = np.arange(20, dtype=np.uint8).reshape(4, 5, 1)
    file, _ = written(("mask", mask, ArrayHints(bbox=BOX)))
    assert np.array_equal(file["QUALITY/QUALITY/DATA"][()], mask[..., 0])
    assert "DATA_ARRAY" not in file


def test_write_ndf_mask_of_other_integers_has_no_quality() -> None:
    file, _ = written(("mask", np.zeros((4, 5, 1), np.int32), ArrayHints(bbox=BOX)))
    assert "QUALITY" not in file


def test_write_ndf_strings_are_padded_ascii_of_fixed_length(tmp_path: Path, bundles: None) -> None:
    write(Bundle(arrays=[("image", PIXELS)], metadata={"é": "日本"}), tmp_path / "x.sdf")
    with h5py.File(tmp_path / "x.sdf") as file:
        for group in (file, file["DATA_ARRAY"]):
            kind = group.attrs.get_id("CLASS").get_type()
            assert not kind.is_variable_str()
            assert kind.get_cset() == h5py.h5t.CSET_ASCII
            assert kind.get_size() == len(group.attrs["CLASS"])
        assert file.attrs["HDS_ROOT_NAME"] == b"Bundle"
        assert file["MORE/LSST/JSON"].shape == (1,)
        assert file["MORE/LSST/JSON"][0].isascii()
        assert file["MORE/LSST/DATA_MODEL"][()].endswith(b" ")


@pytest.mark.parametrize(
    ("unit", "text"),
    [("nJy", "nJy"), ("ct", "count"), ("electron", "electron"), ("adu / s", "adu s-1"), ("nJy2", "nJy2")],
)
def test_write_ndf_unit_has_fits_spelling(unit: str, text: str) -> None:
    import astropy.units as u

    file, (model,) = written(("image", PIXELS, ArrayHints(bbox=BOX, unit=u.Unit(unit))))
    assert file["UNITS"][()].decode() == text
    assert model.unit == u.Unit(unit)


def test_write_ndf_several_images_are_separate_ndfs() -> None:
    hints = ArrayHints(bbox=BOX, projection=Sky())
    file, models = written(*((name, PIXELS, hints) for name in ("red", "green", "blue")))
    tree = layout(file)
    assert tree["/"] == "EXT"
    assert [tree[f"/{name}"] for name in ("RED", "GREEN", "BLUE")] == ["NDF"] * 3
    assert "/LSST/JSON" in tree
    assert "/MORE" not in tree
    assert [model.source for model in models][0] == "ndf:/RED/DATA_ARRAY/DATA"
    assert file["GREEN/DATA_ARRAY/ORIGIN"][()].tolist() == [-8, 5]
    assert "/BLUE/WCS/DATA" in tree


def test_write_ndf_other_arrays_have_numbered_names_and_zero_origin() -> None:
    hints = ArrayHints(bbox=BOX)
    file, models = written(
        ("image", PIXELS, hints),
        *[("noise_realizations", PIXELS, hints)] * 2,
        ("backgrounds/standard/data", PIXELS, ArrayHints()),
        ("backgrounds/standard/data", PIXELS, ArrayHints()),
    )
    assert [model.source.removesuffix("/DATA_ARRAY/DATA") for model in models[1:]] == [
        "ndf:/MORE/LSST/NOISE_REALI_001",
        "ndf:/MORE/LSST/NOISE_REA_002_2",
        "ndf:/MORE/LSST/BACKGROUNDS/STANDARD/DATA",
        "ndf:/MORE/LSST/BACKGROUNDS/STANDARD/DATA_2",
    ]
    assert file["MORE/LSST/NOISE_REALI_001/DATA_ARRAY/ORIGIN"][()].tolist() == [0, 0]
    tree = layout(file)
    assert tree["/MORE/LSST/BACKGROUNDS"] == "BACKGROUNDS"
    assert all(len(part) <= 15 for path in tree for part in path.split("/"))


def test_write_ndf_single_column_has_path_of_its_table(tmp_path: Path, bundles: None) -> None:
    one = np.zeros(3, dtype=[("a", "f4")])
    two = np.zeros(3, dtype=[("a", "f4"), ("b", "f8", (2,))])
    write(Bundle(records=[("psf/one", one), ("psf/two", two)]), tmp_path / "x.sdf")
    with h5py.File(tmp_path / "x.sdf") as file:
        assert "MORE/LSST/PSF/ONE/DATA_ARRAY/DATA" in file
        assert file["MORE/LSST/PSF/TWO/B/DATA_ARRAY/DATA"].shape == (3, 2)


def test_write_ndf_pointer_is_path_of_subtree(tmp_path: Path, bundles: None) -> None:
    tree = write(Bundle(shared="once"), tmp_path / "x.sdf")
    assert [pointer.root for pointer in tree.shared] == [{"path": "/MORE/LSST/FIRST/JSON"}] * 2
    with h5py.File(tmp_path / "x.sdf") as file:
        assert file["MORE/LSST/FIRST"].attrs["CLASS"] == b"FIRST"
        assert json.loads(file["MORE/LSST/FIRST/JSON"][0])["text"] == "once"


def test_write_ndf_image_wcs_maps_grid_to_sky() -> None:
    file, _ = written(("image", PIXELS, ArrayHints(bbox=BOX, projection=Sky())))
    frame_set = ast_object(file, "WCS/DATA")
    domains = [frame_set.getframe(n).Domain for n in range(1, frame_set.Nframe + 1)]
    assert domains == ["GRID", "PIXEL", "SKY"]
    assert frame_set.Base == 1
    # The first pixel is (1, 1) in GRID and (-8, 5) in absolute pixels.
    sky = frame_set.getmapping(1, 3).tran([[1.0], [1.0]])
    np.testing.assert_allclose(np.ravel(sky), [-0.008, 0.005], rtol=1e-12)
    assert np.ravel(frame_set.getmapping(1, 2).tran([[1.0], [1.0]])).tolist() == [-8, 5]


def test_write_ndf_mask_wcs_counts_bytes_from_zero() -> None:
    file, _ = written(
        ("mask", np.zeros((4, 5, 2), np.uint8), ArrayHints(bbox=BOX, projection=Sky())),
    )
    frame_set = ast_object(file, "MORE/LSST/MASK/WCS/DATA")
    assert (frame_set.Nin, frame_set.Nout) == (3, 3)
    assert np.ravel(frame_set.getmapping(1, 2).tran([[1.0], [1.0], [2.0]])).tolist() == [-8, 5, 1]
    sky = np.ravel(frame_set.getmapping(1, 3).tran([[1.0], [1.0], [2.0]]))
    np.testing.assert_allclose(sky, [-0.008, 0.005, 1], rtol=1e-12)


@pytest.mark.parametrize("length", range(25, 70))
def test_wcs_records_keep_blanks_at_record_ends(length: int) -> None:
    line = 'Ident = "' + "ab " * length + '"'
    records = records_from_lines([line, "End Frame"])
    assert max(map(len, records)) <= 32
    stored = [record.ljust(32) for record in records]
    assert lines_from_records(stored) == [line, "End Frame"]


def test_wcs_records_without_flags_are_lines() -> None:
    assert lines_from_records(["Begin Frame  ", " Naxes = 2"]) == ["Begin Frame", "Naxes = 2"]


class PassthroughCards:
    def primary_cards(self) -> list[str]:
        return ["LONGSTRN= 'aaa&'".ljust(80), "CONTINUE  'bbb'".ljust(80)]


def test_ndf_fits_extension_keeps_header_cards() -> None:
    file, _ = written(("image", PIXELS, ArrayHints(bbox=BOX)), passthrough=PassthroughCards())
    assert file["MORE/FITS"].dtype == "S80"
    file.close()
    stream = io.BytesIO()
    archive = NdfOutputArchive.create(stream, passthrough=PassthroughCards())
    archive.finish(BundleModel())
    with NdfInputArchive.open(stream) as reader:
        passthrough = reader.get_passthrough()
    assert passthrough is not None
    assert list(passthrough.primary_cards()) == PassthroughCards().primary_cards()
    assert passthrough.for_subset() == passthrough


def test_write_ndf_compression_options_are_applied(bundles: None, tmp_path: Path) -> None:
    bundle = Bundle(arrays=[("image", np.zeros((300, 300))), ("flags", np.zeros((300, 300), bool))])
    write(bundle, tmp_path / "small.sdf", compression_options={"compression": "gzip", "compression_opts": 4})
    write(bundle, tmp_path / "large.sdf")
    assert (tmp_path / "small.sdf").stat().st_size * 20 < (tmp_path / "large.sdf").stat().st_size
    for (_, found), (_, expected) in zip(read(tmp_path / "small.sdf").arrays, bundle.arrays, strict=True):
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)


def test_write_ndf_invalid_option_raises() -> None:
    with pytest.raises(InvalidArgumentError, match="algorithm"):
        NdfOutputArchive.create(io.BytesIO(), compression_options={"algorithm": "GZIP_2"})


# Reading.


@pytest.mark.parametrize("name", ["masked_image", "masked_image_8bit", "visit_image"])
def test_read_ndf_real_file_arrays_equal_truth(shared_data: Path, name: str) -> None:
    path = shared_data / "examples" / f"{name}.sdf"
    truth = np.load(f"{path}.truth.npz")
    with NdfInputArchive.open(path) as archive:
        assert archive.format_version == 1
        tree = archive.get_raw_tree()
        assert archive.schema_url == tree["schema_url"]
        references = {
            "image": tree["image"]["data"]["value"],
            "mask": tree["mask"]["data"][0],
            "variance": tree["variance"]["data"]["value"],
        }
        for plane, reference in references.items():
            model = ArrayReferenceModel.model_validate(reference)
            assert np.array_equal(archive.get_array(model), truth[plane], equal_nan=plane != "mask")
            part = (slice(3, 9), slice(5, 20), slice(None))[: truth[plane].ndim]
            found = archive.get_array(model, slices=part)
            assert np.array_equal(found, truth[plane][part], equal_nan=plane != "mask")


@pytest.mark.parametrize("name", ["30.0.10", "30.0.9", "w.2026.23"])
def test_read_ndf_of_old_release_succeeds(shared_data: Path, name: str) -> None:
    path = shared_data / "examples" / "old_versions" / name / "masked_image.sdf"
    with NdfInputArchive.open(path) as archive:
        model = ArrayReferenceModel.model_validate(archive.get_raw_tree()["image"]["data"]["value"])
        assert archive.get_array(model).shape == model.shape
        assert archive.info.schema_name == "masked_image"


def test_read_ndf_real_file_keeps_continued_cards(shared_data: Path) -> None:
    with NdfInputArchive.open(shared_data / "examples" / "visit_image.sdf") as archive:
        passthrough = archive.get_passthrough()
    assert passthrough is not None
    cards = passthrough.primary_cards()
    assert [card[:8] for card in cards[3:5]] == ["LONGSTRN", "CONTINUE"]
    assert {len(card) for card in cards} == {80}


def test_read_ndf_without_format_version_succeeds(tmp_path: Path, bundles: None) -> None:
    path = tmp_path / "x.sdf"
    write(Bundle(arrays=[("image", PIXELS)]), path)
    with h5py.File(path, "r+") as file:
        del file["MORE/LSST/DATA_MODEL"], file["MORE/LSST/FORMAT_VERSION"]
    assert np.array_equal(read(path).arrays[0][1], PIXELS)


def test_read_ndf_newer_format_version_raises(tmp_path: Path, bundles: None) -> None:
    path = tmp_path / "x.sdf"
    write(Bundle(), path)
    with h5py.File(path, "r+") as file:
        file["MORE/LSST/FORMAT_VERSION"][...] = 2
    with pytest.raises(SchemaVersionError, match="FORMAT_VERSION 2"):
        read(path)


def damage_shape(file: h5py.File) -> None:
    del file["DATA_ARRAY/DATA"]
    file["DATA_ARRAY/DATA"] = np.zeros((3, 3), np.float32)


def damage_type(file: h5py.File) -> None:
    del file["DATA_ARRAY/DATA"]
    file["DATA_ARRAY/DATA"] = np.zeros((4, 5), np.int32)


def damage_place(file: h5py.File) -> None:
    del file["DATA_ARRAY/DATA"]


def damage_kind(file: h5py.File) -> None:
    del file["DATA_ARRAY/DATA"]
    file.create_group("DATA_ARRAY/DATA")


def damage_tree(file: h5py.File) -> None:
    del file["MORE/LSST/JSON"]
    file["MORE/LSST/JSON"] = np.array([b'{"schema_version": '])


def damage_tree_type(file: h5py.File) -> None:
    del file["MORE/LSST/JSON"]
    file["MORE/LSST/JSON"] = np.arange(3)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_shape, r"shape \(3, 3\)"),
        (damage_type, "int32"),
        (damage_place, "no dataset"),
        (damage_kind, "no dataset"),
        (damage_tree, "JSON"),
        (damage_tree_type, "strings"),
    ],
)
def test_read_ndf_contradicting_its_tree_raises(
    tmp_path: Path, bundles: None, damage: Any, message: str
) -> None:
    path = tmp_path / "x.sdf"
    write(Bundle(arrays=[("image", PIXELS)]), path)
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(CorruptArchiveError, match=message) as caught:
        read(path)
    assert "x.sdf" in "".join(getattr(caught.value, "__notes__", ())) + str(caught.value)


@pytest.mark.parametrize(
    "source", ["fits:IMAGE", 3, "ndf:", "ndf:/", "ndf:/nowhere/at/all", "ndf:/DATA_ARRAY/DATA/X"]
)
def test_read_ndf_invalid_source_raises(source: Any) -> None:
    stream = io.BytesIO()
    archive = NdfOutputArchive.create(stream)
    model = archive.add_array(PIXELS, name="image")
    archive.finish(BundleModel())
    with NdfInputArchive.open(stream) as reader, pytest.raises(CorruptArchiveError, match="refers to|Source"):
        reader.get_array(model.model_copy(update={"source": source}))


def test_read_ndf_slice_reads_only_needed_bytes(tmp_path: Path, bundles: None) -> None:
    path = tmp_path / "x.sdf"
    write(Bundle(arrays=[("image", np.zeros((2000, 500)))]), path)
    with path.open("rb") as inner:
        counted = Counting(inner)
        part = read(counted, slices=(slice(10, 20), slice(0, 500))).arrays[0][1]
    assert part.shape == (10, 500)
    assert counted.n_bytes < 300_000 < path.stat().st_size


class Counting(io.RawIOBase):
    """A stream that counts the bytes read from another stream."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.n_bytes, self.n_calls = inner, 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self.inner.seek(offset, whence))

    def tell(self) -> int:
        return int(self.inner.tell())

    def readinto(self, buffer: Any) -> int:
        data = self.inner.read(len(buffer))
        buffer[: len(data)] = data
        self.n_bytes += len(data)
        self.n_calls += 1
        return len(data)


def test_read_ndf_part_of_remote_file_needs_few_requests(tmp_path: Path, bundles: None) -> None:
    from lsst.images.ndf._source import RemoteFile  # private: the file object passed to h5py

    path = tmp_path / "x.sdf"
    expected = np.arange(10**6, dtype=np.float64).reshape(2000, 500)
    names = [(f"a/b{n}/c", np.zeros(3)) for n in range(50)]
    write(Bundle(arrays=[("image", expected), *names]), path)
    with path.open("rb") as inner:
        counted = Counting(inner)
        remote = RemoteFile(counted, path.stat().st_size)  # type: ignore[arg-type]  # it reads
        with open_archive(remote) as reader:  # type: ignore[arg-type]  # as above
            part = reader.get_component("first_array", slices=(slice(10, 900), slice(0, 500)))
    assert np.array_equal(part, expected[10:900])
    assert counted.n_calls < 20


# Errors and optional dependencies.


def test_import_ndf_does_not_import_h5py() -> None:
    code = "import sys; import lsst.images.ndf; print('h5py' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_read_ndf_without_h5py_raises() -> None:
    code = (
        "import sys; sys.modules['h5py'] = None\n"
        "from lsst.images.errors import MissingOptionalDependencyError\n"
        "from lsst.images.ndf import NdfInputArchive\n"
        "try: NdfInputArchive.open(b'x')\n"
        "except ImportError as err: print(isinstance(err, MissingOptionalDependencyError), err)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("True")
    assert "h5py" in result.stdout and "lsst-images[ndf]" in result.stdout


def test_read_hdf5_file_without_ndf_raises(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["something"] = np.arange(3)
    with pytest.raises(NotAnArchiveError, match="something"):
        read(tmp_path / "x.h5")


def test_read_ndf_pointer_of_other_container_raises(tmp_path: Path, bundles: None) -> None:
    path = tmp_path / "x.sdf"
    write(Bundle(), path)
    with h5py.File(path, "r+") as file:
        tree = json.loads(file["MORE/LSST/JSON"][0])
        tree["shared"] = [{"$ref": "#/indirect/0"}]
        del file["MORE/LSST/JSON"]
        file["MORE/LSST/JSON"] = np.array([json.dumps(tree).encode()])
    with pytest.raises(ArchiveReadError, match="path"):
        read(path)


def test_write_ndf_failure_closes_file() -> None:
    stream = io.BytesIO()
    archive = NdfOutputArchive.create(stream)
    archive.close()
    archive.close()
    assert not stream.closed
