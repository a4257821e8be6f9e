# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the selection of containers by name and content, and of readers."""

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
    """A plugin whose hook implementations are given as keyword arguments."""

    def __init__(self, **hooks: Any) -> None:
        for name, function in hooks.items():
            setattr(self, name, hookimpl(function))


@pytest.fixture
def install() -> Iterator[Any]:
    yield lambda **hooks: registry.register(Plugin(**hooks), name="plugin of a test")
    registry.unregister("plugin of a test")


# Selection by name.


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
def test_container_for_path_known_extension_returns_container(name: str, container: str) -> None:
    assert container_for_path(ResourcePath(name, forceDirectory=False)).name == container


@pytest.mark.parametrize("name", ["x.FITS", "x", "x.gz", "fits", "x.fitsy", "x.txt"])
def test_container_for_path_unknown_extension_raises(name: str) -> None:
    with pytest.raises(UnsupportedFormatError, match="Unrecognized file extension"):
        container_for_path(ResourcePath(name, forceDirectory=False))


def test_container_for_name_unknown_error_lists_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Unrecognized format name 'tiff'.*fits.*json.*ndf"):
        container_for_name("tiff")


# Selection by content.


def test_read_wrong_format_raises(path: Path) -> None:
    with pytest.raises(NotAnArchiveError):
        read(path, format="ndf")


def test_read_stream_starts_at_its_position(path: Path) -> None:
    stream = io.BytesIO(b"junk" + path.read_bytes())
    stream.seek(4)
    assert read(stream).metadata == {"a": 1}


def test_read_json_stream_with_leading_whitespace_succeeds(path: Path) -> None:
    assert read(io.BytesIO(b"\n \t" + path.read_bytes())).metadata == {"a": 1}


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x00" * 100])
def test_read_unknown_stream_error_shows_first_bytes(content: bytes) -> None:
    with pytest.raises(ValueError, match="Could not identify a supported format") as caught:
        read(io.BytesIO(content))
    assert repr(content[:16]) in str(caught.value)


@pytest.mark.parametrize(("magic", "name"), [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")])
def test_read_compressed_stream_raises(magic: bytes, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}-compressed; decompress it before reading"):
        read(io.BytesIO(magic + b"......"))


@pytest.mark.parametrize("cut", [0, 5, -4])
def test_read_damaged_gzip_file_error_names_file(tmp_path: Path, path: Path, cut: int) -> None:
    packed = tmp_path / "y.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes())[:cut])
    with pytest.raises(ArchiveError) as caught:
        read(packed)
    assert str(packed) in "".join(caught.value.__notes__)


def test_read_uncompressed_file_with_gz_suffix_succeeds(tmp_path: Path, path: Path) -> None:
    misnamed = tmp_path / "y.json.gz"
    misnamed.write_bytes(path.read_bytes())
    assert read(misnamed).metadata == {"a": 1}


@pytest.mark.parametrize("part", [slice(4), slice(40), slice(-4)])
def test_read_damaged_zstd_file_error_names_file(tmp_path: Path, path: Path, part: slice) -> None:
    packed = tmp_path / "y.json.zst"
    packed.write_bytes(imagecodecs.zstd_encode(path.read_bytes())[part])
    with pytest.raises(CorruptArchiveError, match=r"y\.json\.zst is a damaged zstd file"):
        read(packed)


def test_read_zstd_file_with_several_frames_succeeds(tmp_path: Path, path: Path) -> None:
    content = path.read_bytes()
    packed = tmp_path / "y.json.zst"
    packed.write_bytes(imagecodecs.zstd_encode(content[:10]) + imagecodecs.zstd_encode(content[10:]))
    assert read(packed).metadata == {"a": 1}


def test_read_compressed_file_with_unknown_extension_succeeds(tmp_path: Path, path: Path) -> None:
    (tmp_path / "y.dat.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read(tmp_path / "y.dat.gz").metadata == {"a": 1}


def test_guess_container_hook_selects_container(path: Path, install: Any) -> None:
    odd = path.with_name("odd.dat")
    odd.write_bytes(b"\xef\xbb\xbf{")
    install(guess_container=lambda uri, head: "json" if head.startswith(b"\xef\xbb\xbf") else None)
    with pytest.raises(NotAnArchiveError, match="JSON"):
        read(odd)


# Readers.


def test_read_other_type_error_names_both_types(path: Path) -> None:
    with pytest.raises(TypeError, match=r"x\.json.*lsst_images_tests\.bundle.*Bundle.*Guest"):
        read(path, Guest)


def test_read_base_class_returns_stored_type(path: Path) -> None:
    assert isinstance(read(path, object), Bundle)


def test_reader_properties_are_available_before_reading(path: Path) -> None:
    with open_archive(path) as reader:
        assert reader.metadata == {"a": 1}
        assert reader.butler_info is None
        assert reader.info.schema_name == "lsst_images_tests.bundle"
        assert "guest" in reader.component_names
        reader.metadata["a"] = 2
        assert reader.metadata == {"a": 1}


def test_reader_errors_name_component_and_file(path: Path) -> None:
    with open_archive(path) as reader:
        with pytest.raises(InvalidComponentError, match="'nothing' is not recognized") as caught:
            reader.get_component("nothing")
        with pytest.raises(InvalidParameterError, match="'nothing'"):
            reader.get_component("first_array", nothing=1)
    assert "component 'nothing'" in caught.value.__notes__[0]
    assert str(path) in caught.value.__notes__[0]


def test_get_component_absent_value_is_none(path: Path) -> None:
    with open_archive(path) as reader:
        assert reader.get_component("guest") is None
        assert reader.get_component("arrays") == []


@pytest.mark.parametrize("name", ["metadata", "schema_url", "butler_info", "indirect", "serialize", "_guest"])
def test_get_component_tree_attribute_raises(path: Path, name: str) -> None:
    with open_archive(path) as reader, pytest.raises(InvalidComponentError):
        reader.get_component(name)


def test_read_component_hook_may_call_default(path: Path, install: Any) -> None:
    def serve(reader: Any, name: str, parameters: Any) -> Found | None:
        if name == "guest":
            return Found(("mine", reader.read_own_component(name, parameters)))
        return Found(None) if name == "nothing" else None

    install(read_component=serve)
    with open_archive(path) as reader:
        assert reader.get_component("guest") == ("mine", None)
        assert reader.get_component("nothing") is None
        assert reader.get_component("arrays") == []


def test_after_read_and_before_write_hooks_are_called(path: Path, install: Any) -> None:
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


def test_write_does_not_keep_butler_information_of_read_object(tmp_path: Path) -> None:
    info = {"dataset": {"id": "12"}}
    write(Bundle(), tmp_path / "x.json", butler_info=info)
    bundle = read(tmp_path / "x.json")
    assert bundle._attachments.butler_info == info
    write(bundle, tmp_path / "y.json")
    assert read(tmp_path / "y.json")._attachments.butler_info is None
