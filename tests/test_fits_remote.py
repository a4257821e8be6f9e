# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files behind HTTP and S3 servers: pixels, and how many requests they cost."""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from lsst.images import Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.errors import ArchiveReadError, CorruptArchiveError, NotAnArchiveError
from lsst.images.fits import _remote_source
from lsst.images.fits._encode import compress_image
from lsst.images.fits._file import FitsFile
from lsst.images.fits._image_hdu import encode_primary
from lsst.images.io import open_archive, read, write
from lsst.images.legacy import open_legacy
from lsst.resources import ResourcePath
from servers import CountingServer

pytest.importorskip("aiohttp", reason="reading over http needs aiohttp")

DATA = Path(__file__).parents[2] / "shared" / "data"
BOX = (slice(700, 956), slice(1100, 1356))


def make_file(tile: tuple[int, int] | None) -> tuple[bytes, list[np.ndarray]]:
    rng = np.random.default_rng(1)
    planes = [
        rng.normal(100, 10, (1500, 1600)).astype("f4"),
        rng.integers(0, 3, (1500, 1600), dtype="i4"),
        rng.normal(10, 1, (1500, 1600)).astype("f4"),
    ]
    stream = io.BytesIO()
    encode_primary().write(stream)
    for plane in planes:
        compress_image(plane, tile_shape=tile).write(stream)
    return stream.getvalue(), planes


@pytest.fixture(scope="module")
def square_file() -> tuple[bytes, list[np.ndarray]]:
    return make_file(None)


