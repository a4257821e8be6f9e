# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Execute the examples of the documentation and the README."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from helpers.exposures import make_visit_image

ROOT = Path(__file__).resolve().parents[1]
COOKBOOK = ROOT / "doc" / "cookbook.rst"


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run ``bin/demo.py`` and return the folder with its repository."""
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


def run_blocks(page: str, folder: Path) -> dict[str, object]:
    """Execute the Python blocks of a page in a folder and return the names they define."""
    text = (ROOT / "doc" / page).read_text()
    blocks = re.findall(r"::\n\n((?: {4}.*\n|\n)+)", text)
    code = "\n".join(re.sub("^ {4}", "", block, flags=re.M) for block in blocks if "pip install" not in block)
    names: dict[str, object] = {}
    with contextlib.chdir(folder):
        exec(code, names)
    return names


def test_cookbook_examples_give_documented_results(tmp_path: Path) -> None:
    make_visit_image().write_fits(tmp_path / "visit.fits")
    with contextlib.chdir(tmp_path):
        results = doctest.testfile(str(COOKBOOK), module_relative=False)
    assert results.attempted > 30
    assert results.failed == 0


def test_stamps_examples_give_documented_results(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        results = doctest.testfile(str(ROOT / "doc/stamps.rst"), module_relative=False)
    assert results.attempted > 8
    assert results.failed == 0


def test_readme_example_runs_in_demo_repository(demo_folder: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    found: dict[str, object] = {}
    with contextlib.chdir(demo_folder):
        exec(block, found)
    assert found["mask"].bbox == found["box"]  # type: ignore[attr-defined]
    assert (demo_folder / "stamp.fits").stat().st_size > 0


def test_getting_started_examples_run_in_demo_repository(demo_folder: Path) -> None:
    found = run_blocks("getting_started.rst", demo_folder)
    assert found["again"].image == found["calexp"].image  # type: ignore[attr-defined]


def test_butler_page_examples_run_in_demo_repository(demo_folder: Path) -> None:
    found = run_blocks("butler.rst", demo_folder)
    assert found["whole"].image == found["visit"].image  # type: ignore[attr-defined]
    assert found["mask"].bbox == found["box"]  # type: ignore[attr-defined]


def test_round_trips_of_remote_box_agree_between_pages() -> None:
    """Compare with the table of ``bench_remote.py``; tests/test_fits_remote.py asserts the number."""
    deployment = (ROOT / "doc" / "deployment.rst").read_text()
    (row,) = re.findall(r"\* - box of 256 x 256, three planes\n((?: +- .*\n)+)", deployment)
    numbers = [cell.strip(" -") for cell in row.splitlines()]
    assert numbers[2:4] == ["2", "2"]
    for page in ("README.md", "doc/cookbook.rst", "doc/deployment.rst"):
        text = " ".join((ROOT / page).read_text().split())
        assert set(re.findall(r"box of a remote file takes (\w+) round trips", text)) == {"two"}, page


def test_api_reference_has_a_page_for_every_public_module() -> None:
    sys.path.append(str(ROOT / "doc"))
    from _reference import public_modules

    package = ROOT / "python" / "lsst" / "images"
    modules = set(public_modules(package))
    folders = {
        path.parent.name for path in package.glob("[a-z]*/__init__.py") if "__all__" in path.read_text()
    }
    assert modules >= {"lsst.images", *(f"lsst.images.{name}" for name in folders - {"tests"})}


def test_architecture_page_lists_layers_of_import_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [layer for contract in contracts for layer in contract.get("layers", ())]
    page = (ROOT / "doc" / "architecture.rst").read_text()
    assert re.findall(r"^``([^`]+)``  +", page, flags=re.M) == layers


def test_displaying_page_examples_run(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    found = run_blocks("displaying.rst", tmp_path)
    assert found["ax"].has_data()  # type: ignore[attr-defined]
    assert (tmp_path / "image.png").stat().st_size > 0
