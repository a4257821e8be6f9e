# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Which container a file is, by name and by content; readers."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import pytest
from helpers.bundles import Bundle, Guest, bundle_types
from lsst.images.errors import (
    ArchiveError,
    CorruptArchiveError,
    InvalidComponentError,
    InvalidParameterError,
    NotAnArchiveError,
    UnsupportedFormatError,
)
from lsst.images.io import open_archive, read, write
from lsst.images.io._containers import (  # private: used by the readers and the writers only
    container_for_name,
    container_for_path,
)
from lsst.images.plugins import Found, hookimpl, registry
from lsst.resources import ResourcePath


@pytest.fixture(autouse=True, scope="module")
def types() -> Iterator[None]:
    with bundle_types():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(Bundle(metadata={"a": 1}), tmp_path / "x.json")
    return tmp_path / "x.json"


class Plugin:
    """A plugin made of functions given as keywords."""

    def __init__(self, **hooks: Any) -> None:
        for name, function in hooks.items():
            setattr(self, name, hookimpl(function))


@pytest.fixture
def install() -> Iterator[Any]:
    yield lambda **hooks: registry.register(Plugin(**hooks), name="plugin of a test")
    registry.unregister("plugin of a test")


# Names.


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("x.fits", "fits"),
        ("x.fits.gz", "fits"),
        ("x.y.sdf", "ndf"),
        ("x.h5.zst", "ndf"),
        ("x.json", "json"),
        ("https://host/x.json?version=3", "json"),
        ("s3://bucket/a/x.fits", "fits"),
    ],
)
def test_extensions_name_containers(name: str, container: str) -> None:
    assert container_for_path(ResourcePath(name, forceDirectory=False)).name == container


@pytest.mark.parametrize("name", ["x.FITS", "x", "x.gz", "fits", "x.fitsy", "x.txt"])
def test_other_extensions_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedFormatError, match="Unrecognized file extension"):
        container_for_path(ResourcePath(name, forceDirectory=False))


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Unrecognized format name 'tiff'.*fits.*json.*ndf"):
        container_for_name("tiff")


# Content.


def test_a_format_given_wrongly_is_an_error(path: Path) -> None:
    with pytest.raises(NotAnArchiveError):
        read(path, format="ndf")


def test_a_stream_is_left_where_it_was_when_it_is_recognized(path: Path) -> None:
    stream = io.BytesIO(b"junk" + path.read_bytes())
    stream.seek(4)
    assert read(stream).metadata == {"a": 1}


def test_white_space_before_a_tree_does_not_matter(path: Path) -> None:
    assert read(io.BytesIO(b"\n \t" + path.read_bytes())).metadata == {"a": 1}


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x00" * 100])
def test_an_unknown_stream_is_refused_with_its_first_bytes(content: bytes) -> None:
    with pytest.raises(ValueError, match="Could not identify a supported format") as caught:
        read(io.BytesIO(content))
    assert repr(content[:16]) in str(caught.value)


