# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fuzz the readers of files and of texts, guided by the lines that each input executes.

``python tests/fuzz/fuzz_python.py [TARGET...] [--seconds N] [--seed N] [--executions N]``

An input may be read, or be refused with an `ImagesError`. Other exceptions are findings, which are written to
``build/fuzz``.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

from helpers.exposures import make_cell_coadd, make_visit_image  # noqa: E402
from helpers.legacy_archives import chebyshev, wcs, write_archive  # noqa: E402
from lsst.images import read  # noqa: E402
from lsst.images._ast_text import check_ast_text  # files pass text to it; private  # noqa: E402
from lsst.images.errors import ImagesError  # noqa: E402
from lsst.images.fits import FitsCompressionOptions, FitsFile  # noqa: E402
from lsst.images.legacy.afw_archive import LegacyArchive  # noqa: E402

PACKAGE = str(ROOT / "python" / "lsst" / "images")
MAX_INPUTS = 500
"""Number of inputs of a target that are kept for their coverage."""

WORDS = [
    b"-1",
    b"0",
    b"1",
    b"2147483647",
    b"4294967296",
    b"1E400",
    b"NaN",
    b"null",
    b"{}",
    b"[]",
    b"''",
    b"\x00",
    b"\xff",
]

Line = tuple[CodeType, int]


def written(obj: Any, suffix: str, **options: Any) -> bytes:
    """Return the bytes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{suffix}"
        obj.write(path, **options)
        return path.read_bytes()


def fits_seeds() -> list[bytes]:
    """Return FITS files with lossless and with lossy compression."""
    visit = make_visit_image()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lossy.fits"
        visit.image.write_fits(path, compression=FitsCompressionOptions.LOSSY, compression_seed=1)
        lossy = path.read_bytes()
    return [written(visit, ".fits"), lossy, written(make_cell_coadd(), ".fits")]


def afw_seeds() -> list[bytes]:
    """Return a file with an archive of two objects of afw."""
    polynomial = chebyshev(2, [1.0, 2.0, 3.0])
    return [write_archive([wcs(1), polynomial])]


def ast_seeds() -> list[bytes]:
    """Return the AST text of the mappings of a visit image."""
    found: list[bytes] = []

    def collect(node: dict[str, Any]) -> dict[str, Any]:
        found.extend(value.encode() for key, value in node.items() if key == "ast")
        return node

    json.loads(written(make_visit_image(), ".json"), object_hook=collect)
    return found


def read_any(data: bytes) -> None:
    """Read a file of any container."""
    read(io.BytesIO(data))


def read_hdus(data: bytes) -> None:
    """Read the header and the data of each HDU."""
    with FitsFile.open(data) as file:
        for hdu in file:
            list(hdu.cards)
            for read_content in (hdu.read_image, hdu.read_table):
                try:
                    read_content()
                except ImagesError:
                    continue


def read_objects(data: bytes) -> None:
    """Decode each object of an afw archive."""
    with FitsFile.open(data) as file:
        archive = LegacyArchive.find(file)
        for number in archive.entries if archive is not None else ():
            try:
                archive.get(number)
            except ImagesError:
                continue


TARGETS: dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], None]]] = {
    "hdus": (fits_seeds, read_hdus),
    "fits": (fits_seeds, read_any),
    "json": (
        lambda: [written(make_visit_image().image, ".json"), written(make_visit_image(), ".json")],
        read_any,
    ),
    "ndf": (lambda: [written(make_visit_image().image, ".sdf")], read_any),
    "ast": (ast_seeds, lambda data: check_ast_text(data.decode("latin-1"))),
    "afw": (afw_seeds, read_objects),
}


def header_positions(data: bytes) -> list[int]:
    """Return the addresses of cards in the headers of a FITS file."""
    found = []
    for start in range(0, len(data) - 80, 2880):
        if data[start : start + 8].rstrip().isalnum() and data[start + 8 : start + 9] in b"= ":
            found += [start + 80 * i for i in range(36) if data[start + 80 * i : start + 80 * i + 8].strip()]
    return found


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Change an input in a few places."""
    copy = bytearray(data)
    cards = header_positions(data) if data.startswith(b"SIMPLE") else []
    for _ in range(rng.randint(1, 4)):
        if not copy:
            break
        at = rng.randrange(len(copy))
        if cards and rng.random() < 0.7:
            at = rng.choice(cards) + rng.choice([0, 10, 10, 10, 28, 29, rng.randrange(80)])
        kind = rng.randrange(6)
        if kind == 0:
            copy[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            word = rng.choice(WORDS)
            copy[at : at + len(word)] = word
        elif kind == 2 and rng.random() < 0.3:
            del copy[at:]
        elif kind == 3 and not cards:
            del copy[at : at + rng.randint(1, 30)]
        elif kind == 4 and not cards:
            start = rng.randrange(len(other)) if other else 0
            copy[at:at] = other[start : start + rng.randint(1, 60)]
        else:
            number = copy[at : at + 1]
            copy[at : at + 1] = bytes([(number[0] + rng.choice([-1, 1, 128])) % 256]) if number else b""
    return bytes(copy)


@contextmanager
def traced(lines: set[Line]) -> Iterator[None]:
    """Collect the executed lines of the package."""

    def trace_line(frame: FrameType, event: str, argument: Any) -> Any:
        lines.add((frame.f_code, frame.f_lineno))
        return trace_line

    def trace_call(frame: FrameType, event: str, argument: Any) -> Any:
        return trace_line if frame.f_code.co_filename.startswith(PACKAGE) else None

    sys.settrace(trace_call)
    try:
        yield
    finally:
        sys.settrace(None)


def fuzz(name: str, seconds: float, seed: int, most: float) -> tuple[int, int]:
    """Run a target with at most a number of changes; return the numbers of executions and of findings."""
    make_seeds, run = TARGETS[name]
    rng = random.Random(f"{name} {seed}")
    inputs, covered, places = make_seeds(), set[Line](), set[str]()
    pending = list(inputs)
    executions, end = 0, time.monotonic() + seconds
    most += len(inputs)
    while pending or (time.monotonic() < end and executions < most):
        data = pending.pop() if pending else mutate(rng.choice(inputs), rng.choice(inputs), rng)
        lines = set[Line]()
        executions += 1
        try:
            with traced(lines), warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                run(data)
        except ImagesError:
            pass
        except Exception as err:
            place = f"{type(err).__name__} at {traceback.extract_tb(err.__traceback__)[-1]}"
            if place not in places:
                places.add(place)
                report(name, data)
        if not lines <= covered and len(inputs) < MAX_INPUTS:
            inputs.append(data)
        covered |= lines
    print(
        f"{name}: {executions} executions, {len(covered)} lines, {len(inputs)} kept, {len(places)} findings",
        flush=True,
    )
    return executions, len(places)


def report(name: str, data: bytes) -> None:
    """Write the input of a finding, and print the exception that is being handled."""
    path = ROOT / "build" / "fuzz" / f"{name}-{zlib.crc32(data):08x}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{path}:\n{traceback.format_exc(limit=-6)}", flush=True)


def main() -> int:
    """Run targets; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"any of: {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each target")
    parser.add_argument("--seed", type=int, default=1, help="selects the changes")
    parser.add_argument(
        "--executions", type=float, default=float("inf"), help="number of changed inputs for each target"
    )
    options = parser.parse_args()
    limits = options.seconds, options.seed, options.executions
    return int(any([fuzz(name, *limits)[1] for name in options.targets or TARGETS]))


if __name__ == "__main__":
    sys.exit(main())
