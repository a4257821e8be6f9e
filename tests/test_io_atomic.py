# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files appear complete or not at all, and never over somebody else's."""

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
    """A type whose serializer does what a test wants."""

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
def test_a_serializer_that_fails_leaves_nothing_and_its_own_error(
    tmp_path: Path, extension: str, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        write(Odd(fail), tmp_path / f"x{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_tree_that_does_not_validate_is_a_write_error(tmp_path: Path, extension: str) -> None:
    with pytest.raises(ArchiveWriteError, match="Odd cannot be written.*"):
        write(Odd(lambda: "many"), tmp_path / f"x{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_that_another_writer_finished_first_is_left_alone(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"x{extension}"

    def rival() -> None:
        write(Bundle(metadata={"who": "rival"}), path)

    with pytest.raises(FileExistsError, match="appeared while"):
        write(Odd(rival), path)
    assert read(path).metadata == {"who": "rival"}
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_sees_an_unfinished_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    seen = []
    write(Odd(lambda: seen.append(path.exists())), path)
    assert seen == [False]
    assert path.exists()


def test_two_files_are_written_at_once_without_getting_in_each_others_way(tmp_path: Path) -> None:
    with (
        atomic_output(ResourcePath(tmp_path / "a")) as first,
        atomic_output(ResourcePath(tmp_path / "b")) as second,
    ):
        first.write(b"1")
        second.write(b"2")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert (tmp_path / "b").read_bytes() == b"2"


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_bad_metadata_is_refused_by_key(tmp_path: Path, extension: str) -> None:
    with pytest.raises(ArchiveWriteError, match=r"metadata\['nested'\]"):
        write(Bundle(), tmp_path / f"x{extension}", metadata={"nested": {"a": 1}})
    assert not list(tmp_path.iterdir())


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "reference").write_text("")
    write(Bundle(), tmp_path / "x.json")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_folder_that_does_not_exist_is_a_write_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveWriteError, match="nowhere"):
        write(Bundle(), tmp_path / "nowhere" / "x.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_a_write_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ArchiveWriteError, match="ermission"):
            write(Bundle(), tmp_path / "x.json")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compression_of_the_whole_file_is_refused(tmp_path: Path, extension: str, suffix: str) -> None:
    with pytest.raises(UnsupportedFormatError, match="last suffix"):
        write(Bundle(), tmp_path / f"x{extension}{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x", "x.png", "x.fits.bak", ".gz"])
def test_an_unknown_extension_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=r"\.json.*\.sdf"):
        write(Bundle(), tmp_path / name)


def test_a_format_overrules_the_extension(tmp_path: Path) -> None:
    write(Bundle(metadata={"a": 1}), tmp_path / "x.data", format="json")
    assert (tmp_path / "x.data").read_bytes().startswith(b"{")
    with open_archive(tmp_path / "x.data") as reader:
        assert reader.archive.CONTAINER == "json"
        assert reader.metadata == {"a": 1}


@pytest.mark.parametrize("spelled", [str, Path, ResourcePath, lambda path: ResourcePath(path).geturl()])
def test_a_place_may_be_spelled_in_any_way(tmp_path: Path, spelled: Any) -> None:
    for extension in EXTENSIONS:
        target = spelled(str(tmp_path / f"a b+c%20{extension}"))
        write(Bundle(metadata={"a": 1}), target)
        assert read(target).metadata == {"a": 1}
