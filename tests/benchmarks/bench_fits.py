# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""FITS engine beside astropy and fitsio, in one run on one machine.

Usage: ``PYTHONPATH=python python tests/benchmarks/bench_fits.py [--short] [--only WORDS] [--curve] [--grow]``

Whole images and boxes of an image, a variance and a mask of 12 planes, in
files as astropy writes them (row tiles) and as we write them.  Rivals take
turns, so that a machine that becomes slow does so for everyone; the numbers are
medians of wall-clock and processor time, and ratios of the medians beside the
least ratio that is wanted.  Lossy files of astropy are ``RICE_1``; ours are ``RICE_1`` or ``GZIP_2``.
"""

from __future__ import annotations

__all__ = ("main",)

import argparse
import json
import math
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import astropy.io.fits
import fitsio
import imagecodecs
import numpy as np
from lsst.images._bytes._thread_pool import default_threads
from lsst.images.fits import FitsFile
from lsst.images.fits._hdus._image_writer import encode_primary
from lsst.images.fits._tiles._tile_table import CompressedImage
from lsst.images.fits._tiles._tile_writer import compress_image

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]
Job = Callable[[], Any]

SHAPE = (4000, 4072)
BOX = (slice(1700, 1956), slice(1500, 1756))
N_PLANES = 12

MAX_HASTE = 5
"""A median of fewer times than this means nothing."""


Result = dict[str, float | dict[str, float]]
RESULTS: dict[str, Result] = {}
"""Our time in milliseconds, and the ratios of the rivals, of each job that was reported."""


def make_planes(shape: tuple[int, int]) -> Planes:
    """Make an image with sky noise, a gradient and stars, its mask and its variance."""
    rng = np.random.default_rng(5)
    ny, nx = shape
    sky = (1000 + 0.01 * np.arange(nx) + 0.005 * np.arange(ny)[:, np.newaxis]).astype("f4")
    image = rng.standard_normal(shape, dtype="f4") * np.sqrt(sky / 1.5)
    y, x = np.mgrid[-12:13, -12:13]
    profile = np.exp(-(y**2 + x**2) / 8) / (8 * np.pi)
    mask = np.zeros(shape, dtype="i4")
    for _ in range(ny * nx // 5000):
        a, b = int(rng.integers(0, ny - 25)), int(rng.integers(0, nx - 25))
        image[a : a + 25, b : b + 25] += (10 ** rng.uniform(2, 5.5) * profile).astype("f4")
        mask[a + 5 : a + 20, b + 5 : b + 20] |= 1 << int(rng.integers(0, N_PLANES))
    mask[:, nx // 2] |= 1
    variance = ((sky + np.maximum(image, 0)) / 1.5).astype("f4")
    return image, mask, variance


def write_astropy(path: Path, planes: Planes, *, level: float | None) -> None:
    """Write planes as the public package does: `CompImageHDU` with row tiles."""
    hdus: list[Any] = [astropy.io.fits.PrimaryHDU()]
    for plane in planes:
        lossy = level is not None and plane.dtype.kind == "f"
        options = (
            {"quantize_level": level, "quantize_method": 2, "dither_seed": 5}
            if lossy
            else {"quantize_level": 0.0}
        )
        hdus.append(
            astropy.io.fits.CompImageHDU(plane, compression_type="RICE_1" if lossy else "GZIP_2", **options)
        )
    astropy.io.fits.HDUList(hdus).writeto(path, overwrite=True)


def write_ours(
    path: Path,
    planes: Planes,
    *,
    level: float | None,
    tile: tuple[int, int] | None = None,
    algorithm: str = "RICE_1",
) -> None:
    """Write planes with our engine, checksums included."""
    with path.open("wb") as stream:
        encode_primary().write(stream)
        for plane in planes:
            lossy = level is not None and plane.dtype.kind == "f"
            compress_image(
                plane,
                algorithm=algorithm if lossy else "GZIP_2",
                quantize_level=level,
                tile_shape=tile,
                seed=5,
            ).write(stream)


def read_ours(path: Path, box: Any = ...) -> list[np.ndarray]:
    """Read three planes with our engine."""
    with FitsFile.open(path) as file:
        return [file.hdu(i).read_image(box) for i in (1, 2, 3)]


def read_astropy(path: Path, box: Any = None) -> list[np.ndarray]:
    """Read three planes with astropy."""
    with astropy.io.fits.open(path) as file:
        return [np.asarray(file[i].data if box is None else file[i].section[box]) for i in (1, 2, 3)]


def read_fitsio(path: Path, box: Any = None) -> list[np.ndarray]:
    """Read three planes with CFITSIO."""
    with fitsio.FITS(str(path)) as file:
        return [file[i].read() if box is None else file[i][box] for i in (1, 2, 3)]


def decode_only(path: Path) -> None:
    """Let the codecs decode equal tiles, on as many threads, without any other work."""
    content, threads = memoryview(path.read_bytes()), default_threads()
    with FitsFile.open(path) as file, ThreadPoolExecutor(threads) as pool:
        for i in (1, 2, 3):
            image, tiles = file.hdu(i).compressed, file.hdu(i).byte_ranges(...)
            list(pool.map(partial(decode_some, content, image), [tiles[k::threads] for k in range(threads)]))


def decode_some(content: memoryview, image: CompressedImage, tiles: list[tuple[int, int]]) -> None:
    """Decode tiles into the same memory."""
    out: Any = np.empty(math.prod(image.grid.tile), dtype="i4")
    decode: Any = imagecodecs.gzip_decode
    if image.codec.algorithm == "RICE_1":
        decode = partial(imagecodecs.rcomp_decode, nblock=image.codec.block)
    else:
        out = out.view("u1")
    for start, size in tiles:
        decode(content[start : start + size], out=out)


def measure(rivals: Mapping[str, Job], repeat: int) -> dict[str, tuple[float, float]]:
    """Return the median wall-clock and processor time of each rival, in milliseconds."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in rivals}
    for job in rivals.values():
        job()
    for _ in range(repeat):
        for name, job in rivals.items():
            wall, cpu = time.perf_counter(), time.process_time()
            job()
            found[name].append((1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)))
    return {
        name: (statistics.median(w for w, _ in times), statistics.median(c for _, c in times))
        for name, times in found.items()
    }


