# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""FITS engine beside astropy and fitsio, in one run on one machine.

Usage: ``PYTHONPATH=python python tests/benchmarks/bench_fits.py [--short] [--curve] [--grow]``

Whole images and boxes of an image, a variance and a mask of 12 planes, in
files as astropy writes them (row tiles) and as we write them.  Rivals take
turns, so that a machine that becomes slow does so for everyone; the numbers are
medians of wall-clock and processor time, and ratios of the medians.
"""

from __future__ import annotations

__all__ = ("main",)

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import astropy.io.fits
import fitsio
import numpy as np
from lsst.images.fits._encode import compress_image
from lsst.images.fits._file import FitsFile
from lsst.images.fits._image_hdu import encode_primary

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]
Job = Callable[[], Any]

SHAPE = (4000, 4072)
BOX = (slice(1700, 1956), slice(1500, 1756))
N_PLANES = 12


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
    path: Path, planes: Planes, *, level: float | None, tile: tuple[int, int] | None = None
) -> None:
    """Write planes with our engine, checksums included."""
    with path.open("wb") as stream:
        encode_primary().write(stream)
        for plane in planes:
            lossy = level is not None and plane.dtype.kind == "f"
            compress_image(
                plane,
                algorithm="RICE_1" if lossy else "GZIP_2",
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


def report(title: str, rivals: Mapping[str, Job], repeat: int) -> None:
    """Measure and print one line."""
    times = measure(rivals, repeat)
    ours = times["ours"]
    parts = [f"ours {ours[0]:8.1f} ms (cpu {ours[1]:7.1f})"]
    for name, (wall, cpu) in times.items():
        if name != "ours":
            parts.append(
                f"{name} {wall:8.1f} ms (cpu {cpu:7.1f}) = {wall / ours[0]:5.1f}x, cpu {cpu / ours[1]:5.1f}x"
            )
    print(f"{title:34s} {' | '.join(parts)}", flush=True)


def compare(folder: Path, planes: Planes, repeat: int) -> None:
    """Compare reading and writing."""
    rows = {"GZIP_2": folder / "gzip.fits", "RICE_1 dithered": folder / "rice.fits"}
    mine = {"GZIP_2": folder / "gzip_ours.fits", "RICE_1 dithered": folder / "rice_ours.fits"}
    levels = {"GZIP_2": None, "RICE_1 dithered": 16.0}
    for name, level in levels.items():
        report(
            f"write {name}",
            {
                "ours": lambda p=mine[name], v=level: write_ours(p, planes, level=v),
                "astropy": lambda p=rows[name], v=level: write_astropy(p, planes, level=v),
            },
            max(1, repeat // 2),
        )
        sizes = [path.stat().st_size / 1e6 for path in (mine[name], rows[name])]
        print(f"{'':34s} size: ours {sizes[0]:.1f} MB, astropy {sizes[1]:.1f} MB")
        row, square = rows[name], mine[name]
        report(
            f"read whole, row tiles, {name}",
            {
                "ours": lambda p=row: read_ours(p),
                "astropy": lambda p=row: read_astropy(p),
                "fitsio": lambda p=row: read_fitsio(p),
            },
            repeat,
        )
        report(
            f"read whole, our file, {name}",
            {
                "ours": lambda p=square: read_ours(p),
                "astropy": lambda p=square: read_astropy(p),
                "fitsio": lambda p=square: read_fitsio(p),
            },
            repeat,
        )
        report(
            f"box 256x256, row tiles, {name}",
            {
                "ours": lambda p=row: read_ours(p, BOX),
                "astropy": lambda p=row: read_astropy(p, BOX),
                "fitsio": lambda p=row: read_fitsio(p, BOX),
            },
            5 * repeat,
        )
        report(
            f"box 256x256, our file, {name}",
            {
                "ours": lambda p=square: read_ours(p, BOX),
                "astropy, row tiles": lambda p=row: read_astropy(p, BOX),
                "astropy, our file": lambda p=square: read_astropy(p, BOX),
            },
            5 * repeat,
        )
        boxes = random_boxes(100, 64)
        report(
            f"100 boxes 64x64, our file, {name}",
            {
                "ours": lambda p=square, b=boxes: read_many(p, b),
                "ours, whole": lambda p=square: read_ours(p),
            },
            repeat,
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
    parser.add_argument("--curve", action="store_true", help="only sides of tiles")
    parser.add_argument("--grow", action="store_true", help="only boxes of images of different sizes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    repeat = 3 if options.short else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.grow:
            grow(folder, repeat)
        elif options.curve:
            curve(folder, make_planes(SHAPE), repeat)
        else:
            compare(folder, make_planes(SHAPE), repeat)


if __name__ == "__main__":
    main()
