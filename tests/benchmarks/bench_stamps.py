# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Stamps of one local file beside slices of arrays that were read before, in one run.

Usage: ``PYTHONPATH=python python tests/benchmarks/bench_stamps.py [--short]``

The rival slices the planes as astropy reads them, and copies each slice into the same stack; its time
includes the read of the planes, as ours does.
"""

from __future__ import annotations

__all__ = ("main",)

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.io.fits
import astropy.units as u
import numpy as np
from lsst.images import XY, Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.stamps import read_stamps

SHAPE = (4000, 4072)
SIDE = 64


def write_image(path: Path) -> None:
    """Write an image of sky noise with a mask of 12 planes."""
    rng = np.random.default_rng(1)
    box = Box.from_shape(SHAPE)
    schema = MaskSchema([MaskPlane(f"P{i}", "") for i in range(11)] + [MaskPlane("NO_DATA", "")])
    mask = Mask(0, schema=schema, bbox=box)
    mask.set("P3", rng.random(SHAPE) < 0.01)
    image = Image(rng.normal(0, 10, SHAPE).astype("f4"), bbox=box, unit=u.nJy)
    variance = Image(np.full(SHAPE, 100, "f4"), bbox=box, unit=u.nJy**2)
    MaskedImage(image, mask=mask, variance=variance).write(path)


def slice_arrays(path: Path, names: tuple[str, ...], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Read planes with astropy, and copy slices one by one."""
    starts = np.column_stack([np.floor(y + 0.5), np.floor(x + 0.5)]).astype(int) - SIDE // 2
    stacks = []
    with astropy.io.fits.open(path) as hdus:
        for name in names:
            array = hdus[name].data
            stack = np.empty((len(x), SIDE, SIDE), array.dtype)
            for out, (a, b) in zip(stack, starts.tolist(), strict=True):
                out[...] = array[a : a + SIDE, b : b + SIDE]
            stacks.append(stack)
    return stacks


def measure(job: Callable[[], Any], repeat: int) -> tuple[float, float]:
    """Return the medians of wall-clock and processor time in seconds."""
    times = []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        job()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return statistics.median(t for t, _ in times), statistics.median(t for _, t in times)


def main() -> None:
    """Print stamps per second of wall-clock and processor time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="fewer stamps")
    count = 10_000 if parser.parse_args().short else 50_000
    rng = np.random.default_rng(2)
    x, y = (rng.uniform(SIDE, n - SIDE, count) for n in reversed(SHAPE))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.fits"
        write_image(path)
        for planes, goal in ((("image",), 50_000), (("image", "mask", "variance"), 8_000)):
            ours = measure(
                lambda planes=planes: read_stamps(path, XY(x, y), SIDE, planes=planes, max_memory=1 << 34), 3
            )
            rival = measure(lambda planes=planes: slice_arrays(path, planes, x, y), 3)
            print(
                f"{count} stamps {SIDE}x{SIDE}, {len(planes)} planes: {count / ours[0]:.0f}/s, "
                f"{count / ours[1]:.0f}/s per core (wanted {goal}); "
                f"astropy and slices {count / rival[0]:.0f}/s; ratio {rival[0] / ours[0]:.2f}"
            )


if __name__ == "__main__":
    main()