def report(title: str, rivals: Mapping[str, Job], repeat: int, goals: Mapping[str, float] = {}) -> None:
    """Measure a job, and print one line for each rival: times, their ratio, and what it should be."""
    times = measure(rivals, repeat)
    ours = times["ours"]
    ratios = {name: round(wall / ours[0], 3) for name, (wall, _) in times.items() if name != "ours"}
    RESULTS[title] = {"ours": round(ours[0], 2), "ratios": ratios}
    for name, (wall, cpu) in times.items():
        if name == "ours":
            continue
        ratio, goal = wall / ours[0], goals.get(name)
        verdict = "" if goal is None else f"{goal:5.2f}  {'met' if ratio >= goal else 'not met'}"
        print(
            f"{title:36s} {ours[0]:8.1f} {ours[1]:8.1f}   {name:18s} {wall:8.1f} {cpu:8.1f}   "
            f"{ratio:6.2f} {cpu / ours[1]:6.2f}   {verdict}",
            flush=True,
        )


def print_head() -> None:
    """Print the names of the columns of `report`."""
    print(
        f"{'job (times in ms)':36s} {'ours':>8s} {'cpu':>8s}   {'rival':18s} {'wall':>8s} {'cpu':>8s}   "
        f"{'ratio':>6s} {'of cpu':>6s}   target"
    )


def compare(folder: Path, planes: Planes, repeat: int, wanted: str) -> None:
    """Compare writing and reading, for those jobs of which the name contains some words."""
    print_head()
    for codec, level in (("GZIP_2", None), ("RICE_1 dithered", 16.0), ("GZIP_2 dithered", 16.0)):
        row, mine = folder / f"row{level}.fits", folder / f"ours{codec}.fits"
        algorithm = codec.split()[0]
        named = [(f"{title}, {codec}", *rest) for title, *rest in jobs(row, mine, planes, level, algorithm)]
        chosen = [job for job in named if wanted in job[0]]
        if not chosen:
            continue
        write_astropy(row, planes, level=level)
        write_ours(mine, planes, level=level, algorithm=algorithm)
        for title, rivals, times, goals in chosen:
            report(title, rivals, max(MAX_HASTE, times * repeat), goals)
        sizes = [path.stat().st_size / 1e6 for path in (mine, row)]
        print(f"{'':36s} size: ours {sizes[0]:.1f} MB, astropy {sizes[1]:.1f} MB")


def jobs(
    row: Path, mine: Path, planes: Planes, level: float | None, algorithm: str
) -> Iterator[tuple[str, Mapping[str, Job], int, Mapping[str, float]]]:
    """Return what is measured: name, rivals, how often compared to others, and least ratios."""
    others: dict[str, Callable[..., Any]] = {"astropy": read_astropy, "fitsio": read_fitsio}
    yield (
        "write whole",
        {
            "ours": lambda: write_ours(mine, planes, level=level, algorithm=algorithm),
            "astropy": lambda: write_astropy(row, planes, level=level),
        },
        1,
        {"astropy": 6.0 if level is None else 8.0},
    )
    for path, what in ((row, "row tiles"), (mine, "our file")):
        goals = {"astropy": 8.0, "fitsio": 3.0} if level is None else {"astropy": 8.0, "fitsio": 2.5}
        yield (
            f"whole, {what}",
            {"ours": partial(read_ours, path)}
            | {name: partial(f, path) for name, f in others.items()}
            | ({"codecs alone": partial(decode_only, path)} if path == row else {}),
            1,
            goals if path == row else {},
        )
    yield (
        "box 256x256, row tiles",
        {"ours": partial(read_ours, row, BOX)} | {name: partial(f, row, BOX) for name, f in others.items()},
        5,
        {"astropy": 10.0},
    )
    yield (
        "box 256x256, our file",
        {
            "ours": partial(read_ours, mine, BOX),
            "astropy, row tiles": partial(read_astropy, row, BOX),
            "astropy, our file": partial(read_astropy, mine, BOX),
        },
        5,
        {"astropy, row tiles": 25.0},
    )
    boxes = random_boxes(100, 64)
    yield (
        "100 boxes 64x64, our file",
        {"ours": partial(read_many, mine, boxes), "ours, whole": partial(read_ours, mine)},
        1,
        # At most 1.2 times as long as one whole read.
        {"ours, whole": 1 / 1.2},
    )


