# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The example package of somebody else, installed and configured for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "doc" / "examples" / "my_survey"
COMMAND = "from lsst.images.cli import main; main()"


def install(place: Path) -> dict[str, str]:
    """Install the package into an empty folder; return the variables that make it known."""
    # Without isolation, because then nothing is downloaded.
    pytest.importorskip("setuptools", minversion="77")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    # From a copy, because setuptools leaves its scraps beside the source.
    shutil.copytree(EXAMPLE, place / "source")
    target = ["--no-build-isolation", "--target", str(place / "site"), str(place / "source")]
    built = subprocess.run([*pip, *target], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    path = os.pathsep.join([str(place / "site"), str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])
    known = {"PYTHONPATH": path, "DAF_BUTLER_CONFIG_PATH": str(place / "config")}
    run({**os.environ, **known}, "butler-config", str(place / "config"))
    return known


def run(environment: dict[str, str], *arguments: str, code: str = COMMAND) -> str:
    """Run our command, or other code, to a good end; return what it says."""
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
