# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Repositories with files in S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from helpers.butler_servers import BUCKET, s3
from helpers.repository import (
    BOX,
    DATA_ID,
    DATA_IDS,
    FULL,
    add_records,
    assert_same_pixels,
    assert_served,
    make_image,
    put_images,
    register,
)
from helpers.servers import CountingProxy
from lsst.daf.butler import Butler, Config
from lsst.images.butler import ingest_images, read_cutouts, verify_dataset
from test_pipelines import fill_inputs, run_pipeline


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[CountingProxy]:
    with s3(tmp_path_factory.mktemp("s3") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def root(store, tmp_path_factory) -> str:
    root = str(tmp_path_factory.mktemp("s3") / "repo")
    config = Config()
    config["datastore", "root"] = f"s3://{BUCKET}/{store.url.rpartition(':')[2]}"
    Butler.makeRepo(root, config=config, forceConfigRoot=False)
    butler = Butler.from_config(root, writeable=True, run="run")
    add_records(butler)
    register(butler, mi="MaskedImageV2")
    fill_inputs(butler)
    put_images(butler, "mi")
    return root


@pytest.fixture
def butler(root) -> Butler:
    return Butler.from_config(root, writeable=True, run="run")


def record_requests(store: CountingProxy, action: Callable[[], object]) -> list[str]:
    """Return the requests that an action makes."""
    store.restart_counting()
    action()
    return list(store.lines)


def test_get_returns_whole_box_and_component(butler):
    assert butler.getURI("mi", DATA_ID).scheme == "s3"
    assert_served(butler, "mi", DATA_ID, make_image(0))
    assert butler.get("mi.bbox", DATA_ID) == FULL


@pytest.mark.parametrize(
    "name, parameters, max_requests, max_round_trips",
    [("mi.bbox", None, 2, 1), ("mi.mask", {"bbox": BOX}, 4, 2), ("mi", {"bbox": BOX}, 6, 2)],
)
def test_get_part_stays_within_request_budget(
    butler, store, monkeypatch, name, parameters, max_requests, max_round_trips
):
    butler.get(name, DATA_ID, parameters=parameters)  # creates the S3 clients, which sends requests too
    # With a delay, concurrent requests overlap reliably.
    monkeypatch.setattr(store, "delay", 0.1)
    requests = record_requests(store, lambda: butler.get(name, DATA_ID, parameters=parameters))
    assert 0 < len(requests) <= max_requests, requests
    assert all("GET" in request for request in requests)
    assert store.round_trips() <= max_round_trips


# Faults of the server.


@pytest.fixture
def short_timeout(monkeypatch) -> Iterator[None]:
    """Create S3 clients with a timeout of one second; discard them after the test."""
    s3fs = pytest.importorskip("s3fs")
    monkeypatch.setattr(s3fs.S3FileSystem, "read_timeout", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    s3fs.S3FileSystem.clear_instance_cache()
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("fault", ["busy", "short", "reset", "truncated", "shifted", "slow", "whole"])
def test_get_temporary_server_faults_are_retried(butler, store, monkeypatch, short_timeout, fault):
    monkeypatch.setattr(store, "misbehave", lambda number: fault if number % 4 == 2 else "")
    store.restart_counting()
    found = butler.get("mi", DATA_ID, parameters={"bbox": BOX})
    assert_same_pixels(found, make_image(0)[BOX])
    assert len(store.requests) >= 2


@pytest.mark.parametrize(
    "fault, reason",
    [
        ("busy", "503|Service"),
        ("forbidden", "403|Forbidden"),
        ("short", "5 attempts"),
        ("truncated", "5 attempts.* instead of"),
        ("shifted", "5 attempts.* instead of"),
        ("stuck", "[Tt]imeout"),
    ],
)
def test_get_permanent_server_faults_name_dataset_file_and_reason(
    butler, store, monkeypatch, short_timeout, fault, reason
):
    ref, name = butler.find_dataset("mi", DATA_ID), butler.getURI("mi", DATA_ID).basename()
    monkeypatch.setattr(store, "misbehave", lambda number: fault)
    with pytest.raises((ValueError, RuntimeError), match=reason) as caught:
        butler.get("mi", DATA_ID, parameters={"bbox": BOX})
    store.release()
    assert str(ref.id) in str(caught.value) and name in str(caught.value)


def test_read_cutouts_batch_sends_fewer_requests_than_single_reads(butler, store):
    refs = sorted(butler.query_datasets("mi"))
    requests = [(ref, BOX.padded(-n)) for n in range(5) for ref in refs]
    found = []
    batch = record_requests(store, lambda: found.extend(read_cutouts(butler, requests)))
    one = record_requests(store, lambda: butler.get(refs[0], parameters={"bbox": BOX}))
    for cutout, (ref, box) in zip(found, requests, strict=True):
        assert_same_pixels(cutout.image, make_image(refs.index(ref))[box])
    # One read of the beginning and of the end of each file, and at most one request per plane of a cutout.
    assert len(batch) < 0.6 * len(requests) * len(one)


def test_get_whole_uses_the_butler_cache(butler, store, tmp_path, monkeypatch, root):
    monkeypatch.setenv("DAF_BUTLER_CACHE_DIRECTORY", str(tmp_path / "cache"))
    monkeypatch.setenv("DAF_BUTLER_CACHE_EXPIRATION_MODE", "datasets=10")
    config = Config(f"{root}/butler.yaml")
    config["datastore", "cached", "default"] = True
    cached = Butler.from_config(config, collections="run")
    assert_same_pixels(cached.get("mi", DATA_ID), make_image(0))
    assert list((tmp_path / "cache").rglob("*.fits"))
    second = record_requests(store, lambda: assert_same_pixels(cached.get("mi", DATA_ID), make_image(0)))
    parts = record_requests(store, lambda: cached.get("mi.mask", DATA_ID, parameters={"bbox": BOX}))
    assert not [r for r in second + parts if r.startswith("GET")]


def test_ingest_images_direct_leaves_remote_files_in_place(butler, tmp_path):
    refs = butler.query_datasets("mi", "run")
    uris = [butler.getURI(ref) for ref in refs]
    report = ingest_images(butler, uris, "mi", "direct", transfer="direct")
    assert len(report.ingested) == len(uris) and not report.failed
    assert_same_pixels(butler.get("mi", DATA_ID, collections="direct"), make_image(0))


def test_get_truncated_object_names_the_file(butler, root):
    butler.collections.register("bad")
    ref = butler.put(make_image(), "mi", DATA_ID, run="bad")
    uri = butler.getURI(ref)
    uri.write(uri.read()[:-2880])
    # The Butler that put the file may have it in its cache.
    butler = Butler.from_config(root)
    for parameters in (None, {"bbox": BOX}):
        with pytest.raises((ValueError, RuntimeError), match=uri.basename()):
            butler.get(ref, parameters=parameters)
    assert verify_dataset(butler, ref)


def test_pipeline_with_s3_datastore_writes_all_outputs(root):
    assert run_pipeline(root) == len(DATA_IDS) + 1
