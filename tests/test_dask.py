# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of functions of stored images on a cluster of processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.repository import BOX, DATA_IDS, make_image, new_repo
from lsst.daf.butler import Butler
from lsst.images.dask import iter_images, map_images
from lsst.images.errors import NoOverlapError

distributed = pytest.importorskip("distributed")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    path = os.pathsep.join([str(ROOT / "python"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    before, os.environ["PYTHONPATH"] = os.environ.get("PYTHONPATH"), path
    try:
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


@pytest.fixture(scope="module")
def butler(tmp_path_factory) -> Butler:
    butler = new_repo(tmp_path_factory.mktemp("dask") / "repo", mi="MaskedImageV2")
    for seed, data_id in enumerate(DATA_IDS):
        butler.put(make_image(seed), "mi", data_id)
    return butler


def median(image: Any) -> float:
    return float(np.median(image.array))


def whole_median(image: Any) -> tuple[float, int]:
    return float(np.median(image.image.array)), os.getpid()


def test_map_images_datasets_are_read_by_workers(client, butler):
    refs = sorted(butler.query_datasets("mi"))
    found = map_images(whole_median, refs, butler=butler, client=client)
    assert [value for value, _ in found] == [median(make_image(seed).image) for seed in range(len(refs))]
    assert os.getpid() not in {pid for _, pid in found}


def test_map_images_boxes_returns_results_in_order(client, butler):
    refs = sorted(butler.query_datasets("mi"))
    items = [(ref, BOX.padded(-n)) for n in range(5) for ref in refs]
    found = map_images(median, items, butler=butler, client=client, component="image")
    truth = [median(make_image(refs.index(ref)).image[box]) for ref, box in items]
    assert found == truth


def test_iter_images_mixed_datasets_and_boxes_yields_numbers(client, butler):
    ref = sorted(butler.query_datasets("mi"))[0]
    found = dict(iter_images(median, [ref, (ref, BOX)], butler=butler, client=client, component="variance"))
    variance = make_image(0).variance
    assert found == {0: median(variance), 1: median(variance[BOX])}


def test_map_images_worker_error_is_raised(client, butler):
    ref = sorted(butler.query_datasets("mi"))[0]
    with pytest.raises(NoOverlapError, match="outside"):
        map_images(
            median, [(ref, type(BOX).factory[0:5, 0:5])], butler=butler, client=client, component="image"
        )