@pytest.mark.parametrize(("magic", "name"), [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")])
def test_a_compressed_stream_is_refused(magic: bytes, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}-compressed; decompress it before reading"):
        read(io.BytesIO(magic + b"......"))


@pytest.mark.parametrize("cut", [0, 5, -4])
def test_a_damaged_gzip_file_is_a_named_error(tmp_path: Path, path: Path, cut: int) -> None:
    packed = tmp_path / "y.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes())[:cut])
    with pytest.raises(ArchiveError) as caught:
        read(packed)
    assert str(packed) in "".join(caught.value.__notes__)


def test_a_file_that_is_not_gzip_although_named_so_is_read_as_what_it_is(tmp_path: Path, path: Path) -> None:
    misnamed = tmp_path / "y.json.gz"
    misnamed.write_bytes(path.read_bytes())
    assert read(misnamed).metadata == {"a": 1}


@pytest.mark.parametrize("part", [slice(4), slice(40), slice(-4)])
def test_a_damaged_zstd_file_is_a_named_error(tmp_path: Path, path: Path, part: slice) -> None:
    packed = tmp_path / "y.json.zst"
    packed.write_bytes(imagecodecs.zstd_encode(path.read_bytes())[part])
    with pytest.raises(CorruptArchiveError, match=r"y\.json\.zst is a damaged zstd file"):
        read(packed)


def test_a_zstd_file_of_several_frames_is_read_to_its_end(tmp_path: Path, path: Path) -> None:
    content = path.read_bytes()
    packed = tmp_path / "y.json.zst"
    packed.write_bytes(imagecodecs.zstd_encode(content[:10]) + imagecodecs.zstd_encode(content[10:]))
    assert read(packed).metadata == {"a": 1}


def test_a_compressed_file_with_an_unknown_inner_name_is_recognized(tmp_path: Path, path: Path) -> None:
    (tmp_path / "y.dat.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read(tmp_path / "y.dat.gz").metadata == {"a": 1}


def test_a_plugin_may_name_the_container_of_an_unknown_file(path: Path, install: Any) -> None:
    odd = path.with_name("odd.dat")
    odd.write_bytes(b"\xef\xbb\xbf{")
    install(guess_container=lambda uri, head: "json" if head.startswith(b"\xef\xbb\xbf") else None)
    with pytest.raises(NotAnArchiveError, match="JSON"):
        read(odd)


# Readers.


def test_a_file_of_another_type_is_refused_with_both_names(path: Path) -> None:
    with pytest.raises(TypeError, match=r"x\.json.*lsst_images_tests\.bundle.*Bundle.*Guest"):
        read(path, Guest)


def test_a_base_class_of_what_is_in_the_file_will_do(path: Path) -> None:
    assert isinstance(read(path, object), Bundle)


def test_facts_are_there_before_anything_is_read(path: Path) -> None:
    with open_archive(path) as reader:
        assert reader.metadata == {"a": 1}
        assert reader.butler_info is None
        assert reader.info.schema_name == "lsst_images_tests.bundle"
        assert "guest" in reader.component_names
        reader.metadata["a"] = 2
        assert reader.metadata == {"a": 1}


def test_errors_say_what_was_read_from_where(path: Path) -> None:
    with open_archive(path) as reader:
        with pytest.raises(InvalidComponentError, match="'nothing' is not recognized") as caught:
            reader.get_component("nothing")
        with pytest.raises(InvalidParameterError, match="'nothing'"):
            reader.get_component("first_array", nothing=1)
    assert "component 'nothing'" in caught.value.__notes__[0]
    assert str(path) in caught.value.__notes__[0]


def test_a_component_that_is_absent_is_none(path: Path) -> None:
    with open_archive(path) as reader:
        assert reader.get_component("guest") is None
        assert reader.get_component("arrays") == []


@pytest.mark.parametrize("name", ["metadata", "schema_url", "butler_info", "indirect", "serialize", "_guest"])
def test_the_machinery_of_a_tree_is_no_component(path: Path, name: str) -> None:
    with open_archive(path) as reader, pytest.raises(InvalidComponentError):
        reader.get_component(name)


def test_a_plugin_may_serve_a_component_and_call_the_built_in_answer(path: Path, install: Any) -> None:
    def serve(reader: Any, name: str, parameters: Any) -> Found | None:
        if name == "guest":
            return Found(("mine", reader.read_own_component(name, parameters)))
        return Found(None) if name == "nothing" else None

    install(read_component=serve)
    with open_archive(path) as reader:
        assert reader.get_component("guest") == ("mine", None)
        assert reader.get_component("nothing") is None
        assert reader.get_component("arrays") == []


def test_a_plugin_hears_of_what_is_read_and_adds_metadata_to_what_is_written(
    path: Path, install: Any
) -> None:
    heard: list[Any] = []
    install(
        after_read=lambda obj, context: heard.append((type(obj), context.container, context.component)),
        before_write=lambda obj, context: {"container": context.container, "a": 0},
    )
    bundle = read(path)
    with open_archive(path) as reader:
        reader.get_component("arrays")
    assert heard == [(Bundle, "json", None), (list, "json", "arrays")]
    write(bundle, path.with_name("y.json"), metadata={"a": 3})
    assert bundle.metadata == {"a": 1}
    assert read(path.with_name("y.json")).metadata == {"a": 3, "container": "json"}


def test_what_was_read_of_the_butler_is_not_carried_into_another_file(tmp_path: Path) -> None:
    info = {"dataset": {"id": "12"}}
    write(Bundle(), tmp_path / "x.json", butler_info=info)
    bundle = read(tmp_path / "x.json")
    assert bundle._attachments.butler_info == info
    write(bundle, tmp_path / "y.json")
    assert read(tmp_path / "y.json")._attachments.butler_info is None
