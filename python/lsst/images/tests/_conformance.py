# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conformance tests of containers, as a test class to inherit from."""

from __future__ import annotations

__all__ = ("ContainerConformance",)

import contextlib
import gzip
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import astropy.table
import astropy.units as u
import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import imagecodecs
import numpy as np
import pytest

from ..errors import (
    ArchiveError,
    ArchiveReadError,
    ArchiveWriteError,
    DevelopmentSchemaWarning,
    InvalidArgumentError,
    InvalidParameterError,
    UnknownSchemaError,
    UnserializableTypeError,
    UnsupportedTableError,
)
from ..io import open_archive, read, write
from ..plugins import registry
from ..serialization import NumberType, UnreadableTree
from ._bundle import GUESTS, Bundle, Guest, GuestPlugin, bundle_types

_drawn = hypothesis.settings(
    deadline=None,
    max_examples=25,
    # The same test methods run in the subclasses of all containers.
    suppress_health_check=[hypothesis.HealthCheck.differing_executors, hypothesis.HealthCheck.too_slow],
)


@st.composite
def _arrays(draw: st.DrawFn, types: tuple[NumberType, ...], min_dims: int, min_side: int) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(types)).to_numpy())
    shape = draw(hnp.array_shapes(min_dims=max(min_dims, 1), max_dims=3, min_side=min_side, max_side=7))
    if min_dims == 0 and draw(st.booleans()):
        shape = ()
    array: np.ndarray = draw(hnp.arrays(dtype, shape))
    # Arrays may be non-native-endian or non-contiguous.
    if draw(st.booleans()):
        array = array.astype(array.dtype.newbyteorder())
    return np.repeat(array, 2, axis=0)[::2] if array.ndim and draw(st.booleans()) else array


