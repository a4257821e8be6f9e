# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of scripts, package metadata, configuration files and the EUPS table."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from helpers.exposures import make_visit_image
from lsst.images.version import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")]),
}
COMMANDS = ["bin/compat", "bin/demo", "bin/test", ".ci/run"]


@pytest.mark.parametrize("command", COMMANDS)
def test_script_has_valid_syntax_and_is_executable(command: str) -> None:
    assert os.access(ROOT / command, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / command)], check=True)


def test_setup_script_without_python_names_requirement() -> None:
    script = f"source {ROOT / 'bin' / '_setup.sh'}; set_up test"
    result = subprocess.run(
        ["bash", "-c", script],
        env={**ENVIRONMENT, "PYTHON": "no-such-python"},
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "Python 3.11" in result.stderr and "no-such-python" in result.stderr


def test_demo_without_repository_prints_usage() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "demo.py"), "--help"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "calexp" in result.stdout


def test_demo_missing_file_exits_with_error(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "demo.py"), "absent.fits"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "absent.fits" in result.stderr and "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_demo_unreadable_file_creates_no_repository(tmp_path: Path) -> None:
    (tmp_path / "text.fits").write_text("no FITS file")
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "demo.py"), "text.fits"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "is not a FITS file" in result.stderr and "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["text.fits"]


def test_readme_shows_commands_and_valid_python() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "bin/demo" in readme and "bin/test" in readme
    (block,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    ast.parse(block)


def test_installed_version_equals_version_module() -> None:
    try:
        installed = importlib.metadata.version(PROJECT["name"])
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the distribution is not installed, only on the path")
    assert installed == __version__


def test_configuration_is_package_data() -> None:
    outside = {p.relative_to(ROOT / "config").as_posix() for p in (ROOT / "config").rglob("*.yaml")}
    inside = {name for name in outside if files("lsst.images").joinpath("config", name).is_file()}
    assert inside == outside


def test_eups_table_sets_required_variables() -> None:
    table = (ROOT / "ups" / "images.table").read_text()
    for variable, folder in (("PYTHONPATH", "python"), ("PATH", "bin"), ("DAF_BUTLER_CONFIG_PATH", "config")):
        assert re.search(rf"^env(Prepend|Append)\({variable}, \${{PRODUCT_DIR}}/{folder}\)$", table, re.M)


@pytest.mark.parametrize("first", ["lsst.images.errors", "lsst.daf.butler"])
def test_namespace_package_is_shared_in_any_order(first: str) -> None:
    code = f"import {first}, lsst.daf.butler, lsst.resources, lsst.utils, lsst.images.errors"
    result = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def compat(folder: Path) -> tuple[int, list[str]]:
    """Run ``bin/compat`` and return the exit code and the lines without the name of the folder."""
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "compat.py"), str(folder)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert result.stderr == ""
    return result.returncode, result.stdout.replace(f"{folder}/", "").splitlines()


def test_compat_reports_what_is_not_interpreted(tmp_path: Path) -> None:
    make_visit_image().write(tmp_path / "known.fits")
    make_visit_image().write(tmp_path / "newer.json")
    (tmp_path / "notes.md").write_text("Not an image.")
    (tmp_path / "other.json").write_text(json.dumps({"image": {}, "mask": {}, "variance": {}}))
    tree = json.loads((tmp_path / "newer.json").read_text())
    (tmp_path / "newer.json").unlink()
    total = "1 of 3 files are of this package; 0 different findings."
    assert compat(tmp_path) == (0, [total])

    tree["quality"] = {"components": {}}
    tree["detector"]["attributes"]["gate"] = 1
    tree.update(schema_version="1.2.0.dev0", schema_url=tree["schema_url"].replace("1.1.0", "1.2.0.dev0"))
    tree["psf"] = {"schema_url": "https://example.org/schemas/new_psf-1.0.0", "schema_version": "1.0.0"}
    (tmp_path / "newer.json").write_text(json.dumps(tree))
    (tmp_path / "strange.json").write_text(json.dumps({"schema_url": "https://example.org/schemas/x-2.0.0"}))
    (tmp_path / "damaged.fits").write_bytes((tmp_path / "known.fits").read_bytes()[:9000])
    code, lines = compat(tmp_path)
    assert code == 1
    assert lines[0].startswith("damaged.fits: cannot be read: ")
    assert lines[1:] == [
        "newer.json: schema visit_image 1.2.0.dev0 is newer than 1.1.0",
        "newer.json: unknown component quality",
        "newer.json: unknown member detector/attributes/gate of detector",
        "newer.json: unknown schema https://example.org/schemas/new_psf-1.0.0",
        "strange.json: unknown schema https://example.org/schemas/x-2.0.0",
        "4 of 6 files are of this package; 6 different findings.",
    ]


def test_compat_folder_without_files_of_the_package_fails(tmp_path: Path) -> None:
    assert compat(tmp_path) == (2, ["0 of 0 files are of this package; 0 different findings."])
