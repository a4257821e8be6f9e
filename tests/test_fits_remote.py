# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files behind HTTP and S3 servers: pixels, and how many requests they cost."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.butler_servers import BUCKET, s3
from helpers.servers import CountingProxy, CountingServer, WebServer
from lsst.images import Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images._bytes import _range_client, _remote_source  # private: timeouts are shortened
from lsst.images.errors import ArchiveReadError, CorruptArchiveError, NotAnArchiveError
from lsst.images.fits import FitsCompressionOptions, FitsFile
from lsst.images.fits._archive import _input_archive  # private: MAX_PREFETCH_SIZE is lowered
from lsst.images.fits._hdus import _file  # private: MAX_PREFETCH_SIZE is lowered
from lsst.images.fits._hdus._image_writer import encode_primary  # private: writes minimal files
from lsst.images.fits._tiles._tile_writer import compress_image  # private: writes minimal files
from lsst.images.io import open_archive, read, write
from lsst.images.legacy import open_legacy
from lsst.resources import ResourcePath

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
    monkeypatch.setattr(_remote_source, "INITIAL_BACKOFF", 0.001)
    found = CountingServer(square_file[0])
    yield found
    found.close()


def trips(requests: list[Any], before: int) -> int:
    return len(requests) - before


def test_remote_box_of_three_planes_takes_three_round_trips(
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


def test_remote_requests_of_one_trip_are_concurrent(server: CountingServer) -> None:
    with FitsFile.open(server.url) as file:
        server.delay = 0.2
        file.source.read_many([(offset, 10) for offset in range(300_000, 700_000, 40_000)])
        assert server.max_busy > 3


def test_remote_file_without_index_is_read(
    server: CountingServer, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    with FitsFile.open(server.url) as file:
        np.testing.assert_array_equal(file.hdu(2).read_image(BOX), square_file[1][1][BOX])
    # Both ends, the headers on the way, and the tiles.
    assert len(server.requests) <= 6


def test_remote_box_of_row_tiles_takes_one_request() -> None:
    content, planes = make_file((1, 1600))
    server = CountingServer(content)
    with FitsFile.open(server.url) as file:
        hdu = file.hdu(1)
        before = len(server.requests)
        np.testing.assert_array_equal(hdu.read_image(BOX), planes[0][BOX])
        assert trips(server.requests, before) == 1
    server.close()


def test_remote_whole_images_boxes_and_ranges_are_correct(
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


def test_remote_missing_or_forbidden_file_raises(server: CountingServer) -> None:
    with pytest.raises(FileNotFoundError):
        FitsFile.open(server.url.replace("file", "other"))
    server.misbehave = lambda number: "forbidden"
    with pytest.raises(ArchiveReadError, match="403"):
        FitsFile.open(server.url)
    server.misbehave = lambda number: ""
    server.content = b'{"not": "FITS"}'
    with pytest.raises(NotAnArchiveError, match="file.fits"):
        FitsFile.open(server.url)


def test_remote_other_file_system_is_read_by_fsspec(square_file: tuple[bytes, list[np.ndarray]]) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/folder/file.fits", square_file[0])

    class Elsewhere(ResourcePath):
        """A path of a scheme that only fsspec supports."""

        def __new__(cls) -> Any:
            return object.__new__(cls)

        def to_fsspec(self) -> Any:
            return fsspec.url_to_fs("memory://folder/file.fits")

        def __str__(self) -> str:
            return "memory://folder/file.fits"

    with FitsFile(_remote_source.RemoteSource(Elsewhere())) as file:
        np.testing.assert_array_equal(file.hdu(1).read_image(BOX), square_file[1][0][BOX])


# The same file on two kinds of servers, which misbehave.


@dataclasses.dataclass
class RemoteFile:
    """A file on a server."""

    url: str
    server: WebServer


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingProxy]:
    with s3(tmp_path_factory.mktemp("s3") / "log") as found:
        yield found


@contextlib.contextmanager
def serve(
    kind: str, content: bytes, request: pytest.FixtureRequest, delay: float = 0.0
) -> Iterator[RemoteFile]:
    """Put a file on a server of a kind, which is forgiving again afterwards."""
    if kind == "http":
        with CountingServer(content, delay) as server:
            yield RemoteFile(server.url, server)
        return
    s3fs, boto3 = pytest.importorskip("s3fs"), pytest.importorskip("boto3")
    proxy = request.getfixturevalue("store")
    client = boto3.client("s3", endpoint_url=proxy.url)
    client.put_object(Bucket=BUCKET, Key="folder/file.fits", Body=content)
    # Clients that were made with more patience, or have connections that hang.
    s3fs.S3FileSystem.clear_instance_cache()
    proxy.restart_counting()
    proxy.delay = delay
    try:
        yield RemoteFile(f"s3://{BUCKET}/folder/file.fits", proxy)
    finally:
        proxy.delay, proxy.misbehave = 0.0, lambda number: ""
        proxy.release()
        s3fs.S3FileSystem.clear_instance_cache()


KINDS = pytest.mark.parametrize("kind", ["http", "s3"])


@pytest.fixture
def remote(
    kind: str,
    square_file: tuple[bytes, list[np.ndarray]],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[RemoteFile]:
    monkeypatch.setattr(_remote_source, "INITIAL_BACKOFF", 0.001)
    monkeypatch.setattr(_range_client, "READ_TIMEOUT", 0.5)
    if kind == "s3":
        monkeypatch.setattr(pytest.importorskip("s3fs").S3FileSystem, "read_timeout", 0.5)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with serve(kind, square_file[0], request) as found:
        yield found


@KINDS
def test_remote_missing_file_raises_file_not_found(remote: RemoteFile) -> None:
    with pytest.raises(FileNotFoundError, match="other"):
        FitsFile.open(remote.url.replace("file.fits", "other.fits"))


@KINDS
@pytest.mark.parametrize(
    "fault",
    ["busy", "broken", "short", "reset", "truncated", "inconsistent", "shifted", "stuck", "slow", "whole"],
)
def test_remote_transient_errors_are_retried(
    remote: RemoteFile, kind: str, fault: str, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    remote.server.misbehave = lambda number: fault if number % 3 == 1 else ""
    with FitsFile.open(remote.url) as file:
        np.testing.assert_array_equal(file.hdu(1).read_image(BOX), square_file[1][0][BOX])
    assert len(remote.server.requests) > 2


@KINDS
@pytest.mark.parametrize("fault", ["slow", "whole"])
def test_remote_slow_server_or_ignored_ranges_return_correct_pixels(
    remote: RemoteFile, kind: str, fault: str, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    remote.server.misbehave = lambda number: fault
    with FitsFile.open(remote.url) as file:
        np.testing.assert_array_equal(file.hdu(1).read_image(BOX), square_file[1][0][BOX])


LASTING = {
    "busy": "503",
    "broken": "500",
    "forbidden": "403",
    "unsatisfiable": "416",
    "short": "5 attempts",
    "reset": "5 attempts",
    "truncated": "the reply has bytes .* instead of",
    "inconsistent": "but its Content-Range|ContentLength|5 attempts",
    "shifted": "the reply has bytes .* instead of",
    "stuck": "[Tt]imeout",
    "changed": "was replaced while it was being read: its ETag",
}


@KINDS
@pytest.mark.parametrize("fault", LASTING)
def test_remote_permanent_error_raises_with_name_and_reason(
    remote: RemoteFile, kind: str, fault: str
) -> None:
    with FitsFile.open(remote.url) as file:
        hdu = file.hdu(1)
        before = len(remote.server.requests)
        remote.server.misbehave = lambda number: fault
        with pytest.raises(ArchiveReadError, match=LASTING[fault]) as caught:
            hdu.read_image(BOX)
        assert "file.fits" in str(caught.value)
        # Three ranges, five times each.
        assert trips(remote.server.requests, before) <= 3 * 5


@KINDS
@pytest.mark.parametrize("fault", ["shifted", "truncated", "inconsistent", "busy"])
def test_remote_failed_suffix_request_costs_one_request(
    remote: RemoteFile, kind: str, fault: str, square_file: tuple[bytes, list[np.ndarray]]
) -> None:
    # The end is asked for by its length, which not every server understands.
    requests = remote.server.requests
    remote.server.misbehave = lambda number: (
        fault if str(requests[number - 1][1]).startswith("bytes=-") else ""
    )
    with FitsFile.open(remote.url) as file:
        np.testing.assert_array_equal(file.hdu(3).read_image(BOX), square_file[1][2][BOX])
    assert any(str(asked).startswith("bytes=-") for _, asked in requests)


def test_remote_replaced_file_with_same_etag_is_detected_by_size(server: CountingServer) -> None:
    with FitsFile.open(server.url) as file:
        hdu = file.hdu(1)
        server.content += bytes(2880)
        with pytest.raises(ArchiveReadError, match="its size changed"):
            hdu.read_image(BOX)


def test_remote_stopped_server_raises(server: CountingServer) -> None:
    server.close()
    with pytest.raises(ArchiveReadError, match="file.fits cannot be read: .*Connection refused"):
        FitsFile.open(server.url)


# Files of this package and of lsst.afw, through the public entry points.


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


@pytest.fixture(scope="module")
def own_file(masked_image: MaskedImage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.fits"
    write(masked_image, path)
    return path


@pytest.fixture
def own_server(own_file: Path) -> Iterator[CountingServer]:
    with CountingServer(own_file.read_bytes(), DELAY) as found:
        yield found


DELAY = 0.4
"""Seconds without a request after which those before are answered: one trip."""


def bytes_of(content: bytes, box: tuple[slice, slice]) -> tuple[int, int]:
    """Return how many bytes the tiles of a box take in all planes, and all headers."""
    with FitsFile.open(content) as file:
        hdus = list(file)
    tiles = [hdu.byte_ranges(box) for hdu in hdus if hdu.kind == "compressed_image"]
    headers = sum(hdu.data_address - hdu.header_address for hdu in hdus)
    return sum(size for ranges in tiles for _, size in ranges), headers


@KINDS
def test_remote_box_of_masked_image_takes_two_trips(
    kind: str, own_file: Path, masked_image: MaskedImage, request: pytest.FixtureRequest
) -> None:
    content = own_file.read_bytes()
    with serve(kind, content, request, DELAY) as remote:
        found = read(remote.url, bbox=WINDOW)
        assert remote.server.round_trips() == 2
        assert {method for method, _ in remote.server.requests} == {"GET"}
    assert found.image == masked_image.image[WINDOW]
    assert found.mask == masked_image.mask[WINDOW]
    assert found.variance == masked_image.variance[WINDOW]
    tiles, headers = bytes_of(content, WINDOW.slice_within(masked_image.bbox))
    assert remote.server.sent <= 1.2 * tiles + headers
    assert remote.server.sent <= 1_500_000


@KINDS
@pytest.mark.parametrize("name", ["image", "mask", "variance"])
def test_remote_component_by_box_takes_two_trips(
    kind: str, name: str, own_file: Path, masked_image: MaskedImage, request: pytest.FixtureRequest
) -> None:
    with serve(kind, own_file.read_bytes(), request, DELAY) as remote:
        with open_archive(remote.url) as reader:
            assert reader.get_component(name, bbox=WINDOW) == getattr(masked_image, name)[WINDOW]
        assert remote.server.round_trips() == 2


@KINDS
def test_remote_box_of_ten_thousand_tiles_takes_three_trips(
    kind: str, masked_image: MaskedImage, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # As many as an image of 16000 x 16000 pixels has; its index does not fit into the first request.
    small = FitsCompressionOptions(tile_shape=(160, 2))
    options = dict.fromkeys(("image", "mask", "variance"), small)
    write(masked_image, tmp_path / "a.fits", compression_options=options)
    with serve(kind, (tmp_path / "a.fits").read_bytes(), request, DELAY) as remote:
        assert read(remote.url, bbox=WINDOW).mask == masked_image.mask[WINDOW]
        assert remote.server.round_trips() <= 3


def without_places(content: bytes) -> bytes:
    # As files of others are.
    assert content.count(b"'ZBYTES  '") == 1
    return content.replace(b"'ZBYTES  '", b"'UNKNOWN '")


def with_other_places(content: bytes) -> bytes:
    # Lengths of tiles that are possible, but not true.
    with FitsFile.open(content) as file:
        index = file.find("INDEX")
        lengths = index.read_table().column("ZBYTES")[1].astype(">i4")
    assert content.count(lengths.tobytes()) == 1
    return content.replace(lengths.tobytes(), lengths[::-1].tobytes())


def with_garbage(content: bytes) -> bytes:
    with FitsFile.open(content) as file:
        index = file.find("INDEX")
        lengths = index.read_table().column("ZBYTES")[1].astype(">i4")
    return content.replace(lengths.tobytes(), b"\xff" * lengths.nbytes)


@pytest.mark.parametrize("change", [without_places, with_other_places, with_garbage])
def test_remote_index_without_tiles_costs_one_trip(
    change: Callable[[bytes], bytes], own_file: Path, masked_image: MaskedImage
) -> None:
    with CountingServer(change(own_file.read_bytes()), DELAY) as server:
        found = read(server.url, bbox=WINDOW)
        assert server.round_trips() == 3
    assert found.image == masked_image.image[WINDOW]
    assert found.mask == masked_image.mask[WINDOW]
    assert found.variance == masked_image.variance[WINDOW]


def test_remote_whole_file_larger_than_cache_is_fetched_once(
    own_file: Path, masked_image: MaskedImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_remote_source, "READ_CACHE_MAX_BYTES", 9_000_000)
    for module in (_file, _input_archive):
        monkeypatch.setattr(module, "MAX_PREFETCH_SIZE", 8_000_000)
    with CountingServer(own_file.read_bytes()) as server:
        assert read(server.url).variance == masked_image.variance
        assert server.sent < 1.01 * len(server.content) + 34560 + 69120


def test_remote_verified_whole_read_fetches_each_byte_once(
    own_server: CountingServer, masked_image: MaskedImage
) -> None:
    assert read(own_server.url).variance == masked_image.variance
    assert own_server.sent < 1.01 * len(own_server.content) + 34560 + 69120


def test_remote_butler_box_takes_two_trips(
    own_server: CountingServer, masked_image: MaskedImage, tmp_path: Path
) -> None:
    daf_butler = pytest.importorskip("lsst.daf.butler")
    repository = pytest.importorskip("helpers.repository")
    butler = repository.new_repo(tmp_path / "repo", mi="MaskedImageV2")
    ref = daf_butler.DatasetRef(
        butler.get_dataset_type("mi"), butler.registry.expandDataId(repository.DATA_ID), run="run"
    )
    dataset = daf_butler.FileDataset(
        own_server.url, [ref], formatter="lsst.images.formatters.GenericFormatter"
    )
    butler.ingest(dataset, transfer="direct")
    own_server.restart_counting()
    found = butler.get(ref, parameters={"bbox": WINDOW})
    assert found.image == masked_image.image[WINDOW]
    assert all(asked for _, asked in own_server.requests)
    assert own_server.round_trips() == 2
    assert own_server.sent <= 1_500_000


NEEDS_DATA = pytest.mark.skipif(not DATA.is_dir(), reason="the example files are not here")


@NEEDS_DATA
@KINDS
@pytest.mark.parametrize(
    "name",
    ["examples/visit_image", "examples/visit_image_piff", "examples/cell_coadd", "examples/color_image"],
)
def test_remote_box_of_file_without_index_takes_three_trips(
    kind: str, name: str, request: pytest.FixtureRequest
) -> None:
    path = DATA / f"{name}.fits"
    with serve(kind, path.read_bytes(), request, DELAY) as remote:
        with open_archive(remote.url) as reader:
            box = reader.get_component("bbox").padded(-5)
            found = reader.read(bbox=box)
        assert remote.server.round_trips() <= 3
    truth = read(path, bbox=box)
    plane = "red" if "color" in name else "image"
    assert getattr(found, plane) == getattr(truth, plane)


@NEEDS_DATA
@KINDS
@pytest.mark.parametrize(
    "name",
    [
        "afw/exposure_bare",
        "afw/exposure_lossless",
        "legacy/calexp/obs_base_calexp",
        "legacy/calexp/deblender_ticket1738",
    ],
)
def test_remote_box_of_legacy_file_takes_four_trips(
    kind: str, name: str, request: pytest.FixtureRequest
) -> None:
    path = DATA / f"{name}.fits"
    with serve(kind, path.read_bytes(), request, DELAY) as remote:
        with open_legacy(remote.url) as reader:
            box = reader.get_component("bbox").padded(-5)
            found = reader.read(bbox=box)
        assert remote.server.round_trips() <= 4
    with open_legacy(path) as reader:
        truth = reader.read(bbox=box)
    for plane in ("image", "mask", "variance"):
        assert getattr(found, plane) == getattr(truth, plane)
