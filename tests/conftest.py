# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What all tests share: versions in the report, real files, hypothesis."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"

# Which versions a failure depends on.
REPORTED = (
    "numpy",
    "astropy",
    "pydantic",
    "fitsio",
    "imagecodecs",
    "starlink-pyast",
    "shapely",
    "lsst-daf-butler",
    "lsst-resources",
    "h5py",
    "piff",
)

hypothesis.settings.register_profile("default", deadline=None, max_examples=50, print_blob=True)
# Continuous integration draws the same examples every time, and keeps none.
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print the versions of what the results depend on."""
    versions = ", ".join(f"{name} {_version(name)}" for name in REPORTED)
    return [f"with: {versions}", f"real files: {SHARED if SHARED.is_dir() else 'absent, their tests skip'}"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real files with their truth, beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the real files are not at {SHARED}")
    return SHARED


@pytest.fixture
def make_butler(tmp_path: Path) -> Any:
    """Make repositories with an instrument, a visit and two detectors."""
    butler_module = pytest.importorskip("lsst.daf.butler")
    instrument = {"instrument": "TestCam"}
    records = {
        "instrument": [{"name": "TestCam", "visit_max": 1000, "exposure_max": 1000, "detector_max": 100}],
        "physical_filter": [{**instrument, "name": "r_test", "band": "r"}],
        "day_obs": [{**instrument, "id": 20260102}],
        "detector": [{**instrument, "id": n, "full_name": f"D{n}"} for n in (1, 2)],
        "visit": [
            {**instrument, "id": 42, "name": "42", "physical_filter": "r_test", "day_obs": 20260102},
        ],
    }

    def make(name: str = "repo", config: Any = None, **types: str) -> Any:
        root = tmp_path / name
        butler_module.Butler.makeRepo(str(root), config=config)
        butler = butler_module.Butler.from_config(str(root), writeable=True, run="run")
        for dimension, rows in records.items():
            butler.registry.insertDimensionData(dimension, *rows)
        for dataset_type, storage_class in types.items():
            butler.registry.registerDatasetType(
                butler_module.DatasetType(
                    dataset_type,
                    ("instrument", "visit", "detector"),
                    storage_class,
                    universe=butler.dimensions,
                )
            )
        return butler

    return make
