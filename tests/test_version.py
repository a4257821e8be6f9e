# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the version, which is made from git tags."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from lsst.images import __version__
from lsst.images.cli import cli
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]


def git(folder: Path, *arguments: str) -> None:
    """Run git as a fixed author."""
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


def version_of(folder: Path) -> Version:
    """Return the version that an installation from a folder has."""
    pytest.importorskip("setuptools_scm")
    command = [sys.executable, "setup.py", "--version"]
    result = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return Version(result.stdout.split()[-1])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with the build files only."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


@pytest.fixture
def clone(source: Path) -> Path:
    """A git repository of two commits without tags."""
    git(source, "init", "-q")
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "First")
    git(source, "commit", "-q", "--allow-empty", "-m", "Second")
    return source


def test_version_without_git_satisfies_dependants(source: Path) -> None:
    version = version_of(source)
    assert version in SpecifierSet(">=30") and not version.is_prerelease and version.local is None


def test_version_without_tag_is_post_release(clone: Path) -> None:
    version = version_of(clone)
    assert version in SpecifierSet(">=30") and version.post == 2


def test_version_at_tag_is_that_of_tag(clone: Path) -> None:
    git(clone, "tag", "v31.2027.100")
    assert str(version_of(clone)) == "31.2027.100"


def test_version_after_tag_is_later(clone: Path) -> None:
    git(clone, "tag", "v31.2027.100")
    git(clone, "commit", "-q", "--allow-empty", "-m", "Third")
    version = version_of(clone)
    assert version > Version("31.2027.100") and version in SpecifierSet(">=31.2027.100")


def test_version_option_shows_libraries() -> None:
    lines = CliRunner().invoke(cli, ["--version"]).output.splitlines()
    assert lines[0] == f"lsst-images, version {__version__}"
    assert Version(__version__) in SpecifierSet(">=30")
    shown = dict(line.rsplit(" ", 1) for line in lines[3:])
    for name in ("numpy", "astropy", "lsst-daf-butler"):
        assert Version(shown[name]) > Version("0")
