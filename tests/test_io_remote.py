# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of files of all containers on an HTTP server with faults."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from helpers.servers import CountingServer
from lsst.images import Box, Image
from lsst.images._bytes import _range_client, _remote_source  # private: timeouts
from lsst.images.errors import ArchiveReadError, ImagesError, InvalidParameterError
from lsst.images.io import read

pytest.importorskip("aiohttp", reason="needs aiohttp, the HTTP client of fsspec")

SUFFIXES = (".json", ".sdf", ".fits", ".json.gz", ".sdf.gz", ".fits.zst")
PIXELS = np.random.default_rng(8).normal(size=(150, 200)).astype("f4")
WINDOW = Box.factory[20:30, 40:60]


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of an image in each container, by suffix of its name."""
    folder = tmp_path_factory.mktemp("remote")
    found = {}
    for suffix in SUFFIXES:
        base = suffix.removesuffix(".gz").removesuffix(".zst")
        path = folder / f"image{base}"
        Image(PIXELS).write(path, overwrite=True)
        encode = {".gz": gzip.compress, ".zst": imagecodecs.zstd_encode}.get(suffix[len(base) :], bytes)
        found[suffix] = encode(path.read_bytes())
    return found


@pytest.fixture
def server(
    suffix: str, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CountingServer]:
    if ".sdf" in suffix:
        pytest.importorskip("h5py")
    monkeypatch.setattr(_remote_source, "INITIAL_BACKOFF", 0.001)
    monkeypatch.setattr(_range_client, "READ_TIMEOUT", 0.2)
    with CountingServer(contents[suffix], path=f"/image{suffix}") as found:
        yield found


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fault", ["busy", "broken", "short", "reset", "truncated", "shifted", "whole"])
def test_read_transient_fault_is_retried(server: CountingServer, fault: str) -> None:
    server.misbehave = lambda number: fault if number % 3 == 1 else ""
    np.testing.assert_array_equal(read(server.url).array, PIXELS)
    found = read(server.url, bbox=WINDOW)
    np.testing.assert_array_equal(found.array, PIXELS[20:30, 40:60])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fault", ["busy", "broken", "forbidden", "short", "reset", "truncated", "stuck"])
def test_read_permanent_fault_raises_named_error(server: CountingServer, suffix: str, fault: str) -> None:
    server.misbehave = lambda number: fault
    for parameters in ({}, {"bbox": WINDOW}):
        with pytest.raises(ArchiveReadError, match=f"image{suffix}"):
            read(server.url, **parameters)
    server.release()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_read_missing_file_raises_file_not_found(server: CountingServer) -> None:
    with pytest.raises(FileNotFoundError):
        read(server.url.replace("/image", "/other"))


@pytest.mark.parametrize("suffix", [".json", ".fits"])
def test_read_retry_after_delays_next_request(server: CountingServer) -> None:
    server.misbehave = lambda number: "soon" if number == 1 else ""
    np.testing.assert_array_equal(read(server.url).array, PIXELS)
    starts = sorted(start for start, _ in server.intervals)
    assert max(starts) - min(starts) >= 1.0


@pytest.mark.parametrize("suffix", [".json", ".fits"])
def test_read_retry_after_beyond_deadline_raises_without_waiting(server: CountingServer) -> None:
    server.misbehave = lambda number: "later"
    with pytest.raises(ArchiveReadError, match="after 1 attempts .*3600 seconds"):
        read(server.url)


@pytest.mark.parametrize("suffix", [".json", ".sdf", ".fits.zst"])
def test_read_stalled_server_raises_at_deadline(
    server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_range_client, "READ_TIMEOUT", 50.0)
    monkeypatch.setenv("LSST_IMAGES_READ_DEADLINE", "0.3")
    server.misbehave = lambda number: "stuck"
    with pytest.raises(ArchiveReadError, match=r"within 0.3 seconds.*LSST_IMAGES_READ_DEADLINE"):
        read(server.url)
    server.release()
    monkeypatch.setenv("LSST_IMAGES_READ_DEADLINE", "soon")
    with pytest.raises(InvalidParameterError, match="LSST_IMAGES_READ_DEADLINE"):
        read(server.url)


@pytest.mark.parametrize("name", ["folder", "folder.fits", "folder.json", "folder.sdf", "folder.fits.gz"])
@pytest.mark.parametrize("use", [read, Image.read, Image.read_legacy])
def test_read_directory_or_pipe_raises_named_error(use: object, name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / f"pipe_{name}")
    assert callable(use)
    for path, kind in ((tmp_path / name, "a directory"), (tmp_path / f"pipe_{name}", "a pipe")):
        with pytest.raises(ArchiveReadError, match=kind):
            use(path)
        with pytest.raises(ArchiveReadError, match=kind):
            use(str(path))


@pytest.mark.parametrize("use", [read, Image.read, Image.read_legacy])
@pytest.mark.parametrize("suffix", [".fits", ".json", ".sdf", ".fits.gz"])
def test_read_invalid_path_raises_named_error(use: object, suffix: str, tmp_path: Path) -> None:
    assert callable(use)
    (tmp_path / "file").touch()
    for path in (f"{tmp_path}/file/x{suffix}", f"{tmp_path}/{'x' * 300}{suffix}", f"{tmp_path}/a\0{suffix}"):
        with pytest.raises(ImagesError):
            use(path)
    with pytest.raises(ImagesError, match="null character"):
        Image(PIXELS).write(f"{tmp_path}/a\0{suffix.removesuffix('.gz')}")
