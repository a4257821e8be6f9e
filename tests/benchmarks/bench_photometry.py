# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What lossy compression costs in photometry.

Usage: ``PYTHONPATH=python python tests/benchmarks/bench_photometry.py``

Stars of signal-to-noise ratio 5, 10 and 100 are drawn in white noise, and their fluxes measured with
the weights of their profile (the optimal estimate of an isolated star), before compression and after.
The table gives, for each noise budget, the size, the mean change of the fluxes (bias) and their
scatter, relative to that of the uncompressed image.
"""

from __future__ import annotations

__all__ = ("main",)

import tempfile
from pathlib import Path

import numpy as np
from lsst.images import Box, Image
from lsst.images.fits import FitsCompressionOptions

SIDE, STEP, SIGMA, NOISE = 4000, 25, 2.0, 10.0
FRACTIONS = (0.0002, 0.001, 0.003, 0.01, 0.03, 0.1)
RATIOS = (5, 10, 100)


def make_field(rng: np.random.Generator, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Return an image with a grid of stars, and the profile of a star."""
    y, x = np.mgrid[:STEP, :STEP] - STEP // 2
    profile = np.exp(-(x**2 + y**2) / (2 * SIGMA**2)) / (2 * np.pi * SIGMA**2)
    flux = ratio * NOISE / np.sqrt((profile**2).sum())
    image = rng.normal(0, NOISE, (SIDE, SIDE)) + np.tile(flux * profile, (SIDE // STEP, SIDE // STEP))
    return image.astype(np.float32), profile


def measure(image: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Return the fluxes of all stars."""
    n = SIDE // STEP
    cells = image.reshape(n, STEP, n, STEP)
    return np.einsum("iyjx,yx->ij", cells, profile, dtype=np.float64) / (profile**2).sum()


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(8)
    print(f"{(SIDE // STEP) ** 2} stars per row, Gaussian profile with sigma {SIGMA} pixels")
    print("fraction   q     S/N  bits/pixel  bias (% of scatter)  added scatter (%)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "field.fits"
        for ratio in RATIOS:
            image, profile = make_field(rng, ratio)
            before = measure(image, profile)
            for fraction in FRACTIONS:
                options = FitsCompressionOptions.for_noise(fraction)
                assert options.quantization is not None
                path.unlink(missing_ok=True)
                Image(image, bbox=Box.from_shape(image.shape)).write_fits(
                    path, compression=options, compression_seed=1
                )
                after = measure(Image.read_fits(path).array, profile)
                bias = 100 * (after - before).mean() / before.std()
                scatter = 100 * (np.sqrt(1 + (after - before).var() / before.var()) - 1)
                print(
                    f"{fraction:<8} {options.quantization.level:5.2f} {ratio:5d} "
                    f"{8 * path.stat().st_size / image.size:9.2f} {bias:15.3f} {scatter:18.3f}"
                )


if __name__ == "__main__":
    main()