@st.composite
def _slices(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[slice, ...]:
    result = []
    for size in shape:
        start = draw(st.integers(0, size - 1))
        result.append(slice(start, draw(st.integers(start + 1, size))))
    return tuple(result)


def assert_same(found: Any, expected: Any) -> None:
    """Assert that two arrays are equal: values, type, shape and unit.

    Parameters
    ----------
    found
        Array read from a file; it must be native-endian.
    expected
        Array that was written.
    """
    if isinstance(expected, u.Quantity):
        assert found.unit == expected.unit
        found, expected = found.value, expected.value
    expected = np.asarray(expected)
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert found.dtype.isnative
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


class ContainerConformance:
    """Tests that every container must pass.

    A subclass names the container and inherits all tests::

        class TestMyContainer(ContainerConformance):
            container = "mine"
            extension = ".mine"

    Attributes
    ----------
    container
        Name of the container in its `~lsst.images.plugins.ContainerSpec`.
    extension
        A file name extension of the container.
    number_types
        Supported types of array elements.
    min_dims, min_side, min_rows
        Smallest supported number of array axes, of elements along an axis,
        and of table rows.
    has_format_version
        Whether files contain a version of their layout.
    allows_odd_names
        Whether array names may contain spaces, dots and non-ASCII
        characters; otherwise writing such names must fail.
    """

    container: ClassVar[str]
    extension: ClassVar[str]
    number_types: ClassVar[tuple[NumberType, ...]] = tuple(NumberType)
    min_dims: ClassVar[int] = 1
    min_side: ClassVar[int] = 1
    min_rows: ClassVar[int] = 0
    has_format_version: ClassVar[bool] = True
    allows_odd_names: ClassVar[bool] = True

    # Helpers.

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _bundle_types(cls) -> Iterator[None]:
        with bundle_types():
            yield

    @contextlib.contextmanager
    def written(self, obj: Any, **options: Any) -> Iterator[Path]:
        """Write an object to a temporary file.

        Parameters
        ----------
        obj
            The object.
        **options
            Options of `lsst.images.io.write`.

        Yields
        ------
        path
            The file.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"object{self.extension}"
            write(obj, path, **options)
            yield path

    def roundtrip(self, obj: Any, **parameters: Any) -> Any:
        """Write an object and read it.

        Parameters
        ----------
        obj
            The object.
        **parameters
            Read parameters.

        Returns
        -------
        obj
            Object read from the file.
        """
        with self.written(obj) as path:
            return read(path, **parameters)

    # Arrays.

    @_drawn
    @hypothesis.given(data=st.data())
    def test_array_any_type_and_shape_roundtrips(self, data: st.DataObject) -> None:
        drawn = data.draw(
            st.lists(_arrays(self.number_types, self.min_dims, self.min_side), min_size=1, max_size=3)
        )
        bundle = Bundle(arrays=[(f"a{n}", array) for n, array in enumerate(drawn)])
        for (_, found), expected in zip(self.roundtrip(bundle).arrays, drawn, strict=True):
            assert_same(found, expected)

    @_drawn
    @hypothesis.given(data=st.data())
    def test_array_read_with_slices_equals_slice(self, data: st.DataObject) -> None:
        array = data.draw(_arrays(self.number_types, 1, 1))
        slices = data.draw(_slices(array.shape))
        with self.written(Bundle(arrays=[("image", array)])) as path, open_archive(path) as reader:
            assert_same(reader.read(slices=slices).arrays[0][1], array[slices])
            assert_same(reader.get_component("first_array", slices=slices), array[slices])
            assert_same(reader.get_component("first_array"), array)

    def test_array_with_nan_and_infinity_roundtrips(self) -> None:
        array = np.array([[np.nan, np.inf], [-np.inf, -0.0]], dtype=np.float32)
        found = self.roundtrip(Bundle(arrays=[("image", array)])).arrays[0][1]
        assert found.tobytes() == array.tobytes()

    @pytest.mark.parametrize("unit", [u.nJy, u.nJy**2, u.electron, u.dimensionless_unscaled, u.count])
    def test_array_with_unit_roundtrips(self, unit: u.UnitBase) -> None:
        quantity = np.arange(6.0).reshape(2, 3) * unit
        assert_same(self.roundtrip(Bundle(arrays=[("image", quantity)])).arrays[0][1], quantity)

    def test_array_unsupported_type_fails_naming_type(self, tmp_path: Path) -> None:
        with pytest.raises(ArchiveWriteError, match="float16"):
            write(Bundle(arrays=[("image", np.zeros(3, np.float16))]), tmp_path / f"x{self.extension}")
        assert not list(tmp_path.iterdir())

    # Names.

    @pytest.mark.parametrize(
        "names",
        [
            ("same", "same", "same", "SAME"),
            ("same", "same_2", "same"),
            ("deep/down/here", "deep/down", "deep", "deep/down/here"),
            ("image", "mask", "variance", "image", "quality", "wcs", "units", "json", "more", "index"),
            ("a_very_long_name_indeed", "a_very_long_name_instead", "a_very_long_name_indeed"),
            ("x/data_array", "x", "x/data_array/data", "x/json", "x/wcs"),
        ],
        ids=lambda names: names[0],
    )
    def test_array_names_conflicting_after_normalization_roundtrip(self, names: tuple[str, ...]) -> None:
        bundle = Bundle(arrays=[(name, np.full((2, 3), n)) for n, name in enumerate(names)])
        bundle.parts = [("part", Bundle(arrays=list(bundle.arrays)))]
        found = self.roundtrip(bundle)
        for arrays in (found.arrays, found.parts[0][1].arrays):
            assert [name for name, _ in arrays] == list(names)
            for n, (_, array) in enumerate(arrays):
                assert_same(array, np.full((2, 3), n))

    def test_array_names_with_special_characters_roundtrip_or_fail(self, tmp_path: Path) -> None:
        names = ("odd name", "odd_name", "odd.name", "ça-va?", "日本")
        bundle = Bundle(arrays=[(name, np.full((2, 3), n)) for n, name in enumerate(names)])
        if self.allows_odd_names:
            for n, (name, array) in enumerate(self.roundtrip(bundle).arrays):
                assert name == names[n]
                assert_same(array, np.full((2, 3), n))
        else:
            with pytest.raises(ArchiveWriteError, match="(?i)odd name"):
                write(bundle, tmp_path / f"x{self.extension}")
            assert not list(tmp_path.iterdir())

    def test_array_without_name_at_root_fails(self, tmp_path: Path) -> None:
        with pytest.raises(ArchiveWriteError, match="needs a name"):
            write(Bundle(arrays=[("", np.zeros(3))]), tmp_path / f"x{self.extension}")

    # Tables.

    def test_table_roundtrips_with_units_descriptions_and_metadata(self) -> None:
        table = astropy.table.Table(
            {
                "visit": np.arange(5, dtype=np.int64) + 2**40,
                "flux": np.linspace(-1, np.nan, 5),
                "corners": np.arange(20, dtype=np.float32).reshape(5, 4),
                "matrix": np.arange(30, dtype=np.int32).reshape(5, 2, 3),
                "flag": np.array([True, False, True, True, False]),
            },
            meta={"author": "A. Author", "count": 3, "ratio": 0.5, "fine": True},
        )
        table["flux"].unit, table["flux"].description = u.nJy, "Flux."
        table["corners"].unit = u.pixel
        found = self.roundtrip(Bundle(tables=[("t/able", table)])).tables[0][1]
        assert found.colnames == table.colnames
        assert dict(found.meta) == dict(table.meta)
        for name in table.colnames:
            assert_same(found[name].data, table[name].data)
            assert found[name].unit == table[name].unit
            assert found[name].description == table[name].description

    @pytest.mark.parametrize("n_rows", [0, 1, 7])
    def test_structured_array_any_length_roundtrips(self, n_rows: int) -> None:
        n_rows = max(n_rows, self.min_rows)
        array = np.zeros(n_rows, dtype=[("a", ">i2"), ("A_long_column_name_1", "f8", (2,)), ("z", "u8")])
        array["a"] = np.arange(n_rows)
        alone = np.arange(n_rows, dtype=np.float64).view([("only", np.float64)])
        found = dict(self.roundtrip(Bundle(records=[("many", array), ("one", alone)])).records)
        for name in array.dtype.names or ():
            assert_same(found["many"][name], array[name])
        assert_same(found["one"]["only"], alone["only"])

    def test_table_with_strings_fails_naming_column(self, tmp_path: Path) -> None:
        table = astropy.table.Table({"number": [1, 2], "name": ["a", "b"]})
        with pytest.raises(UnsupportedTableError, match="'name'"):
            write(Bundle(tables=[("table", table)]), tmp_path / f"x{self.extension}")
        assert not list(tmp_path.iterdir())

    # Subtrees.

    def test_shared_subtree_is_deserialized_once(self) -> None:
        text = "0123456789" * 20
        with self.written(Bundle(shared=text)) as path:
            first, second = read(path).shared_objects
        assert first is second
        assert first[0] == text
        assert_same(first[1], np.arange(3))

    def test_frame_set_is_found_by_pointer(self) -> None:
        assert self.roundtrip(Bundle(frames="PIXEL to SKY")).frames == "PIXEL to SKY"

    def test_nested_parts_roundtrip(self) -> None:
        bundle = Bundle(arrays=[("image", np.arange(4.0))])
        for level in range(5):
            bundle = Bundle(arrays=[("image", np.full(2, level))], parts=[("inner", bundle)])
        found = self.roundtrip(bundle)
        for level in reversed(range(5)):
            assert_same(found.arrays[0][1], np.full(2, level))
            found = found.parts[0][1]
        assert_same(found.arrays[0][1], np.arange(4.0))

    # Subtrees with unknown schemas.

    @contextlib.contextmanager
    def unregistered_guests(self) -> Iterator[None]:
        """Return a context manager that unregisters the plugin of `Guest`."""
        registry.unregister(GUESTS)
        try:
            yield
        finally:
            registry.register(GuestPlugin(), name=GUESTS)

    def test_unknown_subtree_does_not_affect_other_parts(self) -> None:
        array = np.arange(12.0).reshape(3, 4)
        with self.written(Bundle(arrays=[("image", array)], guest=Guest("hello"))) as path:
            assert read(path).guest.text == "hello"
            with self.unregistered_guests(), open_archive(path) as reader:
                found = reader.read()
                assert_same(found.arrays[0][1], array)
                assert isinstance(found.guest, UnreadableTree)
                with pytest.raises(UnknownSchemaError, match=r"lsst_images_tests\.guest"):
                    reader.get_component("guest")

    def test_unknown_subtree_is_rewritten_unchanged(self, tmp_path: Path) -> None:
        copy = tmp_path / f"copy{self.extension}"
        with self.written(Bundle(guest=Guest('grüß Gott, "NaN"'))) as path, self.unregistered_guests():
            write(read(path), copy)
        assert read(copy).guest.text == 'grüß Gott, "NaN"'

    def test_unknown_subtree_with_arrays_fails_to_be_rewritten(self, tmp_path: Path) -> None:
        copy = tmp_path / f"copy{self.extension}"
        with self.written(Bundle(guest=Guest("hello", np.arange(3)))) as path, self.unregistered_guests():
            found = read(path)
            if not found.guest.refers_to_arrays:
                pytest.skip("this container stores arrays in the tree")
            with pytest.raises(UnserializableTypeError, match="arrays of the file"):
                write(found, copy)
        assert not copy.exists()

    # Metadata.

    def test_metadata_any_type_roundtrips(self) -> None:
        metadata = {
            "NOTHING": None,
            "TRUE": True,
            "BIG": 2**62 + 1,
            "TENTH": 0.1,
            "NOT A NUMBER": np.nan,
            "NEGATIVE INFINITY": -np.inf,
            "UNICODE é": "日本 ⭐ \\ \" ' \n &",
            "LONG": "lorem ipsum " * 1000,
            "EMPTY": "",
        }
        metadata = {key: float(v) if isinstance(v, float) else v for key, v in metadata.items()}
        found = self.roundtrip(Bundle(metadata=metadata)).metadata
        assert list(found) == list(metadata)
        assert repr(found) == repr(metadata)

    def test_write_metadata_and_butler_info_are_stored_and_object_unchanged(self) -> None:
        info = {"dataset": {"id": "12ab", "dataId": {"visit": 3, "band": "ř"}}, "provenance": {"quanta": []}}
        bundle = Bundle(metadata={"a": 1, "b": 2})
        with (
            self.written(bundle, metadata={"b": 3, "c": "x"}, butler_info=info) as path,
            open_archive(path) as reader,
        ):
            assert reader.metadata == {"a": 1, "b": 3, "c": "x"}
            assert reader.butler_info == info
            assert reader.read()._attachments.butler_info == info
        assert bundle.metadata == {"a": 1, "b": 2}

    def test_file_info_contains_schema_and_format_version(self) -> None:
        with self.written(Bundle()) as path, open_archive(path, Bundle) as reader:
            assert reader.info.schema_name == "lsst_images_tests.bundle"
            assert reader.info.schema_version == "1.0.0"
            assert reader.archive.CONTAINER == self.container
            assert (reader.info.format_version is not None) == self.has_format_version

    def test_read_closed_reader_fails(self) -> None:
        with self.written(Bundle()) as path:
            with open_archive(path) as reader:
                pass
            with pytest.raises(ArchiveReadError, match="closed"):
                reader.read()

    def test_write_stable_schema_does_not_warn(self, recwarn: pytest.WarningsRecorder) -> None:
        self.roundtrip(Bundle())
        assert not [w for w in recwarn if issubclass(w.category, DevelopmentSchemaWarning)]

    # Inputs.

    def test_read_stream_equals_read_file(self) -> None:
        array = np.arange(12.0).reshape(3, 4)
        with self.written(Bundle(arrays=[("image", array)])) as path:
            with path.open("rb") as stream:
                assert_same(read(stream).arrays[0][1], array)
            assert_same(read(io.BytesIO(path.read_bytes()), Bundle).arrays[0][1], array)

    @pytest.mark.parametrize("name", ["none", "x.bin", "x.json", "x.fits", "x.sdf"])
    def test_read_wrong_extension_detects_container(self, tmp_path: Path, name: str) -> None:
        array = np.arange(12.0).reshape(3, 4)
        with self.written(Bundle(arrays=[("image", array)])) as path:
            path.rename(tmp_path / name)
        assert_same(read(tmp_path / name).arrays[0][1], array)

    @pytest.mark.parametrize("suffix", [".gz", ".zst"])
    def test_read_compressed_file_succeeds(self, tmp_path: Path, suffix: str) -> None:
        compress = imagecodecs.zstd_encode if suffix == ".zst" else gzip.compress
        array = np.arange(12.0).reshape(3, 4)
        target = tmp_path / f"x{self.extension}{suffix}"
        with self.written(Bundle(arrays=[("image", array)])) as path:
            target.write_bytes(compress(path.read_bytes()))
        assert_same(read(target).arrays[0][1], array)

    # Errors.

    @pytest.mark.parametrize("part", [0.0, 0.02, 0.3, 0.6, 0.95])
    def test_read_truncated_file_fails(self, tmp_path: Path, part: float) -> None:
        broken = tmp_path / f"broken{self.extension}"
        bundle = Bundle(arrays=[("image", np.arange(3000.0).reshape(30, 100))], shared="text")
        with self.written(bundle) as path:
            content = path.read_bytes()
            broken.write_bytes(content[: int(len(content) * part)])
        try:
            found = read(broken, format=self.container)
        except ArchiveError:
            return
        # Some layouts end with optional data.
        assert part > 0.9
        assert_same(found.arrays[0][1], bundle.arrays[0][1])
        assert found.shared == "text"

    def test_read_text_file_fails(self, tmp_path: Path) -> None:
        other = tmp_path / f"other{self.extension}"
        other.write_text("This is not a data file.\n" * 400)
        with pytest.raises(ArchiveReadError):
            read(other)

    def test_read_missing_file_fails(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            read(tmp_path / f"missing{self.extension}")

    def test_write_that_fails_leaves_no_file(self, tmp_path: Path) -> None:
        bundle = Bundle(arrays=[("image", np.zeros((100, 100))), ("broken", np.zeros(3, np.float16))])
        with pytest.raises(ArchiveWriteError):
            write(bundle, tmp_path / f"x{self.extension}")
        assert not list(tmp_path.iterdir())

    def test_write_existing_file_fails_and_keeps_it(self, tmp_path: Path) -> None:
        path = tmp_path / f"x{self.extension}"
        path.write_text("content")
        with pytest.raises(FileExistsError, match="not empty"):
            write(Bundle(), path)
        assert path.read_text() == "content"
        assert list(tmp_path.iterdir()) == [path]

    def test_write_empty_file_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / f"x{self.extension}"
        path.touch()
        write(Bundle(metadata={"a": 1}), path)
        assert read(path).metadata == {"a": 1}
        assert list(tmp_path.iterdir()) == [path]

    def test_write_unknown_option_fails_naming_it(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidArgumentError, match="no_such_option"):
            write(Bundle(), tmp_path / f"x{self.extension}", no_such_option=1)
        assert not list(tmp_path.iterdir())

    def test_read_unknown_parameter_fails_naming_it(self) -> None:
        with self.written(Bundle()) as path, pytest.raises(InvalidParameterError, match="no_such_parameter"):
            read(path, no_such_parameter=1)

    def test_write_returns_the_tree_in_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / f"x{self.extension}"
        tree = write(Bundle(arrays=[("image", np.arange(3.0))], metadata={"a": 1}), path)
        with open_archive(path) as reader:
            assert reader.raw_tree == json.loads(tree.model_dump_json())
            assert reader.get_tree().model_dump_json() == tree.model_dump_json()
