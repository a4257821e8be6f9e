# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a Butler's door costs: reads through it beside the same reads without it.

Usage: ``PYTHONPATH=python python tests/benchmarks/bench_butler.py [--short]``

Three times are taken in turn for every read: ``butler.get`` of a resolved
reference; the same read of the same file without a Butler; and the floor, a
``butler.get`` of the same file by a formatter that does nothing, which is what
the Butler itself costs.  Our share is the first without the third, over the second,
in processor time, which other work on the machine disturbs less; the clock is
shown beside it.
"""

from __future__ import annotations

__all__ = ("Floor", "main")

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
LIMIT = 1.15
"""What our share may be."""


class Floor(FormatterV2):
    """Returns what it was told to, without looking at the file."""

    can_read_from_uri: ClassVar[bool] = True
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".fits"})
    default_extension: ClassVar[str] = ".fits"
    answer: ClassVar[Any] = None

    def read_from_uri(self, uri: ResourcePath, component: str | None = None, expected_size: int = -1) -> Any:
        # All parameters are ours, as they are for a formatter that reads.
        return self.answer


def make_masked_image(shape: tuple[int, int]) -> MaskedImage:
    """Make a masked image with realistic noise."""
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


class World:
    """A repository with datasets, and twins of them that the floor reads."""

    def __init__(self, root: Path, shape: tuple[int, int]) -> None:
        self.butler: Butler = repository.new_repo(
            root / "repo",
            big="MaskedImageV2",
            visit="VisitImage",
            big_floor="MaskedImageV2",
            visit_floor="VisitImage",
        )
        self.planes = bench_fits.make_planes(shape)
        self.refs = {
            "big": self.butler.put(make_masked_image(shape), "big", DATA_ID),
            "visit": self.butler.put(exposures.make_visit_image(), "visit", DATA_ID),
        }
        for name in ("big", "visit"):
            ref = DatasetRef(self.butler.get_dataset_type(f"{name}_floor"), self.refs[name].dataId, "run")
            file = FileDataset(self.path(name), [ref], formatter=f"{Floor.__module__}.Floor")
            self.butler.ingest(file, transfer="direct")
            self.refs[f"{name}_floor"] = ref

    def path(self, name: str) -> str:
        """Return the path of a dataset's file."""
        return self.butler.getURI(self.refs[name]).ospath

    def get(self, name: str, component: str | None, parameters: dict[str, Any]) -> Any:
        """Read through the Butler, by resolved reference."""
        ref = self.refs[name] if component is None else self.refs[name].makeComponentRef(component)
        return self.butler.get(ref, parameters=parameters)


class Time(NamedTuple):
    """What a job takes, in milliseconds."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} ms (cpu {self.cpu:.2f})"


def measure(jobs: Mapping[str, Job], repeat: int) -> dict[str, Time]:
    """Return the medians of jobs that take turns."""
    times: dict[str, list[Time]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for turn in range(repeat):
        names = list(jobs)
        # Whoever comes first after another's read should not always be the same.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, cpu = time.perf_counter(), time.process_time()
            jobs[name]()
            times[name].append(Time(1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)))
    return {name: Time(*map(statistics.median, zip(*found, strict=True))) for name, found in times.items()}


def share(
    world: World, title: str, name: str, component: str | None, repeat: int, **parameters: Any
) -> float:
    """Measure a read, print a line, and return our share."""
    path, pytype = world.path(name), {"big": MaskedImage, "visit": VisitImage}[name]

    def plain() -> Any:
        with open_archive(path, pytype, partial=bool(component or parameters)) as reader:
            if component == "components":
                return {part: reader.get_component(part) for part in parameters["components"]}
            if component is not None:
                return reader.get_component(component, **parameters)
            return reader.read(**parameters)

    Floor.answer = world.get(name, component, parameters)
    times = measure(
        {
            "butler": lambda: world.get(name, component, parameters),
            "plain": plain,
            "floor": lambda: world.get(f"{name}_floor", component, parameters),
        },
        repeat,
    )
    butler, alone, floor = times["butler"], times["plain"], times["floor"]
    ratio = (butler.cpu - floor.cpu) / alone.cpu
    print(
        f"{title:32s} butler.get {butler}, of it the Butler's own {floor}; "
        f"without it {alone}: {ratio:.2f}x (at most {LIMIT}x)",
        flush=True,
    )
    return ratio


def shares(world: World, repeat: int) -> None:
    """Compare the ways into a dataset."""
    few, many = repeat, 20 * repeat
    share(world, "whole", "big", None, few)
    share(world, "256x256 box", "big", None, many, bbox=BOX)
    share(world, "256x256 box of component image", "big", "image", many, bbox=BOX)
    share(world, "whole component mask", "big", "mask", few)
    share(world, "component bbox", "big", "bbox", many)
    share(world, "component psf", "visit", "psf", many)
    share(world, "component detector", "visit", "detector", many)
    share(world, f"{len(SEVERAL)} components at once", "visit", "components", many, components=SEVERAL)


def several(world: World, repeat: int) -> None:
    """Compare several components in one get with one get for each."""
    names, path = SEVERAL, world.path("visit")

    def one_get() -> Any:
        return world.get("visit", "components", {"components": names})

    def many_gets() -> Any:
        return [world.get("visit", name, {}) for name in names]

    times = measure({"one": one_get, "each": many_gets}, 20 * repeat)
    print(
        f"{len(names)} components: one get {times['one']} and {count_opens(one_get, path)} open, "
        f"one get for each {times['each']} and {count_opens(many_gets, path)} opens"
    )


def count_opens(job: Job, path: str) -> int:
    """Count how often a job opens a file."""
    opened = []

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "open" and str(arguments[0]) == path:
            opened.append(arguments[0])

    listening = True
    sys.addaudithook(audit)
    job()
    listening = False
    return len(opened)


def against_astropy(world: World, folder: Path, repeat: int) -> None:
    """Compare a box out of a Butler with astropy's section of a file of row tiles."""
    rows = folder / "rows.fits"
    bench_fits.write_astropy(rows, world.planes, level=None)
    Floor.answer = world.get("big", None, {"bbox": BOX})
    times = measure(
        {
            "by data ID": lambda: world.butler.get("big", DATA_ID, parameters={"bbox": BOX}),
            "by reference": lambda: world.get("big", None, {"bbox": BOX}),
            "by data ID, nothing read": lambda: world.butler.get(
                "big_floor", DATA_ID, parameters={"bbox": BOX}
            ),
            "astropy": lambda: bench_fits.read_astropy(rows, SLICES),
        },
        10 * repeat,
    )
    theirs = times.pop("astropy")
    for who, ours in times.items():
        print(
            f"256x256 box of three planes, butler.get {who} {ours}, astropy's section of row tiles "
            f"{theirs}: {theirs.wall / ours.wall:.1f}x, cpu {theirs.cpu / ours.cpu:.1f}x (25x is asked for)"
        )


def cutouts(root: Path, repeat: int, *, files: int = 4, positions: int = 25, side: int = 1000) -> None:
    """Compare a batch of cutouts with a get for each of them."""
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
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="smaller image, fewer repetitions")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    # The Butler finds the formatter by the name of this file, also if it is the script.
    sys.modules.setdefault("bench_butler", sys.modules[__name__])
    Floor.__module__ = "bench_butler"
    repeat, shape = (1, (1000, 4072)) if options.short else (5, bench_fits.SHAPE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = World(folder, shape)
        shares(world, repeat)
        several(world, repeat)
        against_astropy(world, folder, repeat)
        cutouts(folder, repeat)


if __name__ == "__main__":
    main()
