# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A repository whose files are in an S3 store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from butler_servers import BUCKET, S3, s3
from butler_world import BOX, DATA_ID, DATA_IDS, FULL, add_records, assert_same_pixels, make_image, register
from lsst.daf.butler import Butler, Config
from lsst.images.butler import ingest_images, read_cutouts, verify_dataset
from test_pipelines import run_pipeline


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[S3]:
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
    register(butler, mi="MaskedImageV2", calexp="MaskedImageV2")
    butler.collections.register("inputs")
    for seed, data_id in enumerate(DATA_IDS):
        butler.put(make_image(seed), "mi", data_id)
        butler.put(make_image(seed), "calexp", data_id, run="inputs")
    return root


@pytest.fixture
def butler(root) -> Butler:
    return Butler.from_config(root, writeable=True, run="run")


def count(store: S3, action: Callable[[], object]) -> list[str]:
    """Return the requests that an action makes."""
    before = len(store.requests())
    action()
    time.sleep(0.1)  # the server logs after it has answered
    return store.requests()[before:]


def test_images_come_whole_by_box_and_by_component(butler):
    assert butler.getURI("mi", DATA_ID).scheme == "s3"
    assert_same_pixels(butler.get("mi", DATA_ID), make_image(0))
    assert_same_pixels(butler.get("mi", DATA_ID, parameters={"bbox": BOX}), make_image(0)[BOX])
    assert butler.get("mi.mask", DATA_ID, parameters={"bbox": BOX}) == make_image(0).mask[BOX]
    assert butler.get("mi.bbox", DATA_ID) == FULL


@pytest.mark.parametrize(
    "name, parameters, most",
    [("mi.bbox", None, 4), ("mi.mask", {"bbox": BOX}, 6), ("mi", {"bbox": BOX}, 8)],
)
def test_parts_cost_few_requests_and_never_the_whole_file(butler, store, name, parameters, most):
    butler.get(name, DATA_ID, parameters=parameters)  # clients are made with the first
    made = count(store, lambda: butler.get(name, DATA_ID, parameters=parameters))
    assert 0 < len(made) <= most, made
    assert all("GET" in request for request in made)


def test_a_batch_of_cutouts_costs_fewer_requests_than_its_parts(butler, store):
    refs = sorted(butler.query_datasets("mi"))
    requests = [(ref, BOX.padded(-n)) for n in range(5) for ref in refs]
    found = []
    batch = count(store, lambda: found.extend(read_cutouts(butler, requests)))
    one = count(store, lambda: butler.get(refs[0], parameters={"bbox": BOX}))
    for cutout, (ref, box) in zip(found, requests, strict=True):
        assert_same_pixels(cutout.image, make_image(refs.index(ref))[box])
    # A head and a tail for each file, and no more than a request for each plane of a piece.
    assert len(batch) < 0.6 * len(requests) * len(one)


def test_wholes_come_through_the_butlers_cache(butler, store, tmp_path, monkeypatch, root):
    monkeypatch.setenv("DAF_BUTLER_CACHE_DIRECTORY", str(tmp_path / "cache"))
    monkeypatch.setenv("DAF_BUTLER_CACHE_EXPIRATION_MODE", "datasets=10")
    config = Config(f"{root}/butler.yaml")
    config["datastore", "cached", "default"] = True
    cached = Butler.from_config(config, collections="run")
    assert_same_pixels(cached.get("mi", DATA_ID), make_image(0))
    assert list((tmp_path / "cache").rglob("*.fits"))
    again = count(store, lambda: assert_same_pixels(cached.get("mi", DATA_ID), make_image(0)))
    parts = count(store, lambda: cached.get("mi.mask", DATA_ID, parameters={"bbox": BOX}))
    assert not [r for r in again + parts if r.startswith("GET")]


def test_remote_files_are_ingested_where_they_are(butler, tmp_path):
    refs = butler.query_datasets("mi", "run")
    uris = [butler.getURI(ref) for ref in refs]
    report = ingest_images(butler, uris, "mi", "direct", transfer="direct")
    assert len(report.ingested) == len(uris) and not report.failed
    assert_same_pixels(butler.get("mi", DATA_ID, collections="direct"), make_image(0))


def test_a_truncated_object_is_told(butler, root):
    butler.collections.register("bad")
    ref = butler.put(make_image(), "mi", DATA_ID, run="bad")
    uri = butler.getURI(ref)
    uri.write(uri.read()[:-2880])
    # Who put it has it in its cache.
    butler = Butler.from_config(root)
    for parameters in (None, {"bbox": BOX}):
        with pytest.raises((ValueError, RuntimeError), match=uri.basename()):
            butler.get(ref, parameters=parameters)
    assert verify_dataset(butler, ref)


def test_the_pipeline_is_the_same_as_on_a_laptop(root):
    assert run_pipeline(root) == len(DATA_IDS) + 1
