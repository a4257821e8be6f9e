# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Put and get a type of a plugin that is installed as a distribution."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lsst.daf.butler")

HERE = Path(__file__).parent

# Runs in a new process, because a process loads the definitions of storage classes once.
SCRIPT = """
import sys
import numpy as np
from lsst.daf.butler import Butler, DatasetType
from lsst.images import Box, Image
from my_survey_images import FringeFrame

Butler.makeRepo("repo")
butler = Butler.from_config("repo", writeable=True, run="run")
butler.registry.insertDimensionData(
    "instrument", {"name": "Cam", "visit_max": 9, "exposure_max": 9, "detector_max": 9}
)
butler.registry.insertDimensionData("detector", {"instrument": "Cam", "id": 1, "full_name": "D1"})
dimensions = ("instrument", "detector")
butler.registry.registerDatasetType(
    DatasetType("fringe", dimensions, "FringeFrame", universe=butler.dimensions)
)
data_id = {"instrument": "Cam", "detector": 1}
image = Image(np.arange(600, dtype=np.float32).reshape(20, 30), start=(5, 7))
ref = butler.put(FringeFrame(image, 0.25), "fringe", data_id)
box = Box.factory[8:14, 10:20]
whole = butler.get("fringe", data_id)
part = butler.get("fringe", data_id, parameters={"bbox": box})
component = butler.get("fringe.image", data_id, parameters={"bbox": box})
assert isinstance(whole, FringeFrame) and whole.amplitude == 0.25
assert whole.image == image
assert part.image == component == image[box]
assert whole.butler_dataset.id == part.butler_dataset.id == ref.id
assert whole.butler_provenance is not None and FringeFrame(image, 0.5).butler_dataset is None
print("done")
"""


def test_put_and_get_plugin_type_returns_equal_object(tmp_path: Path) -> None:
    path = [str(HERE / "fake_plugin"), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    config = "from lsst.images.butler import write_config; write_config('config')"
    subprocess.run([sys.executable, "-c", config], cwd=tmp_path, env=environment, check=True)
    environment["DAF_BUTLER_CONFIG_PATH"] = str(tmp_path / "config")
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "done" in result.stdout
