# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading legacy exposures: own function calls and wall time, for each file.

Run it on a quiet machine::

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_legacy.py [--data DIRECTORY] [--repeat N] [PATTERN]

For each file of the shared test data that can be read as a visit image, one
line gives the calls of functions of this package and the median wall time in
milliseconds, first of a read of the whole image, then of its PSF alone.
Nothing is compared; run it with two versions of the package on ``PYTHONPATH``
to compare them.
"""

from __future__ import annotations

__all__ = ("main",)

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.calls import count_own_calls
from lsst.images import VisitImage
from lsst.images.errors import ImagesError

DEFAULT_DATA = Path(__file__).parents[2].parent / "shared" / "data"


def measure(read: Callable[[], Any], repeat: int) -> tuple[int, float]:
    """Return the number of own calls, and the median wall time in milliseconds."""
    read()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        read()
        times.append(time.perf_counter() - start)
    return count_own_calls(read).total(), 1e3 * statistics.median(times)


def main() -> int:
    """Measure all files, and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="?", default="", help="only files whose name contains this text")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="directory of the shared test data")
    parser.add_argument("--repeat", type=int, default=7, help="number of timed reads")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    files = [*args.data.glob("afw/exposure_*.fits"), *args.data.glob("legacy/calexp/*.fits*")]
    print(f"{'file':42} {'whole: calls':>12} {'ms':>8} {'PSF: calls':>12} {'ms':>8}")
    for path in sorted(path for path in files if args.pattern in path.name):
        try:
            calls, whole = measure(lambda path=path: VisitImage.read_legacy(path), args.repeat)
            psf_calls, psf = measure(
                lambda path=path: VisitImage.read_legacy(path, component="psf"), args.repeat
            )
        except ImagesError as err:
            print(f"{path.name:42} {type(err).__name__}")
            continue
        print(f"{path.name:42} {calls:12} {whole:8.1f} {psf_calls:12} {psf:8.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
