# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Overhead of reading through a Butler, compared with reading the same file directly.

Usage: ``PYTHONPATH=python python tests/benchmarks/bench_butler.py [--short]``

For every read, three times are measured in turn: ``butler.get`` of a resolved reference; the same
read of the same file without a Butler; and the baseline, ``butler.get`` with a formatter that returns
a constant object, which is the time of the Butler itself. The reported ratio is (first - baseline) /
second, in CPU time, which other processes affect less than wall time. Wall times are printed too.
"""

from __future__ import annotations

__all__ = ("BaselineFormatter", "main")

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import astropy.units as u  # the helpers of the tests are not installed
import bench_fits
import numpy as np
from helpers import exposures, repository
from helpers.calls import record_opens
from lsst.daf.butler import Butler, DatasetRef, FileDataset, FormatterV2
from lsst.images import Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema, VisitImage
from lsst.images.butler import read_cutouts
from lsst.images.io import open_archive
from lsst.resources import ResourcePath

Job = Callable[[], Any]

SLICES = (slice(600, 856), slice(1500, 1756))
BOX = Box.factory[SLICES]
DATA_ID = repository.DATA_ID
SEVERAL = ["psf", "detector", "summary_stats", "bbox", "unit", "aperture_corrections"]
MAX_RATIO = 1.15
"""Largest acceptable ratio of the overhead."""


class BaselineFormatter(FormatterV2):
    """Return a constant object without reading the file."""

    can_read_from_uri: ClassVar[bool] = True
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".fits"})
    default_extension: ClassVar[str] = ".fits"
    result: ClassVar[Any] = None

    def read_from_uri(self, uri: ResourcePath, component: str | None = None, expected_size: int = -1) -> Any:
        # All parameters count as handled, as in a formatter that reads the file.
        return self.result


def make_masked_image(shape: tuple[int, int]) -> MaskedImage:
    """Return a masked image with realistic noise."""
    image, bits, variance = bench_fits.make_planes(shape)
    names = [f"PLANE{n}" for n in range(bench_fits.N_PLANES)]
    mask = Mask(
        0, schema=MaskSchema([MaskPlane(name, f"Of {name}.") for name in names]), bbox=Box.from_shape(shape)
    )
    for n, name in enumerate(names):
        mask.set(name, (bits & (1 << n)) != 0)
    projection = repository.projection()
    return MaskedImage(
        Image(image, unit=u.nJy, projection=projection), mask=mask, variance=Image(variance, unit=u.nJy**2)
    )


class BenchmarkRepository:
    """A repository with datasets, and copies of them for `BaselineFormatter`."""

    def __init__(self, root: Path, shape: tuple[int, int]) -> None:
        self.butler: Butler = repository.new_repo(
            root / "repo",
            big="MaskedImageV2",
            visit="VisitImage",
            big_baseline="MaskedImageV2",
            visit_baseline="VisitImage",
        )
        self.planes = bench_fits.make_planes(shape)
        self.refs = {
            "big": self.butler.put(make_masked_image(shape), "big", DATA_ID),
            "visit": self.butler.put(exposures.make_visit_image(), "visit", DATA_ID),
        }
        for name in ("big", "visit"):
            ref = DatasetRef(self.butler.get_dataset_type(f"{name}_baseline"), self.refs[name].dataId, "run")
            file = FileDataset(
                self.path(name), [ref], formatter=f"{BaselineFormatter.__module__}.BaselineFormatter"
            )
            self.butler.ingest(file, transfer="direct")
            self.refs[f"{name}_baseline"] = ref

    def path(self, name: str) -> str:
        """Return the path of the file of a dataset."""
        return self.butler.getURI(self.refs[name]).ospath

    def get(self, name: str, component: str | None, parameters: dict[str, Any]) -> Any:
        """Read through the Butler, by resolved reference."""
        ref = self.refs[name] if component is None else self.refs[name].makeComponentRef(component)
        return self.butler.get(ref, parameters=parameters)


class Time(NamedTuple):
    """Wall and CPU time in milliseconds."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} ms (cpu {self.cpu:.2f})"


def measure(jobs: Mapping[str, Job], repeat: int) -> dict[str, Time]:
    """Run the jobs alternately and return their median times."""
    times: dict[str, list[Time]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for turn in range(repeat):
        names = list(jobs)
        # Rotate the order, so that no job always runs after the same other job.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, cpu = time.perf_counter(), time.process_time()
            jobs[name]()
            times[name].append(Time(1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)))
    return {name: Time(*map(statistics.median, zip(*found, strict=True))) for name, found in times.items()}


def overhead(
    repo: BenchmarkRepository, title: str, name: str, component: str | None, repeat: int, **parameters: Any
) -> float:
    """Measure a read, print a line, and return the overhead ratio."""
    path, pytype = repo.path(name), {"big": MaskedImage, "visit": VisitImage}[name]

    def plain() -> Any:
        with open_archive(path, pytype, partial=bool(component or parameters)) as reader:
            if component == "components":
                return {part: reader.get_component(part) for part in parameters["components"]}
            if component is not None:
                return reader.get_component(component, **parameters)
            return reader.read(**parameters)

    BaselineFormatter.result = repo.get(name, component, parameters)
    times = measure(
        {
            "butler": lambda: repo.get(name, component, parameters),
            "plain": plain,
            "baseline": lambda: repo.get(f"{name}_baseline", component, parameters),
        },
        repeat,
    )
    butler, direct, baseline = times["butler"], times["plain"], times["baseline"]
    ratio = (butler.cpu - baseline.cpu) / direct.cpu
    print(
        f"{title:32s} butler.get {butler}, of which Butler {baseline}; "
        f"without a Butler {direct}: {ratio:.2f}x (at most {MAX_RATIO}x)",
        flush=True,
    )
    return ratio


