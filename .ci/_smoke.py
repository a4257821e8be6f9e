# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Test an installation of the package: write files, read them back, and compare them with astropy.

The first argument is ``compiled`` or ``pure``: whether the C extension must be present.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits
from lsst.images import Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema, __version__


def make() -> MaskedImage:
    """Return an image with noise, NaN and mask bits."""
    rng = np.random.default_rng(1)
    pixels = rng.normal(100, 5, (300, 400)).astype(np.float32)
    pixels[5, 7] = np.nan
    schema = MaskSchema([MaskPlane("BAD", "Bad pixel."), MaskPlane("SAT", "Saturated pixel.")])
    mask = Mask(0, schema=schema, bbox=Box.factory[10:310, 20:420])
    mask.set("BAD", np.isnan(pixels))
    image = Image(pixels, yx0=(10, 20))
    return MaskedImage(image, mask=mask, variance=Image(np.abs(pixels), yx0=(10, 20)))


def equal(one: MaskedImage, other: MaskedImage) -> bool:
    """Return whether all planes are equal."""
    return one.image == other.image and one.mask == other.mask and one.variance == other.variance


def check(folder: Path) -> None:
    """Write a FITS and a JSON file, and read them."""
    written = make()
    path = folder / "image.fits"
    written.write(path)
    box = Box.factory[20:50, 30:90]
    assert equal(MaskedImage.read(path), written)
    assert equal(MaskedImage.read(path, bbox=box), written[box])
    with fits.open(path) as hdus:
        np.testing.assert_array_equal(hdus["IMAGE"].data, written.image.array)
    written.write(folder / "image.json")
    assert equal(MaskedImage.read(folder / "image.json"), written)


def main() -> None:
    """Check the installation."""
    compiled = importlib.util.find_spec("lsst.images.fits._tiles._tile_loops") is not None
    assert compiled == (sys.argv[1] == "compiled"), f"C extension: {compiled}"
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder))
    command = [str(Path(sys.executable).parent / "lsst-images"), "--version"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert __version__ in text
    print(f"Python {sys.version.split()[0]}, {sys.argv[1]}: passed (lsst-images {__version__})")


main()
