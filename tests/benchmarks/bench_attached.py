# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Speed of projections, fields, PSFs and kernels, compared with targets.

Run it on an idle computer, with one thread for NumPy's linear algebra::

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_attached.py

Every line contains the operation, its time, the compared quantity, its target, and whether the target
is met. Times are CPU times, because other processes affect wall times more; compared functions run
alternately. The exit status is the number of targets that are not met.
"""

from __future__ import annotations

__all__ = ("main",)

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import astropy.units as u
import numpy as np
from astropy.wcs import WCS
from lsst.images import Box, GeneralFrame, Image, Projection
from lsst.images.convolution_kernels import ImageBasisConvolutionKernel
from lsst.images.fields import BaseField, ChebyshevField, SplineField
from lsst.images.psfs import PSFExPointSpreadFunction

DETECTOR = Box.factory[0:4000, 0:4072]
"""Pixels of one detector of the camera of the Rubin Observatory."""

N_POINTS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the table: time in seconds, and the comparison with a target."""

    what: str
    seconds: float
    figure: float
    unit: str
    target: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.figure >= self.target if self.at_least else self.figure <= self.target

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        verdict = "met" if self.is_met else "MISSED"
        figure = f"{self.figure:.3g} {self.unit}"
        target = f"{sign} {self.target:g} {self.unit}"
        return f"{self.what:<52} {self.seconds * 1e3:10.3f} ms {figure:>12} {target:>12}  {verdict}"


def best(function: Callable[[], Any], repeat: int = 5) -> float:
    """Return the minimum CPU time of several runs, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def best_pair(ours: Callable[[], Any], rival: Callable[[], Any], repeat: int = 5) -> tuple[float, float]:
    """Return the minimum CPU times of two functions that run alternately, in seconds."""
    pairs = [(best(ours, 1), best(rival, 1)) for _ in range(repeat)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def make_projection() -> Projection[Any]:
    """Return a tangent projection with SIP distortions fitted to it."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix, wcs.wcs.crval = [2000.0, 2000.0], [150.0, 2.0]
    wcs.wcs.cd = 0.2 / 3600.0 * np.array([[-0.8, 0.6], [0.6, 0.8]])
    return Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix)).fit_fits_approximation(DETECTOR, order=4)


def projections() -> Iterator[Line]:
    """Compare transforming a million points with calling AST directly."""
    projection = make_projection()
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0.0, 4000.0, (2, N_POINTS))
    bare = projection.pixel_to_sky_transform.ast_mapping.mapping.simplify()
    points = np.stack([x, y])
    sky = projection.pixel_to_sky(x=x, y=y)
    radians = np.stack([sky.ra.rad, sky.dec.rad])
    for name, ours, rival in (
        ("pixel_to_sky", lambda: projection.pixel_to_sky(x=x, y=y), lambda: bare.tran(points, True)),
        ("sky_to_pixel", lambda: projection.sky_to_pixel(sky), lambda: bare.tran(radians, False)),
    ):
        seconds, compared = best_pair(ours, rival, 4)
        yield Line(f"{name} on 10^6 points / bare AST", seconds, seconds / compared, "x", 1.5)


def fields() -> Iterator[Line]:
    """Compare rendering fields on a detector with evaluating them at points."""
    rng = np.random.default_rng(2)
    nodes = np.linspace(0.0, 4000.0, 33)
    spline = SplineField(DETECTOR, rng.normal(size=(33, 33)), y=nodes, x=nodes)
    chebyshev = ChebyshevField(DETECTOR, rng.normal(size=(7, 7)))
    y, x = (grid.astype(np.float64).ravel() for grid in np.mgrid[0:4000:40, 0:4072])

    def point_by_point(field: BaseField) -> None:
        for column in range(1000):
            field(x=column, y=7)

    for name, field in (("ChebyshevField of order 6", chebyshev), ("SplineField of 33x33 nodes", spline)):
        seconds = best(lambda field=field: field.render(DETECTOR))
        for rival, call, points in (
            ("arrays of points", lambda field=field: field(x=x, y=y), x.size),
            ("points one by one", lambda field=field: point_by_point(field), 1000),
        ):
            ratio = best(call, 3) * (DETECTOR.area / points) / seconds
            yield Line(f"{name}: {rival} / render", seconds, ratio, "x", 20.0, at_least=True)


def psfs() -> Iterator[Line]:
    """Measure the evaluation of a PSFEx model."""
    rng = np.random.default_rng(3)
    psf = PSFExPointSpreadFunction(
        rng.uniform(0.5, 1.0, size=(6, 41, 41)).astype(np.float32),
        DETECTOR,
        pixel_step=0.6,
        degree=[2],
        offsets=[2000.0, 2000.0],
        scales=[4000.0, 4000.0],
    )
    seconds = best(lambda: [psf.compute_kernel_image(x=100.0 + i, y=2000.5) for i in range(100)]) / 100
    yield Line("PSFEx: kernel image", seconds, seconds * 1e3, "ms", 1.0)
    x, y = rng.uniform(0.0, 4000.0, (2, 1000))
    many = best(lambda: psf.compute_kernel_images(x=x, y=y), 3) / 1000
    yield Line("PSFEx: kernel image among 1000 in one call", many, many * 1e3, "ms", 1.0)


def kernels() -> Iterator[Line]:
    """Compare a convolution with a direct sum over the pixels of the kernel."""
    rng = np.random.default_rng(4)
    box = Box.factory[0:1000, 0:1000]
    image = Image(rng.normal(size=box.shape), bbox=box)
    basis = rng.normal(size=(1, 21, 21))
    kernel = ImageBasisConvolutionKernel(basis, [ChebyshevField(box, [[1.0]])])
    windows = np.lib.stride_tricks.sliding_window_view(image.array, (21, 21))

    def direct() -> np.ndarray:
        total = np.zeros(windows.shape[:2])
        for row, column in np.ndindex(21, 21):
            total += basis[0, row, column] * windows[:, :, row, column]
        return total

    seconds, rival = best_pair(lambda: kernel.convolve(image), direct, 3)
    ratio = rival / seconds
    yield Line("direct sum / convolution with 21x21 pixels", seconds, ratio, "x", 1.0, at_least=True)


GROUPS = {"projections": projections, "fields": fields, "psfs": psfs, "kernels": kernels}


def main() -> int:
    """Print the table and return the number of targets that are not met."""
    parser = argparse.ArgumentParser(description="Speed of projections, fields, PSFs and kernels.")
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help="what to measure; all by default")
    chosen = parser.parse_args().groups or list(GROUPS)
    missed = 0
    for name in chosen:
        for line in GROUPS[name]():
            print(line, flush=True)
            missed += not line.is_met
    return missed


if __name__ == "__main__":
    sys.exit(main())
