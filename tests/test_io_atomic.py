# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of atomic writing: files appear when complete, and existing files are kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.bundles import Bundle, bundle_types
from lsst.images.errors import ArchiveWriteError, UnsupportedFormatError
from lsst.images.io import open_archive, read, write
from lsst.images.io._atomic import atomic_output  # private: the temporary file, without a container around it
from lsst.images.plugins import DatasetSpec, hookimpl, registry
from lsst.images.serialization import ArchiveTree
from lsst.resources import ResourcePath

EXTENSIONS = [".json", ".sdf", ".fits"]


@pytest.fixture(autouse=True, scope="module")
def types() -> Iterator[None]:
    with bundle_types():
        registry.register(OddPlugin(), name="odd types")
        yield
        registry.unregister("odd types")


class Odd:
    """A type whose serializer calls a function given by the test."""

    def __init__(self, action: Any) -> None:
        self.action = action


class OddModel(ArchiveTree, schema="lsst_images_tests.odd", version="1.0.0"):
    count: int = 0

    @classmethod
    def serialize(cls, obj: Odd, archive: Any) -> OddModel:
        archive.add_array(np.zeros((50, 60)), name="before")
        return cls(count=obj.action() or 0)


class OddPlugin:
    @hookimpl
    def register_datasets(self) -> list[DatasetSpec]:
        home = __name__
        return [DatasetSpec(schema="lsst_images_tests.odd", pytype=f"{home}:Odd", model=f"{home}:OddModel")]


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_write_serializer_error_is_raised_and_leaves_no_file(
    tmp_path: Path, extension: str, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        write(Odd(fail), tmp_path / f"x{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_write_invalid_tree_raises_write_error(tmp_path: Path, extension: str) -> None:
    with pytest.raises(ArchiveWriteError, match="Odd cannot be written.*"):
        write(Odd(lambda: "many"), tmp_path / f"x{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_write_file_created_meanwhile_is_kept(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"x{extension}"

    def write_other() -> None:
        write(Bundle(metadata={"writer": "other"}), path)

    with pytest.raises(FileExistsError, match="appeared while"):
        write(Odd(write_other), path)
    assert read(path).metadata == {"writer": "other"}
    assert list(tmp_path.iterdir()) == [path]


def test_write_unfinished_file_is_not_visible(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    seen = []
    write(Odd(lambda: seen.append(path.exists())), path)
    assert seen == [False]
    assert path.exists()


def test_write_two_files_concurrently_succeeds(tmp_path: Path) -> None:
    with (
        atomic_output(ResourcePath(tmp_path / "a")) as first,
        atomic_output(ResourcePath(tmp_path / "b")) as second,
    ):
        first.write(b"1")
        second.write(b"2")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert (tmp_path / "b").read_bytes() == b"2"


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_write_invalid_metadata_error_names_key(tmp_path: Path, extension: str) -> None:
    with pytest.raises(ArchiveWriteError, match=r"metadata\['nested'\]"):
        write(Bundle(), tmp_path / f"x{extension}", metadata={"nested": {"a": 1}})
    assert not list(tmp_path.iterdir())


def test_write_new_file_has_default_permissions(tmp_path: Path) -> None:
    (tmp_path / "reference").write_text("")
    write(Bundle(), tmp_path / "x.json")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_write_missing_directory_raises_write_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveWriteError, match="nowhere"):
        write(Bundle(), tmp_path / "nowhere" / "x.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_write_read_only_directory_raises_write_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ArchiveWriteError, match="ermission"):
            write(Bundle(), tmp_path / "x.json")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_write_compressed_file_name_raises(tmp_path: Path, extension: str, suffix: str) -> None:
    with pytest.raises(UnsupportedFormatError, match="last suffix"):
        write(Bundle(), tmp_path / f"x{extension}{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x", "x.png", "x.fits.bak", ".gz"])
def test_write_unknown_extension_error_lists_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=r"\.json.*\.sdf"):
        write(Bundle(), tmp_path / name)


def test_write_format_takes_precedence_over_extension(tmp_path: Path) -> None:
    write(Bundle(metadata={"a": 1}), tmp_path / "x.data", format="json")
    assert (tmp_path / "x.data").read_bytes().startswith(b"{")
    with open_archive(tmp_path / "x.data") as reader:
        assert reader.archive.CONTAINER == "json"
        assert reader.metadata == {"a": 1}


@pytest.mark.parametrize("spelled", [str, Path, ResourcePath, lambda path: ResourcePath(path).geturl()])
def test_write_accepts_path_string_and_uri(tmp_path: Path, spelled: Any) -> None:
    for extension in EXTENSIONS:
        target = spelled(str(tmp_path / f"a b+c%20{extension}"))
        write(Bundle(metadata={"a": 1}), target)
        assert read(target).metadata == {"a": 1}
