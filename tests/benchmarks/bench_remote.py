# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Costs of Butler reads from a directory, over HTTP and from S3: requests, round trips, bytes, time.

Usage: ``PYTHONPATH=python python tests/benchmarks/bench_remote.py [--places folder http s3]``

The S3 server is moto, on this computer; its objects are also read over HTTP. A proxy counts requests
and bytes. It delays responses until no more requests arrive; requests that are answered together are one
round trip. Times are medians of the wall time without the proxy.
"""

from __future__ import annotations

__all__ = ("main",)

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import boto3  # the helpers of the tests are not installed
import numpy as np
from helpers import butler_servers, repository
from helpers.servers import CountingProxy
from lsst.daf.butler import Butler, Config, DatasetRef, FileDataset
from lsst.images import Box
from lsst.images.butler import read_cutouts

DATA_ID = repository.DATA_ID
DELAY = 0.1
PLACES = ["folder", "http", "s3"]
FORMATTER = "lsst.images.formatters.GenericFormatter"

Job = Callable[[], Any]


def butler_of_folder(root: Path, side: int) -> Butler:
    """Create a repository with one image in a directory."""
    butler = repository.new_repo(root, mi="MaskedImageV2")
    butler.put(repository.make_image(0, Box.factory[0:side, 0:side]), "mi", DATA_ID)
    return butler


def butler_of_store(root: Path, folder: Butler, scheme: str) -> Butler:
    """Create a repository with the same file as an S3 object."""
    path = folder.getURI("mi", DATA_ID).ospath
    url = os.environ["S3_ENDPOINT_URL"]
    boto3.client("s3", endpoint_url=url).upload_file(
        path, butler_servers.BUCKET, "file.fits", ExtraArgs={"ACL": "public-read"}
    )
    config = Config()
    config["datastore", "root"] = f"s3://{butler_servers.BUCKET}/repo"
    Butler.makeRepo(str(root), config=config, forceConfigRoot=False)
    butler = Butler.from_config(str(root), writeable=True, run="run")
    repository.add_records(butler)
    repository.register(butler, mi="MaskedImageV2")
    data_id = butler.registry.expandDataId(DATA_ID)
    number = folder.find_dataset("mi", DATA_ID).id
    ref = DatasetRef(butler.get_dataset_type("mi"), data_id, run="run", id=number)
    place = f"{url}/{butler_servers.BUCKET}" if scheme == "http" else f"s3://{butler_servers.BUCKET}"
    butler.ingest(FileDataset(f"{place}/file.fits", ref, formatter=FORMATTER), transfer="direct")
    return butler


def jobs(butler: Butler, side: int) -> Iterator[tuple[str, Job]]:
    """Yield the name and the function of each measured read."""
    ref = butler.find_dataset("mi", DATA_ID)
    middle = side // 2 - 100
    box = Box.factory[middle : middle + 256, middle : middle + 256]
    starts = np.random.default_rng(3).integers(0, side - 50, (10, 2)).tolist()
    boxes = [Box.factory[y : y + 50, x : x + 50] for y, x in starts]
    image = ref.makeComponentRef("image")
    yield "whole", lambda: butler.get(ref)
    yield "box of 256 x 256, three planes", lambda: butler.get(ref, parameters={"bbox": box})
    yield "the same box of ``image``", lambda: butler.get(image, parameters={"bbox": box})
    yield "whole ``mask``", lambda: butler.get(ref.makeComponentRef("mask"))
    yield "``bbox``", lambda: butler.get(ref.makeComponentRef("bbox"))
    yield (
        "10 boxes of 50 x 50 of ``image``, one at a time",
        lambda: [butler.get(image, parameters={"bbox": b}) for b in boxes],
    )
    yield (
        "the same boxes with ``read_cutouts``",
        lambda: read_cutouts(butler, [(ref, b) for b in boxes], component="image"),
    )


def seconds(job: Job, repeat: int) -> float:
    """Return the median wall time of a job in seconds, after one repetition that is not counted."""
    taken = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        job()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def counted(job: Job, proxy: CountingProxy) -> list[str]:
    """Return the number of requests, of round trips and of megabytes of a job."""
    job()
    proxy.restart_counting()
    proxy.delay = DELAY
    job()
    proxy.delay = 0.0
    return [str(len(proxy.requests)), str(proxy.round_trips()), f"{proxy.sent / 1e6:.2f}"]


def measure(root: Path, side: int, repeat: int, places: list[str]) -> dict[str, list[str]]:
    """Return the costs of each job at each place."""
    folder = butler_of_folder(root / "folder", side)
    rows: dict[str, list[str]] = {name: [] for name, _ in jobs(folder, side)}
    if "folder" in places:
        for what, job in jobs(folder, side):
            rows[what].append(f"{seconds(job, repeat):.4f}")
    with butler_servers.s3(root / "log") as proxy:
        for place in [place for place in places if place != "folder"]:
            os.environ["S3_ENDPOINT_URL"] = proxy.url
            for what, job in jobs(butler_of_store(root / place, folder, place), side):
                rows[what] += counted(job, proxy)
            os.environ["S3_ENDPOINT_URL"] = f"http://{proxy.upstream}"
            for what, job in jobs(butler_of_store(root / f"{place}-direct", folder, place), side):
                rows[what].append(f"{seconds(job, repeat):.3f}")
    return rows


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4000, help="pixels along a side of the image")
    parser.add_argument("--repeat", type=int, default=3, help="how often each read is timed")
    parser.add_argument("--places", nargs="+", choices=PLACES, default=PLACES)
    arguments = parser.parse_args()
    os.environ["DAF_BUTLER_CACHE_EXPIRATION_MODE"] = "disabled"
    columns = []
    for place in arguments.places:
        columns += [
            f"{place}: {what}"
            for what in (("s",) if place == "folder" else ("requests", "round trips", "MB", "s"))
        ]
    print(" | ".join(["read", *columns]))
    with tempfile.TemporaryDirectory() as root:
        found = measure(Path(root), arguments.side, arguments.repeat, arguments.places)
    for what, values in found.items():
        print(" | ".join([what, *values]))


if __name__ == "__main__":
    main()
