# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Install and configure the example package of a third party for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "doc" / "examples" / "my_survey"
"""Source of the package."""

COMMAND = "from lsst.images.cli import main; main()"
"""Python code that runs the command ``lsst-images``."""


def install(directory: Path) -> dict[str, str]:
    """Install the package into an empty directory; return the environment variables that activate it."""
    # Build isolation would download setuptools.
    pytest.importorskip("setuptools", minversion="77")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    # From a copy, because setuptools writes build files beside the source.
    shutil.copytree(EXAMPLE, directory / "source")
    target = ["--no-build-isolation", "--target", str(directory / "site"), str(directory / "source")]
    built = subprocess.run([*pip, *target], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    path = os.pathsep.join([str(directory / "site"), str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])
    variables = {"PYTHONPATH": path, "DAF_BUTLER_CONFIG_PATH": str(directory / "config")}
    run({**os.environ, **variables}, "butler-config", str(directory / "config"))
    return variables


def run(environment: dict[str, str], *arguments: str, code: str = COMMAND) -> str:
    """Run ``lsst-images`` or other Python code, check that it succeeds, and return its output."""
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
