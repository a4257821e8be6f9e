# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Comparison of benchmark results, and the tables that are made of them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tests" / "benchmarks" / "track.py"


@pytest.fixture(scope="module")
def track() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("track", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_of_documentation_are_those_of_newest_results(track: Any) -> None:
    assert not track.write_tables(write=False), f"Run {SCRIPT.relative_to(ROOT)} tables."


@pytest.mark.parametrize(("ratio", "status"), [(10.0, 0), (8.1, 0), (7.9, 1)])
def test_check_decrease_of_more_than_20_percent_fails(tmp_path: Path, ratio: float, status: int) -> None:
    for name, value in (("old", 10.0), ("new", ratio)):
        content = {"whole": {"ours": 5.0, "ratios": {"astropy": value}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    command = [sys.executable, str(SCRIPT), "check", str(tmp_path / "new.json"), str(tmp_path / "old.json")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == status
    assert ("astropy 7.90x, was 10.00x" in result.stdout) == bool(status)
