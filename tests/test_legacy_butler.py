# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading exposures of the pipelines through a Butler without the pipelines.

These are the promises of the page on legacy files.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from lsst.images import VisitImage
from lsst.images.psfs import KernelPointSpreadFunction

DATA_ID = {"instrument": "TestCam", "visit": 42, "detector": 1}
PAGE = Path(__file__).resolve().parents[1] / "doc" / "legacy.rst"


@pytest.fixture
def exposure(shared_data: Path) -> Path:
    return shared_data / "afw" / "exposure_visit_like.fits"


@pytest.fixture
def butler(make_butler: Any, exposure: Path) -> Any:
    """A repository with an ``ExposureF``, ingested in place."""
    butler_module = pytest.importorskip("lsst.daf.butler")
    butler = make_butler(calexp="ExposureF")
    ref = butler_module.DatasetRef(
        butler.get_dataset_type("calexp"), butler.registry.expandDataId(DATA_ID), run="run"
    )
    formatter = "lsst.images.formatters.LegacyFormatter"
    butler.ingest(butler_module.FileDataset(str(exposure), ref, formatter=formatter), transfer="direct")
    return butler


def test_butler_get_without_pipelines_raises_incompatible_type(butler: Any) -> None:
    if importlib.util.find_spec("lsst.afw") is not None:
        pytest.skip("the Science Pipelines are installed")
    with pytest.raises(ValueError, match=r"VisitImage\) is not compatible with .* \(ExposureF"):
        butler.get("calexp", DATA_ID, storageClass="VisitImage")


def test_read_legacy_butler_uri_reads_dataset(butler: Any, exposure: Path) -> None:
    uri = butler.getURI("calexp", DATA_ID)
    psf = VisitImage.read_legacy(uri, component="psf")
    assert isinstance(psf, KernelPointSpreadFunction)
    assert VisitImage.read_legacy(uri).image == VisitImage.read_legacy(exposure).image


SCRIPT = """
from lsst.daf.butler import Butler
from lsst.images import Box, VisitImage
butler = Butler.from_config({root!r}, collections="run")
data_id, box = {data_id!r}, Box.factory[10:50, 20:30]
whole = VisitImage.read_legacy({path!r})
for options in ({{}}, {{"storageClass": "VisitImage"}}):
    assert butler.get("calexp", data_id, **options).image == whole.image
part = butler.get("calexp", data_id, storageClass="VisitImage", parameters={{"bbox": box}})
assert part.image == whole.image[box] == butler.get("calexp.image", data_id, parameters={{"bbox": box}})
for name in ("psf", "detector", "summary_stats", "bbox"):
    assert butler.get("calexp." + name, data_id) == getattr(whole, name), name
print("all of it")
"""


def test_documented_configuration_reads_exposures_as_visit_images(
    butler: Any, exposure: Path, tmp_path: Path
) -> None:
    (block,) = re.findall(r"code-block:: yaml\n\n((?: {8}.*\n)+)", PAGE.read_text())
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "storageClasses.yaml").write_text(textwrap.dedent(block))
    script = SCRIPT.format(root=str(tmp_path / "repo"), data_id=DATA_ID, path=str(exposure))
    environment = {**os.environ, "DAF_BUTLER_CONFIG_PATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "all of it\n", done.stderr