@pytest.fixture
def server(
    square_file: tuple[bytes, list[np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CountingServer]:
    monkeypatch.setattr(_remote_source, "FIRST_PAUSE", 0.001)
    found = CountingServer(square_file[0])
    yield found
    found.http.shutdown()


def trips(requests: list[Any], before: int) -> int:
    return len(requests) - before


def test_a_box_of_three_planes_takes_three_round_trips(
    server: CountingServer, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    content, planes = square_file
    addresses = [hdu.header_address for hdu in FitsFile.open(content)][1:]
    with FitsFile.open(server.url) as file:
        # First trip: both ends of the file.
        assert sorted(server.requests) == [("GET", "bytes=-69120"), ("GET", "bytes=0-34559")]
        file.fetch_headers(addresses)
        hdus = [file.hdu_at(address) for address in addresses]
        # Second trip: the headers and tile tables; one of them came with the first.
        second = len(server.requests)
        assert second <= 2 + len(addresses)
        file.fetch_pixels([(hdu, BOX) for hdu in hdus])
        # Third trip: rows of tiles, three for each plane.
        third = len(server.requests)
        assert third - second <= 3 * len(hdus)
        for hdu, plane in zip(hdus, planes, strict=True):
            np.testing.assert_array_equal(hdu.read_image(BOX), plane[BOX])
        assert len(server.requests) == third
        wanted = sum(size for hdu in hdus for _, size in hdu.byte_ranges(BOX))
    assert server.sent < 1.2 * wanted + 34560 + 69120 + len(addresses) * 11520
    assert server.sent < 1_500_000
    assert all(method == "GET" for method, _ in server.requests)


def test_requests_of_one_trip_are_made_at_the_same_time(server: CountingServer) -> None:
    with FitsFile.open(server.url) as file:
        server.delay = 0.2
        file.source.read_many([(offset, 10) for offset in range(300_000, 700_000, 40_000)])
        assert server.most_at_once > 3


def test_files_without_an_index_are_read_by_arithmetic(
    server: CountingServer, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    with FitsFile.open(server.url) as file:
        np.testing.assert_array_equal(file.hdu(2).read_image(BOX), square_file[1][1][BOX])
    # Both ends, the headers on the way, and the tiles.
    assert len(server.requests) <= 6


def test_a_box_of_row_tiles_takes_one_request_for_all_tiles() -> None:
    content, planes = make_file((1, 1600))
    server = CountingServer(content)
    with FitsFile.open(server.url) as file:
        hdu = file.hdu(1)
        before = len(server.requests)
        np.testing.assert_array_equal(hdu.read_image(BOX), planes[0][BOX])
        assert trips(server.requests, before) == 1
    server.http.shutdown()


def test_whole_images_many_boxes_and_plain_ranges_are_right(
    server: CountingServer, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    content, planes = square_file
    with FitsFile.open(ResourcePath(server.url)) as file:
        np.testing.assert_array_equal(file.hdu(3).read_image(), planes[2])
        boxes = [(slice(k, k + 64), slice(2 * k, 2 * k + 64)) for k in range(0, 600, 40)]
        before = len(server.requests)
        for found, box in zip(file.hdu(1).read_boxes(boxes), boxes, strict=True):
            np.testing.assert_array_equal(found, planes[0][box])
        assert trips(server.requests, before) <= 8
        assert bytes(file.source.read(1000, 50)) == content[1000:1050]
        with pytest.raises(CorruptArchiveError, match="truncated"):
            file.source.read(len(content) - 5, 10)
    with pytest.raises(ArchiveReadError, match="closed"):
        file.source.read(500_000, 10)


def test_missing_files_and_refusals_are_reported_as_such(server: CountingServer) -> None:
    with pytest.raises(FileNotFoundError):
        FitsFile.open(server.url.replace("file", "other"))
    server.misbehave = lambda number: "forbidden"
    with pytest.raises(ArchiveReadError, match="403"):
        FitsFile.open(server.url)
    server.misbehave = lambda number: ""
    server.content = b'{"not": "FITS"}'
    with pytest.raises(NotAnArchiveError, match="file.fits"):
        FitsFile.open(server.url)


@pytest.mark.parametrize("how", ["busy", "short", "shifted"])
def test_passing_trouble_is_mended_by_another_try(
    how: str, server: CountingServer, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    server.misbehave = lambda number: how if number % 3 == 1 else ""
    with FitsFile.open(server.url) as file:
        np.testing.assert_array_equal(file.hdu(1).read_image(BOX), square_file[1][0][BOX])


@pytest.mark.parametrize("how", ["busy", "short", "shifted"])
def test_lasting_trouble_is_an_error_and_never_pixels(how: str, server: CountingServer) -> None:
    with FitsFile.open(server.url) as file:
        hdu = file.hdu(1)
        before = len(server.requests)
        server.misbehave = lambda number: how
        with pytest.raises(ArchiveReadError, match="5 tries"):
            hdu.read_image(BOX)
        assert trips(server.requests, before) <= 5 * 4


def test_a_file_that_is_replaced_while_it_is_read_is_noticed(server: CountingServer) -> None:
    with FitsFile.open(server.url) as file:
        hdu = file.hdu(1)
        server.misbehave = lambda number: "changed"
        with pytest.raises(ArchiveReadError, match="was replaced"):
            hdu.read_image(BOX)


def test_servers_that_ignore_ranges_are_understood(
    server: CountingServer, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    server.misbehave = lambda number: "whole"
    with FitsFile.open(server.url) as file:
        np.testing.assert_array_equal(file.hdu(1).read_image(BOX), square_file[1][0][BOX])


def test_other_file_systems_are_read_through_fsspec(square_file: tuple[bytes, list[np.ndarray]]) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/folder/file.fits", square_file[0])

    class Elsewhere(ResourcePath):
        """A path of a scheme that only fsspec knows."""

        def __new__(cls) -> Any:
            return object.__new__(cls)

        def to_fsspec(self) -> Any:
            return fsspec.url_to_fs("memory://folder/file.fits")

        def __str__(self) -> str:
            return "memory://folder/file.fits"

    with FitsFile(_remote_source.RemoteSource(Elsewhere())) as file:
        np.testing.assert_array_equal(file.hdu(1).read_image(BOX), square_file[1][0][BOX])


@pytest.fixture(scope="module")
def s3_url(square_file: tuple[bytes, list[np.ndarray]]) -> Iterator[str]:
    pytest.importorskip("moto.server", reason="the S3 server of the tests is moto's")
    pytest.importorskip("s3fs", reason="reading from S3 needs s3fs")
    boto3 = pytest.importorskip("boto3")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    patch = pytest.MonkeyPatch()
    for name, value in (
        ("S3_ENDPOINT_URL", f"http://127.0.0.1:{port}"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("LSST_DISABLE_BUCKET_VALIDATION", "1"),
    ):
        patch.setenv(name, value)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="folder/file.fits", Body=square_file[0])
        yield "s3://bucket/folder/file.fits"
    finally:
        patch.undo()
        process.terminate()
        process.wait()


def test_boxes_of_files_on_s3_are_read(s3_url: str, square_file: tuple[bytes, list[np.ndarray]]) -> None:
    content, planes = square_file
    with FitsFile.open(s3_url) as file:
        assert file.source.size == len(content)
        for k, plane in enumerate(planes, start=1):
            np.testing.assert_array_equal(file.hdu(k).read_image(BOX), plane[BOX])
    with pytest.raises(FileNotFoundError):
        FitsFile.open(s3_url.replace("file", "other"))


# Files of ours and of lsst.afw, through the front door.


@pytest.fixture(scope="module")
def masked_image() -> MaskedImage:
    rng = np.random.default_rng(4)
    bbox = Box.factory[50:1650, -20:1780]
    mask = Mask(0, schema=MaskSchema([MaskPlane(f"P{i}", f"Plane {i}.") for i in range(12)]), bbox=bbox)
    for name in mask.schema.names:
        mask.set(name, rng.random(bbox.shape) < 0.002)
    image, variance = (
        Image(rng.normal(200, 14, bbox.shape).astype("f4"), bbox=bbox, unit=unit)
        for unit in (u.nJy, u.nJy**2)
    )
    return MaskedImage(image, mask=mask, variance=variance)


WINDOW = Box.factory[800:1056, 700:956]


@pytest.fixture
def own_server(
    masked_image: MaskedImage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CountingServer]:
    path = tmp_path_factory.getbasetemp() / "own.fits"
    if not path.exists():
        write(masked_image, path)
    with serving(path) as found:
        yield found


@contextlib.contextmanager
def serving(path: Path) -> Iterator[CountingServer]:
    found = CountingServer(path.read_bytes())
    # Requests that do not wait for one another overlap for certain.
    found.delay = 0.1
    yield found
    found.http.shutdown()


def test_a_box_of_a_masked_image_takes_three_trips_and_little_more_than_its_tiles(
    own_server: CountingServer, masked_image: MaskedImage
) -> None:
    found = read(own_server.url, bbox=WINDOW)
    assert found.image == masked_image.image[WINDOW]
    assert found.mask == masked_image.mask[WINDOW]
    assert found.variance == masked_image.variance[WINDOW]
    assert own_server.trips() <= 3
    assert own_server.sent <= 1_500_000


def test_components_by_box_take_three_trips(own_server: CountingServer, masked_image: MaskedImage) -> None:
    with open_archive(own_server.url) as reader:
        assert reader.get_component("mask", bbox=WINDOW) == masked_image.mask[WINDOW]
    assert own_server.trips() <= 3
    assert own_server.sent <= 1_500_000


def test_a_whole_read_fetches_no_byte_twice_although_it_verifies(
    own_server: CountingServer, masked_image: MaskedImage
) -> None:
    assert read(own_server.url).variance == masked_image.variance
    assert own_server.sent < 1.01 * len(own_server.content) + 34560 + 69120


def test_a_box_through_the_butler_takes_three_trips(
    own_server: CountingServer, masked_image: MaskedImage, tmp_path: Path
) -> None:
    daf_butler = pytest.importorskip("lsst.daf.butler")
    butler_world = pytest.importorskip("butler_world")
    butler = butler_world.new_repo(tmp_path / "repo", mi="MaskedImageV2")
    ref = daf_butler.DatasetRef(
        butler.get_dataset_type("mi"), butler.registry.expandDataId(butler_world.DATA_ID), run="run"
    )
    dataset = daf_butler.FileDataset(
        own_server.url, [ref], formatter="lsst.images.formatters.GenericFormatter"
    )
    butler.ingest(dataset, transfer="direct")
    own_server.restart_counting()
    found = butler.get(ref, parameters={"bbox": WINDOW})
    assert found.image == masked_image.image[WINDOW]
    ranges = [asked for method, asked in own_server.requests if method == "GET"]
    assert all(ranges)
    assert own_server.trips() <= 3
    assert own_server.sent <= 1_500_000


@pytest.mark.skipif(not DATA.is_dir(), reason="the example files are not here")
@pytest.mark.parametrize(
    "name",
    ["examples/visit_image", "examples/visit_image_piff", "examples/cell_coadd", "examples/color_image"],
)
def test_boxes_of_other_types_take_three_trips(name: str) -> None:
    path = DATA / f"{name}.fits"
    with serving(path) as server:
        with open_archive(server.url) as reader:
            box = reader.get_component("bbox").padded(-5)
            found = reader.read(bbox=box)
        assert server.trips() <= 3
    truth = read(path, bbox=box)
    plane = "red" if "color" in name else "image"
    assert getattr(found, plane) == getattr(truth, plane)


@pytest.mark.skipif(not DATA.is_dir(), reason="the example files are not here")
@pytest.mark.parametrize(
    "name",
    [
        "afw/exposure_bare",
        "afw/exposure_lossless",
        "legacy/calexp/obs_base_calexp",
        "legacy/calexp/deblender_ticket1738",
    ],
)
def test_boxes_of_legacy_files_take_four_trips(name: str) -> None:
    path = DATA / f"{name}.fits"
    with serving(path) as server:
        with open_legacy(server.url) as reader:
            box = reader.get_component("bbox").padded(-5)
            found = reader.read(bbox=box)
        assert server.trips() <= 4
    with open_legacy(path) as reader:
        truth = reader.read(bbox=box)
    for plane in ("image", "mask", "variance"):
        assert getattr(found, plane) == getattr(truth, plane)
