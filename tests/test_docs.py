# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the pages tell people to type does what they say."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.exposures import make_visit_image

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "doc" / "cookbook.rst"


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the repository that the demo leaves, as a reader has it."""
    pytest.importorskip("lsst.daf.butler")
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("demo")
    path = os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "demo.py")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_the_cookbook_is_true(tmp_path: Path) -> None:
    make_visit_image().write_fits(tmp_path / "visit.fits")
    with contextlib.chdir(tmp_path):
        results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 30
    assert results.failed == 0


def test_the_python_of_the_readme_runs_on_what_the_demo_leaves(demo_folder: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    found: dict[str, object] = {}
    with contextlib.chdir(demo_folder):
        exec(block, found)
    assert found["mask"].bbox == found["box"]  # type: ignore[attr-defined]
    assert (demo_folder / "stamp.fits").stat().st_size > 0


def test_the_quick_start_runs_on_what_the_demo_leaves(demo_folder: Path) -> None:
    page = (ROOT / "doc" / "quickstart.rst").read_text()
    blocks = re.findall(r"::\n\n((?: {4}.*\n|\n)+)", page)
    code = "\n".join(re.sub("^ {4}", "", block, flags=re.M) for block in blocks if "pip install" not in block)
    found: dict[str, object] = {}
    with contextlib.chdir(demo_folder):
        exec(code, found)
    assert found["again"].image == found["calexp"].image  # type: ignore[attr-defined]
