# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the commands ``reformat``, ``inspect``, ``schemas`` and ``diagram``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from lsst.images.cli import cli
from lsst.images.io import open_archive, read
from lsst.images.plugins import registry

pytestmark = pytest.mark.filterwarnings("ignore::lsst.images.errors.ImagesWarning")

SOURCES = [
    "visit_image.fits",
    "visit_image_butler.fits",
    "cell_coadd.json",
    "difference_image.sdf",
    "kernel.fits",
]


def run(*args: Any) -> Result:
    return CliRunner().invoke(cli, [*map(str, args)], catch_exceptions=False)


def pixels(obj: Any) -> list[np.ndarray]:
    planes = [getattr(obj, name, None) for name in ("image", "mask", "variance")]
    return [plane.array for plane in planes if plane is not None]


@pytest.mark.parametrize("extension", ["fits", "json", "sdf"])
@pytest.mark.parametrize("name", SOURCES)
def test_reformat_keeps_content(name: str, extension: str, shared_data: Path, tmp_path: Path) -> None:
    source, target = shared_data / "examples43" / name, tmp_path / f"new.{extension}"
    result = run("reformat", source, "-o", target)
    assert result.exit_code == 0, result.output
    old, new = read(source), read(target)
    assert type(new) is type(old)
    for ours, theirs in zip(pixels(new), pixels(old), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if hasattr(old, "metadata"):
        assert new.metadata.native == old.metadata.native
        if old.metadata.external:
            assert (extension == "json") == ("cannot store them" in result.output)
            assert extension == "json" or new.metadata.external == old.metadata.external
    with open_archive(source) as before, open_archive(target) as after:
        assert before.butler_info == after.butler_info
        assert before.info.schema_name == after.info.schema_name


def test_reformat_several_files_into_a_folder_and_report_failures(shared_data: Path, tmp_path: Path) -> None:
    for name in ("visit_image.fits", "cell_coadd.json"):
        shutil.copy(shared_data / "examples43" / name, tmp_path)
    shutil.copy(shared_data / "afw/imageF.fits", tmp_path)
    (tmp_path / "broken.json").write_text('{"schema_url": "https://images.lsst.io/schemas/image-1.0.0"}')
    files = [tmp_path / n for n in ("visit_image.fits", "cell_coadd.json", "imageF.fits", "broken.json")]
    result = run("reformat", *files, "-o", tmp_path / "new", "--format", "ndf")
    assert result.exit_code == 1
    assert "2 of 4 files could not be written" in result.output
    assert "lsst-images convert" in result.output and "broken.json" in result.output
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["cell_coadd.sdf", "visit_image.sdf"]
    again = run("reformat", files[0], "-o", tmp_path / "new/visit_image.sdf")
    assert again.exit_code == 1 and "FileExistsError" in again.output
    assert run("reformat", files[0], "-o", tmp_path / "new/visit_image.sdf", "--overwrite").exit_code == 0


@pytest.mark.parametrize("name", SOURCES)
def test_inspect_lists_all_arrays_of_the_tree(name: str, shared_data: Path) -> None:
    (facts,) = json.loads(run("inspect", "--json", shared_data / "examples43" / name).output)
    assert facts["size"] == (shared_data / "examples43" / name).stat().st_size
    assert facts["schema"].startswith("https://images.lsst.io/schemas/")
    (whole,) = json.loads(run("inspect", "--tree", shared_data / "examples43" / name).output)
    text = json.dumps(whole["tree"])
    assert len(facts["arrays"]) == text.count('"datatype"')
    outside = [array["source"] for array in facts["arrays"] if array["source"] != "inline"]
    assert all(f'"{source}"' in text for source in outside)
    assert all(all(n > 0 for n in array["shape"]) for array in facts["arrays"])


def test_inspect_text_names_image_and_reports_errors(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "no.fits").write_bytes(b"nothing")
    result = run("inspect", shared_data / "examples43/visit_image.fits", tmp_path / "no.fits")
    assert result.exit_code == 1
    assert "container fits, format version 1" in result.output
    assert "fits:IMAGE" in result.output
    assert "1 of 2 files could not be inspected" in result.output


def test_schemas_lists_all_and_shows_documents(shared_data: Path) -> None:
    rows = {row["schema"]: row for row in json.loads(run("schemas", "--json").output)}
    assert rows.keys() >= set(registry.datasets())
    assert rows["visit_image"]["version"] == "1.1.0" and rows["visit_image"]["min_read_version"] == 1
    table = run("schemas").output
    assert all(schema in table for schema in rows)
    document = json.loads(run("schemas", "VisitImage").output)
    published = shared_data.parent / "spec/schemas/visit_image/visit_image-1.1.0.json"
    if published.exists():
        assert document["properties"].keys() == json.loads(published.read_text())["properties"].keys()
    wrong = run("schemas", "VisitImag")
    assert wrong.exit_code == 2 and "Did you mean" in wrong.output


def test_diagram_shows_nested_schemas_in_all_formats() -> None:
    text = run("diagram", "VisitImage", "--depth", "1").output
    assert "image: image 1.0.0" in text and "detector: detector 1.1.0 (optional)" in text
    assert "gaussian_psf" in text
    assert "visit_image -- mask --> mask" in run("diagram", "visit_image", "--format", "mermaid").output
    dot = run("diagram", "visit_image", "--format", "dot").output
    assert dot.startswith("digraph {") and 'visit_image -> detector [label="detector"];' in dot
    for schema in registry.datasets():
        assert run("diagram", schema).exit_code == 0
    assert run("diagram", "nothing").exit_code == 2
