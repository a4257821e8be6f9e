# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of what is imported to read a box of an image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lsst.images import Image

SCRIPT = """
import json, sys
from lsst.images import Box, Image
image = Image.read(sys.argv[1], bbox=Box.factory[10:20, 10:20])
assert image.array.sum() == 100
print(json.dumps([name for name in sys.modules]))
"""


@pytest.mark.parametrize("extension", ["fits", "json"])
def test_reading_box_does_not_import_sky_coordinates_or_other_containers(
    extension: str, tmp_path: Path
) -> None:
    path = tmp_path / f"image.{extension}"
    Image(np.ones((40, 40), np.float32)).write(path)
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=True
    )
    imported = set(json.loads(result.stdout))
    assert "lsst.images._pixels" in imported
    for name in (
        *("astropy.coordinates", "astropy.wcs", "astropy.table", "astropy.time", "fitsio", "h5py"),
        *("matplotlib", "lsst.daf.butler", "lsst.images.legacy._visit_reader"),
        *("lsst.images.ndf._input_archive", "lsst.images.fits._archive._output_archive"),
    ):
        assert name not in imported