def random_boxes(count: int, side: int) -> list[tuple[slice, slice]]:
    """Return boxes at random places."""
    rng = np.random.default_rng(1)
    corners = rng.integers(0, np.array(SHAPE) - side, (count, 2)).tolist()
    return [(slice(a, a + side), slice(b, b + side)) for a, b in corners]


def read_many(path: Path, boxes: list[tuple[slice, slice]]) -> list[list[np.ndarray]]:
    """Read many boxes of three planes."""
    with FitsFile.open(path) as file:
        return [file.hdu(i).read_boxes(boxes) for i in (1, 2, 3)]


def curve(folder: Path, planes: Planes, repeat: int) -> None:
    """Print the time of whole and box reads, and the size, for sides of tiles."""
    sides = (64, 96, 128, 160, 192, 224, 256, 320, 384, 512)
    boxes = random_boxes(20, 256)
    for level in (None, 16.0):
        paths = {side: folder / f"{side}.fits" for side in sides}
        for side, path in paths.items():
            write_ours(path, planes, level=level, tile=(side, side))
        whole = measure({str(s): (lambda p=p: read_ours(p)) for s, p in paths.items()}, repeat)
        box = measure(
            {str(s): (lambda p=p: [read_ours(p, b) for b in boxes]) for s, p in paths.items()}, repeat
        )
        print("lossless GZIP_2" if level is None else "RICE_1, level 16")
        for side, path in paths.items():
            (wall, cpu), (box_wall, box_cpu) = whole[str(side)], box[str(side)]
            print(
                f"  side {side:4d}: {path.stat().st_size / 1e6:6.2f} MB, "
                f"whole {wall:6.0f} ms (cpu {cpu:5.0f}), "
                f"box of 3 planes {box_wall / 20:5.2f} ms (cpu {box_cpu / 20:5.2f}), "
                f"{box_bytes(path, boxes) / 1e6:5.2f} MB of tiles"
            )


def box_bytes(path: Path, boxes: list[tuple[slice, slice]]) -> float:
    """Return the mean number of compressed bytes that a box of three planes needs."""
    with FitsFile.open(path) as file:
        return sum(n for i in (1, 2, 3) for b in boxes for _, n in file.hdu(i).byte_ranges(b)) / len(boxes)


def grow(folder: Path, repeat: int) -> None:
    """Print the time of a box read for images of different sizes."""
    for side in (1024, 4096, 16384):
        path = folder / f"grow{side}.fits"
        plane = np.random.default_rng(1).standard_normal((1024, side), dtype="f4")
        with path.open("wb") as stream:
            encode_primary().write(stream)
            compress_image(np.tile(plane, (side // 1024, 1))).write(stream)
        middle = slice(side // 2 - 100, side // 2 + 156)

        def read(path: Path = path, box: tuple[slice, slice] = (middle, middle)) -> np.ndarray:
            with FitsFile.open(path) as file:
                return file.hdu(1).read_image(box)

        wall, cpu = measure({"ours": read}, 20 * repeat)["ours"]
        print(f"box 256x256 of {side}x{side}: {wall:.2f} ms (cpu {cpu:.2f})", flush=True)
        path.unlink()


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="fewer repetitions")
    parser.add_argument("--only", default="", help="only jobs whose name contains this")
    parser.add_argument("--curve", action="store_true", help="only sides of tiles")
    parser.add_argument("--grow", action="store_true", help="only boxes of images of different sizes")
    parser.add_argument("--json", type=Path, help="file to which the results are written (see track.py)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    repeat = MAX_HASTE if options.short else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.grow:
            grow(folder, repeat)
        elif options.curve:
            curve(folder, make_planes(SHAPE), repeat)
        else:
            compare(folder, make_planes(SHAPE), repeat, options.only)
    if options.json:
        options.json.write_text(json.dumps(RESULTS, indent=1) + "\n")


if __name__ == "__main__":
    main()