def overheads(repo: BenchmarkRepository, repeat: int) -> None:
    """Measure the overhead of all kinds of reads."""
    few, many = repeat, 20 * repeat
    overhead(repo, "whole", "big", None, few)
    overhead(repo, "256x256 box", "big", None, many, bbox=BOX)
    overhead(repo, "256x256 box of component image", "big", "image", many, bbox=BOX)
    overhead(repo, "whole component mask", "big", "mask", few)
    overhead(repo, "component bbox", "big", "bbox", many)
    overhead(repo, "component psf", "visit", "psf", many)
    overhead(repo, "component detector", "visit", "detector", many)
    overhead(repo, f"{len(SEVERAL)} components at once", "visit", "components", many, components=SEVERAL)


def several(repo: BenchmarkRepository, repeat: int) -> None:
    """Compare reading several components in one ``get`` with one ``get`` for each."""
    names, path = SEVERAL, repo.path("visit")

    def one_get() -> Any:
        return repo.get("visit", "components", {"components": names})

    def many_gets() -> Any:
        return [repo.get("visit", name, {}) for name in names]

    times = measure({"one": one_get, "each": many_gets}, 20 * repeat)
    print(
        f"{len(names)} components: one get {times['one']} and {count_opens(one_get, path)} open, "
        f"one get for each {times['each']} and {count_opens(many_gets, path)} opens"
    )


def count_opens(job: Job, path: str) -> int:
    """Count how often a job opens a file."""
    with record_opens(path) as opened:
        job()
    return len(opened)


def against_astropy(repo: BenchmarkRepository, folder: Path, repeat: int) -> None:
    """Compare reading a box from a Butler with astropy's ``section`` of a file with row tiles."""
    rows = folder / "rows.fits"
    bench_fits.write_astropy(rows, repo.planes, level=None)
    BaselineFormatter.result = repo.get("big", None, {"bbox": BOX})
    times = measure(
        {
            "by data ID": lambda: repo.butler.get("big", DATA_ID, parameters={"bbox": BOX}),
            "by reference": lambda: repo.get("big", None, {"bbox": BOX}),
            "by data ID, nothing read": lambda: repo.butler.get(
                "big_baseline", DATA_ID, parameters={"bbox": BOX}
            ),
            "astropy": lambda: bench_fits.read_astropy(rows, SLICES),
        },
        10 * repeat,
    )
    theirs = times.pop("astropy")
    for who, ours in times.items():
        print(
            f"256x256 box of three planes, butler.get {who} {ours}, astropy's section of row tiles "
            f"{theirs}: {theirs.wall / ours.wall:.1f}x, cpu {theirs.cpu / ours.cpu:.1f}x (target: 25x)"
        )


def cutouts(root: Path, repeat: int, *, files: int = 4, positions: int = 25, side: int = 1000) -> None:
    """Compare a batch of cutouts with one ``get`` for each."""
    butler = repository.new_repo(root / "cutouts", x="MaskedImageV2")
    image = make_masked_image((side, side))
    refs = [butler.put(image, "x", data_id) for data_id in repository.DATA_IDS[:files]]
    rng = np.random.default_rng(2)
    y, x = rng.integers(50, side - 50, (2, positions))
    centers = image.projection.pixel_to_sky(x=x.astype(float), y=y.astype(float))
    requests = [(ref, (center, 5 * u.arcsec)) for center in centers for ref in refs]

    def batch(workers: int) -> Job:
        return lambda: read_cutouts(butler, requests, workers=workers)

    def gets() -> Any:
        return [butler.get(ref, parameters={"bbox": where}) for ref, where in requests]

    times = measure({"as many files at once": batch(files), "file by file": batch(1), "gets": gets}, repeat)
    each = times.pop("gets")
    for who, ours in times.items():
        print(
            f"{len(requests)} cutouts of {files} files, {who}: {ours}, a get for each {each}: "
            f"{each.wall / ours.wall:.1f}x, cpu {each.cpu / ours.cpu:.1f}x"
        )


def main() -> None:
    """Parse the command line and run all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="smaller image, fewer repetitions")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    # The Butler imports the formatter by the name of this module, also if it runs as a script.
    sys.modules.setdefault("bench_butler", sys.modules[__name__])
    BaselineFormatter.__module__ = "bench_butler"
    repeat, shape = (1, (1000, 4072)) if options.short else (5, bench_fits.SHAPE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repo = BenchmarkRepository(folder, shape)
        overheads(repo, repeat)
        several(repo, repeat)
        against_astropy(repo, folder, repeat)
        cutouts(folder, repeat)


if __name__ == "__main__":
    main()
