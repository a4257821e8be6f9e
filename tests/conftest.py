# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Configuration and fixtures of all tests: report header, real data files, hypothesis profiles."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"

REPORTED_PACKAGES = (
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
"""Distributions whose versions are printed, because test results depend on them."""

hypothesis.settings.register_profile("default", deadline=None, max_examples=50, print_blob=True)
# Continuous integration draws the same examples in every run and stores none of them.
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print the versions of the packages that test results depend on."""
    versions = ", ".join(f"{name} {_version(name)}" for name in REPORTED_PACKAGES)
    return [
        f"versions: {versions}",
        f"real data files: {SHARED if SHARED.is_dir() else 'missing, tests are skipped'}",
    ]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory of real files with their expected contents, beside the source directory."""
    if not SHARED.is_dir():
        pytest.skip(f"the real data files are not in {SHARED}")
    return SHARED


@pytest.fixture
def make_butler(tmp_path: Path) -> Any:
    """Return a function that creates a repository; see `helpers.repository.new_repo`."""
    repository = pytest.importorskip("helpers.repository")

    def make(name: str = "repo", config: Any = None, **types: str) -> Any:
        return repository.new_repo(tmp_path / name, config=config, **types)

    return make
